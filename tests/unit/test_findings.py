"""Cards of findings: their number, their kind, their source, and what stops the build."""

import pandas as pd
import pytest
from small_book import built

CARD = """# Home

::::{{findings}}

:::{{finding}} {key}
{options}
People drive far.

minutes by car

**How sure:** low.
:::

::::
"""
NUMBERS = pd.DataFrame(
    [
        ("drive", "39.1", "modelled", "travel"),
        ("drive.range", "35.6 to 56.9", "modelled", "travel"),
        ("share.least", "36.7", "published", "shares"),
        ("share.most", "40", "published", "shares"),
        ("report.most", "41", "published", "reports"),
        ("ratio", "1.39 (95% CI 1.11 to 1.73)", "published", "ratios"),
        ("invented", "2.0 (1.0 to 3.0)", "synthetic", "people"),
        ("supposed", "2.0 (1.0 to 3.0)", "scenario", "levers"),
    ],
    columns=["key", "text", "kind", "table"],
).assign(value=1.0, unit="", page="one")


def card(tmp_path, monkeypatch, key, options=""):
    pages = {"book/index": CARD.format(key=key, options=options), "notebooks/one": "# How far?\n"}
    found, said = built(tmp_path, monkeypatch, pages, NUMBERS)
    (there,) = found["book/index"].xpath("//ul[contains(@class, 'key-findings')]/li")
    return there, said


def text(card, name):
    (part,) = card.xpath(f".//*[contains(concat(' ', @class, ' '), ' {name} ')]")
    return " ".join(part.text_content().split())


@pytest.mark.parametrize(
    ("key", "options", "estimate", "interval", "kind", "table"),
    [
        ("drive", ":range: drive.range\n", "39.1", "(35.6 to 56.9)", "modelled", "travel"),
        ("share.least", ":range: share.least to share.most\n", "36.7", "(36.7 to 40)",
         "published", "shares"),
        ("ratio", "", "1.39", "(95% CI 1.11 to 1.73)", "published", "ratios"),
    ],
)  # fmt: skip
def test_a_card_shows_one_number_its_interval_its_kind_and_its_source(
    key, options, estimate, interval, kind, table, tmp_path, monkeypatch
):
    there, said = card(tmp_path, monkeypatch, key, options)
    assert "[finding" not in said and "the finding" not in said
    assert text(there, "finding-sentence") == "People drive far."
    assert text(there, "estimate") == estimate
    assert text(there, "interval") == interval
    assert text(there, "unit") == "minutes by car"
    assert f"kind-{kind}" in there.get("class")
    addresses = there.xpath(".//p[@class='finding-source']//a/@href")
    assert addresses == ["../notebooks/one.html", f"../downloads/{table}.csv"]


def test_a_card_leads_to_the_table_of_each_end_of_its_range(tmp_path, monkeypatch):
    ends = ":range: share.least to report.most\n"
    there, _ = card(tmp_path, monkeypatch, "share.least", ends)
    addresses = there.xpath(".//p[@class='finding-source']//a/@href")
    assert addresses == [
        "../notebooks/one.html", "../downloads/shares.csv",
        "../notebooks/one.html", "../downloads/reports.csv",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["invented", "supposed"])
def test_no_finding_comes_from_synthetic_people_or_a_scenario(key, tmp_path, monkeypatch):
    _, said = card(tmp_path, monkeypatch, key)
    kind = NUMBERS.set_index("key").loc[key, "kind"]
    assert f"WARNING: the finding '{key}' is of the kind {kind}" in said


def test_a_finding_shows_an_interval(tmp_path, monkeypatch):
    _, said = card(tmp_path, monkeypatch, "drive")
    assert "WARNING: the finding 'drive' shows no interval" in said


def test_a_finding_has_three_paragraphs(tmp_path, monkeypatch):
    text = CARD.format(key="ratio", options="").replace("minutes by car\n\n", "")
    _, said = built(tmp_path, monkeypatch, {"book/index": text}, NUMBERS)
    assert "A finding has three paragraphs" in said
