"""All analyses of a cohort file without the book: the notebooks' own code, run outside Jupyter.

There is one copy of every analysis, and it stands in the notebook that explains it. Notebooks
about a cohort carry `"distance_to_care": {"cohort": true}` in their metadata; a chapter that is
added joins `analyse` by that line alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook, ordered


def cohort_notebooks(folder: Path | None = None) -> list[Path]:
    """List the notebooks that analyse a cohort, each after those whose tables it reads."""
    found = []
    for path in sorted((folder or places.NOTEBOOKS).glob("*.ipynb")):
        metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        if metadata.get("distance_to_care", {}).get("cohort", False):
            found.append(Notebook(path))
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
