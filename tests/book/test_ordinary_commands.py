"""The ordinary commands, in a fresh copy and without an installed package, say the same.

`pip install -r requirements.txt` installs the libraries and not this package, so the copy runs in
an environment that sees the libraries alone.
"""

import os
import shutil
import site as python_site
import subprocess
import venv

import pytest
from bs4 import BeautifulSoup

from distance_to_care import places, results
from distance_to_care.publication import build

# What the command `jupyter-book` runs.
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project's files, as a clone would have them."""
    target = tmp_path_factory.mktemp("clone") / "distance-to-care"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=places.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        source = places.ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target / name)
    return target


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """A Python that sees the libraries of this environment, but not the installed package."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A plain path in a .pth file is searched, and the .pth files in it are not: they would bring
    # the editable installation of this project along.
    (packages / "libraries.pth").write_text("\n".join(python_site.getsitepackages()))
    return folder / "bin" / "python"


def run(python, copy, *arguments):
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    clean.pop(places.RESULTS_VARIABLE, None)
    done = subprocess.run(
        [python, *arguments], cwd=copy, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def test_the_environment_has_the_libraries_but_not_the_package(python, tmp_path):
    probe = "import pandas, importlib.util as u; print(u.find_spec('distance_to_care'))"
    found = run(python, tmp_path, "-c", probe)
    assert found.stdout.strip() == "None"


def visible(path) -> str:
    page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml").select_one("main")
    return " ".join(page.get_text(" ").split())


def test_plain_jupyter_book_gives_the_same_tables_and_pages(python, copy, site):
    run(python, copy, "-c", JUPYTER_BOOK, "build", ".")
    plain = copy / "_build" / "html"
    assert results.compare(copy / "_build" / "results" / "_merged") == []
    for page in build.contents():
        assert visible(plain / f"{page}.html") == visible(site / f"{page}.html"), page
    for file in sorted((site / "downloads").iterdir()):
        assert (plain / "downloads" / file.name).read_bytes() == file.read_bytes(), file.name


@pytest.mark.slow
def test_plain_nbval_gives_the_same_tables(python, copy):
    shutil.rmtree(copy / "_build", ignore_errors=True)
    run(python, copy, "-m", "pytest", "--nbval-lax", "notebooks/", "-q", "-p", "no:cacheprovider")
    pages = [n.removeprefix("notebooks/") for n in build.contents() if "notebooks/" in n]
    merged = results.merge(pages, copy / "_build" / "results")
    assert results.compare(merged) == []
