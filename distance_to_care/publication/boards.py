"""The pages of the care boards: one a board, written from published tables when the site is built.

Nothing is calculated here. What a board's page says stands in the tables of the notebook
`care_boards`, so page and download cannot disagree. Each page has its board's rows beside it.
Boards whose results depend on the list of centres are told as ranges, in tables, sentences and the
paragraph to paste.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

import pandas as pd
import yaml
from docutils import nodes

from distance_to_care import care_boards, centre_lists, disclosure, figures, results, tables
from distance_to_care.publication import for_patients
from distance_to_care.publication.edition import day_of_data, in_words
from distance_to_care.study import Study

PAGE = "care_boards"
FOLDER = "book/boards/"
# The page that has all questions and all help, where the book has it.
FOR_PATIENTS = "book/for_patients"
# The search index would double: the chapter names every board, and a search finds that.
UNSEARCHED = "---\nnosearch: true\n---\n\n"
# Words that every sentence on deprivation and travel carries.
CARS = "car ownership not included"
DEPRIVED_AND_FAR = f"Deprived and far ({CARS})"
ONE_CLINIC = "If one clinic were added"
LISTS = {
    "A": "surest sites (A)",
    "AB": "base list (A and B)",
    "ABC": "every candidate site",
}
FIFTHS = {"1": "1 (most deprived)", "2": "2", "3": "3", "4": "4", "5": "5 (least deprived)",
          "all": "all"}  # fmt: skip
EVERY_LIST = " on every list"
TITLE = " integrated care board"
SLOWER = care_boards.SLOWER
# The kind of the section on one clinic more; the section wears its banner, not the whole page.
OF_A_SECTION = "scenario"


@dataclass(frozen=True)
class Published:
    """The published tables of the boards, and what the notebook's manifest says of its figures."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, dict]

    def of(self, name: str, code: str, **where: object) -> pd.DataFrame:
        """Rows of a table (`care_boards_` and the name) of one board, with these values."""
        rows = self.tables[f"{PAGE}_{name}" if name else PAGE]
        rows = rows[rows["board_code"] == code]
        for column, value in where.items():
            rows = rows[rows[column] == value]
        return rows


def read(folder: Path) -> Published | None:
    """Read what the notebook has published into the folder of results; None where it has not."""
    manifest = folder / PAGE / "manifest.json"
    if not manifest.exists():
        return None
    content = json.loads(manifest.read_text(encoding="utf-8"))
    read_back = {
        name: results.read_published(folder / PAGE / f"{name}.csv", name)
        for name in content["tables"]
    }
    return Published(read_back, content["figures"])


def of_page(docname: str) -> str | None:
    """Name the notebook whose kinds and dates a page wears: its own, or that of the boards."""
    if docname.startswith(FOLDER):
        return PAGE
    return docname.removeprefix("notebooks/") if docname.startswith("notebooks/") else None


def kinds(docname: str, of_pages: Mapping[str, Mapping]) -> list[str]:
    """List the kinds whose banners stand on top of a page.

    Parameters
    ----------
    docname : the page's name in the book.
    of_pages : what the manifest says of the pages that publish: their `kinds`.

    Returns
    -------
    The kinds of the page; of a board's page without that of its one section which is a model.
    """
    found = of_pages.get(of_page(docname) or "", {}).get("kinds", [])
    return [kind for kind in found if kind != OF_A_SECTION or not docname.startswith(FOLDER)]


def links(docnames: Iterable[str], titles: dict[str, str], depth: str) -> str:
    """List the boards' pages that the site has, in the order of the alphabet."""
    found = sorted((titles[name], name) for name in docnames if name.startswith(FOLDER))
    if not found:
        return (
            '<p class="board-list">The pages of the boards are written by <code>make book</code>; '
            "this site was built without them.</p>"
        )
    listed = "".join(
        f'<li><a href="{depth}{name}.html">{escape(title.removesuffix(TITLE))}</a></li>'
        for title, name in found
    )
    return f'<ul class="board-list">{listed}</ul>'


def write(source: Path, folder: Path) -> list[str]:
    """Write the boards' pages into a staged source and put them into its contents.

    Parameters
    ----------
    source : the staged source of the book, with `_toc.yml`.
    folder : the folder of results.

    Returns
    -------
    The names of the pages, in the order of the boards' names; none where the book has no chapter
    on boards.
    """
    published = read(folder)
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    chapter = _entry(toc, f"notebooks/{PAGE}")
    if published is None or chapter is None:
        return []
    study, compiled = _default_study(), day_of_data()
    boards = published.tables[PAGE]
    named = boards.drop_duplicates("board_code").set_index("board_code")["board"]
    named = named.drop(care_boards.ENGLAND["board_code"], errors="ignore").sort_values()
    (source / FOLDER).mkdir(parents=True, exist_ok=True)
    pages = []
    for code in named.index:
        text = page(published, code, study, compiled, source)
        name = f"{FOLDER}{code.lower()}"
        (source / f"{name}.md").write_text(UNSEARCHED + text, encoding="utf-8")
        (source / f"{name}.csv").write_text(rows_of(published, code), encoding="utf-8")
        pages.append({"file": name, "title": named[code]})
    chapter["sections"] = [*chapter.get("sections", []), *pages]
    (source / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    return [entry["file"] for entry in pages]


def rows_of(published: Published, code: str) -> str:
    """Write every published row of one board as one CSV, with the table that each comes from.

    Parameters
    ----------
    published : as `read` returns it.
    code : the board's code.
    """
    parts = [
        rows[rows["board_code"] == code].assign(table=name)
        for name, rows in published.tables.items()
        if "board_code" in rows
    ]
    found = pd.concat([part for part in parts if len(part)], ignore_index=True)
    found = found[["table", *(c for c in results.COLUMNS if c in found)]]
    return results.to_csv(disclosure.check(found, "modelled", name=code))


def _entry(node: object, file: str) -> dict | None:
    """Find the entry of a file in the contents."""
    if isinstance(node, list):
        return next(filter(None, (_entry(item, file) for item in node)), None)
    if isinstance(node, dict):
        if node.get("file", "").removesuffix(".ipynb") == file:
            return node
        return _entry([value for value in node.values() if isinstance(value, list)], file)
    return None


def _default_study() -> Study:
    """Read the study that the list of centres belongs to, whatever study a build is about."""
    return next(study for study in map(tables.read_study, tables.study_names()) if study.default)


# --- one value --------------------------------------------------------------------------------


def told(row: pd.Series, form: str = "{:,.0f}", of: str = "") -> str:
    """Write a value as a reader is told it: with its range, or as a range only.

    row: `estimate`, `low`, `high`, `steady`. of: what the number counts, in a sentence.
    """
    low, high = _written(row["low"], form), _written(row["high"], form)
    if not row["steady"]:
        return f"{low}{of}{EVERY_LIST}" if low == high else f"{low} to {high}{of}"
    base = _written(row["estimate"], form)
    return f"{base}{of}" if low == base == high else f"{base} ({low} to {high}){of}"


def _written(value: float, form: str = "{:,.0f}") -> str:
    """Write a value; one that is too small for the form is not written as zero."""
    text = form.format(value)
    if value > 0 and not text.strip("0."):
        return f"under {text[:-1]}1"
    return text


def _no_source(row: pd.Series) -> str:
    """Say for how many the nearest centre is a site that no source names."""
    share = told(row, of=" per cent of people aged 65 and over").removesuffix(EVERY_LIST)
    return (
        "Unless only the surest sites (A) count, the nearest centre is a site that no source names "
        f"for {share}."
    )


def _ends(row: pd.Series) -> str:
    """Write the two ends of a range."""
    return f"from {_written(row['low'])} to {_written(row['high'])}"


def _one(rows: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        rows = rows[rows[column] == value]
    (row,) = rows.to_dict("records")
    return pd.Series(row)


def _listed(names: Sequence[str]) -> str:
    """Join names as a sentence has them; where one holds a comma or an and, by semicolons."""
    if any("," in name or " and " in name for name in names):
        return "; ".join(names)
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _slug(heading: str) -> str:
    return nodes.make_id(heading)


def _to_paste(text: str, also: str = "") -> str:
    classes = f"to-paste {also}".strip()
    return f"```{{code-block}} text\n:class: {classes}\n{text}\n```"


def _table(rows: list[dict[str, str]], caption: str) -> str:
    return f"```{{raw}} html\n{figures.table_html(pd.DataFrame(rows), caption)}\n```"


# --- the parts of a page ----------------------------------------------------------------------


def page(
    published: Published, code: str, study: Study, compiled: date, source: Path | None = None
) -> str:
    """Write the page of one board as Markdown.

    Parameters
    ----------
    published : as `read` returns it.
    code : the board's code.
    study : whose service the centres run.
    compiled : the day of the newest input, as the footer of every page has it.
    source : the staged source of the book, to link only to pages that it has.
    """
    first = published.of("", code, scenario=care_boards.ORDINARY)
    board, steady = first["board"].iloc[0], bool(_one(first, measure="mean")["steady"])
    parts = [
        f"# {board}{TITLE}",
        _opening(published, code, study, steady),
        "## In three sentences",
        "To copy into a paper of the board; the ranges, the date and the caution belong to it.",
        _to_paste(three_sentences(published, code, study, compiled), "in-three-sentences"),
        "## In one paragraph",
        _to_paste(paragraph(published, code, study, compiled)),
        "## Who is far",
        _who_is_far(published, code),
        _map(published, code),
        _by_list(published, code, steady),
        f"## By deprivation, urban and rural ({CARS})",
        _by_deprivation(published, code),
        f"## {DEPRIVED_AND_FAR}",
        _deprived_and_far(published, code, board),
        "## Nearest centres",
        _nearest(published, code, steady),
        f"## {ONE_CLINIC}",
        _spokes(published, code),
        "## What this page does not show",
        _limits(source, _boundaries(published, code)),
        _download(code),
        f"## {for_patients.HEADING}",
        f"```{{help-for-patients}} {study.name}\n:short:\n:whole: {FOR_PATIENTS}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(published: Published, code: str, study: Study, steady: bool) -> str:
    """Say how far it is, what to do first, and what a range is over."""
    first = published.of("", code, scenario=care_boards.ORDINARY)
    mean = _one(first, measure="mean")
    steps = [
        f"ask the [centres below](#nearest-centres) how many people of {mean['board']} they see, "
        "since doctors refer people to other centres than the nearest"
    ]
    if _anybody_far(published, code):
        clinic = f"at what [one clinic more](#{_slug(ONE_CLINIC)}) would change"
        places = f"[places that are deprived and far](#{_slug(DEPRIVED_AND_FAR)}) ({CARS})"
        both = not published.of("deprived_and_far", code).empty
        steps.append(f"then look at the {places} and {clinic}" if both else f"then look {clinic}")
    # The first sentence is short enough to describe the page by itself (`page_head`).
    lines = [
        f"From {mean['board']} the nearest {study.service} is {told(mean)} minutes by car, on "
        "average.\n"
        f"That is one way, for people aged 65 and over; {_how_many_are_far(published, code)}.",
        f"**What to do first:** {', and '.join(steps)}.",
        _what_a_range_is(steady),
    ]
    return "\n\n".join(lines)


def _what_a_range_is(steady: bool) -> str:
    if steady:
        return "In brackets stands the range over three lists of centres."
    return (
        "The answer depends on which hospitals count as centres: the average moves by more than "
        "ten minutes between the three lists, so every result here is a range, and there is no "
        "rank."
    )


def _anybody_far(published: Published, code: str) -> bool:
    """Whether anybody of a board is more than an hour away in ordinary driving, on some list."""
    of_board = published.of("", code, scenario=care_boards.ORDINARY)
    return round(_one(of_board, measure="people beyond 60 minutes")["high"]) > 0


def _how_many_are_far(published: Published, code: str) -> str:
    """Say of whom it is more than an hour, or that there is nobody."""
    if not _anybody_far(published, code):
        return "none of them lives more than an hour away on any list"
    of_board = published.of("", code, scenario=care_boards.ORDINARY)
    share = told(_one(of_board, measure="beyond 60 minutes"), of=" per cent of them")
    return f"for {share} it is more than an hour"


def _boundaries(published: Published, code: str) -> str:
    """Say which boundaries the results are of, and of which older boards they are made."""
    old = published.of("of_2022", code)
    edition = care_boards.edition_name(old["edition"].iloc[0])
    was = [
        f"part of {row['group']}" if row["level"] == "part" else row["group"]
        for row in old.sort_values(["level", "group"], ascending=[False, True]).to_dict("records")
    ]
    return (
        f"The boundaries are those of {edition}, as compiled by us from public notices: of the "
        f"boards of July 2022, this is {_listed(was)}."
    )


def three_sentences(published: Published, code: str, study: Study, compiled: date) -> str:
    """Write the short form to paste: how far, who is deprived and far, and how sure it is.

    Parameters
    ----------
    published, code, study, compiled : as for `page`.
    """
    first = published.of("", code, scenario=care_boards.ORDINARY)
    mean = _one(first, measure="mean")
    edition = care_boards.edition_name(published.of("of_2022", code)["edition"].iloc[0])
    quoted = "" if mean["steady"] else ", and no single number and no rank should be quoted"
    return " ".join(
        [
            f"In NHS {mean['board']} Integrated Care Board (boundaries of {edition}) people aged "
            f"65 and over live {told(mean)} minutes by car, one way, from the nearest "
            f"{study.service}, on average; {_how_many_are_far(published, code)}.",
            _areas_in_words(published, code)
            if _anybody_far(published, code)
            else f"So no deprived area is that far either ({CARS}).",
            "Modelled from open data with an unofficial list of centres, over three readings of "
            f"which the ranges run{quoted}; public transport is left out (Distance to Care, data "
            f"as compiled by {in_words(compiled)}).",
        ]
    )


def _areas_in_words(published: Published, code: str) -> str:
    """Say how many areas are in the two most deprived fifths and far."""
    both = published.of(
        "deprived_and_far", code, group_by="two most deprived fifths", measure="areas"
    )
    if both.empty:
        return (
            "No area in the two most deprived fifths of England is more than an hour away on "
            f"any list ({CARS})."
        )
    return (
        "The number of its areas that are both deprived (in England's two most deprived fifths) "
        f"and more than an hour away is {told(_one(both, local_authority='all'))} ({CARS})."
    )


def paragraph(published: Published, code: str, study: Study, compiled: date) -> str:
    """Write the paragraph to paste: plain text with ranges, caution, source, kind and date.

    Parameters
    ----------
    published, code, study, compiled : as for `page`.
    """
    first = published.of("", code, scenario=care_boards.ORDINARY)
    slow = published.of("", code, scenario=SLOWER)
    mean = _one(first, measure="mean")
    edition = care_boards.edition_name(published.of("of_2022", code)["edition"].iloc[0])
    sentences = [
        f"NHS {mean['board']} Integrated Care Board (boundaries of {edition}): the average drive "
        f"of its {mean['people']:,} people aged 65 and over to the nearest {study.service} is "
        f"{told(mean)} minutes one way.",
        _far_in_words(published, code),
        f"In slower driving the average is {told(_one(slow, measure='mean'))} minutes.",
        _patients_in_words(published, code, study),
        _both_in_words(published, code),
        "Ranges in brackets are over three readings of an unofficial list of centres."
        if mean["steady"]
        else "The ranges are over three readings of an unofficial list of centres; no single "
        "number and no rank should be quoted.",
        _no_source(_one(first, measure=care_boards.UNNAMED)),
        "Public transport is left out, and so are people without a car, who are more often poor, "
        "old or ill.",
        "Modelled from open data: ordinary driving is at the lower end of what traffic takes.",
        f"Source: Distance to Care, data as compiled by {in_words(compiled)} "
        "(population of mid-2020, Index of Multiple Deprivation 2019).",
    ]
    return " ".join(filter(None, sentences))


def _far_in_words(published: Published, code: str) -> str:
    """Say how many people, and what share of them, are more than an hour away."""
    if not _anybody_far(published, code):
        return f"{_how_many_are_far(published, code).capitalize()}."
    first = published.of("", code, scenario=care_boards.ORDINARY)
    share = told(_one(first, measure="beyond 60 minutes"), of=" per cent of them")
    many = told(_one(first, measure="people beyond 60 minutes"), of=" people")
    return f"More than an hour away live {share}: {many}."


def _patients_in_words(published: Published, code: str, study: Study) -> str:
    """Say how many patients a model expects to be far, and how common the disease may be."""
    if not _anybody_far(published, code):
        return (
            f"Of people with {study.disease}, a model of age therefore expects nobody more than an "
            "hour away; nobody was counted."
        )
    first = published.of("", code, scenario=care_boards.ORDINARY)
    patients = "expected patients beyond 60 minutes"
    widest = _ends(_one(first, measure=care_boards.COUNTED.format(measure=patients)))
    return (
        f"Of people with {study.disease}, a model of age expects "
        f"{told(_one(first, measure=patients))} more than an hour away, and {widest} if the "
        "disease is less or more common than we take it to be; nobody was counted."
    )


def _both_in_words(published: Published, code: str) -> str:
    """Say how many people are in the two most deprived fifths of areas and far, and where."""
    both = published.of(
        "deprived_and_far", code, group_by="two most deprived fifths", measure="areas"
    )
    if both.empty:
        return _areas_in_words(published, code)
    people = published.of(
        "deprived_and_far", code, group_by="two most deprived fifths",
        measure="people aged 65 and over", local_authority="all",
    )  # fmt: skip
    places = both[both["local_authority"] != "all"].sort_values("local_authority")
    always = list(places.loc[places["low"] > 0, "local_authority"])
    sometimes = list(places.loc[places["low"] == 0, "local_authority"])
    count = told(_one(both, local_authority="all"))
    where = [f"On every list they include parts of {_listed(always)}."] if always else []
    where += [f"On some lists only: parts of {_listed(sometimes)}."] if sometimes else []
    return " ".join(
        [
            "The number of areas that are both deprived (in England's two most deprived fifths) "
            f"and more than an hour away is {count}, and the number of people aged 65 and over "
            f"who live there is {told(people.iloc[0])} ({CARS}).",
            *where,
        ]
    )


def _who_is_far(published: Published, code: str) -> str:
    first = published.of("", code, scenario=care_boards.ORDINARY)
    slow = published.of("", code, scenario=SLOWER)
    rows = []
    for limit in (30, 60, 90):
        share = f"beyond {limit} minutes"
        rows.append(
            {
                "one way by car": f"more than {limit} minutes",
                "per cent of people aged 65 and over": told(_one(first, measure=share)),
                "people aged 65 and over": told(_one(first, measure=f"people {share}")),
                "expected patients": told(_one(first, measure=f"expected patients {share}")),
                "per cent in slower driving": told(_one(slow, measure=share)),
            }
        )
    mean, all_of = _one(first, measure="mean"), _one(slow, measure="mean")
    counted = _ends(_one(first, measure=care_boards.COUNTED.format(measure="expected patients")))
    return (
        f"Of {mean['people']:,} people aged 65 and over and {mean['expected_patients']:,.0f} "
        "expected patients (a model of age: nobody is counted).\n"
        f"If the disease is less or more common than we take it to be, {counted} are expected; the "
        "numbers in the table move with it.\n"
        f"In slower driving the average is {told(all_of)} minutes.\n\n"
        + _table(rows, f"Who is far in {mean['board']}")
    )


def _by_list(published: Published, code: str, steady: bool) -> str:
    lists = published.of("by_list", code, scenario=care_boards.ORDINARY)
    rows = []
    for grades, name in LISTS.items():
        if grades == centre_lists.BASE and not steady:
            continue
        here = lists[lists["centre_list"] == grades]
        value = {m: _one(here, measure=m)["estimate"] for m in ("mean", "beyond 60 minutes")}
        rows.append(
            {
                "list of centres": name,
                "mean minutes": f"{value['mean']:.0f}",
                "per cent more than an hour away": f"{value['beyond 60 minutes']:.0f}",
            }
        )
    if steady:
        return _table(rows, "What depends on the list of centres")
    return "Each row is one end of the range, and is never to be quoted alone.\n\n" + _table(
        rows, "What depends on the list of centres: the two ends of the range"
    )


def _map(published: Published, code: str) -> str:
    name = f"board_{code.lower()}"
    if name not in published.figures:
        return ""
    figure = published.figures[name]
    alt, title = escape(figure["alt"], quote=True), escape(figure["title"])
    return (
        '```{raw} html\n<figure class="published-figure board-map" '
        f'id="figure-{name}"><img src="../../downloads/{name}.svg" '
        f'alt="{alt}"><figcaption>{title}</figcaption>'
        "</figure>\n```"
    )


def _by_deprivation(published: Published, code: str) -> str:
    cut = published.of("by_deprivation", code)
    rows = []
    for fifth, name in FIFTHS.items():
        row = {"deprivation quintile": name}
        for level in ("urban", "rural"):
            here = cut[(cut["group"] == fifth) & (cut["level"] == level)]
            share = here[here["measure"] == "beyond 60 minutes"]
            mean = here[here["measure"] == "mean"]
            none = mean.empty
            row[f"{level}: people"] = "none" if none else f"{mean['people'].iloc[0]:,}"
            row[f"{level}: mean minutes"] = "" if none else told(mean.iloc[0])
            row[f"{level}: per cent beyond 60"] = "" if none else told(share.iloc[0])
        rows.append(row)
    return _table(
        rows, f"Minutes by car of people aged 65 and over, by deprivation and rurality ({CARS})"
    )


def _deprived_and_far(published: Published, code: str, board: str) -> str:
    both = published.of("deprived_and_far", code)
    if both.empty:
        return _both_in_words(published, code)
    places = [*sorted(set(both["local_authority"]) - {"all"}), "all"]
    rows, divided = [], False
    for place in places:
        here = both[both["local_authority"] == place]
        part = care_boards.ONLY_A_PART in set(here["note"])
        divided = divided or part
        name = "whole board" if place == "all" else place
        row = {"local authority": f"{name} (part)" if part else name}
        for fifths in ("most deprived fifth", "two most deprived fifths"):
            of_fifths = here[here["group_by"] == fifths]
            for measure in ("areas", "people aged 65 and over"):
                value = of_fifths[of_fifths["measure"] == measure]
                heading = f"{fifths}: {measure.removesuffix(' aged 65 and over')}"
                row[heading] = told(value.iloc[0]) if len(value) else "none"
        rows.append(row)
    return (
        _table(
            rows,
            "More than an hour away by car and deprived: areas (LSOA) and people aged 65 and over "
            f"in {board} ({CARS})",
        )
        + divided * f"\n\nPart: {care_boards.ONLY_A_PART} is counted here."
    )


def _nearest(published: Published, code: str, steady: bool) -> str:
    first = published.of("", code, scenario=care_boards.ORDINARY)
    found = published.of("centres", code)
    found = found[found["high"] >= care_boards.FEWEST_PER_CENT]
    order = found.sort_values(["certainty", "centre"])
    if steady:
        order = found.sort_values("estimate", ascending=False)
    towns = tables.read("centres_ild").set_index("site")["town"]
    rows = [
        {
            "centre": row["centre"],
            "town": towns.get(row["centre"], ""),
            "grade": row["certainty"],
            "per cent of people aged 65 and over": told(row),
        }
        for row in order.to_dict("records")
    ]
    return (
        f"{_no_source(_one(first, measure=care_boards.UNNAMED))}\n"
        "Grade A: named in a source; B: we believe it is a centre, but no source names it; C: "
        "doubtful, on the longest list only.\n\n"
        + _table(rows, "Whose nearest centre it is, by car")
    )


def _spokes(published: Published, code: str) -> str:
    if not _anybody_far(published, code):
        return "Nobody in this board is more than an hour away in ordinary driving, on any list."
    found = published.of("spokes", code)
    if found.empty:
        return "No hospital of the travel matrix would save half a minute on average."
    rows = []
    for centre, part in found.groupby("centre", sort=True):
        saved = _one(part, measure="mean minutes saved")
        rows.append(
            {
                "if a clinic were at": centre + (f"; {saved['note']}" if saved["note"] else ""),
                "mean minutes saved": told(saved, "{:.1f}"),
                "people brought within an hour": told(
                    _one(part, measure="people brought within 60 minutes"), "{:,.0f}"
                ),
                "expected patients brought within an hour": told(
                    _one(part, measure="expected patients brought within 60 minutes")
                ),
            }
        )
    return (
        f'```{{raw}} html\n<div class="kind-banners" role="note"><p class="kind-banner '
        f'kind-{OF_A_SECTION}">{results.BANNERS[OF_A_SECTION]}</p></div>\n```\n\n'
        "If an extra clinic stood there, and everyone nearer to it went to it, then the average "
        "drive would be shorter by so much.\n"
        "These hospitals would save the most on the base list; they stand in the order of the "
        "alphabet, since their ranges overlap.\n\n"
        + _table(rows, "Model: if one clinic were added (driving only)")
    )


def _download(code: str) -> str:
    """Offer the rows of a board, which `write` puts beside its page."""
    name = f"board_{code.lower()}"
    areas = "../../downloads/area_travel"
    return (
        f"Download: {{download}}`all rows of this board (CSV) <{code.lower()}.csv>`.\n\n"
        '```{raw} html\n<p class="downloads">Download: '
        f'<a href="../../downloads/{name}.svg" download>Map (SVG)</a> · '
        f'<a href="{areas}.csv" download>Minutes of every area (CSV)</a> · '
        f'<a href="{areas}.json" download>What its columns mean (JSON)</a></p>\n```'
    )


def _limits(source: Path | None, boundaries: str) -> str:
    lines = [
        boundaries,
        "The list of centres is unofficial, and doctors refer people to other centres than the "
        "nearest.",
        "Public transport is left out, which leaves out people without a car, who are more often "
        "poor, old or ill.",
        "Driving times are modelled: ordinary driving is at the lower end of what traffic takes.",
        "Where people live and how deprived areas are is open data; expected patients are a model.",
        "Nothing here is about patients of this board.",
    ]
    to = {
        "book/find_my_area.md": "Find my area",
        f"notebooks/{PAGE}.ipynb": "All care boards and their tables",
        "book/methods.md": "Methods",
    }
    there = [
        f"[{name}](../../{file})"
        for file, name in to.items()
        if source is None or (source / file).exists()
    ]
    return "\n".join([*lines, f"See also: {', '.join(there)}."])
