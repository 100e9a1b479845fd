"""The chapter on local services: its file of waits, what is refused, and what it draws from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from distance_to_care import funnel, official, places, results, tables
from distance_to_care.problems import Problem
from distance_to_care.publication.notebooks import Notebook

CHAPTER = places.NOTEBOOKS / "sma_local_services.ipynb"


def waits(boards: int = 36) -> pd.DataFrame:
    """Invented boards: 20 of 100 children late everywhere, but 45 of 100 in the last one."""
    rng = np.random.default_rng(4)
    children = np.linspace(60, 400, boards).round().astype(int)
    children[1] = children[0]
    late = rng.binomial(children, [0.2] * (boards - 1) + [0.45])
    adults = children * 6
    adults_late = rng.binomial(adults, 0.15)
    return pd.DataFrame(
        {
            "board": [f"Invented board {i}" for i in range(boards)],
            "children_within_18_weeks": children - late,
            "children_after_18_weeks": late,
            "adults_within_18_weeks": adults - adults_late,
            "adults_after_18_weeks": adults_late,
        }
    )


def test_the_file_of_waits_is_recognised_and_read(tmp_path):
    waits().to_csv(tmp_path / "any_name.csv", index=False)
    assert official.find(tmp_path)["wheelchair_waits"].name == "any_name.csv"
    read = official.read("wheelchair_waits", tmp_path / "any_name.csv")
    assert list(read) == [
        *("board", "children_on_time", "children_late", "adults_on_time", "adults_late")
    ]
    assert len(read) == 36
    assert (read["adults_on_time"] + read["adults_late"]).iloc[0] == 360


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.head(4), "has 4 rows where 10 to 60 are expected"),
        (lambda t: t.drop(columns="adults_after_18_weeks"), "is not recognised as 'wheelchair"),
        (lambda t: pd.concat([t, t.head(1)]), "board more than once"),
        (
            lambda t: pd.concat([t, t.head(1).assign(board="ENGLAND")]),
            "1 rows of totals in the column for board, such as England",
        ),
        (
            lambda t: t.assign(children_after_18_weeks=[-1, *[5] * 35]),
            "1 rows in the column for children_late that are no count",
        ),
        (
            lambda t: t.assign(adults_within_18_weeks=[0.84, *[50] * 35]),
            "1 rows in the column for adults_on_time that are no count",
        ),
        (
            lambda t: t.astype(object).assign(children_after_18_weeks=["*"] + [5] * 35),
            "text in the column of numbers for children_late",
        ),
        (
            lambda t: t.assign(adults_after_18_weeks=[None] + [5] * 35),
            "empty cells in the column for adults_late",
        ),
    ],
)
def test_another_layout_is_refused_in_a_sentence(tmp_path, change, says):
    path = tmp_path / "waits.csv"
    change(waits()).to_csv(path, index=False)
    with pytest.raises(Problem, match=says):
        official.read("wheelchair_waits", path)


@pytest.fixture
def chapter(tmp_path, monkeypatch):
    """Run the chapter with the official files of a folder, and return what it published."""

    def run(folder):
        monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(folder))
        monkeypatch.setenv(places.RESULTS_VARIABLE, str(tmp_path / "results"))
        names: dict = {"display": lambda shown: None}
        for source in Notebook(CHAPTER).code:
            exec(compile(source, CHAPTER.name, "exec"), names)
        return tmp_path / "results" / CHAPTER.stem

    return run


def test_without_the_file_the_chapter_says_so(chapter, tmp_path):
    empty = tmp_path / "nothing"
    empty.mkdir()
    published = chapter(empty)
    status = results.read_published(published / "wheelchair_status.csv", "wheelchair_status")
    assert status["note"].tolist() == ["not yet supplied"]
    assert not list(published.glob("wheelchair_children*"))


def test_with_the_file_the_board_that_differs_is_found(chapter, tmp_path):
    folder = tmp_path / "official"
    folder.mkdir()
    waits().to_csv(folder / "waits.csv", index=False)
    published = chapter(folder)
    children = results.read_published(published / "wheelchair_children.csv", "wheelchair_children")
    share = children[children["measure"] == "share"]
    unusual = share[share["verdict"] != funnel.WITHIN]
    assert unusual["board"].tolist() == ["Invented board 35"]
    assert (children["kind"] == "open").all()
    # Two boards of one size have a row each.
    assert share["value"].duplicated().any() and share["board"].is_unique
    drawing = (published / "wheelchair_children_figure.svg").read_text(encoding="utf-8")
    assert "Invented board 35" in drawing


def test_a_quarter_without_anybody_late_is_no_funnel_and_no_fault(chapter, tmp_path):
    folder = tmp_path / "official"
    folder.mkdir()
    none = waits().assign(children_after_18_weeks=0)
    none.to_csv(folder / "waits.csv", index=False)
    published = chapter(folder)
    assert not list(published.glob("wheelchair_children*"))
    assert list(published.glob("wheelchair_adults.csv"))


def test_every_service_has_a_question_and_a_page_where_it_was_read():
    services = tables.read("local_services")
    known = set(tables.read("sources")["key"])
    assert set(services["source"]) <= known
    assert services["question"].str.endswith("?").all()
    assert len(services) >= 9
