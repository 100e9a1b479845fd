"""Sources: each has a place in the bibliography, and who paid is told or said to be unknown."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pandas as pd
import pytest
from pybtex.database import parse_file, parse_string
from pybtex.plugin import find_plugin

from distance_to_care import figures, funding, places, results, tables
from distance_to_care.problems import AnalysisError
from distance_to_care.publication import citations, extension

MONEY = {"company", "interests", "no company", "not seen"}
READ = ("full_text", "abstract", "press", "secondary", "page")
# Not seen in any source that we read: no entry may have them.
UNVERIFIED = ("10.1164/rccm.202109-2065OC",)


def read_rows(name: str) -> list[dict[str, str]]:
    with (places.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


SOURCES = read_rows("sources")
BY_KEY = {row["key"]: row for row in SOURCES}
ESTIMATES = read_rows("published_estimates")
BIBLIOGRAPHY = parse_file(str(places.BOOK / "references.bib"))


def texts_with_citations() -> dict[str, str]:
    """Every text of the book that may cite: pages, notebooks, and tables that become pages."""
    paths = [*places.BOOK.glob("*.md"), *places.NOTEBOOKS.glob("*.ipynb")]
    paths += [places.DATA / f"{name}.csv" for name in ("claims", "service_models", "needed_facts")]
    texts = {path.name: path.read_text(encoding="utf-8") for path in paths}
    keys = [row["citation"] for row in read_rows("policy_timeline") if row["citation"]]
    return texts | {"policy_timeline.csv": " ".join(f"{{cite}}`{key}`" for key in keys)}


def cited(text: str) -> set[str]:
    found = re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text)
    return {key.strip() for keys in found for key in keys.split(",")}


# --- The table ----------------------------------------------------------------------------------


def test_the_file_is_tidy_and_sorted():
    raw = (places.DATA / "sources.csv").read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert [row["key"] for row in SOURCES if any(v != v.strip() for v in row.values())] == []
    assert [row["key"] for row in SOURCES] == sorted(BY_KEY)


@pytest.mark.parametrize("row", SOURCES, ids=lambda row: row["key"])
def test_a_source_says_what_it_is_and_who_paid(row):
    assert re.fullmatch(r"[a-z][a-z0-9]*", row["key"])
    assert row["title"]
    assert row["authors"]
    assert row["money"] in MONEY
    assert set(row["how_read"].split("; ")) <= set(READ)
    assert row["payer"] in funding.PAYER
    assert row["company_staff"] in funding.STAFF
    # Nobody is said to be paid for by somebody who was not seen to pay, nor by staff elsewhere.
    assert (row["payer"] == "not seen") == (row["funders"] == "")
    assert "not seen" not in row["funders"]
    seen = row["payer"] != "not seen" or row["company_staff"] == "seen"
    assert seen == (row["money"] != "not seen")
    # What is said of money or of staff says where it was seen.
    assert seen == (row["funding_address"] != "")
    if row["company_staff"] == "seen":
        assert row["interests"]
        assert row["companies"]
    assert (row["companies"] != "") == (row["money"] in ("company", "interests"))


def test_digital_object_identifiers_are_well_formed_and_used_once():
    given = [row["doi"] for row in SOURCES if row["doi"]]
    assert [doi for doi in given if not re.fullmatch(r"10\.\d{4,9}/[^\s;,]+", doi)] == []
    assert [doi for doi, times in Counter(map(str.lower, given)).items() if times > 1] == []
    told = (places.BOOK / "references.bib").read_text(encoding="utf-8")
    assert [doi for doi in UNVERIFIED if doi.lower() in told.lower()] == []


def test_a_doi_of_the_estimates_is_that_of_their_source():
    owner = {row["doi"].lower(): row["key"] for row in SOURCES if row["doi"]}
    of_study = {name: row["key"] for row in SOURCES for name in funding.split(row["studies"])}
    wrong = []
    for row in ESTIMATES:
        found = re.findall(r"doi:(10\.\d{4,9}/[^\s;,]+)", row["doi_or_address"])
        keys = {owner.get(doi.lower(), "no source") for doi in found}
        # A derived figure may stand on two papers.
        astray = row["certainty"] == "S" and found and of_study[row["study"]] not in keys
        if astray or "no source" in keys:
            wrong.append((row["id"], of_study[row["study"]], keys))
    assert wrong == []


def test_every_estimate_has_one_source():
    joined = funding.of_estimates(tables.read("published_estimates"), tables.read("sources"))
    assert list(joined["id"]) == [row["id"] for row in ESTIMATES]
    assert set(joined["money"]) <= MONEY


def test_two_papers_of_one_registry_are_judged_alike():
    """What an author of another paper did is a note on a source, and not its money."""
    for key in ("goobie2022", "johannson2022", "verhaart2017", "verhaart2017laboratories"):
        assert (BY_KEY[key]["money"], BY_KEY[key]["companies"]) == ("not seen", "")
        assert "who paid for this one was not seen" in BY_KEY[key]["note"]
    reports = ("smareach2026", "risdiplam2023", "smareach")
    assert {BY_KEY[key]["companies"] for key in reports} == {"Biogen; Novartis; Roche"}
    registry = [row for row in SOURCES if "registry was started by" in row["funders"]]
    assert {row["payer"] for row in registry} == {"of the data only"}


UNFIT = re.compile(r"webtest\.|oneweb|uat2|bloomerg|scribd|/None\b|nginx")


def test_addresses_are_those_that_a_reader_can_trust():
    for row in [*SOURCES, *read_rows("policy_timeline"), *ESTIMATES]:
        assert [v for v in row.values() if UNFIT.search(v)] == []
    told = (places.BOOK / "references.bib").read_text(encoding="utf-8")
    assert UNFIT.findall(told) == []
    # A site without a page is no place: the entry says in words that the address was not kept.
    bare = [key for key, entry in BIBLIOGRAPHY.entries.items()
            if re.fullmatch(r"https?://[^/]+/?", entry.fields.get("url", ""))]  # fmt: skip
    assert bare == []
    for row in SOURCES:
        if "the address of the page itself was not kept" in row["note"] and not row["doi"]:
            assert (
                "address of the page was not kept"
                in BIBLIOGRAPHY.entries[row["key"]].fields["note"]
            )


def test_every_named_study_was_read_as_its_source_says():
    studies, events = {row["study"] for row in ESTIMATES}, read_rows("policy_timeline")
    for row in SOURCES:
        named = funding.split(row["studies"])
        assert set(named) <= studies, row["key"]
        ways = {
            estimate["how_read"]
            for estimate in ESTIMATES
            if estimate["study"] in named and row["only_source"] in ("", estimate["source"])
        }
        ways |= {event["how_read"] for event in events if event["citation"] == row["key"]}
        assert not named or ways == set(row["how_read"].split("; ")), row["key"]


def test_the_documents_that_the_book_answers_are_told_apart():
    assert BY_KEY["kingsfund2024"]["companies"] == "Boehringer Ingelheim"
    assert "independently" in BY_KEY["kingsfund2024"]["interests"]
    assert BY_KEY["smauk2022"]["money"] == "not seen"
    assert BY_KEY["shankar2024"]["companies"] == "Boehringer Ingelheim"
    assert "University of East Anglia" in BY_KEY["shankar2024"]["funders"]


def test_every_way_of_reading_has_words():
    assert set(extension.READ) == set(READ)


def test_a_source_can_be_found():
    """A reader gets to it by its DOI or by a page; where the page is not known, the row says so."""
    lost = [
        row["key"]
        for row in SOURCES
        if not row["doi"]
        and not re.search(r"\w\.\w+/\S|\(", row["address"])
        and "the address of the page itself was not kept" not in row["note"]
    ]
    assert lost == []
    # Nobody's list of names is parted in the middle of the name of an organisation.
    parted = [row["key"] for row in SOURCES if ";;" in row["authors"]]
    assert parted == []


def test_a_trial_of_one_companys_drug_names_the_company():
    trials = {
        "endear2017": "Biogen; Ionis",
        "nurture2019": "Biogen",
        "restore2024": "Novartis",
        "str1ve2021": "Novartis",
        "str1veeu2021": "Novartis",
        "strauss2022three": "Novartis",
        "strauss2022two": "Novartis",
    }
    assert {key: BY_KEY[key]["companies"] for key in trials} == trials
    assert {BY_KEY[key]["money"] for key in trials} == {"company"}


# --- The bibliography ---------------------------------------------------------------------------


def test_every_source_is_in_the_bibliography_and_says_the_same():
    for key, row in BY_KEY.items():
        fields = BIBLIOGRAPHY.entries[key].fields
        assert citations.plain(fields["title"]) == row["title"]
        assert fields.get("doi", "") == row["doi"]
        assert fields.get("year", "") == row["year"]


def test_an_entry_names_the_companies_behind_its_source():
    for key, row in BY_KEY.items():
        note = BIBLIOGRAPHY.entries[key].fields["note"]
        assert ("Company money or staff" in note) == (row["money"] == "company"), key
        for company in funding.split(row["companies"] if row["money"] == "company" else ""):
            assert company in note


def test_every_citation_of_the_book_has_an_entry():
    missing = {
        name: keys - set(BIBLIOGRAPHY.entries)
        for name, text in texts_with_citations().items()
        if (keys := cited(text)) - set(BIBLIOGRAPHY.entries)
    }
    assert missing == {}
    assert cited(texts_with_citations()["bibliography.md"]) == {"shankar2024"}


def test_every_source_is_cited_or_gives_a_figure():
    used = set().union(*map(cited, texts_with_citations().values()))
    # These registers cite the source of each row by its key.
    used |= {key for name in ("local_services", "funding_formulas")
             for key in tables.read(name)["source"]}  # fmt: skip
    assert [key for key, row in BY_KEY.items() if not row["studies"] and key not in used] == []


def test_the_whole_bibliography_is_listed():
    assert ":all:" in (places.BOOK / "bibliography.md").read_text(encoding="utf-8")


def test_labels_are_names_and_years_each_used_once():
    citations.register()
    style = find_plugin("pybtex.style.formatting", citations.NAME)()
    told = [entry.label for entry in style.format_bibliography(BIBLIOGRAPHY)]
    assert len(told) == len(set(told)) == len(BIBLIOGRAPHY.entries)
    assert {"Shankar 2024", "King's Fund 2024", "NHS England 2024b", "van der Sar 2021"} <= set(
        told
    )
    assert [label for label in told if re.search(r"[{}\[\]]", label)] == []
    names = [re.sub(r"(?<=\d)[a-z]$", "", label).casefold() for label in told]
    assert names == sorted(names)


def test_two_works_of_one_name_get_letters():
    text = "".join(
        f"@misc{{{key}, author = {{{{Board}}}}, title = {{{{T}}}}, year = {{2024}}}}\n"
        for key in ("first", "second")
    )
    text += "@misc{third, author = {Lee, A. and others}, title = {{T}}, year = {2020}}"
    entries = parse_string(text, "bibtex").entries
    assert citations.labels(entries.values()) == ["Board 2024a", "Board 2024b", "Lee 2020"]


# --- Who paid: the calculation ------------------------------------------------------------------


def a_source(key: str, studies: str, money: str, companies: str = "", only: str = "") -> dict:
    return {
        "key": key,
        "studies": studies,
        "only_source": only,
        "money": money,
        "companies": companies,
    }


def an_estimate(name: str, study: str, source: str = "x", **more) -> dict:
    return {"id": name, "study": study, "source": source, **more}


def test_estimates_find_their_source_also_where_one_name_covers_two():
    sources = pd.DataFrame(
        [
            a_source("one", "A 2020; B 2021", "company", "Acme; Bolt"),
            a_source("board", "Record", "no company", only="board paper"),
            a_source("paper", "Record", "not seen", only="newspaper"),
        ]
    )
    estimates = pd.DataFrame(
        [
            an_estimate("r2", "Record", "newspaper"),
            an_estimate("b", "B 2021"),
            an_estimate("r1", "Record", "board paper"),
            an_estimate("a", "A 2020"),
        ]
    )
    joined = funding.of_estimates(estimates, sources)
    assert list(joined["id"]) == ["r2", "b", "r1", "a"]
    assert list(joined["key"]) == ["paper", "one", "board", "one"]
    assert funding.by_company(joined, "x")[["term", "estimate"]].to_numpy().tolist() == [
        ["acme", 2.0],
        ["bolt", 2.0],
    ]


def test_an_estimate_without_a_source_is_a_sentence():
    sources = pd.DataFrame([a_source("one", "A 2020", "company", "Acme")])
    with pytest.raises(AnalysisError, match=r"these studies: C 2022 \(x\)\. Add one for each"):
        funding.of_estimates(pd.DataFrame([an_estimate("c", "C 2022")]), sources)


def test_an_estimate_with_two_sources_is_a_sentence():
    sources = pd.DataFrame([a_source(key, "A 2020", "not seen") for key in ("one", "two")])
    with pytest.raises(AnalysisError, match="More than one source claims .* A 2020"):
        funding.of_estimates(pd.DataFrame([an_estimate("a", "A 2020")]), sources)


def test_counts_and_shares_add_up_and_nothing_is_left_out():
    rows = pd.DataFrame({"money": ["company", "not seen", "not seen", "no company"]})
    counted = funding.by_money(rows, "sources").set_index(["measure", "group"])["estimate"]
    assert counted["number"].to_dict() == {
        "company": 1,
        "interests": 0,
        "no_company": 1,
        "not_seen": 2,
        "all": 4,
    }
    assert counted["share"]["not_seen"] == 50
    assert counted["share"].drop("all").sum() == counted["share"]["all"] == 100


def test_payers_and_staff_are_counted_apart():
    rows = pd.DataFrame(
        {
            "payer": ["seen", "not seen", "not seen"],
            "company_staff": ["not seen", "seen", "not seen"],
        }
    )
    counted = funding.by_what_was_seen(rows, "sources").set_index(["measure", "group"])["estimate"]
    assert counted.to_dict() == {
        ("payer", "seen"): 1,
        ("payer", "of_the_data_only"): 0,
        ("payer", "not_seen"): 2,
        ("payer", "all"): 3,
        ("company staff", "seen"): 1,
        ("company staff", "not_seen"): 2,
        ("company staff", "all"): 3,
    }
    with pytest.raises(AnalysisError, match="column payer has words that are not known: maybe"):
        funding.by_what_was_seen(rows.assign(payer="maybe"), "sources")


def test_a_word_that_is_not_known_is_a_sentence():
    with pytest.raises(AnalysisError, match="not known: none"):
        funding.by_money(pd.DataFrame({"money": ["none"]}), "sources")


def test_ratios_of_a_forest_plot_have_an_interval_and_a_question():
    rows = pd.DataFrame(
        [
            an_estimate("a", "A", measure="hazard_ratio", exposure="area deprivation", ci_low=1.0),
            an_estimate("b", "A", measure="hazard_ratio", exposure="area deprivation", ci_low=None),
            an_estimate("c", "A", measure="hazard_ratio", exposure="FVC", ci_low=1.0),
            an_estimate("d", "A", measure="mean", exposure="distance to the clinic", ci_low=1.0),
            an_estimate("e", "A", measure="odds_ratio", exposure=None, ci_low=1.0),
        ]
    ).assign(ci_high=2.0)
    assert list(funding.asked_ratios(rows)["id"]) == ["a"]


def test_the_ratios_of_this_book_are_found():
    ratios = funding.asked_ratios(tables.read("published_estimates"))
    assert {
        "shankar_2024_deprivation_adjusted",
        "shankar_2024_distance_adjusted",
        "goobie_2022_deprivation_united_states",
        "johannson_2022_distance",
        "lamas_2011_delay",
        "sese_2021_progression_free",
    } <= set(ratios["id"])
    assert not ratios["exposure"].str.contains("antifibrotic|FVC|GAP").any()


# --- Rows with an address -----------------------------------------------------------------------


def test_rows_of_a_table_get_addresses_in_order():
    shown = pd.DataFrame({"term": ["b_c", "a"], "estimate": [1.0, 2.0]})
    page = figures.table_html(shown, "Two rows", anchors=["t-b_c", "t-a"])
    assert re.findall(r'<tr id="([^"]+)"><td>([^<]+)', page) == [("t-b_c", "b c"), ("t-a", "a")]
    assert "<tr id" not in figures.table_html(shown, "Two rows")


def test_addresses_must_be_as_many_as_rows():
    with pytest.raises(ValueError, match="shorter|longer"):
        figures.table_html(pd.DataFrame({"term": ["a", "b"]}), "Two rows", anchors=["only-one"])


def test_only_the_whole_table_of_estimates_has_addresses(tmp_path):
    page = results.Page("trial", sources=["published_estimates"], root=tmp_path)
    rows = pd.DataFrame({"term": ["a_b", "c_d"], "estimate": [1.0, 2.0], "unit": "ratio"})
    page.publish(rows, "published_estimates", "Figures from publications")
    whole = page.show("published_estimates")._repr_html_()
    assert re.findall(r'<tr id="([^"]+)"', whole) == [
        "published_estimates-a_b",
        "published_estimates-c_d",
    ]
    part = page.show("published_estimates", term=["a_b"])._repr_html_()
    assert "<tr id" not in part
    page.publish(rows, "another_table", "Another table")
    assert "<tr id" not in page.show("another_table")._repr_html_()
