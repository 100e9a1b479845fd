"""The claims register: every claim of both documents is answered, plainly, fairly and live."""

from __future__ import annotations

import csv
import json
import re

import pandas as pd
import pytest
from test_prose import SCENARIOS, digit_faults, mark_faults, scenario_faults, word_faults

from distance_to_care import places, results, tables
from distance_to_care.publication import registers, survival_choice

# How many claims each document makes, by our numbering.
DOCUMENTS = {"A": 29, "B": 24}
SOURCES = {"A": "smauk2022", "B": "kingsfund2024"}
FORMATTED = ("evidence", "computed", "settle")
PROSE = ("claim", "why_sure", *FORMATTED)
NOTEBOOK = places.NOTEBOOKS / "claims_register.ipynb"
# Names of forms of the disease and of groups, which are no results.
ALLOWED = ["type 1", "type 2"]
# A sentence ends where the next one begins, with a capital letter or a number of the book.
END_OF_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\[{*])")


@pytest.fixture(scope="module")
def claims():
    return tables.read("claims")


@pytest.fixture(scope="module")
def accepted():
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: row["kind"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def page_of():
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        return {row["key"]: row["page"] for row in csv.DictReader(file)}


def page_source() -> str:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def roles(text: str, name: str) -> list[str]:
    return re.findall(rf"\{{{name}\}}`([^`]+)`", text)


def cells(claims, columns=PROSE):
    return [(row["id"], column, row[column]) for row in claims.to_dict("records")
            for column in columns]  # fmt: skip


def as_page(text: str) -> str:
    """A cell with one sentence a line, as the rules for prose read it."""
    return END_OF_SENTENCE.sub("\n", text)


def car_faults(text: str) -> list[str]:
    """Sentences on deprivation and travel that do not say what is left out."""
    return [
        sentence
        for sentence in END_OF_SENTENCE.split(text)
        if re.search(r"depriv", sentence, re.I)
        and re.search(r"\b(drives?|travel|minutes|nearer|farther|journeys?)\b", sentence)
        and "car ownership not included" not in sentence
    ]


def test_every_claim_of_both_documents_is_there(claims):
    expected = [f"{letter}{n}" for letter, last in DOCUMENTS.items() for n in range(1, last + 1)]
    assert len(expected) == 53
    assert list(claims["id"]) == expected
    assert list(claims["document"]) == [name[0] for name in expected]
    assert claims.groupby("document")["asserted_by"].nunique().eq(1).all()
    assert claims["source"].equals(claims["document"].map(SOURCES))


def test_the_columns_that_were_promised_are_in_the_table_and_in_its_download(claims):
    promised = ["id", "claim", "source", "verdict"]
    assert [column for column in promised if column not in claims] == []
    published = pd.read_csv(places.ACCEPTED / "claims.csv")
    assert [column for column in promised if column not in published] == []
    assert set(published["id"]) == set(claims["id"])


def test_a_view_is_charged_to_whoever_holds_it(claims):
    """The article says that its views are its author's own, so no body is said to hold them."""
    for row, entry in zip(claims.to_dict("records"), registers.claims(), strict=True):
        own = "the author's own views" in entry.parts["Said in"]
        assert own == (row["document"] == "B")
        assert entry.parts["Said in"].startswith(("an article published by", "a response by"))
    assert claims["claim"].is_unique


def test_nothing_is_blank_but_what_not_every_claim_has(claims):
    for column in claims.columns.drop(["service_model", "needed", "reply"]):
        assert claims[column].str.strip().str.len().gt(0).all(), column
    raw = (places.DATA / "claims.csv").read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert [name for name, _, text in cells(claims) if text != text.strip()] == []


def test_cells_say_something(claims):
    assert claims["evidence"].str.len().min() > 100
    assert claims["settle"].str.len().min() > 30
    assert claims["why_sure"].str.len().min() > 20


# Words of a time, in a claim about how long people live.
A_TIME = re.compile(r"\d (?:year|month)|(?:before|after) they were|within|median|half of|most")


def names_that_tell(claims) -> list[str]:
    """Claims whose name, which stands in the open, says how long people live."""
    tells = claims["claim"].str.lower().str.contains(survival_choice.WORDS.pattern, regex=True)
    return claims.loc[tells & claims["claim"].str.contains(A_TIME.pattern), "id"].tolist()


def test_no_name_of_a_claim_says_how_long_people_live(claims):
    """It is a heading, a row of a table and a link; what it says stands behind the choice."""
    assert names_that_tell(claims) == []
    told = claims.assign(claim="Most children with it died before they were two")
    assert names_that_tell(told) == list(claims["id"])


def test_no_cell_of_a_claim_quotes_it_outside_of_the_choice(claims):
    numbers = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    told = survival_choice.telling(numbers, tables.read("published_estimates"))
    quoting = {name: survival_choice.outside(text, told) for name, _, text in cells(claims)}
    assert {name: keys for name, keys in quoting.items() if keys} == {}


def test_every_page_exists(claims):
    there = {
        path.relative_to(places.ROOT).with_suffix("").as_posix()
        for path in (*places.NOTEBOOKS.glob("*.ipynb"), *places.BOOK.glob("*.md"))
    }
    named = {page for cell in claims["pages"] for page in cell.split(";")}
    assert named - there == set()


def test_every_link_leads_to_a_page_that_the_claim_names(claims):
    found = 0
    for row in claims.to_dict("records"):
        for column in FORMATTED:
            for target in re.findall(r"\]\(([^)\s]+)\)", row[column]):
                assert (places.NOTEBOOKS / target).resolve().is_file(), (row["id"], target)
                found += 1
    assert found > 20


def test_every_number_exists(claims, accepted):
    published = tables.read("published_estimates").dropna(subset="estimate")["id"]
    known = {*accepted, *("published." + published)}
    quoted = {key for _, _, text in cells(claims) for key in roles(text, "number")}
    assert len(quoted) > 80
    assert quoted - known == set()


def test_no_number_is_about_synthetic_people(claims, accepted, page_of):
    about = {"open", "modelled", "published"}
    wrong = [
        (name, key)
        for name, column, text in cells(claims)
        for sentence in END_OF_SENTENCE.split(text)
        for key in roles(sentence, "number")
        if accepted.get(key, "published") not in about
        and not (key.startswith("needed.e_value.") or is_an_if(sentence, column, page_of[key]))
    ]
    assert wrong == []


def is_an_if(sentence: str, column: str, page: str) -> bool:
    """A scenario is quoted from the part on scenarios, as what we computed, and with its if."""
    of_the_part = f"notebooks/{page}" in SCENARIOS
    return column == "computed" and of_the_part and bool(re.search(r"\b[Ii]f\b", sentence))


def test_a_scenario_without_its_if_is_found():
    said = "If clinics were nearer, then {number}`spokes.a` minutes would be saved."
    assert is_an_if(said, "computed", "where_to_put_a_spoke")
    assert not is_an_if(said.replace("If", "When"), "computed", "where_to_put_a_spoke")
    assert not is_an_if(said, "evidence", "where_to_put_a_spoke")
    assert not is_an_if(said, "computed", "survival_by_distance")


def test_a_number_that_depends_on_the_list_of_centres_has_its_range(claims, accepted):
    missing = []
    for name, column, text in cells(claims):
        keys = roles(text, "number")
        missing += [(name, column, key) for key in keys
                    if f"{key}.range" in accepted and f"{key}.range" not in keys]  # fmt: skip
    assert missing == []


def test_every_source_is_in_the_bibliography(claims):
    entries = re.findall(r"^@\w+\{([^,]+),", (places.BOOK / "references.bib").read_text(), re.M)
    cited = {key for _, _, text in cells(claims) for key in roles(text, "cite")}
    assert len(cited) > 25
    assert cited - set(entries) == set()


@pytest.mark.parametrize("rule", [word_faults, mark_faults, scenario_faults])
def test_cells_are_plain(claims, rule):
    assert {(n, c): f for n, c, text in cells(claims) if (f := rule(as_page(text)))} == {}


def test_no_result_is_typed(claims):
    typed = {(n, c): f for n, c, text in cells(claims)
             if (f := digit_faults(as_page(text), ALLOWED))}  # fmt: skip
    assert typed == {}


def test_deprivation_and_travel_never_stand_together_without_the_caution(claims):
    bad = "The most deprived have a shorter drive."
    assert car_faults(f"It is known. {bad} So be it.") == [bad]
    assert not car_faults("The most deprived have a shorter drive (car ownership not included).")
    assert [(n, f) for n, _, text in cells(claims) if (f := car_faults(text))] == []
    assert car_faults(page_source()) == []


def test_where_nothing_was_computed_the_cell_says_where_it_is_to_come(claims):
    nothing = claims[claims["computed"].str.startswith("Nothing yet")]
    assert len(nothing) >= 1
    says = r"the part on|is for the chapter|not collected|no part of the data|is among those"
    assert nothing.loc[~nothing["computed"].str.contains(says), "id"].tolist() == []
    others = claims[~claims["computed"].str.startswith("Nothing")]
    assert others.loc[~others["computed"].str.contains(r"\{number\}|\.ipynb"), "id"].tolist() == []


def test_a_verdict_of_supported_or_partly_rests_on_a_source(claims):
    borne_out = claims[claims["verdict"].isin(["supported", "partly", "outdated", "overstated"])]
    without = borne_out[~borne_out["evidence"].str.contains(r"\{cite\}`", regex=True)]
    assert without["id"].tolist() == []


def test_every_claim_has_a_section_of_its_own(claims):
    entries = registers.claims()
    assert [entry.anchor for entry in entries] == [f"claim-{name.lower()}" for name in claims["id"]]
    first = entries[0]
    assert first.title.startswith("A1: ")
    assert first.classes[:3] == (
        "document-a",
        f"verdict-{claims.loc[0, 'verdict']}",
        f"sure-{claims.loc[0, 'how_sure']}",
    )
    for entry, verdict in zip(entries, claims["verdict"], strict=True):
        assert "in our words" in entry.parts["Said in"]
        told = registers.VERDICTS[verdict] in entry.parts["Our verdict"]
        assert told == (entry.anchor != "claim-a29")
        assert f"verdict-{verdict}" in entry.classes


def test_links_are_relative_to_the_page_of_the_register():
    assert registers.link("notebooks/a_b", "notebooks/claims_register") == "[](a_b.ipynb)"
    assert registers.link("book/a_b", "notebooks/claims_register") == "[](../book/a_b.md)"
    assert registers.link("notebooks/a_b", "book/service_models") == "[](../notebooks/a_b.ipynb)"
    assert registers.several("a;b") == ["a", "b"]
    assert registers.several(None) == registers.several(float("nan")) == []


def test_service_models_are_those_of_their_own_register(claims):
    named = {model for cell in claims["service_model"] for model in registers.several(cell)}
    assert named == set(tables.read("service_models")["slug"])


def test_requests_are_those_of_the_table_of_needed_facts(claims):
    named = {fact for cell in claims["needed"] for fact in registers.several(cell)}
    assert len(named) > 20
    assert named - set(tables.read("needed_facts")["id"]) == set()


def test_a_recommendation_or_a_question_is_not_supported_because_it_was_adopted(claims):
    asked = claims[claims["statement"].isin(["recommendation", "question"])]
    assert set(asked["verdict"]) <= {"untested", "partly"}
    adopted = asked[asked["evidence"].str.contains("was adopted")]
    assert set(adopted["id"]) == {"A26", "A27"}
    assert set(adopted["verdict"]) == {"untested"}


def test_a_question_is_answered_and_neither_supported_nor_counted_so(claims):
    (question,) = claims[claims["statement"] == "question"].to_dict("records")
    assert (question["id"], question["verdict"]) == ("A29", "untested")
    (entry,) = [entry for entry in registers.claims() if entry.anchor == "claim-a29"]
    told = "**A question; answered: still open; what we could read of the formulas names neither "
    assert entry.parts["Our verdict"].startswith(told)


def test_supported_means_every_part_of_it(claims):
    """Where a row says itself that a part was not seen or not measured, a part is left out."""
    left_out = r"not measured|was not seen|were not told apart|no yearly count|was not checked"
    supported = claims[claims["verdict"] == "supported"]
    bad = supported["why_sure"].str.contains(left_out)
    # A3 says that a budget may be too small: the rules on reserves are not its subject.
    assert set(supported.loc[bad, "id"]) <= {"A3"}
    # Two claims on what the same cuts of boards did stand alike.
    verdicts = claims.set_index("id")["verdict"]
    assert verdicts["A25"] == verdicts["B20"] == "partly"


def test_an_answer_of_the_body_stands_beside_its_claim(claims, monkeypatch):
    assert not any(
        "Their answer" in e.parts and e.parts["Their answer"] for e in registers.claims()
    )
    answered = claims.assign(reply=["We disagree; see our page.", *claims["reply"][1:]])
    monkeypatch.setattr(registers.tables, "read", lambda name: answered)
    first, second, *_ = registers.claims()
    assert first.parts["Their answer"] == "We disagree; see our page."
    assert second.parts["Their answer"] == ""


def test_the_page_says_how_many_claims_have_a_result_of_ours(claims):
    text = page_source()
    for letter in ("A", "B"):
        for group in ("something", "all"):
            assert f"{{number}}`claims.computed.{letter}.{group}`" in text
    assert "may send an answer" in text
    assert "at the foot of each page" in text


def test_the_choice_stands_just_above_the_claims_and_the_top_leads_there():
    text = page_source()
    between = text[text.index("## Every claim") : text.index("```{register} claims")]
    assert between.count('id="claims-filter"') == text.count('id="claims-filter"') == 1
    after = between[between.index("</form>") :]
    assert len(after.splitlines()) < 8
    assert "## " not in between.removeprefix("## Every claim")
    assert "<every-claim>`" in text[: text.index("## Data")]


def test_a_fold_holds_what_is_not_at_first_sight(claims):
    """Nothing of a row is lost: it stands in the open or in the fold."""
    for entry, row in zip(registers.claims(), claims.to_dict("records"), strict=True):
        fold = entry.parts["More"]
        assert fold.startswith("````{dropdown} ")
        assert row["settle"] in fold
        assert (row["computed"] in fold) == row["computed"].startswith("Nothing")
        assert row["computed"] in fold + entry.parts["What this book computed"]
        for fact in registers.several(row["needed"]):
            assert f"{{ref}}`{registers.anchor('needed', fact)}`" in fold
    assert registers.folded("Title", {"a": "b", "c": ""}) == "````{dropdown} Title\n**a:** b\n````"


def choices(name: str) -> set[str]:
    """Values that the form of the page offers for one field."""
    (field,) = re.findall(rf'<select [^>]*name="{name}">(.*?)</select>', page_source(), re.S)
    return set(re.findall(r'<option value="([^"]+)"', field))


def test_the_form_offers_every_word_of_the_table_and_no_other(claims):
    assert choices("document") == {"a", "b"}
    assert choices("verdict") == set(registers.VERDICTS)
    fields = {f["name"]: f for f in tables.resource("claims")["schema"]["fields"]}
    enums = {name: set(fields[name]["constraints"]["enum"]) for name in ("verdict", "how_sure")}
    assert choices("verdict") == enums["verdict"]
    assert choices("sure") == {word.replace(" ", "-") for word in enums["how_sure"]}
    models = {model for cell in claims["service_model"] for model in registers.several(cell)}
    assert choices("model") == {model.replace("_", "-") for model in models}
    # A model has one name, in the form and where a claim leads to it.
    names = tables.read("service_models").set_index("slug")["name"]
    for model in models:
        assert f'<option value="{model.replace("_", "-")}">{names[model]}</option>' in page_source()


def test_what_the_page_says_of_all_claims_holds(claims):
    """The headline of the figure, and what the prose says in words."""
    verdicts = claims["verdict"].value_counts()
    assert verdicts["supported"] + verdicts["partly"] > len(claims) / 2
    assert verdicts["untested"] > len(claims) / 4
    assert claims.loc[claims["verdict"] == "overstated", "id"].tolist() == ["B7"]
    assert claims.loc[claims["verdict"] == "outdated", "id"].tolist() == ["A14"]


def test_the_page_is_fair_to_both_organisations():
    text = page_source()
    for words in (
        "a charity for people with spinal muscular atrophy",
        "a think tank on health and care",
        "Both documents are their authors' own",
        "every verdict; neither organisation has seen or approved them",
        "all views are the author's own",
        "Untested does not mean wrong",
    ):
        assert words in text


def test_the_script_is_small_and_asks_nobody():
    script = (places.BOOK / "_static" / "claims.js").read_bytes()
    assert len(script) < 10_000
    assert not re.search(rb"https?:|fetch|XMLHttp|import\(|innerHTML", script)
