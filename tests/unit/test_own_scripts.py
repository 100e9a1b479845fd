"""The book's own scripts are small together, and ask for nothing that a folder refuses."""

import re

from distance_to_care import places

SCRIPTS = sorted((places.BOOK / "_static").glob("*.js"))
# Issue 10: all of our own scripts together, as they are written, without compression.
HEAVIEST_BYTES = 60_000


def test_own_scripts_are_small_together():
    assert {path.name for path in SCRIPTS} >= {"distance-to-care.js", "search.js", "claims.js"}
    assert sum(len(path.read_bytes()) for path in SCRIPTS) < HEAVIEST_BYTES


def test_own_scripts_use_nothing_that_a_folder_refuses():
    """Pages opened from a folder may not fetch, import modules or keep cookies."""
    for path in SCRIPTS:
        source = re.sub(r"^\s*//.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        refused = re.findall(
            r"\b(?:fetch\(|XMLHttpRequest|import |require\(|document\.cookie|Worker\()", source
        )
        assert refused == [], path.name
        assert '"use strict"' in source, path.name
