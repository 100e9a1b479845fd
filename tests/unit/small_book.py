"""A book of a few pages, built with the extension of the book, to look at what it makes."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from lxml import html as markup
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from distance_to_care import places
from distance_to_care.publication import extension

FIGURE = (
    '<figure class="published-figure" id="figure-{name}"><img alt="Ranges" src="a.svg">'
    "<figcaption>Coast and country</figcaption></figure>"
    "<details><summary>Data table</summary><p>12</p></details>"
)


def built(
    folder: Path,
    monkeypatch,
    pages: Mapping[str, str],
    numbers: pd.DataFrame | None = None,
    figures: Mapping[str, str] | None = None,
) -> tuple[dict[str, markup.HtmlElement], str]:
    """Build a book.

    Parameters
    ----------
    pages : the Markdown of each page, by its name; the first is the home page.
    numbers : published numbers; a row each, with the columns of the book's table of numbers.
    figures : the name of each published figure and the page that it stands on.

    Returns
    -------
    The built pages, and what Sphinx warned of.
    """
    source, published = folder / "source", folder / "published"
    for name, text in pages.items():
        path = source / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    published.mkdir()
    if numbers is None:
        numbers = pd.DataFrame(columns=["key", "text", "value", "unit", "kind", "table", "page"])
    numbers.to_csv(published / "numbers.csv", index=False)
    manifest = {
        "pages": {},
        "tables": {name: {"title": f"Table {name}", "page": "one", "redrawn_from_accepted": None}
                   for name in numbers["table"]},
        "figures": {name: {"page": page, "kind": "modelled"}
                    for name, page in (figures or {}).items()},
    }  # fmt: skip
    (published / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    def gather(app, env):
        app.distance_to_care = extension.Published(published)
        return []

    monkeypatch.setattr(extension, "gather", gather)
    # The slides that a build of the whole book has kept are not of this one.
    monkeypatch.setenv(places.RESULTS_VARIABLE, str(folder / "results"))
    monkeypatch.setattr(extension, "write_downloads", lambda app, error: None)
    monkeypatch.setattr(extension, "write_area_file", lambda app, error: None)
    monkeypatch.setattr(extension, "write_take_away", lambda app, error: None)
    said = io.StringIO()
    site = folder / "html"
    with patch_docutils(), docutils_namespace():
        settings = {
            "extensions": ["myst_parser", "distance_to_care.publication.extension"],
            "myst_enable_extensions": ["colon_fence"],
            "root_doc": next(iter(pages)),
            "html_theme": "basic",
            "exclude_patterns": [],
        }
        app = Sphinx(
            source, None, site, folder / "doctrees", "html", settings,
            status=None, warning=said, freshenv=True,
        )  # fmt: skip
        app.build()
    found = {
        name: markup.document_fromstring((site / f"{name}.html").read_bytes().decode("utf-8"))
        for name in pages
    }
    return found, said.getvalue()
