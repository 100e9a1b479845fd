"""Which edition of the book a page is of: version, data and date, in the footer of every page.

The date is that of the sources and not that of the clock, so that two builds of the same sources
give the same bytes: `SOURCE_DATE_EPOCH` where it is set, else the day of the last commit, else the
day that the citation file names.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import yaml

from distance_to_care import __version__, places, tables
from distance_to_care.problems import Problem

if TYPE_CHECKING:  # A build in which nothing changed asks for the words alone.
    from sphinx.application import Sphinx

EPOCH = "SOURCE_DATE_EPOCH"
CITATION = places.ROOT / "CITATION.cff"
# How the descriptor begins the source of speeds and weights of this book and its programs.
MEASURED = "Measured by this project"
# What the footer leads to: page -> its words.
PAGES = {
    "book/data_dictionary": "Data and their years",
    "book/what_changed": "What changed",
    "book/corrections": "Corrections",
    "book/accessibility": "Accessibility",
    "book/funding_and_interests": "Funding and interests",
}


def in_words(day: date) -> str:
    """Write a day as prose does: 5 November 2026."""
    return f"{day.day} {day:%B %Y}"


def _day(seconds: str) -> date:
    return datetime.fromtimestamp(int(seconds), UTC).date()


def day_of_sources(environment: Mapping[str, str] = os.environ) -> date:
    """Find the day of the sources that the book is made from.

    environment : variables, of which `SOURCE_DATE_EPOCH` is asked first.

    Raises
    ------
    Problem : `SOURCE_DATE_EPOCH` is no number of seconds.
    """
    if seconds := environment.get(EPOCH, "").strip():
        if not seconds.isdecimal():
            raise Problem(f"{EPOCH} is '{seconds}': set it to seconds since 1970, or unset it.")
        return _day(seconds)
    # A copy without a history may lie in a folder of some other one.
    if (places.ROOT / ".git").exists() and shutil.which("git"):
        asked = subprocess.run(
            ["git", "log", "-1", "--format=%ct"],
            cwd=places.ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if asked.returncode == 0 and asked.stdout.strip():
            return _day(asked.stdout)
    released = yaml.safe_load(CITATION.read_text(encoding="utf-8"))["date-released"]
    return date.fromisoformat(str(released))


def _about_the_book(entry: Mapping) -> bool:
    """Say whether an input is no data but what the book says of itself, or measured of itself."""
    measured = all(source["title"].startswith(MEASURED) for source in entry["sources"])
    return measured or entry["path"].startswith(f"{places.REPORTING.name}/")


def day_of_data() -> date:
    """Find the day on which the newest input was made, as the descriptor says."""
    inputs = [entry for entry in tables.descriptor()["resources"] if not _about_the_book(entry)]
    return max(date.fromisoformat(str(entry["created"])[:10]) for entry in inputs)


def words() -> str:
    """Say which edition this is."""
    return (
        f"Version {__version__}. Data as compiled by {in_words(day_of_data())}. "
        f"Built from the sources of {in_words(day_of_sources())}."
    )


def footer(app: Sphinx, page: str, template: str, context: dict, doctree: object) -> None:
    """Put the edition, and links to what one asks of an edition, into the footer of a page."""
    links = " · ".join(
        f'<a href="{context["pathto"](name)}">{title}</a>'
        for name, title in PAGES.items()
        if name in app.env.found_docs
    )
    context["theme_extra_footer"] = f'<p class="edition">{app.distance_to_care_edition}</p>' + (
        f'<p class="edition-links">{links}</p>' if links else ""
    )


def setup(app: Sphinx) -> dict:
    """Register the footer."""
    app.distance_to_care_edition = words()
    app.connect("html-page-context", footer)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
