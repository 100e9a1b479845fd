"""What we need to know, service models, searches: whole, live, and requests that can be sent."""

from __future__ import annotations

import csv
import re
from datetime import date

import pandas as pd
import pytest
from test_prose import digit_faults, link_faults, mark_faults, word_faults

from distance_to_care import needed_facts, places
from distance_to_care.problems import Problem
from distance_to_care.publication import registers


def rows_of(name: str) -> list[dict[str, str]]:
    with (places.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


NEEDED = rows_of("needed_facts")
MODELS = rows_of("service_models")
LOOKED = rows_of("not_found")
CLAIMS = rows_of("claims")
# Cells that a reader reads as prose; of the table asked for, its layout may hold digits.
PROSE = {
    "needed_facts": ["title", "holder", "missing", "table", "rows", "overturns", "how"],
    "service_models": ["name", "what_it_is", "who_runs_it", "known", "analysis", "not_known"],
    "not_found": ["looked_for", "where_looked", "note"],
}
CELLS = [
    pytest.param(text, id=f"{name}-{row.get('id') or row.get('slug')}-{column}")
    for name, rows in (("needed_facts", NEEDED), ("service_models", MODELS), ("not_found", LOOKED))
    for row in rows
    for column, text in row.items()
    if column in PROSE[name] and text
]
IDS = {row["id"] for row in NEEDED}
PAGES = {
    path.relative_to(places.ROOT).with_suffix("").as_posix()
    for path in (*places.BOOK.glob("*.md"), *places.NOTEBOOKS.glob("*.ipynb"))
}


def known_numbers() -> set[str]:
    """Numbers that the book has accepted, and every published figure that has a value."""
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        keys = {row["key"] for row in csv.DictReader(file)}
    return keys | {f"published.{row['id']}" for row in rows_of("published_estimates")
                   if row["estimate"]}  # fmt: skip


NUMBERS = known_numbers()
SOURCES = set(
    re.findall(r"^@\w+\{([^,\s]+),", (places.BOOK / "references.bib").read_text("utf-8"), re.M)
)


def roles(text: str, name: str) -> list[str]:
    return re.findall(rf"\{{{name}\}}`([^`]+)`", text)


# --- The text of the tables -----------------------------------------------------------------------


@pytest.mark.parametrize("text", CELLS)
def test_a_cell_is_prose_like_that_of_any_page(text):
    faults = [*word_faults(text), *link_faults(text), *mark_faults(text), *digit_faults(text, [])]
    assert faults == []
    assert not re.search(r"\b(will|shall)\b", text)


@pytest.mark.parametrize("text", CELLS)
def test_what_a_cell_quotes_exists_and_is_about_no_synthetic_people(text):
    keys = roles(text, "number")
    assert [key for key in keys if key not in NUMBERS] == []
    assert [key for key in keys if re.match("synthetic|cohort|recovery|structures", key)] == []
    assert [key for cite in roles(text, "cite") if (key := cite) not in SOURCES] == []
    links = re.findall(r"\]\(([^)#]+)", text)
    assert [f for f in links if not (places.BOOK / f).resolve().is_file()] == []


def without_caution(text: str) -> list[str]:
    """Sentences on deprivation and travel that do not say that cars are left out."""
    return [
        sentence
        for sentence in re.split(r"(?<=[.?:!])\s", text)
        if re.search(r"depriv|\bpoor", sentence, re.I)
        and re.search(r"\b(drives?|travel\w*|minutes|nearer|farther)\b", sentence, re.I)
        and "car ownership not included" not in sentence
    ]


def test_the_caution_is_missed_where_it_is_missing():
    assert without_caution("Deprived areas have short drives.")
    assert not without_caution("Deprived areas have short drives (car ownership not included).")
    assert not without_caution("Deprived areas. Short drives.")


@pytest.mark.parametrize("text", CELLS)
def test_deprivation_and_travel_never_stand_together_without_the_caution(text):
    assert without_caution(text) == []


# --- What we need to know -------------------------------------------------------------------------

# Each gap that our sources left, by the fact that would close it.
GAPS = {
    "full tables of the British study": "shankar_by_quintile",
    "middle quintiles, deaths, follow-up": "shankar_models",
    "mediation in the British study": "shankar_models",
    "which hospital, which nations": "shankar_distance",
    "lung function by deprivation": "registry_severity",
    "the inconsistent GAP stages": "registry_gap_parts",
    "survival by deprivation": "registry_survival",
    "waits by deprivation": "registry_waits",
    "incidence by deprivation": "incidence_by_deprivation",
    "American interval and Canadian estimate": "goobie_canada",
    "main result and rural letter": "dedent_main",
    "overall survival in France": "sese_survival",
    "nulls of the American registry": "kim_registry",
    "IPF alone in Canada": "johannson_ipf",
    "Australia by distance": "australian_registry",
    "official ILD centres": "ild_centres_official",
    "second tier": "tier_two_hospitals",
    "starts of antifibrotics": "antifibrotic_approvals",
    "medicines by trust": "hospital_medicines",
    "hub and spoke": "hub_and_spoke_east",
    "virtual team": "virtual_team_merseyside",
    "co-ordinators": "care_coordinators",
    "pilot's miles": "shared_pilot_detail",
    "centres for spinal muscular atrophy": "sma_centres_official",
    "screening in England": "sma_screening_status",
    "babies found in Oxford": "oxford_pilot",
    "visits a year": "sma_visits",
    "policy after May 2026": "commissioning_status",
    "deficits": "board_deficits",
    "personal assistants": "personal_assistants",
    "wheelchairs": "wheelchair_waits",
    "allocation and benefits": "benefits_and_allocation",
    "mental health": "talking_therapies",
    "discharge": "discharge_delays",
    "cars": "households_without_a_car",
}


def test_every_gap_of_the_sources_has_its_entry():
    assert set(GAPS.values()) <= IDS
    assert len(NEEDED) == len(IDS) >= 40


@pytest.mark.parametrize("row", NEEDED, ids=lambda row: row["id"])
def test_a_fact_says_what_hangs_on_it_and_where(row):
    assert all(row.values())
    assert [page for page in row["pages"].split(";") if page not in PAGES] == []
    for column in ("table", "columns", "rows", "overturns", "how"):
        assert "{" not in row[column], "a letter cannot quote a live number"
    columns = needed_facts.columns_of(row["columns"])
    names = [name for name, _ in columns]
    assert 3 <= len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []


@pytest.mark.parametrize("row", NEEDED, ids=lambda row: row["id"])
def test_no_request_asks_for_records_of_people(row):
    names = {name for name, _ in needed_facts.columns_of(row["columns"])}
    assert not names & {"nhs_number", "date_of_birth", "name", "address", "person_id"}
    if "postcode" in names:
        assert "site" in names  # of a hospital, not of a home
    assert not re.search(r"one row a (person|patient|child|baby)\b", row["rows"])


AUTHORITIES = re.compile(
    r"NHS England|NHS Foundation Trust|NHS Trust|NHS Blood and Transplant|Department (of|for) "
    r"|University of Oxford"
)


@pytest.mark.parametrize("row", NEEDED, ids=lambda row: row["id"])
def test_a_request_can_be_sent_as_it_stands(row):
    letter = needed_facts.request(row)
    first, second = letter.splitlines()[:2]
    assert first == f"To: {row['holder']}"
    assert second.startswith("Subject: ")
    assert row["title"] in second
    flat = " ".join(letter.split())
    for part in (row["table"], row["rows"], row["overturns"], row["how"]):
        assert " ".join(part.split()) in flat
    for name, meaning in needed_facts.columns_of(row["columns"]):
        assert f"- {name}: {meaning}" if meaning else f"- {name}" in flat
    assert "please give no count below 10" in flat
    assert "Licence: " in letter
    assert letter.endswith("[your name, and an address for the answer]")
    assert max(map(len, letter.splitlines()[2:])) <= 84
    assert not re.search(r"[{}`]|\n\n\n", letter)
    asks_by_law = "Freedom of Information Act 2000" in letter
    assert asks_by_law == (row["route"] == "freedom of information")
    if asks_by_law:
        assert AUTHORITIES.search(row["holder"])


def test_a_request_by_an_unknown_way_is_a_sentence():
    with pytest.raises(Problem, match="'pigeon', which is no way to ask"):
        needed_facts.request({**NEEDED[0], "route": "pigeon"})


def test_every_way_of_asking_is_used_and_described():
    assert {row["route"] for row in NEEDED} == set(needed_facts.WAYS)


def test_columns_of_a_layout():
    assert needed_facts.columns_of("a; b: of whom: men ; ") == [("a", ""), ("b", "of whom: men")]


def test_counts_add_up():
    facts = pd.DataFrame(
        {
            "route": ["authors", "authors", "registry"],
            "matters": ["narrow", "overturn", "narrow"],
            "at_stake": ["ours", "a claim", "a claim"],
        }
    )
    found = needed_facts.counts(facts).set_index(["group", "measure"])["estimate"]
    assert found.to_dict() == {
        ("all", "all"): 3,
        ("all", "narrow"): 2,
        ("all", "overturn"): 1,
        ("authors", "all"): 2,
        ("authors", "narrow"): 1,
        ("authors", "overturn"): 1,
        ("registry", "all"): 1,
        ("registry", "narrow"): 1,
        ("ours", "all"): 1,
        ("ours", "narrow"): 1,
        ("a claim", "all"): 2,
        ("a claim", "narrow"): 1,
        ("a claim", "overturn"): 1,
    }


def test_what_others_claim_is_not_called_a_conclusion_of_this_book():
    by_id = {row["id"]: row for row in NEEDED}
    # The register calls these untested, and this book concludes none of them.
    for name in (
        "hub_and_spoke_east",
        "virtual_team_merseyside",
        "sma_visits",
        "remote_ild_results",
    ):
        assert by_id[name]["at_stake"] == "a claim"
    for name in ("ild_centres_official", "households_without_a_car", "registry_survival"):
        assert by_id[name]["at_stake"] == "ours"
    ours = {entry.anchor for entry in registers.REGISTERS["needed_to_overturn"]()}
    claims = {entry.anchor for entry in registers.REGISTERS["needed_to_overturn_a_claim"]()}
    assert ours
    assert claims
    assert not ours & claims
    for entry in registers.REGISTERS["needed_to_narrow"]():
        row = by_id[entry.anchor.removeprefix("needed-").replace("-", "_")]
        label = "Conclusion of ours" if row["at_stake"] == "ours" else "Claim that we test"
        assert row["overturns"] in entry.parts[label]


def test_the_sums_on_lives_rest_on_what_their_page_says():
    (row,) = [row for row in NEEDED if row["id"] == "registry_survival"]
    assert "survival of all people together" in row["how"]
    assert "least deprived" not in row["how"]


def test_requests_stand_beside_their_facts():
    facts = pd.DataFrame(NEEDED[:3])
    found = needed_facts.with_requests(facts)
    assert list(found["request"]) == [needed_facts.request(row) for row in NEEDED[:3]]
    assert "request" not in facts


# --- Service models -------------------------------------------------------------------------------

NAMED_IN_THE_DOCUMENTS = {
    "hub_and_spoke_east_of_england",
    "virtual_team_merseyside",
    "regional_tiered_model",
    "video_monitoring",
    "care_coordinators",
    "one_stop_clinics",
    "remote_education",
    "newborn_screening",
    "population_budgets",
    "national_retention",
}


def test_each_service_model_of_the_documents_has_its_entry():
    assert {row["slug"] for row in MODELS} == NAMED_IN_THE_DOCUMENTS
    assert len(MODELS) == len(NAMED_IN_THE_DOCUMENTS)


@pytest.mark.parametrize("row", MODELS, ids=lambda row: row["slug"])
def test_a_service_model_is_whole(row):
    assert all(row.values())
    assert set(row["needed"].split(";")) <= IDS
    cited = {key for column in PROSE["service_models"] for key in roles(row[column], "cite")}
    assert cited == set(row["sources"].split(";"))
    computed = roles(row["analysis"], "number") or "](../notebooks/" in row["analysis"]
    assert bool(computed) != row["analysis"].startswith("Nothing yet") or "](" in row["analysis"]


def test_every_claim_about_a_service_model_leads_to_its_entry_and_back():
    named = {model for row in CLAIMS for model in row["service_model"].split(";") if model}
    assert named == {row["slug"] for row in MODELS}
    (hub, *_) = registers.REGISTERS["service_models"]()
    about = [row["id"] for row in CLAIMS if MODELS[0]["slug"] in row["service_model"].split(";")]
    assert about
    for claim in about:
        assert f"{{ref}}`{claim} <claim-{claim.lower()}>`" in hub.parts["Claims about it"]


def test_registers_hold_every_row_once():
    models = registers.REGISTERS["service_models"]()
    assert [entry.title for entry in models] == [row["name"] for row in MODELS]
    assert models[0].anchor == "model-hub-and-spoke-east-of-england"
    names = [name for name in registers.REGISTERS if name.startswith("needed_to_")]
    entries = [entry for name in names for entry in registers.REGISTERS[name]()]
    assert sorted(entry.title for entry in entries) == sorted(row["title"] for row in NEEDED)
    anchors = [entry.anchor for entry in entries]
    assert len(anchors) == len(set(anchors))
    for entry in entries:
        assert "```text\nTo: " in entry.parts["Request"]


# --- Searches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", LOOKED, ids=lambda row: row["id"])
def test_a_search_has_its_place_and_day(row):
    looked = row["outcome"] != "not looked for"
    assert bool(row["where_looked"]) == bool(row["looked_on"]) == looked
    if looked:
        assert date(2026, 11, 1) <= date.fromisoformat(row["looked_on"]) <= date(2026, 11, 30)


def test_the_page_on_searches_may_say_that_no_paper_was_read_in_full():
    page = (places.BOOK / "how_we_searched.md").read_text(encoding="utf-8")
    assert "no paper was read in full" in page
    assert {row["how_read"] for row in rows_of("published_estimates")} == {
        "abstract",
        "page",
        "press",
        "secondary",
    }


def test_a_misattribution_is_never_quoted():
    names = [row["id"] for row in LOOKED if row["outcome"] == "misattribution"]
    assert {"ramadurai_2018", "gribbin_2006"} <= set(names)
    assert not {name.replace("_", "") for name in names} & (SOURCES - {"navaratnam2011"})
