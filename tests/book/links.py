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
from pathlib import Path
from urllib.parse import urlsplit

from lxml import html as markup

from distance_to_care import places
from distance_to_care.publication import page_weight

PAUSE_SECONDS = 1.0  # between two questions to one host
PATIENCE_SECONDS = 20
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
        return f"does not answer ({getattr(error, 'reason', error)})"


def main() -> int:
    """Ask every link, host by host in turn, and print those that do not answer."""
    site = places.ROOT / "_build" / "html"
    links = external(site)
    print(f"{len(links)} links to other sites")
    last: dict[str, float] = {}
    wrong = 0
    for address, pages in sorted(links.items(), key=lambda each: each[0][::-1]):
        host = urlsplit(address).netloc
        time.sleep(max(0.0, last.get(host, 0.0) + PAUSE_SECONDS - time.monotonic()))
        said = fault(address) or answer(address)
        last[host] = time.monotonic()
        if said:
            wrong += 1
            print(f"{address} {said}; on {', '.join(pages[:3])}")
    print(f"{wrong} of them are wrong or do not answer")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
