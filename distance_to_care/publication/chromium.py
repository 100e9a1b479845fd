"""An installed Chromium without a window, for slides, for the printed book and for the tests.

Nothing of the site needs it: it draws what readers take to a talk or to a printer.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from distance_to_care.problems import Problem

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Letters of one weight on every machine, as far as its fonts are the same.
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
)


def executable() -> str:
    """Find an installed browser.

    Raises
    ------
    Problem : where there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise Problem(
            "Slides and the printed book are drawn by Chromium, and there is none here. "
            "Install it (sudo apt-get install chromium), or run 'make browser'."
        )
    return found


@contextmanager
def opened() -> Iterator[Browser]:
    """Start one browser.

    Raises
    ------
    Problem : where there is none, or nothing that speaks to it, or it fails.
    """
    found = executable()
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise Problem(
            "Slides and the printed book need the Python package playwright: "
            "pip install --require-hashes --requirement requirements.txt"
        ) from None
    with sync_playwright() as playwright:
        try:
            with playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS)) as browser:
                yield browser
        except Error as error:
            said = error.message.strip().partition("\n")[0]
            raise Problem(
                f"The browser {found} failed: {said} Try again; if it fails again, see whether it "
                "opens a page by hand."
            ) from error
