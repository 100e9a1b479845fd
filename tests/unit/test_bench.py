"""The bench itself (tests/bench): its people, its limits, its summary. No engine is timed here."""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pandas as pd
import pytest

from distance_to_care import places, survival, tables

BENCH = places.ROOT / "tests" / "bench"


def of_the_bench(name):
    # Its modules stand beside its main file, as a program's do.
    sys.path.insert(0, str(BENCH))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    invented = of_the_bench("invented")
    return invented.write(600, tmp_path_factory.mktemp("bench") / "people")


def test_people_follow_from_the_seed_and_about_three_in_five_die():
    invented = of_the_bench("invented")
    people, again, others = invented.draw(50_000), invented.draw(50_000), invented.draw(50_000, 1)
    assert all(np.array_equal(people[name], again[name]) for name in people)
    assert not np.array_equal(people["days"], others["days"])
    assert 0.55 < people["died"].mean() < 0.65
    assert people["days"].min() >= 1
    assert set(np.unique(people["cause"][people["died"] == 1])) == {1}
    assert len(invented.TERMS) == 13


def test_a_large_folder_is_written_in_chunks_and_every_form_holds_the_same_people(
    tmp_path, monkeypatch
):
    invented = of_the_bench("invented")
    monkeypatch.setattr(invented, "CHUNK", 300)
    folder = invented.write(700, tmp_path / "people")
    people = invented.Invented(folder)
    table = pd.read_parquet(people.parquet)
    chunks = [invented.draw(size, chunk) for chunk, size in enumerate((300, 300, 100))]
    for name in invented.COLUMNS:
        drawn = np.concatenate([chunk[name] for chunk in chunks])
        assert np.array_equal(people.column(name), drawn)
        if name in invented.LEVELS:
            drawn = np.array(invented.LEVELS[name])[drawn]
        assert np.array_equal(table[name].astype(str), drawn.astype(str))
    own = survival.design(table, invented.COVARIATES)
    assert own.terms == invented.TERMS
    assert np.array_equal(own.matrix, people.design)


@pytest.mark.parametrize("task", ["kaplan_meier", "cox_efron", "restricted_mean", "log_rank"])
def test_engines_of_this_environment_answer_alike(folder, task):
    invented, answers = of_the_bench("invented"), of_the_bench("answers")
    found = []
    for engine in ("this_package", "this_package_arrays", "lifelines", "statsmodels"):
        asked = of_the_bench(f"asked_{engine}")
        # Forty times slower than all the rest of this file together.
        if not hasattr(asked, task) or (engine, task) == ("lifelines", "restricted_mean"):
            continue
        call, answered = getattr(asked, task)(invented.Invented(folder))
        found.append(answered(call()))
    assert all(set(found[0]) >= set(other) for other in found[1:])
    for other in found[1:]:
        estimates, errors = answers.largest_difference(found[0], other)
        assert estimates < 1e-4
        assert errors is None or errors < 1e-4


def test_differences_are_relative_and_what_is_no_number_is_not_passed_over():
    answers = of_the_bench("answers")
    own = {"a": [2.0, 0.5], "b": [-4.0, 0.1]}
    assert answers.largest_difference(own, {"a": [2.1, 0.5], "b": [-4.0, 0.12]}) == (
        pytest.approx(0.05),
        pytest.approx(0.2),
    )
    assert answers.largest_difference(own, {"a": [2.0, None]}) == (0.0, None)
    both = answers.largest_difference(own, {"a": [2.0, float("nan")], "b": [-4.0, 0.1]})
    assert np.isnan(both[1])
    assert answers.read_off("a", [10, 20], [0.9, 0.8], [5, 10, 15, 30]) == {
        "a at 5": [1.0, None],
        "a at 10": [0.9, None],
        "a at 15": [0.9, None],
        "a at 30": [0.8, None],
    }


def measure(people, task, engine, outcome="measured", **values):
    values = {"seconds": 1.0, "first_seconds": 2.0, "calls": 3, "memory_mb": 1.0, **values}
    one = {"people": people, "task": task, "engine": engine, "outcome": outcome, "round": 0}
    if outcome != "measured":
        return one
    return one | values | {"process_mb": 9.0, "answers": values.get("answers", {"a": [1.0, 0.5]})}


def test_the_summary_takes_the_fastest_call_the_most_memory_and_tells_of_failures():
    summary = of_the_bench("summary")
    rows = summary.table(
        [
            measure(10, "cox_efron", "this_package", seconds=0.5, memory_mb=4.0),
            measure(10, "cox_efron", "this_package", seconds=0.2, memory_mb=7.0),
            measure(10, "cox_efron", "r", answers={"a": [1.1, 0.5]}),
            measure(10, "cox_efron", "lifelines"),
            measure(10, "cox_efron", "lifelines", "failed: no convergence"),
            measure(10, "cox_robust", "r_raw", "not offered"),
            measure(10, "cox_robust", "coxstream", "not offered"),
            measure(10, "read_columns", "coxstream", "not offered"),
        ]
    )
    found = {(row["task"], row["engine"]): row for row in rows}
    assert len(found) == len(rows) == 4
    own = found["cox_efron", "this package"]
    assert (own["seconds"], own["memory_mb"], own["calls"]) == (0.2, 7.0, 6)
    assert own["estimate_difference"] is None
    assert found["cox_efron", "R"]["estimate_difference"] == pytest.approx(0.1)
    # Failed once is failed, however fast the other call was.
    assert found["cox_efron", "lifelines"]["outcome"] == "failed: no convergence"
    assert found["cox_efron", "lifelines"]["seconds"] is None
    assert found["cox_robust", "coxstream"]["outcome"] == "not offered"


def test_who_did_not_finish_is_not_asked_about_more_people():
    summary = of_the_bench("summary")
    late = [measure(1_000, "log_rank", "r", "not finished within 5 seconds")]
    assert summary.gave_up(late, "r", "log_rank", 500) == ""
    assert summary.gave_up(late, "r", "cox_efron", 9_000) == ""
    told = summary.gave_up(late, "r", "log_rank", 9_000)
    assert told == "not tried: not finished within 5 seconds with 1,000 people"
    late.append(measure(9_000, "log_rank", "r", told))
    assert summary.gave_up(late, "r", "log_rank", 90_000) == told
    assert summary.digits(0.000123456) == "0.0001235"
    assert summary.digits(float("nan")) == summary.digits(None) == ""


def test_who_would_take_too_long_as_its_times_grew_is_not_tried_and_the_reason_is_a_row():
    summary = of_the_bench("summary")
    grew = [
        measure(240_000, "cumulative_incidence", "r", seconds=7.5),
        measure(1_000_000, "cumulative_incidence", "r", seconds=43.4),
    ]
    asked = ("r", "cumulative_incidence", 10_000_000)
    told = summary.gave_up(grew, *asked, 300)
    assert told.startswith("not tried: took 43 s with 1,000,000 people and would take about ")
    assert told.endswith(" s, where 300 s are given")
    assert summary.gave_up(grew, *asked, 3_000) == ""
    # What is as long with any number of people is not held against anybody.
    steady = [measure(n, "restricted_mean", "lifelines", seconds=4.0) for n in (2_359, 24_000)]
    assert summary.gave_up(steady, "lifelines", "restricted_mean", 240_000, 20) == ""
    assert summary.gave_up(grew[:1], *asked, 20) == ""
    rows = summary.table([*grew, measure(10_000_000, *asked[1::-1], told)])
    assert [row["outcome"] for row in rows if row["people"] == 10_000_000] == [told]


def test_the_first_call_which_loads_code_is_never_the_only_one_of_a_short_task():
    measured = of_the_bench("measured")
    # The first call took all the time that calls are repeated for, and more.
    assert measured.another([0.4], 0.0, 0.3)
    assert measured.another([0.4, 0.001, 0.001, 0.001], 0.31, 0.3)
    assert measured.another([0.4, *[0.001] * 20], 0.1, 0.3)
    assert not measured.another([0.4, *[0.001] * 20], 0.31, 0.3)
    assert not measured.another([0.001] * 50, 0.1, 0.3)
    assert measured.another([9.0], 0.0, 0.3)
    assert not measured.another([9.0, 3.1], 3.1, 0.3)
    assert measured.another([9.0, 2.9], 2.9, 0.3)
    # One that is long is not begun again, or it would not end within its limit.
    assert not measured.another([10.0], 0.0, 300)
    text = (BENCH / "measured.R").read_text()
    for words in ("took[1] >= long_seconds", "length(took) < least_calls && min(took) < short_s"):
        assert words in text


def test_measurements_of_fewer_calls_than_now_are_measured_again():
    summary = of_the_bench("summary")
    assert summary.too_few(measure(10, "log_rank", "r", calls=1, first_seconds=3.6, seconds=3.6))
    assert summary.too_few(measure(10, "log_rank", "r", calls=4, seconds=1.2))
    assert not summary.too_few(measure(10, "log_rank", "r", calls=5, seconds=1.2))
    assert not summary.too_few(measure(10, "log_rank", "r", calls=2, seconds=3.6))
    assert not summary.too_few(measure(10, "log_rank", "r", calls=1, first_seconds=30, seconds=30))
    assert not summary.too_few(measure(10, "simulation", "lifelines", calls=1))
    assert not summary.too_few(measure(10, "log_rank", "r", "not offered"))


def main_of_the_bench():
    # The main file of a folder has no name to import it by.
    found = importlib.util.spec_from_file_location("bench_main", BENCH / "__main__.py")
    bench = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(BENCH))
    found.loader.exec_module(bench)
    sys.path.remove(str(BENCH))
    return bench


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """The bench in a folder of its own, with engines that answer at once and note who was asked."""
    bench = main_of_the_bench()
    engines = {name: bench.plan.ENGINES[name] for name in ("this_package", "lifelines")}
    monkeypatch.setattr(bench, "WORK", tmp_path / "bench")
    monkeypatch.setattr(bench.plan, "ENGINES", engines)
    monkeypatch.setattr(bench, "_version", lambda *_: "1.0")
    monkeypatch.setattr(bench.invented, "write", lambda people, folder: folder)
    monkeypatch.setattr(bench, "command", lambda engine, peers: [engine])
    asked = []

    def ask(words, limit, memory, given):
        engine, _, task, folder = words[:4]
        people = int(folder.rsplit("_", 1)[1])
        asked.append((people, task, engine))
        if len(asked) == bench.stops_after:
            raise KeyboardInterrupt
        return {key: value for key, value in measure(people, task, engine, calls=9).items()
                if key not in ("people", "task", "engine", "round")}  # fmt: skip

    monkeypatch.setattr(bench, "ask", ask)
    bench.asked, bench.stops_after = asked, 0

    def run(*words):
        asked.clear()
        monkeypatch.setattr(sys, "argv", ["bench", "--output", str(tmp_path), *words])
        bench.main()
        return list(asked)

    bench.run = run
    return bench


TWO = ("--sizes", "24000", "1000000", "--tasks", "log_rank", "read_columns")


def test_a_run_goes_on_where_it_stopped_and_asks_again_what_is_named(bench, tmp_path):
    whole = bench.run(*TWO)
    # Rounds: five and two of a table, five and three of a file; two engines.
    assert len(whole) == 2 * (5 + 2 + 5 + 3)
    bench.stops_after = 12
    with pytest.raises(SystemExit, match="130"):
        bench.run(*TWO)
    bench.stops_after = 0
    kept = bench.WORK / "measures.jsonl"
    kept.write_text(kept.read_text() + '{"outcome": "cut sh')
    assert bench.run(*TWO, "--resume") == whole[11:]
    assert bench.run(*TWO, "--resume") == []
    bench.stops_after = 4
    with pytest.raises(SystemExit, match="130"):
        bench.run(*TWO, "--again", "lifelines", "read_columns")
    bench.stops_after = 0
    again = [one for one in whole if one[1] == "read_columns" or one[2] == "lifelines"]
    # --again has forgotten for good: --resume goes on from there.
    assert bench.run(*TWO, "--resume") == again[3:]
    assert sorted(bench.run(*TWO, "--again", "1000000")) == sorted(
        one for one in whole if one[0] == 1_000_000
    )
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert len({(o["people"], o["task"], o["engine"], o["round"]) for o in lines}) == len(whole)
    assert len(lines) == len(whole)
    table = pd.read_csv(tmp_path / "speed_of_engines.csv")
    assert len(table) == 8
    # What is not asked for in this run stays as it is, also where its calls were too few.
    first = next(
        one
        for one in lines
        if (one["people"], one["task"], one["engine"]) == (24_000, "log_rank", "lifelines")
    )
    lines.remove(first)
    old = json.dumps({**first, "calls": 1, "first_seconds": 1.0})
    kept.write_text("\n".join([old, *map(json.dumps, lines)]) + "\n")
    few = bench.run("--sizes", "24000", "--tasks", "read_columns", "--again", "lifelines")
    assert few == [(24_000, "read_columns", "lifelines")] * 5
    assert old in kept.read_text()
    assert bench.run(*TWO, "--resume") == [(24_000, "log_rank", "lifelines")] * 5
    # Nothing is lost by forgetting --resume.
    bench.run("--sizes", "24000", "--tasks", "log_rank")
    assert len((bench.WORK / "measures.jsonl.before").read_text().splitlines()) == len(whole)


def test_what_was_kept_before_days_were_noted_says_so_and_each_engine_says_when(bench, tmp_path):
    bench.run(*TWO)
    kept = bench.WORK / "measures.jsonl"
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    for one in lines:
        for name in ("begun", "limit_seconds", "load"):
            del one[name]
    lines[0] = {**measure(24_000, "log_rank", "this_package", "not finished within 60 seconds")}
    kept.write_text("".join(json.dumps(one) + "\n" for one in lines))
    bench.run(*TWO, "--again", "lifelines")
    table = pd.read_csv(tmp_path / "speed_machine.csv", keep_default_na=False)
    found = table.set_index("item")["value"]
    assert found.index.is_unique
    assert found["limit_seconds"] == "60 to 300"
    assert re.fullmatch(r"in 2 parts, begun (\S+) or before, \1 \d\d:\d\d", found["run"])
    assert re.fullmatch(r"not noted, \d+\.\d", found["other_work_before"])
    assert found["processes of this package"].endswith("or before")
    assert re.fullmatch(r"15 in the part begun \S+ \d\d:\d\d", found["processes of lifelines"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])


def test_a_quick_run_writes_over_nothing_and_a_wrong_word_is_a_sentence(bench, capsys):
    plain = bench.options_of(["--quick"])
    assert plain.output == bench.WORK
    assert bench.options_of([]).output == places.DATA
    bench.run(*TWO)
    kept = (bench.WORK / "measures.jsonl").read_bytes()
    bench.run("--quick", "--tasks", "log_rank")
    assert (bench.WORK / "measures.jsonl").read_bytes() == kept
    wrong = [("--sizes", "-5"), ("--sizes", "few"), ("--call-seconds", "-1")]
    wrong += [("--again", "nobody"), ("--threads", "0"), ("--limit-seconds", "nan")]
    wrong += [("--output", "nowhere"), ("--peers", "nobody")]
    for words in wrong:
        capsys.readouterr()
        with pytest.raises(SystemExit):
            bench.options_of(words)
        told = capsys.readouterr().err
        assert f"{words[1]} is no" in told and "Traceback" not in told


def test_a_measurement_ends_at_its_limit_and_says_why_it_failed():
    bench = main_of_the_bench()
    given, plenty = bench.environment(1), int(8e9)

    def said(code, limit=20.0, memory=plenty):
        return bench.ask([sys.executable, "-c", code], limit, memory, given)["outcome"]

    assert said("import time; time.sleep(60)", limit=0.5) == "not finished within 0.5 seconds"
    assert said("bytearray(10**10)") == "did not fit into 8 GB of memory"
    assert said("import nothing_of_that_name") == "not installed"
    assert said("raise ValueError('odd')") == "failed: ValueError: odd"
    assert said("""print('{"outcome": "measured"}')""") == "measured"
    assert bench.options_of(["--quick"]).sizes == [2_359, 24_000]
    assert bench.options_of(["--quick", "--limit-seconds", "7"]).limit_seconds == 7
    assert bench.options_of([]).sizes[-1] == 10_000_000


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_takes_what_it_started_with_it_and_says_how_to_go_on(how, tmp_path):
    # A measurement that would sleep for a minute, and says when it has begun.
    begun, script = tmp_path / "begun", tmp_path / "asks.py"
    script.write_text(
        "import importlib.util, pathlib, sys, os\n"
        f"sys.path.insert(0, {str(BENCH)!r})\n"
        f"spec = importlib.util.spec_from_file_location('bench', {str(BENCH / '__main__.py')!r})\n"
        "bench = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(bench)\n"
        f"bench.WORK = pathlib.Path({str(tmp_path)!r})\n"
        "code = 'import os, sys, time; open(sys.argv[1], \"w\").write(str(os.getpid()));'\n"
        f"asked = [sys.executable, '-c', code + 'time.sleep(60)', {str(begun)!r}]\n"
        "bench.measure_all = lambda *_: bench.ask(asked, 60, 8 * 10**9, dict(os.environ))\n"
        f"sys.argv = ['bench', '--output', {str(tmp_path)!r}]\n"
        "bench.main()\n"
    )
    run = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(how)
    told, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Stopped." in told and 'BENCH="--resume"' in told
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_one_measurement_is_a_line_of_json(folder):
    told = subprocess.run(
        [sys.executable, "measured.py", "pyarrow", "read_columns", str(folder), "0"],
        cwd=BENCH, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(told.stdout)
    assert found["answers"] == {"people": [600.0, None]}
    assert found["calls"] == 5
    assert found["process_mb"] > found["memory_mb"] >= 0


def test_the_table_of_times_names_what_the_bench_names():
    plan, timing = of_the_bench("plan"), tables.read("speed_of_engines")
    assert set(timing["task"]) <= {*plan.OF_TABLES, *plan.OF_FILES, plan.SIMULATION}
    assert set(timing["engine"]) <= {name for name, _ in plan.ENGINES.values()}
    words = importlib.import_module("distance_to_care.statistics.engines_timed").TASKS
    assert set(words) == {*plan.OF_TABLES, *plan.OF_FILES, plan.SIMULATION}
    assert (timing["seconds"].notna() == (timing["outcome"] == "measured")).all()


def test_the_other_engines_are_pinned_with_hashes():
    for name in ("peers", "peers_compiled"):
        text = (BENCH / f"{name}.txt").read_text()
        pinned = re.findall(r"^([a-z0-9-]+)==\S+", text, flags=re.MULTILINE)
        assert text.count("--hash=sha256:") >= len(pinned)
        asked = re.findall(r"^([a-z-]+)==", (BENCH / f"{name}.in").read_text(), flags=re.MULTILINE)
        assert asked and set(asked) <= set(pinned)
    project = tomllib.loads((places.ROOT / "pyproject.toml").read_text())["project"]
    needs = sum(project["optional-dependencies"].values(), project["dependencies"])
    # They are compared with, and nothing of this package rests on them.
    assert not [need for need in needs if need.startswith(("scikit-survival", "survival", "coxs"))]
