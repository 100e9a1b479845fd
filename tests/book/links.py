"""Links to other sites: what they are, whether they are well formed, and whether they answer.

`make links` asks each of them once and prints those that do not answer; it needs the network and
is no part of the tests, because other people's sites fail for reasons of their own. Links inside
the site are checked by every build (`distance_to_care.publication.checks`).
"""

from __future__ import annotations

import re
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lxml import html as markup

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import page_weight

PAUSE_SECONDS = 1.0  # between two questions to one host
PATIENCE_SECONDS = 20
# Where not one of so many hosts answers, it is the network that is missing and not the pages.
FIRST_HOSTS = 5
SILENT = "does not answer"
# Hosts that refuse programs: their answer says nothing about the page.
REFUSED = (401, 403, 405, 429)
AGENT = "distance-to-care link check (one request a link)"
HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def external(site: Path) -> dict[str, list[str]]:
    """List the links of a built site to other sites, each with the pages on which it stands."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in page_weight.pages(site):
        page = markup.document_fromstring((site / name).read_bytes().decode("utf-8"))
        for address in dict.fromkeys(page.xpath("//a/@href")):
            if urlsplit(address).scheme in {"http", "https"} or address.startswith("//"):
                found[address].append(name)
    return dict(found)


def fault(address: str) -> str:
    """Say what is wrong with the form of a link to another site; empty where nothing is."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        return "it does not say http or https"
    if not HOST.fullmatch(parts.hostname or ""):
        return "its host has no name of the web"
    if parts.port or parts.username:
        return "it names a port or a user"
    if re.search(r"[\s<>\"{}|\\^`]", address):
        return "it holds a character that addresses do not have"
    if re.search(r"[.,;:]$|%0A", address):
        return "the punctuation of the sentence went into it"
    return ""


def answer(address: str) -> str:
    """Ask for an address; gives what is wrong, and nothing where it answers."""
    request = urllib.request.Request(address, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return "" if error.code in REFUSED else f"answers {error.code}"
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return f"{SILENT} ({getattr(error, 'reason', error)})"


def unanswered(
    links: Mapping[str, Sequence[str]], pause_seconds: float = PAUSE_SECONDS
) -> Iterator[tuple[str, str]]:
    """Ask every link, host by host in turn; gives each that fails, with what is wrong.

    Raises
    ------
    Problem : where no host of the first few answers, which says nothing about the links.
    """
    last: dict[str, float] = {}
    silent: list[tuple[str, str]] = []
    heard = False
    for address in sorted(links, key=lambda each: each[::-1]):
        if said := fault(address):
            yield address, said
            continue
        host = urlsplit(address).netloc
        time.sleep(max(0.0, last.get(host, 0.0) + pause_seconds - time.monotonic()))
        said = answer(address)
        last[host] = time.monotonic()
        if not heard and said.startswith(SILENT):
            silent.append((address, said))
            if len(last) < FIRST_HOSTS:
                continue
            raise Problem(
                f"None of the first {FIRST_HOSTS} hosts answered ({silent[-1][1]}), so there is "
                "no network here and no link was checked. Run 'make links' where there is one."
            )
        heard = True
        yield from silent
        silent.clear()
        if said:
            yield address, said
    yield from silent


def main() -> int:
    """Print the links that do not answer; fails where there is one, or no network to ask over."""
    links = external(places.ROOT / "_build" / "html")
    print(f"{len(links)} links to other sites")
    wrong = 0
    try:
        for address, said in unanswered(links):
            wrong += 1
            print(f"{address} {said}; on {', '.join(links[address][:3])}")
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{wrong} of them are wrong or do not answer")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
