"""Headlines of figures are arguments: each holds for the accepted numbers, or the build stops."""

import ast
import re
from functools import cache

import pytest

from distance_to_care import places, results, source_lines
from distance_to_care.publication import sentences
from distance_to_care.publication.notebooks import Notebook

ACCEPTED = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
# Words that look as if they pointed somewhere, and what they are.
NOT_A_CLAIM = {
    "funnel_detected_figure": "a quarter of a year",
    "funnel_different_figure": "how a funnel is read",
    "coordinator_figure": "a division: a price among more people",
    "funnel_alike_figure": "what is assumed of the boards",
    "waiting_by_share": "what the drawing varies",
    "sma_travel_boards": "its count is computed with the title",
    "drives_longer_than_usual": "which hospitals are listed",
    "left_after_a_cause": "what is assumed of a cause",
    "virtual_review_exclusion": "what the assumption says: fewer of them are seen by video",
}
# Headlines that compare numbers, not the ends of their ranges, and why that is the whole claim.
# One that says `base list` in its words is one more.
OF_THE_NUMBERS = {
    "lives_months": "how far the estimates lie apart is set against the interval of one of them",
    "screening_by_age": "how fast is a guess: two assumed curves are compared",
    "sma_births_rates": "the rates are set against one another as they were published",
}
# Words of a headline that claim an extreme, or all lists and intervals; prose has them unbound.
EXTREME = re.compile(
    r"\b(least(?! deprived)|smallest|largest|longest|shortest|stays?|every list|clear of|hangs? on|"
    r"the same|alike)\b"
)
# A key that a condition asks for as it is, and not through a function.
BARE = re.compile(r"(?<![a-z_]\()\[(?P<key>[^\[\]]+)\]")


def _words(title: ast.expr) -> str | None:
    """The words of a title that is written out; what is computed in it is left open."""
    if isinstance(title, ast.JoinedStr):
        return "".join(_words(part) or "…" for part in title.values)  # noqa: PD011 (no table)
    return title.value if isinstance(title, ast.Constant) and title.value else None


@cache
def figures_of_notebooks() -> dict[str, tuple[str, str]]:
    """The title and the notebook of every figure whose name and title are written out."""
    found = {}
    for path in sorted(places.NOTEBOOKS.glob("*.ipynb")):
        for source in Notebook(path).code:
            tree = ast.parse(source)
            said = {
                target.id: node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name) and _words(node.value)
            }
            for node in ast.walk(tree):
                written = isinstance(node, ast.Call) and ast.unparse(node.func) == "page.figure"
                # Without a title the drawing counts its intervals, whoever the people are.
                if written and len(node.args) > 2:
                    _, name, title = node.args[:3]
                    title = said.get(title.id) if isinstance(title, ast.Name) else title
                    title = _words(title)
                    if isinstance(name, ast.Constant) and isinstance(title, str):
                        found[name.value] = (title, path.stem)
    return found


@cache
def entries() -> dict[str, dict]:
    """What the manifest will have of the figures, as the notebooks have them today."""
    today = {name: {"title": title, "page": page}
             for name, (title, page) in figures_of_notebooks().items()}  # fmt: skip
    return results.accepted_manifest()["figures"] | today


def test_every_condition_is_of_a_figure_that_is_there():
    assert set(sentences.headlines()) <= set(entries())
    assert len(sentences.headlines()) > 30


@pytest.mark.parametrize("name", sentences.headlines())
def test_a_headline_holds_for_the_accepted_numbers(name):
    numbers = sentences.Numbers(ACCEPTED)
    asked = sentences.of_figures({name: entries()[name]}, entries()[name]["page"])
    assert len(asked) == 1
    assert sentences.faults(asked, numbers) == []


def narrow(condition: str) -> list[str]:
    """The numbers with a range that the condition of a headline asks for without its ends."""
    filed, out = sentences.Numbers(ACCEPTED), []
    for key in dict.fromkeys(BARE.findall(condition)):
        own = sentences.RANGE.search(filed.text(key))
        ranged = key if own else f"{key}.range"
        both = all(f"{end}([{ranged}])" in condition for end in ("low", "high"))
        if (own or ranged in set(ACCEPTED["key"])) and not both:
            out.append(key)
    return out


def test_a_headline_is_held_at_the_ends_of_its_ranges():
    found = {name: narrow(condition) for name, condition in sentences.headlines().items()}
    of_one = {name for name in found if "base list" in entries()[name]["title"].lower()}
    assert {name for name, keys in found.items() if keys} - of_one == set(OF_THE_NUMBERS)


def test_a_headline_of_the_base_list_alone_is_found():
    """As it stood once: most live by the sea, which is untrue of the surest sites."""
    key = "deprived_far.ordinary driving.most deprived fifth.60.{}.people aged 65 and over"
    towns, everybody = key.format("urban coastal"), key.format("all")
    once = f"[{towns}] * 2 > [{everybody}]"
    assert narrow(once) == [towns, everybody]
    assert narrow(f"each([{towns}]) * 2 > each([{everybody}])") == []
    numbers = sentences.Numbers(ACCEPTED)
    assert sentences.holds(once, numbers)
    assert not sentences.holds(f"each([{towns}]) * 2 > each([{everybody}])", numbers)


def test_a_headline_that_points_somewhere_says_when_it_holds():
    found = figures_of_notebooks()
    assert len(found) > 60
    unbound = [
        f"{page}: {name}: {title}"
        for name, (title, page) in found.items()
        if (sentences.POINTING.search(title) or EXTREME.search(title))
        and not {name, f"synthetic_{name}"} & (set(sentences.headlines()) | set(NOT_A_CLAIM))
    ]
    assert unbound == []


def test_the_figure_of_a_headline_that_no_longer_holds_is_named():
    entry = entries()["sma_travel_deprivation"]
    asked = sentences.of_figures({"sma_travel_deprivation": entry}, "sma_travel")
    turned = ACCEPTED.copy()
    turned.loc[turned["key"] == "sma_travel.children.1.mean", "text"] = "300"
    (fault,) = sentences.faults(asked, sentences.Numbers(turned))
    assert "headline of the figure sma_travel_deprivation" in fault
    assert "sma_travel.children.1.mean is 300" in fault
    # Another page does not answer for it.
    assert sentences.of_figures({"sma_travel_deprivation": entry}, "sma_births") == []


def test_every_input_of_a_figure_is_in_its_source_line_or_only_carries_others():
    manifest = results.accepted_manifest()
    tables = {entry["table"] for entry in manifest["figures"].values()}
    sources = {s for t in tables for s in manifest["tables"][t]["sources"]}
    assert len(sources) > 20
    unnamed = sources - set(source_lines.inputs()) - source_lines.carriers() - {results.COHORT}
    # Of synthetic people the kind of the figure says who they are.
    assert {name for name in unnamed if not name.startswith("synthetic_")} == set()


def test_a_source_line_says_each_source_once():
    line = source_lines.source_line("Published estimates", ["published_estimates", "evidence_map"])
    assert line == (
        "Source: Distance to Care. Published estimates. Made from publications cited in the book."
    )
    # What the kind says already is not said again.
    kind = results.BANNERS["modelled"]
    said = source_lines.source_line(kind, ["centres_ild", "imd_2019"])
    assert said.count("list of centres") == kind.count("list of centres") == 1
    assert said.endswith("Made from English indices of deprivation 2019 (MHCLG).")
    quoted = source_lines.source_line("Published", ["published_estimates"], ["A. 2020", "B. 2021"])
    assert quoted.endswith("Made from publications cited in the book: A. 2020; B. 2021.")
    alone = source_lines.source_line("Synthetic people", ["cohort"])
    assert alone == "Source: Distance to Care. Synthetic people."
