"""Open a built site in a real browser, cut off from every other host, and ask it questions."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, Page

from distance_to_care.publication import chromium

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK_AXE = """async (rules) => {
  const options = {
    resultTypes: ["violations"],
    runOnly: rules,
    // Experimental in axe, but WCAG 2.5.3 all the same.
    rules: { "label-content-name-mismatch": { enabled: true } },
  };
  const result = await axe.run(document, options);
  return result.violations.map((rule) => rule.id + " (" + rule.tags.filter(
    (tag) => tag.startsWith("wcag") || tag === "best-practice").join(", ") + "): "
    + rule.nodes.map((node) => node.html.slice(0, 160)).join(" | "));
}"""


def over_pages(names: Sequence[str], look: Callable[[Browser, str], list[str]]) -> list[str]:
    """Look at every page, with two browsers that share the pages out; gives all that was found."""

    def look_at(part: Sequence[str]) -> list[str]:
        with chromium.opened() as browser:
            return [found for name in part for found in look(browser, name)]

    with ThreadPoolExecutor(max_workers=2) as workers:
        return [found for part in workers.map(look_at, (names[::2], names[1::2])) for found in part]


@dataclass
class Visit:
    """One page as a first visitor sees it, with what the browser fetched and complained of."""

    page: Page
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    fetched: set[str] = field(default_factory=set)

    def bytes_gzipped(self, site: Path) -> int:
        """Sum of the gzip sizes of everything that was fetched from the folder `site`."""
        files = {site / unquote(urlsplit(address).path).lstrip("/") for address in self.fetched}
        bodies = [(file / "index.html" if file.is_dir() else file).read_bytes() for file in files]
        return sum(len(gzip.compress(body, mtime=0)) for body in bodies)

    def axe(self) -> list[str]:
        """Violations of WCAG 2.2 A and AA and of good practice, one sentence a rule."""
        return self.page.evaluate(ASK_AXE, RULES)

    def add_axe(self) -> None:
        """Load axe into the page, once."""
        self.page.evaluate(AXE.read_text(encoding="utf-8"))


@contextmanager
def visited(
    browser: Browser, base: str, name: str, width: int = 1280, **context: object
) -> Iterator[Visit]:
    """Open a page with an empty cache; requests to any host but `base` are refused and kept."""
    opened: BrowserContext = browser.new_context(
        viewport={"width": width, "height": 900}, reduced_motion="reduce", **context
    )
    try:
        visit = Visit(opened.new_page())
        home = urlsplit(base)

        def route(route) -> None:  # noqa: ANN001 - playwright's own type
            address = urlsplit(route.request.url)
            if address.scheme in {"data", "blob"} or address[:2] == home[:2]:
                route.continue_()
            else:
                visit.foreign.append(route.request.url)
                route.abort()

        def answered(response) -> None:  # noqa: ANN001
            if response.ok and urlsplit(response.url).scheme not in {"data", "blob"}:
                visit.fetched.add(response.url)
            if response.status >= 400:
                visit.complaints.append(f"{response.status} {response.url}")

        opened.route("**/*", route)
        page = visit.page
        page.on("response", answered)
        page.on("pageerror", lambda error: visit.complaints.append(f"script error: {error}"))
        page.on(
            "console",
            lambda line: (
                visit.complaints.append(f"console: {line.text}")
                if line.type in {"error", "warning"}
                else None
            ),
        )
        page.goto(base + name, wait_until="load")
        yield visit
    finally:
        opened.close()
