"""Terms of the glossary: linked where a page first uses them, with what they mean."""

import re

import pytest
from small_book import built

from distance_to_care import places
from distance_to_care.publication import glossary_terms
from distance_to_care.publication.glossary_terms import Entry, Terms

GLOSSARY = """# Glossary

```{glossary}
hazard ratio
    How fast people die in one group.
    One means equally fast.

integrated care board
care board
    The body that plans.

FVC
    Forced vital capacity.

interstitial lung disease (ILD)
    A family of diseases.

person
    Somebody in a cohort.
```

A hazard ratio is no time.
"""
PAGE = """# Every hazard ratio

See [a hazard ratio](glossary.md), `hazard ratio` and **hazard ratios**, and a hazard ratio again.

| hazard ratio | care board |
|---|---|
| FVC | FVC |

The Care boards of England: an integrated care board, the fvc, and FVC.
A {term}`person` here is a person with ILD, or interstitial lung disease.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        pages = {"index": "# Home\n\nA {term}`hazard ratio`, and hazard ratios.\n",
                 "part/page": PAGE, "glossary": GLOSSARY}  # fmt: skip
        pages["everyday"] = "# Every day\n\nA person, and other people.\nPersons.\n"
        pages["part/page"] = PAGE.replace("](glossary.md)", "](../glossary.md)")
        return built(tmp_path_factory.mktemp("book"), patch, pages)[0]


def words(page):
    return [link.text for link in page.xpath("//a[contains(@class, 'glossary-term')]")]


def test_the_first_use_in_the_prose_is_linked_and_no_other(site):
    assert words(site["part/page"]) == ["hazard ratios", "Care boards", "FVC", "person", "ILD"]


def test_the_named_term_is_the_first_use(site):
    assert words(site["index"]) == ["hazard ratio"]


def test_an_everyday_word_is_linked_only_where_it_is_named(site):
    assert words(site["everyday"]) == []


def test_the_glossary_does_not_link_to_itself(site):
    assert words(site["glossary"]) == []


def test_the_link_leads_to_the_entry_and_says_what_it_means(site):
    for link in site["part/page"].xpath("//a[contains(@class, 'glossary-term')]"):
        page, anchor = link.get("href").split("#")
        assert page == "../glossary.html"
        assert site["glossary"].get_element_by_id(anchor).tag == "dt"
        hint = site["part/page"].get_element_by_id(link.get("aria-describedby"))
        assert hint.get("role") == "tooltip"
        assert hint.getparent() is link.getparent()
    meanings = site["part/page"].xpath("//*[@role='tooltip']/text()")
    assert meanings[:2] == ["How fast people die in one group.", "The body that plans."]


@pytest.mark.parametrize(
    ("term", "spelled"),
    [
        ("hazard ratio", "hazard ratios"),
        ("slope index", "slope indices"),
        ("type of disease", "types of disease"),
        ("bias", "biases"),
        ("body", "bodies"),
        ("delay", "delays"),
    ],
)
def test_plurals(term, spelled):
    assert glossary_terms.plural(term) == spelled


def test_the_longest_term_wins_and_parts_of_words_are_left():
    terms = Terms({name: Entry("glossary", name, name) for name in ("hazard", "hazard ratio")})
    found = terms.uses("The hazard ratio, a hazard-like thing, biohazard.")
    assert [entry.anchor for _, _, entry in found] == ["hazard ratio"]


def test_every_everyday_word_is_a_term_of_the_glossary():
    text = (places.BOOK / "glossary.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(?! |`|#|$)(.+)$", text.split("```{glossary}", 1)[1], re.M)
    named = {name for term in listed for name in glossary_terms.names(term)}
    assert glossary_terms.EVERYDAY - named == set()


# The entries whose first sentence may name a disease: the disease itself, and what only it has.
OF_ONE_DISEASE = {
    "idiopathic pulmonary fibrosis (IPF)",
    "interstitial lung disease (ILD)",
    "spinal muscular atrophy (SMA)",
    "GAP index",
    "type of SMA",
}
DISEASE = re.compile(r"\b(?:idiopathic|interstitial|lung disease|spinal|IPF|ILD|SMA)\b")
# What nobody should be told by a hover who only wanted to know what a word means.
UNKIND = re.compile(r"\b(?:die|dies|fatal|incurable|gets? worse|worsens?|predicts death)\b")


def first_sentences() -> dict[str, str]:
    """What a hover says, by the terms of the glossary."""
    text = (places.BOOK / "glossary.md").read_text(encoding="utf-8")
    found, terms = {}, []
    for line in "".join(re.findall(r"```\{glossary\}\n(.*?)```", text, re.S)).splitlines():
        if line and not line.startswith(" "):
            terms.append(line)
        elif line and terms:
            found |= dict.fromkeys(terms, line.strip())
            terms = []
    return found


def test_the_hover_of_a_general_term_names_no_disease():
    """The same words stand on pages about lungs and on pages about muscles."""
    said = first_sentences()
    assert said.keys() > OF_ONE_DISEASE
    naming = {term for term, meaning in said.items() if DISEASE.search(meaning)}
    assert naming <= OF_ONE_DISEASE


def test_the_hover_of_a_disease_is_kind():
    said = first_sentences()
    for term in OF_ONE_DISEASE:
        assert not UNKIND.search(said[term]), f"{term}: {said[term]}"


def test_a_registry_is_a_list_and_its_data_are_a_kind():
    said = first_sentences()
    assert said["registry"].startswith("A list of people")
    assert said["registry data"].startswith("Computed from records of real people")
