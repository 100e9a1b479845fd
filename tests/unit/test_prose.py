"""Prose: every page and every notebook is in order, plain, and free of typed results.

Each rule is a function from the text of a page to a list of faults, so that it can be shown to
find a fault (`test_each_rule_finds_its_fault`) before it is trusted with the book.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import house_words
import pytest
import yaml

from distance_to_care import places

PAGES = sorted(places.BOOK.glob("*.md"))
NOTEBOOKS = sorted(places.NOTEBOOKS.glob("*.ipynb"))
ROOT_PAGES = sorted(places.ROOT.glob("*.md"))
# The pages of the parts that say "if": those on scenarios, and those on the second disease.
SCENARIOS = [
    chapter["file"]
    for part in yaml.safe_load((places.ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    if part["caption"] in ("What could change it", "SMA")
    for chapter in part["chapters"]
]


def name_of(path: Path) -> str:
    return path.relative_to(places.ROOT).with_suffix("").as_posix()


def text_of(path: Path) -> str:
    """Return the Markdown of a page; of a notebook, its Markdown cells as one page."""
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


class Line(NamedTuple):
    number: int
    text: str
    section: str
    directive: str  # the directive that the line stands in, or ""


# Directives whose content is prose; the content of any other fence is code or options.
PROSE_DIRECTIVES = {"glossary", "note", "admonition", "tip", "warning", "important", "dropdown"}
PROSE_DIRECTIVES |= {"grid", "grid-item-card", "card", "tab-item", "tab-set", "figure"}
PROSE_DIRECTIVES |= {"in-30-seconds", "in-3-minutes", "survival-figures", "findings", "finding"}
PROSE_DIRECTIVES |= {"grid-item"}


def prose(text: str) -> Iterator[Line]:
    """Walk through the lines of a page that a reader reads as text."""
    fences: list[tuple[str, str]] = []
    section, formula = "", False
    comment = re.compile(r"<!--.*?-->", re.S)
    visible = comment.sub(lambda found: "\n" * found[0].count("\n"), text)
    for number, line in enumerate(visible.split("\n"), start=1):
        stripped = line.strip()
        fence = re.match(r"(`{3,}|:{3,})\s*(?:\{([\w-]+)\})?(\w*)", stripped)
        if fence and not stripped.strip(":`"):
            if fences and fences[-1][0] == fence[1]:
                fences.pop()
            else:
                fences.append((fence[1], ""))
            continue
        if fence:
            fences.append((fence[1], fence[2] or ""))
            continue
        if any(directive not in PROSE_DIRECTIVES for _, directive in fences):
            continue
        if stripped.startswith("$$"):
            formula = not formula if stripped.count("$$") == 1 else formula
            continue
        if formula or (fences and re.match(r":[\w-]+:", stripped)):
            continue
        heading = re.match(r"#{1,6} (.*)", line)
        if heading:
            section = heading[1]
        yield Line(number, line, section, fences[-1][1] if fences else "")


def without_code(line: str) -> str:
    """Remove inline code, roles, formulas, and link targets; what is left is read as words."""
    line = re.sub(r"\{[\w-]+\}`[^`]*`", "NUMBER", line)
    line = re.sub(r"(`+).*?\1", "CODE", line)
    line = re.sub(r"\$[^$]+\$", "FORMULA", line)
    line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
    return re.sub(r"https?://\S+", "ADDRESS", line)


def is_citation(line: Line) -> bool:
    return line.section == "References" or "doi:" in line.text or line.text.startswith(">")


# --- The rules ----------------------------------------------------------------------------------


def heading_faults(text: str) -> list[str]:
    levels = [len(m[1]) for line in prose(text) if (m := re.match(r"(#{1,6}) \S", line.text))]
    faults = []
    if levels.count(1) != 1 or levels[0] != 1:
        faults.append("a page has one first-level heading, at its top")
    faults += [
        f"a heading of level {after} follows one of level {before}"
        for before, after in itertools.pairwise(levels)
        if after > before + 1
    ]
    return faults


def word_faults(text: str) -> list[str]:
    faults = []
    for line in prose(text):
        if is_citation(line):
            continue
        words = without_code(line.text)
        faults += [f"line {line.number}: {fault}" for fault in house_words.faults(words)]
    return faults


def scenario_faults(text: str) -> list[str]:
    """A model says what would follow, never what will."""
    return [
        f"line {line.number}: a scenario says 'would', not 'will'"
        for line in prose(text)
        if re.search(r"\b(will|shall)\b", without_code(line.text), flags=re.I)
    ]


def is_scenario(name: str) -> bool:
    return name in SCENARIOS


ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e|etc|vs|cf|approx|Dr|Mr|Mrs|St|No|Fig|Eq)\.", re.I)


def sentence_faults(text: str) -> list[str]:
    """One sentence a line, and one line a sentence, so that a change shows as one line."""
    faults = []
    lines = list(prose(text))
    for line, after in itertools.zip_longest(lines, lines[1:]):
        stripped = line.text.strip()
        if not stripped or stripped.startswith(("|", "#", "![", ">")) or is_citation(line):
            continue
        if line.directive == "glossary" and not line.text.startswith(" "):
            continue  # the term itself
        words = ABBREVIATIONS.sub("ABBREVIATION", without_code(stripped))
        words = re.sub(r"^(\d+\.|[-*+])\s+", "", words)
        words = re.sub(r"^(\*\*[^*]+\*\*)\s*", "", words)
        if re.search(r"[.!?][\"')\]*]*\s+[A-Z]", words):
            faults.append(f"line {line.number}: more than one sentence on a line")
        follows = after is not None and after.number == line.number + 1
        next_text = after.text.strip() if follows else ""
        starts_anew = not next_text or re.match(r"(\d+\.|[-*+|#>]|!\[)\s?", next_text)
        if not starts_anew and not re.search(r"[.!?:][\"')\]*]*$", stripped):
            faults.append(f"line {line.number}: the sentence goes on in the next line")
    return faults


VAGUE = {"", "here", "click here", "this", "this link", "this page", "link", "page", "more"}
VAGUE |= {"read more", "see more", "website", "details", "see here", "download", "source"}


def link_faults(text: str) -> list[str]:
    faults = []
    for line in prose(text):
        visible = re.sub(r"(`+).*?\1", "CODE", line.text)
        for match in re.finditer(r"(!?)\[([^\]]*)\]\(([^)\s]*)[^)]*\)", visible):
            image, words, target = match.groups()
            own_title = re.search(r"\.(md|ipynb)$", target) and not words and not image
            if image and len(words.split()) < 4:
                faults.append(f"line {line.number}: the image has no description")
            elif not own_title and words.strip().lower().strip(".") in VAGUE:
                faults.append(f"line {line.number}: the link '{words}' does not say where it goes")
            elif re.match(r"https?://|www\.", words):
                faults.append(f"line {line.number}: a bare address stands for the link's words")
        if re.search(r"(?<![(<\"'])https?://", visible):
            faults.append(f"line {line.number}: an address stands in the text")
    return faults


# Digits that are no results: years, names of groups and versions, constants of a method.
CONSTANTS = [
    r"\b(?:19|20)\d\d\b",
    r"\b95% ",
    r"\b95 in 100\b",
    r"\bof 100\b",
    r"\bquintiles? [1-5](?: (?:to|and|against) [1-5])?\b",
    r"\bdeciles? (?:10|[1-9])(?: (?:to|and|against) (?:10|[1-9]))?\b",
    r"\b[1-5] (?:is )?the (?:most|least|nearest|furthest)\b",
    r"\bsections? \d+(?:\.\d+)*\b",
    r"\bPython 3\.11, 3\.12 or 3\.13\b",
    r"\bPython 3\.11 to 3\.13\b",
    r"\bCC BY 4\.0\b",
    r"\bAttribution 4\.0\b",
    r"\bOpen Government Licence v3\.0\b",
    r"\b(?:aged|age) (?:18|50|65) and over\b",
    # A gene, trials, the clinical types of a disease, who is a child, and the wait of a standard.
    r"\bSMN[12]\b",
    r"\bSPR1NT\b",
    r"\bSTR1VE(?:-(?:EU|US))?\b",
    r"\btypes? [0-4](?:,? (?:to|and|or) (?:type )?[0-4])*\b",
    r"\b(?:under|over|turn|age|at) 18\b",
    r"\bunder 65\b",
    r"\b18 weeks\b",
]
# What one page may type besides, word for word.
ALLOWED = {
    "book/methods": [
        "merged steps of at least 10 deaths and 10 people",
        # The points of the GAP index (Ley 2012).
        "| 60 and under | 61 to 65 | over 65 |",
        "| over 75 | 50 to 75 | under 50 |",
        "| over 55 | 36 to 55 | 35 and under |",
        "stage I is 0 to 3 points, stage II 4 or 5, and stage III 6 to 8",
    ],
    "book/accessibility": ["(WCAG) 2.2"],
}


def digit_faults(text: str, allowed: list[str]) -> list[str]:
    faults = []
    for line in prose(text):
        if is_citation(line):
            continue
        words = without_code(line.text)
        words = re.sub(r"^\s*\d+\.\s", "", words)
        for constant in allowed:
            words = words.replace(constant, "")
        for pattern in CONSTANTS:
            words = re.sub(pattern, "", words, flags=re.I)
        if found := re.search(r"\S*\d\S*", words):
            faults.append(f"line {line.number}: typed digit '{found[0]}': compute it or cite it")
    return faults


def mark_faults(text: str) -> list[str]:
    """The marks of our working notes never reach a page."""
    return [f"working mark '{m[0]}'" for m in re.finditer(r"\[[KSDM](?:\]|[:;/] ?[\w;])", text)]


RULES = [heading_faults, word_faults, sentence_faults, link_faults, mark_faults]


# --- The rules can fail -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (heading_faults, "# A\n\n### B", "# A\n\n## B\n\n### C\n\n## D"),
        (heading_faults, "# A\n\n# B", "# A\n\n```bash\n# a comment\n```"),
        (heading_faults, "## A", "# A"),
        (word_faults, "A significant rise.", "A statistically significant rise."),
        (word_faults, "This impacted people.", "The impact was small."),
        (word_faults, "We utilise it.", "We use `utilise`."),
        (word_faults, "The color of a center.", "The colour of a centre, `color`."),
        (word_faults, "Simulated patients died.", "Synthetic people died."),
        (scenario_faults, "The wait will fall.", "The wait would fall."),
        (sentence_faults, "One. Two.", "One.\nTwo."),
        (sentence_faults, "A sentence that\ngoes on.", "A sentence, e.g. This one.\nAnother."),
        (sentence_faults, "- One. Two.", "- One.\n  Two."),
        (sentence_faults, "```{note}\nOne. Two.\n```", "```\nOne. Two.\n```"),
        (link_faults, "Click [here](a.md).", "See [the list of tables](a.md)."),
        (link_faults, "[](https://a.org)", "[](a.md)"),
        (link_faults, "![](a.png)", "![The home page of the book](a.png)"),
        (link_faults, "See https://a.org", "See [the site of A](https://a.org)."),
        (mark_faults, "The rate is 5 [K].", "The rate [of deaths]."),
        (mark_faults, "Seen [S: a.org].", "Seen in [Smith](a.md)."),
    ],
)
def test_each_rule_finds_its_fault(rule, bad, good):
    assert rule(bad)
    assert not rule(good)


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("The ratio is 1.39.", "The ratio is {number}`published.a_b`."),
        ("It took 31 minutes.", "It took `31` minutes in 2024."),
        ("## The 5 findings", "## Findings for quintile 5"),
        ("| a | 7 |", "| a | $7$ |"),
        (":::{grid-item-card} Title\nIt is 7.\n:::", ":::{grid-item-card} Title\nYes.\n:::"),
        ("Below 10.", "A rule. doi:10.1000/1"),
    ],
)
def test_a_typed_digit_is_found(bad, good):
    assert digit_faults(bad, [])
    assert not digit_faults(good, [])
    assert not digit_faults("Below 10.", ["Below 10."])


# --- The pages ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS, *ROOT_PAGES], ids=name_of)
def test_page_keeps_the_rule(path, rule):
    assert rule(text_of(path)) == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=name_of)
def test_no_result_is_typed(path):
    assert digit_faults(text_of(path), ALLOWED.get(name_of(path), [])) == []


def test_scenarios_say_would():
    assert is_scenario("notebooks/where_to_put_a_spoke")
    assert not is_scenario("notebooks/survival_by_distance")
    pages = [path for path in (*PAGES, *NOTEBOOKS) if is_scenario(name_of(path))]
    assert {name_of(p): f for p in pages if (f := scenario_faults(text_of(p)))} == {}


def test_every_exception_is_needed():
    unused = [
        (page, words)
        for page, listed in ALLOWED.items()
        for words in listed
        if not any(words in text_of(p) for p in (*PAGES, *NOTEBOOKS) if name_of(p) == page)
    ]
    assert unused == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS, *ROOT_PAGES], ids=name_of)
def test_links_inside_the_project_lead_somewhere(path):
    broken = []
    for line in prose(text_of(path)):
        for target in re.findall(r"\]\(([^)\s]+)", re.sub(r"(`+).*?\1", "", line.text)):
            file = target.partition("#")[0]
            if file and not re.match(r"[a-z]+:", file) and not (path.parent / file).is_file():
                broken.append(target)
    assert broken == []


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS], ids=name_of)
def test_name_is_a_slug(path):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", path.stem)


def listed_in_contents(node: object) -> list[str]:
    """Every file named anywhere in the table of contents."""
    if isinstance(node, list):
        return [name for item in node for name in listed_in_contents(item)]
    if isinstance(node, dict):
        own = [str(node[key]) for key in ("root", "file") if key in node]
        return own + [name for value in node.values() for name in listed_in_contents(value)]
    return []


def test_every_page_is_listed_exactly_once():
    contents = yaml.safe_load((places.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    listed = sorted(re.sub(r"\.(md|ipynb)$", "", name) for name in listed_in_contents(contents))
    assert listed == sorted(name_of(path) for path in (*PAGES, *NOTEBOOKS))


# --- Numbers and the home page ------------------------------------------------------------------


def number_keys(path: Path) -> list[str]:
    """Keys of the numbers of a page: in its sentences, and on the cards of findings."""
    text = text_of(path)
    ends = [end for ends in re.findall(r"^:range: (.+)$", text, re.M) for end in ends.split(" to ")]
    on_cards = re.findall(r"^:+\{finding\} (.+)$", text, re.M)
    return re.findall(r"\{number\}`([^`]+)`", text) + on_cards + ends


def test_published_numbers_exist_and_have_a_value():
    with (places.DATA / "published_estimates.csv").open(encoding="utf-8", newline="") as file:
        known = {row["id"] for row in csv.DictReader(file) if row["estimate"]}
    keys = {key for path in (*PAGES, *NOTEBOOKS) for key in number_keys(path)}
    quoted = {key.removeprefix("published.") for key in keys if key.startswith("published.")}
    assert quoted
    assert quoted - known == set()


def test_home_page_shows_open_and_published_numbers_only():
    keys = number_keys(places.BOOK / "index.md")
    assert len(keys) >= 5
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        kinds = {row["key"]: row["kind"] for row in csv.DictReader(file)}
    assert {kinds[key] for key in keys} <= {"open", "modelled", "published"}


def test_home_page_never_joins_deprivation_and_travel_without_the_caution():
    lines = [line.text for line in prose(text_of(places.BOOK / "index.md"))]
    joined = [
        text
        for text in lines
        if re.search(r"depriv", text, re.I) and re.search(r"\b(drive|travel|minutes)\b", text)
    ]
    assert joined
    assert [text for text in joined if "car ownership not included" not in text] == []


def cards() -> dict[str, str]:
    """The findings of the home page: the key of each number, and the text of its card."""
    text = text_of(places.BOOK / "index.md")
    return dict(re.findall(r"^::::\{finding\} (.+?)\n(.*?)\n::::$", text, re.M | re.S))


def test_the_home_page_has_four_to_six_findings_and_each_hangs_on_numbers():
    assert 4 <= len(cards()) <= 6
    assert [key for key, card in cards().items() if "{holds}`" not in card] == []


def test_the_home_page_tells_nobody_how_long_patients_live():
    with (places.ACCEPTED / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file)}
    keys = number_keys(places.BOOK / "index.md")
    about = re.compile(r"surviv|median|lived|lives|alive|\bmonths\b|\byears\b")
    assert [key for key in keys if about.search(f"{key} {rows[key]['unit']}")] == []


def test_the_home_page_can_be_read_in_three_minutes():
    text = text_of(places.BOOK / "index.md")
    read = [line.text for line in prose(text) if line.directive != "dropdown"]
    words = " ".join(
        without_code(re.sub(r"\{holds\}`(.*?) when [^`]*`", r"\1", line)) for line in read
    )
    assert len(re.findall(r"\w[\w'-]*", words)) <= 700
