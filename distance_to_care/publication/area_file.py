"""The table of every area in the downloads of a site, where the official files are present.

The table holds official data, so it is made at build time and never kept in the repository.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd

from distance_to_care import atlas, disclosure, results

FILE = f"{atlas.NAME}.zip"


def texts(table: pd.DataFrame) -> dict[str, str]:
    """Write the table and what its columns mean as text: ending of the file -> its content."""
    checked = disclosure.check(table, "modelled", name=atlas.NAME)
    described = json.dumps(atlas.about(table), indent=2, ensure_ascii=False) + "\n"
    return {".csv": results.to_csv(checked), ".json": described}


def zipped(table: pd.DataFrame) -> bytes:
    """Pack the table and its description into one archive: the same table, the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for ending, text in texts(table).items():
            # A fixed date: an archive otherwise remembers when it was packed.
            member = zipfile.ZipInfo(f"{atlas.NAME}{ending}")
            archive.writestr(member, text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def link(depth: str) -> str:
    """Return the paragraph that leads to the file, or says how to make it.

    Parameters
    ----------
    depth : path from the page to the root of the site: `../` for each folder.
    """
    if atlas.available():
        return (
            f'<p class="downloads">Download: <a href="{depth}downloads/{FILE}" download>every area '
            "of England (ZIP)</a></p><p>The archive holds a table (CSV) of every area's drive, "
            "deprivation (car ownership not included), rurality and people, and what its columns "
            "mean.</p>"
        )
    return (
        "<p>The table of every area is not among the downloads of this site: it holds official "
        "data that were absent when the site was built. After <code>make data</code>, "
        "<code>distance-to-care atlas --output areas.csv</code> writes it.</p>"
    )


def write(folder: Path, kept: Path) -> Path | None:
    """Write the file into the downloads; made anew only where its inputs have changed.

    Parameters
    ----------
    folder : the downloads of the site.
    kept : folder that keeps the file between builds, outside the repository's own files.

    Returns
    -------
    The file, or None where the official files are absent.
    """
    if not atlas.available():
        return None
    ready = kept / f"{atlas.digest()}.zip"
    if not ready.exists():
        content = zipped(atlas.area_table())
        kept.mkdir(parents=True, exist_ok=True)
        for old in kept.glob("*.zip"):
            old.unlink()
        part = ready.with_suffix(".part")
        part.write_bytes(content)
        part.replace(ready)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / FILE
    target.write_bytes(ready.read_bytes())
    return target
