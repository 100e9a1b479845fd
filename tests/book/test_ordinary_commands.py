"""The ordinary commands, in a fresh copy and without an installed package, say the same.

`pip install -r requirements.txt` installs the libraries and not this package, so the copy runs in
an environment that sees the libraries alone.
"""

import shutil
import subprocess

import pytest
from background import WHOLE, ordinary_environment
from bs4 import BeautifulSoup

from distance_to_care import results
from distance_to_care.publication import build


def run(python, folder, *arguments):
    done = subprocess.run(
        [python, *arguments],
        cwd=folder, env=ordinary_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def test_the_environment_has_the_libraries_but_not_the_package(plain_build, tmp_path):
    probe = "import pandas, importlib.util as u; print(u.find_spec('distance_to_care'))"
    found = run(plain_build.python, tmp_path, "-c", probe)
    assert found.stdout.strip() == "None"


# What another build of the same pages may show otherwise, and why.
OF_ONE_BUILD = {
    ".board-list": "pages of the care boards are made by our build alone",
    "li:not(:has(li)):has(a[href*='e5400'])": "and stand in the list of all pages",
    ".prev-next-area": "and so are the ways to them",
    ".edition": "a copy without a history is of another day",
    ".edition-links": "a part of the book lacks pages of the footer",
    "noscript": "and the list of all pages",
    ".meaning": "a term that is a link in the whole book may be a word in a part",
    "a[download][href$='.png']": "slides are drawn where somebody asked for them",
}


def visible(path, between_words: str) -> str:
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml").select_one("main")
    for part in page.select(", ".join(OF_ONE_BUILD)):
        part.decompose()
    return between_words.join(page.get_text(" ").split())


def test_plain_jupyter_book_gives_the_same_tables_and_pages(plain_build, site):
    done, plain = plain_build.done, plain_build.site
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert plain_build.differences() == []
    assert plain_build.pages
    # A part of the book has words for some links, and around them there is no seam.
    between = " " if plain_build.pages == build.contents() else ""
    for page in plain_build.pages:
        seen, expected = (visible(f / f"{page}.html", between) for f in (plain, site))
        assert seen == expected, page
    published = {path.stem for path in plain_build.results.glob("*.csv")} - {"numbers"}
    for file in sorted((site / "downloads").iterdir()):
        if file.stem in published and file.suffix != ".png":
            same = (plain / "downloads" / file.name).read_bytes() == file.read_bytes()
            assert same, file.name


@pytest.mark.slow
@pytest.mark.parametrize("plain_build", [WHOLE], indirect=True)
def test_plain_nbval_gives_the_same_tables(plain_build):
    shutil.rmtree(plain_build.copy / "_build", ignore_errors=True)
    command = ["-m", "pytest", "--nbval-lax", "notebooks/", "-q", "-p", "no:cacheprovider"]
    run(plain_build.python, plain_build.copy, *command)
    pages = [n.removeprefix("notebooks/") for n in build.contents() if "notebooks/" in n]
    merged = results.merge(pages, plain_build.copy / "_build" / "nbval")
    assert results.compare(merged) == []
