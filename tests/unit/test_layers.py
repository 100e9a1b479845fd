"""The layers of a chapter: what the extension makes of them, and that every chapter has both."""

import re
from functools import cache
from pathlib import Path

import pytest
from small_book import FIGURE, built

from distance_to_care import places, results
from distance_to_care.publication import layers, plain_words, sentences

PARTS = ("access", "evidence", "ipf", "sma", "what_could_change", "service_models")
CHAPTERS = [places.BOOK / f"{part}.md" for part in PARTS]
CHAPTERS += sorted(places.NOTEBOOKS.glob("*.ipynb"))
CHAPTER = """# Travel

How long is the drive?

:::{in-30-seconds}
It is long.
:::

:::{in-3-minutes}
**Answer.** Long.

```{published-figure} ranges
```

Low.
:::

## Data

Open.
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        chapter = CHAPTER + "\n" + FIGURE.format(name="ranges") + "\n"
        pages = {
            "index": f"# Home\n\n{CHAPTER.split('# Travel')[1]}",
            "notebooks/one": chapter,
            "plain": "# Plain\n\nNo layer.\n",
        }
        found, said = built(tmp_path_factory.mktemp("book"), patch, pages,
                            figures={"ranges": "one"})  # fmt: skip
    # These pages have no contents, of which alone Sphinx may complain.
    assert [line for line in said.splitlines() if "WARNING" in line and "toctree" not in line] == []
    return found


def test_the_bar_leads_to_the_layers_and_then_to_what_follows_them(site):
    page = site["notebooks/one"]
    (bar,) = page.xpath("//nav[@class='layer-bar']")
    links = bar.xpath(".//a")
    assert [link.text for link in links] == ["30 seconds", "3 minutes", "in full"]
    there = [page.get_element_by_id(link.get("href")[1:]) for link in links]
    assert [part.find("h2").text for part in there] == ["In 30 seconds", "In 3 minutes", "Data"]
    opening = [part.get("class") or part.tag for part in bar.getparent()][:4]
    assert opening == ["h1", "kind-banners", "layer-bar", "p"]


def test_a_page_without_layers_has_no_bar(site):
    assert not site["plain"].xpath("//nav[@class='layer-bar']")


def test_a_figure_of_a_layer_is_the_picture_and_leads_to_the_whole_of_it(site):
    page = site["notebooks/one"]
    (short,) = page.xpath("//section[@id='in-3-minutes']//figure")
    assert short.get("id") is None
    # By this name the drawing is one file with that of the whole figure.
    assert short.get("data-figure") == "ranges"
    assert short.xpath(".//img/@alt") == ["Ranges"]
    assert short.xpath(".//a/@href") == ["#figure-ranges"]
    assert short.xpath("string(figcaption)") == "Coast and country Its data table and downloads"
    assert not page.xpath("//section[@id='in-3-minutes']//details")
    assert len(page.xpath("//*[@id='figure-ranges']")) == 1


def test_a_figure_of_another_page_leads_there(site):
    (short,) = site["index"].xpath("//section[@id='in-3-minutes']//figure")
    assert short.xpath(".//a/@href") == ["notebooks/one.html#figure-ranges"]


def test_a_figure_that_stands_whole_further_down_leads_down(tmp_path, monkeypatch):
    pages = {
        "index": CHAPTER + "\n```{published-figure} ranges\n```\n",
        "notebooks/one": f"# One\n\n{FIGURE.format(name='ranges')}\n",
    }
    found, _ = built(tmp_path, monkeypatch, pages, figures={"ranges": "one"})
    (short,) = found["index"].xpath("//section[@id='in-3-minutes']//figure")
    assert short.xpath(".//a/@href") == ["#figure-ranges"]
    assert len(found["index"].xpath("//details")) == 1


# --- Every chapter ------------------------------------------------------------------------------


@cache
def text_of(path: Path) -> str:
    return sentences.prose(path)


def name_of(path: Path) -> str:
    return path.relative_to(places.ROOT).with_suffix("").as_posix()


@cache
def pages_of_numbers() -> dict[str, str]:
    """The page of each number, by its key, without those that are links to their row."""
    rows = results.read_published(places.ACCEPTED / "numbers.csv", "numbers")
    rows = rows[~rows["table"].isin(results.CITED_ROWS)]
    return dict(zip(rows["key"], rows["page"], strict=True))


def order_faults(text: str) -> list[str]:
    """Title, question, half a minute, three minutes, and then the chapter: each once, in order."""
    marks = [f"{{{name}}}" for name in layers.LAYERS]
    found = re.findall(rf"^(?:[:`]{{3,}}({'|'.join(map(re.escape, marks))})|(## ).*)$", text, re.M)
    kinds = [layer or heading for layer, heading in found]
    faults = [f"{kinds.count(mark)} times {mark}" for mark in marks if kinds.count(mark) != 1]
    if not faults and kinds[:2] != marks:
        faults.append("the layers do not come first, in order")
    opening = text.split(marks[0])[0].strip().splitlines()[1:]
    if not faults and not any(line.endswith("?") for line in opening):
        faults.append("no question stands before the layers")
    return faults


def number_faults(name: str, text: str) -> list[str]:
    """Each number of a layer is one of this page, or of a page that this one leads to."""
    near = {Path(to).stem for to in re.findall(r"\]\(([^)#\s]+\.ipynb)", text)}
    near.add(name.split("/")[-1])
    keys = {
        key
        for layer in layers.LAYERS
        for key in re.findall(r"\{number\}`([^`]+)`", plain_words.layer(text, layer) or "")
    }
    of = pages_of_numbers()
    unknown = [f"no notebook files {key}" for key in keys - plain_words.accepted_numbers().keys()]
    return unknown + [
        f"the number {key} is of the page {of[key]}, to which this one does not lead"
        for key in sorted(keys & of.keys())
        if of[key] not in near
    ]


def test_the_rules_find_their_faults():
    assert order_faults(CHAPTER) == []
    assert order_faults(CHAPTER.replace("in-3-m", "in-9-m")) == ["0 times {in-3-minutes}"]
    assert order_faults("## Data\n" + CHAPTER) == ["the layers do not come first, in order"]
    assert order_faults(CHAPTER.replace("How long is the drive?", "A drive."))
    text = CHAPTER.replace("It is long.", "{number}`travel.decile.all.mean`")
    there = "travel_to_specialist_centres"
    assert number_faults("book/access", text)
    assert number_faults(f"notebooks/{there}", text) == []
    assert number_faults("book/access", f"{text}[a](../notebooks/{there}.ipynb#b)") == []
    assert number_faults("book/access", text.replace("travel.", "lost.")) == [
        "no notebook files lost.decile.all.mean"
    ]


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_every_chapter_opens_with_both_layers(path):
    assert order_faults(text_of(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_the_numbers_of_the_layers_are_published_where_the_page_leads(path):
    assert number_faults(name_of(path), text_of(path)) == []


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_the_half_minute_can_be_read_by_a_child_of_eleven(path):
    layer = plain_words.layer(text_of(path))
    assert layer, f"{name_of(path)} has no layer {{{plain_words.LAYER}}}"
    found = plain_words.grade(layer, plain_words.accepted_numbers())
    assert found.grade <= plain_words.HARDEST, (
        f"{name_of(path)} is of grade {found.grade:.1f}; its hardest sentence: {found.hardest}"
    )
