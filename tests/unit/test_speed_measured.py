"""`make speed` and `make many`: what they make of measurements, and that pages say the same."""

import csv
import importlib.util
import resource
import sys

import pytest

from distance_to_care import places, tables
from distance_to_care.statistics import engines_timed


def program(name):
    found = importlib.util.spec_from_file_location(name, places.ROOT / "tests" / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


SAID = """
Executing notebooks
  maps  {maps} s
  any_registry  5.1 s
  how_fast  2.0 s
  methods  1.0 s
Site built in 20.0 s (41.2 s in all)
"""


@pytest.fixture
def found():
    """Rows of two rounds."""
    took = {"plain": [100.0, 120.0], "cold": [40.0, 36.0], "unchanged": [2.0, 1.0]}
    kernels = {"libraries_once": [3.0, 4.0], "kernel_forked": [0.2, 0.3]}
    said = [SAID.format(maps="6.0"), SAID.format(maps="8.0")]
    return program("speed").rows(took, said, kernels, 0.25)


def test_rounds_become_medians_ratios_kernels_and_the_slowest_notebooks(found):
    told = {(row["item"], row["about"]): row for row in found}
    assert told["plain", ""]["estimate"] == 110.0
    assert (told["plain", ""]["low"], told["plain", ""]["high"]) == (100.0, 120.0)
    # The ratio of each round, not that of the medians.
    assert told["ratio", ""]["estimate"] == pytest.approx((0.4 + 0.3) / 2)
    assert told["kernels", ""]["estimate"] == 4
    assert told["kernel_forked", ""]["estimate"] == 0.25
    slowest = [row["about"] for row in found if row["item"] == "slowest_notebook"]
    assert slowest == ["maps", "any_registry", "how_fast"]
    assert told["slowest_notebook", "maps"]["estimate"] == 7.0
    (run,) = (row for row in found if row["item"] == "run")
    assert run["about"].endswith(" cores, load 0.2 before") and ", 2 rounds, " in run["about"]
    assert {row["item"] for row in found} <= set(engines_timed.STEPS)


def test_the_table_takes_the_place_of_the_last_one_in_a_page(found, tmp_path):
    speed = program("speed")
    table, page = tmp_path / "table.csv", tmp_path / "page.md"
    speed.write(table, found)
    page.write_text(
        "Before.\n\nMeasured once:\n\n| What | Seconds |\n|---|---|\n| a | 1 |\n\nEnd.\n"
    )
    speed.tell(page, speed.read(table))
    text = page.read_text()
    assert text.startswith("Before.\n\nMeasured ") and text.endswith("|\n\nEnd.\n")
    assert "| plain `jupyter-book build .`, cold | 110.0 |" in text
    assert "| cold, ours over plain | 0.35 |" in text
    assert "| slow: `maps` | 7.0 |" in text and "| a | 1 |" not in text
    page.write_text("No table.\n")
    with pytest.raises(SystemExit, match="0 tables"):
        speed.tell(page, speed.read(table))


def test_contributing_says_what_make_speed_measured():
    speed = program("speed")
    told = speed.in_words(speed.read(places.DATA / speed.TABLE))
    assert told in (places.ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    built = tables.read("speed_of_build").set_index("item")["estimate"]
    assert {"cold", "plain", "unchanged", "one_changed", "ratio"} <= set(built.index)
    # To be reached, on two cores.
    assert built["ratio"] <= 0.4


def test_the_readme_says_what_make_many_measured():
    many = program("many_people")
    with (places.DATA / many.TABLE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["people"]) for row in rows} == {10_000_000}
    readme = (places.ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\nTen million people {many.sentence(rows)}\n" in readme


def test_make_many_puts_its_sentence_where_the_last_one_stands(tmp_path):
    many = program("many_people")
    rows = [
        {"command": name, "seconds": seconds, "memory_mb": memory}
        for name, seconds, memory in (
            ("synthesise", "20.4", "900"),
            ("check", "50.6", "1849"),
            ("analyse", "300", "1700"),
        )
    ]
    page = tmp_path / "page.md"
    page.write_text("One.\nTen million people took long.\nTwo.\n")
    many.tell(page, rows)
    assert page.read_text() == (
        "One.\nTen million people took 20 seconds to draw, 51 to check and 300 to analyse on one "
        "core, in 1.8 GB of memory at most.\nTwo.\n"
    )
    with pytest.raises(SystemExit, match="0 times"):
        many.tell(places.ROOT / "LICENSE", rows)


def test_a_command_is_measured_and_its_failure_is_told(tmp_path, monkeypatch):
    many = program("many_people")
    assert list(many.commands(5, tmp_path)) == ["synthesise", "check", "analyse"]
    seconds, memory = many.measured(["--version"], tmp_path)
    # A process begins with the peak of the one that starts it, which here runs other tests too.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * many.UNIT / 1e6
    assert seconds > 0.05 and 10 < memory < max(1_000, 1.1 * own)
    with pytest.raises(SystemExit, match="'no_such' failed"):
        many.measured(["no_such"], tmp_path)
    monkeypatch.setattr(sys, "argv", ["many", "--people", "0"])
    with pytest.raises(SystemExit):
        many.main()
