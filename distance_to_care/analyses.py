"""All analyses of a cohort file without the book: the notebooks' own code, run outside Jupyter.

There is one copy of every analysis, and it stands in the notebook that explains it. Notebooks
about a cohort carry `"distance_to_care": {"cohort": true, "study": NAME}` in their metadata; a
chapter that is added joins `analyse` by that line alone. A chapter that names a study holds its
columns and its published figures, and is run for no other. The one that names `any` uses the
columns that all studies share, and is run for every study without chapters of its own.

A chapter that says `"from_file": true` needs nobody in memory: where there are more people than
`long_cohort.PEOPLE`, it is run for every study, and no other is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path

from distance_to_care import forecast, guard, places, results
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.publication.notebooks import (
    ANY,
    Notebook,
    ordered,
    refuse_to_show_people,
    serving,
)
from distance_to_care.study import EXPOSURES, Study


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
        written_for |= {named} - {None, ANY}
        if study is None or named in (None, study):
            found.append(Notebook(path))
    if study is not None and not found:
        raise Problem(
            f"No chapter analyses a cohort of the study '{study}': those of this book are written "
            f"for {', '.join(sorted(written_for)) or 'none'}, with its columns and "
            "its published figures. Leave 'chapters' out of your study file, so that the chapter "
            "for any disease runs, or name one of these there, if your study has all of its "
            "columns; CONTRIBUTING.md says how chapters are added."
        )
    return [notebook.path for notebook in ordered(found)]


def notebooks_from_file(folder: Path | None = None) -> list[Path]:
    """List the notebooks that work from a file of people, of whatever study.

    folder : folder of the notebooks, if not the project's.
    """
    found = []
    for path in cohort_notebooks(folder=folder):
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["distance_to_care"]
        if about.get("from_file", False) and about.get("study") in (None, ANY):
            found.append(path)
    return found


def left_in_memory(study: Study) -> list[str]:
    """Name the chapters of a study that are left out where people are too many for memory."""
    whole = {path.stem for path in notebooks_from_file()}
    return [path.stem for path in cohort_notebooks(chapters_for(study)) if path.stem not in whole]


def chapters_from_file(study: Study) -> list[forecast.Contents]:
    """Say what each chapter that works from a file publishes of the people of a study."""
    return [_contents_of_any(path.stem, study) for path in notebooks_from_file()]


def chapters_for(study: Study) -> str:
    """Name the study whose chapters analyse the people of a study.

    Raises
    ------
    Problem : the study file names chapters that there are not.
    """
    named = serving(study, {Notebook(path).study for path in cohort_notebooks()})
    cohort_notebooks(named)
    return named


def about(study: Study) -> list[str]:
    """Say in sentences where no chapter is written for a study, and what serves it instead."""
    if study.chapters_of == ANY or chapters_for(study) != ANY:
        return []
    names = ", ".join(path.stem for path in cohort_notebooks(ANY))
    return [
        f"No chapter of this book is written for the study '{study.name}'. The chapter for any "
        f"disease ({names}) analyses it: who is in the file and in each model, people when first "
        "seen, and survival by deprivation and by distance with the models of your study file."
    ]


def chapters(study: Study) -> list[forecast.Contents]:
    """Say what each chapter publishes, as it published it of the book's own cohort.

    Parameters
    ----------
    study : the study of the people that are to be analysed.

    Returns
    -------
    One entry a chapter, in the order in which `analyse` runs them.
    """
    published: dict[str, list[str]] = {}
    for name, entry in results.accepted_manifest()["tables"].items():
        published.setdefault(entry["page"], []).append(name)
    named = chapters_for(study)
    names = [path.stem for path in cohort_notebooks(named)]
    if named == ANY:
        return [_contents_of_any(name, study) for name in names]
    return [_contents(name, published.get(name, [])) for name in names]


def _contents_of_any(chapter: str, study: Study) -> forecast.Contents:
    models = {(name, by) for name in ("unadjusted", *study.adjustments) for by in EXPOSURES}
    return forecast.Contents(
        chapter,
        frozenset(EXPOSURES),
        frozenset(study.columns),
        frozenset(models),
        frozenset(forecast.EVENTS),
        curves=True,
    )


def _contents(chapter: str, names: Iterable[str]) -> forecast.Contents:
    groups, variables, events = set(), set(), set()
    models: set[tuple[str, str]] = set()
    curves = False
    for name in names:
        table = results.read_published(places.ACCEPTED / f"{name}.csv", name)
        said = {column: set(table[column]) for column in table if table[column].dtype == object}
        variables |= said.get("variable", set())
        compared = set().union(*(said.get(c, ()) for c in ("group_by", "exposure", "term")))
        groups |= compared & set(EXPOSURES)
        variables |= compared - set(EXPOSURES)
        events |= {column for column in forecast.EVENTS if column in table}
        curves |= {"at_risk", "time_years"} <= set(table) and name.endswith("_curves")
        for exposure in compared & set(EXPOSURES):
            models |= {(model, exposure) for model in said.get("model", ()) if model}
    return forecast.Contents(
        chapter,
        frozenset(groups),
        frozenset(variables),
        frozenset(models),
        frozenset(events),
        curves,
    )


def run(path: Path, progress: Callable[[str], None]) -> None:
    """Run the code of one notebook in this process.

    The cohort, its study, its kind and the folder of results come from the environment variables
    of `places`, just as they do for the book. While the people are a registry's, nothing is
    printed, written elsewhere or sent.

    Raises
    ------
    Problem : what the analysis found wrong, as a sentence; or code that would show people.
    """
    progress(f"  {path.stem}")
    notebook = Notebook(path)
    refuse_to_show_people([notebook])
    execute(path, notebook.code, os.environ.get(places.KIND_VARIABLE) == "registry")


def execute(path: Path, cells: Iterable[str], guarded: bool) -> None:
    """Execute the code cells of a notebook in order, under guard where a registry is read.

    Raises
    ------
    Problem : what the analysis found wrong, as a sentence.
    """
    namespace: dict = {"__name__": "__main__"}
    for place, source in enumerate(cells, start=1):
        name = f"{path.name}, code cell {place}"
        folders = [places.results_root(), *places.prepared_folders()]
        watch = guard.watching(*folders) if guarded else nullcontext()
        try:
            with watch:
                exec(compile(source, name, "exec"), namespace)
        except BaseException as error:
            # What asks Python to end says its text on the terminal, as any error would.
            if isinstance(error, KeyboardInterrupt) and not error.args:
                raise KeyboardInterrupt from None
            if isinstance(error, Problem) and not _raised_in(error, name):
                found = AnalysisError if isinstance(error, AnalysisError) else Problem
                raise found(f"notebooks/{name}: {error}") from None
            # Its text may quote a row, so it is withheld.
            raise Problem(
                f"notebooks/{name}: the analysis failed with {_kind_of(error)}. Its text is "
                "withheld, because it may quote a row; run the notebook to see it."
            ) from None


def _kind_of(error: BaseException) -> str:
    """Name an error as Python or a library does: a name of the chapter's own may quote a row."""
    kind = type(error)
    return "an error of its own" if kind.__module__ == "__main__" else kind.__name__


def _raised_in(error: BaseException, name: str) -> bool:
    """Say whether a notebook's own code raised an error, and so chose its words."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and last.tb_frame.f_code.co_filename == name
