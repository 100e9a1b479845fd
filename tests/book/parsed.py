"""Built pages as trees, each parsed once in a process: tests read them and change nothing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag


@cache
def page(site: Path, name: str) -> BeautifulSoup:
    """Parse a page of the site, such as `notebooks/survival_by_distance`."""
    return BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "lxml")


@cache
def main(site: Path, name: str) -> Tag:
    """The part of a page that is neither menu nor footer."""
    return page(site, name).select_one("main")
