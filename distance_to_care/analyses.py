"""All analyses of a cohort file without the book: the notebooks' own code, run outside Jupyter.

There is one copy of every analysis, and it stands in the notebook that explains it. Notebooks
about a cohort carry `"distance_to_care": {"cohort": true, "study": NAME}` in their metadata; a
chapter that is added joins `analyse` by that line alone. A chapter that names a study holds its
columns and its published figures, and is run for no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook, ordered


def cohort_notebooks(study: str | None = None, folder: Path | None = None) -> list[Path]:
    """List the notebooks that analyse a cohort, each after those whose tables it reads.

    Parameters
    ----------
    study : name of the study whose chapters are wanted; every study's where none is named.
    folder : folder of the notebooks, if not the project's.

    Raises
    ------
    Problem : no chapter is written for the study.
    """
    found, written_for = [], set()
    for path in sorted((folder or places.NOTEBOOKS).glob("*.ipynb")):
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"].get("distance_to_care", {})
        if not about.get("cohort", False):
            continue
        named = about.get("study")
        written_for.add(named)
        if study is None or named in (None, study):
            found.append(Notebook(path))
    if study is not None and not found:
        raise Problem(
            f"No chapter analyses a cohort of the study '{study}': those of this book are written "
            f"for {', '.join(sorted(filter(None, written_for))) or 'none'}, with its columns and "
            "its published figures. If your study has all columns of one of them, write "
            'chapters = "its name" into your study file; CONTRIBUTING.md says how chapters are '
            "added."
        )
    return [notebook.path for notebook in ordered(found)]


def run(path: Path, progress: Callable[[str], None]) -> None:
    """Run the code of one notebook in this process.

    The cohort, its study, its kind and the folder of results come from the environment variables
    of `places`, just as they do for the book.

    Raises
    ------
    Problem : what the analysis found wrong, as a sentence.
    """
    progress(f"  {path.stem}")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    namespace: dict = {"__name__": "__main__"}
    for place, cell in enumerate((cell for cell in cells if cell["cell_type"] == "code"), start=1):
        source = "".join(cell["source"])
        try:
            exec(compile(source, f"{path.name}, code cell {place}", "exec"), namespace)
        except Problem as problem:
            raise Problem(f"notebooks/{path.name}, code cell {place}: {problem}") from None
        except Exception as error:
            # Its text may quote a row, so it is withheld.
            raise Problem(
                f"notebooks/{path.name}, code cell {place}: the analysis failed with "
                f"{type(error).__name__}. Its text is withheld, because it may quote a row; run "
                "the notebook to see it."
            ) from None
