"""Several registries: what they release is pooled, and what does not go together is refused.

The releases are real ones of invented people: made by the commands, or by the same calls.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from dataclasses import replace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from distance_to_care import (
    cohort,
    disclosure,
    places,
    registries,
    releasing,
    results,
    survival,
    synthesis,
    synthetic,
    tables,
)
from distance_to_care.command_line import app, run_record
from distance_to_care.command_line import registries as registry_commands
from distance_to_care.disclosure import ranges
from distance_to_care.problems import Problem
from distance_to_care.registries import rules
from distance_to_care.releasing import hidden_cells
from distance_to_care.statistics import cohort_survival, engine, pooled_cox
from distance_to_care.study import Study

EXPOSURE, MODEL = "deprivation_quintile", "age_sex"
SIZES = {"north": 700, "south": 900}


@pytest.fixture(scope="module")
def study() -> Study:
    return tables.read_study(str(places.STUDIES / "ipf.toml"))


@pytest.fixture(scope="module")
def people(study) -> dict[str, pd.DataFrame]:
    """Invented people of two registries, prepared as a cohort is."""
    parameters = tables.read_parameters(study)
    population = tables.read(synthetic.population_name(parameters))
    return {
        name: synthetic.draw(count, seed, parameters, population, study=study)
        for seed, (name, count) in enumerate(SIZES.items(), start=1)
    }


def run(*arguments: object):
    """Call a command, and leave the environment as it was."""
    with mock.patch.dict(os.environ):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])


def bundle(folder, study: Study, table: pd.DataFrame, name: str):
    """Release one table about invented people, through the gate, as a registry would."""
    work = folder.parent / f".work_{folder.name}"
    page = results.Page("hazard_ratios", root=work / "pages")
    page.publish(table, name, "Hazard ratios", [results.COHORT], "synthetic")
    merged = results.merge(["hazard_ratios"], work / "pages", work / "merged")
    record = run_record.record(study, 1000, "synthetic", disclosure.DEFAULT, "0" * 64, "now", {})
    run_record.write(merged, record)
    releasing.release(merged, folder, first=True)
    return folder


def ratios_of(people: pd.DataFrame, study: Study) -> pd.DataFrame:
    prepared = cohort.Cohort(cohort.prepare(people, study), study, "synthetic")
    models = {EXPOSURE: {"unadjusted": (), MODEL: ("age_years", "sex")}}
    return cohort_survival.hazard_ratios(prepared.people, models, prepared.references)


@pytest.fixture(scope="module")
def released(tmp_path_factory, people, study) -> dict:
    root = tmp_path_factory.mktemp("ratios")
    return {
        name: bundle(root / name, study, ratios_of(each, study), "ipf_hazard_ratios")
        for name, each in people.items()
    }


# -- the one-round average -------------------------------------------------------------------------


def test_released_ratios_are_averaged_level_by_level(released):
    found = registries.ratios(registries.read(list(released.values())), MODEL, EXPOSURE)
    assert list(found["registry"]) == ["north", "south"] * 4
    assert found["hazard_ratio"].notna().all()
    average = pooled_cox.averaged(found)
    two = average[average["measure"] == synthesis.TWO].set_index(["level", "method"])
    one = found[found["level"] == "1"]
    # By hand: weights are the inverse squared errors of the released, rounded numbers.
    error = np.log(one["ci_high"] / one["ci_low"]) / (2 * engine.Z95)
    middle = np.exp((np.log(one["hazard_ratio"]) / error**2).sum() / (1 / error**2).sum())
    assert two.loc[("1", "inverse variance"), "estimate"] == pytest.approx(middle, rel=1e-12)


def test_pool_of_folders_prints_or_writes(released, tmp_path):
    said = run("pool", *released.values(), "--model", MODEL, "--exposure", EXPOSURE)
    assert said.exit_code == 0, said.output
    assert "Synthetic people: not findings about patients." in said.output
    assert f"{MODEL}, {EXPOSURE}, 1 against 5: as released" in said.output
    target = tmp_path / "pooled.csv"
    said = run("pool", *released.values(), "--output", target)
    assert said.exit_code == 0, said.output
    written = pd.read_csv(target)
    assert set(written["model"]) == {"unadjusted", MODEL}
    assert set(written["kind"]) == {"synthetic"}
    said = run("pool", *released.values(), "--output", target)
    assert said.exit_code == 2 and "--overwrite" in said.output


def test_a_withheld_ratio_is_left_out_and_said_so(tmp_path, people, study, released):
    table = ratios_of(people["south"], study)
    few = (table["level"] == "1") & (table["model"] == MODEL)
    table.loc[few, "level_deaths"] = 3
    third = bundle(tmp_path / "west", study, table, "ipf_hazard_ratios")
    folders = [released["north"], third]
    found = registries.ratios(registries.read(folders), MODEL, EXPOSURE)
    assert list(found.loc[found["level"] == "1", "hazard_ratio"].isna()) == [False, True]
    said = run("pool", *folders, "--model", MODEL, "--exposure", EXPOSURE)
    assert "withheld, not used" in said.output
    assert "1 ratio withheld by a registry, and left out" in said.output
    # One ratio alone is shown as it is, and not averaged.
    block = said.output.split("1 against 5")[1].split("against 5")[0]
    assert synthesis.TWO not in block


def altered_study(study: Study, change) -> Study:
    """A study from a changed copy of its file's content, as a registry that edits it has it."""
    content = json.loads(json.dumps(tables.study_content(study)[0]))
    change(content)
    return Study.from_dict(content, "changed")


def edit(tmp_path, study: Study, change) -> Study:
    """The same as a file: `release` reads the content of the file itself."""
    text = (places.STUDIES / "ipf.toml").read_text(encoding="utf-8")
    path = tmp_path / "ipf.toml"
    path.write_text(change(text), encoding="utf-8")
    return tables.read_study(str(path))


def test_other_definitions_are_refused_by_their_key(tmp_path, people, study, released):
    other = edit(
        tmp_path, study, lambda text: text.replace('age_sex = ["age_years", "sex"]',
                                                   'age_sex = ["age_years", "sex", "smoking"]'),
    )  # fmt: skip
    table = ratios_of(people["south"], study)
    folder = bundle(tmp_path / "elsewhere", other, table, "ipf_hazard_ratios")
    releases = registries.read([released["north"], folder])
    with pytest.raises(Problem, match="elsewhere do not mean the same: 'adjustments.age_sex'"):
        registries.ratios(releases, MODEL, EXPOSURE)
    # A model that both define alike is pooled.
    assert len(registries.ratios(releases, "unadjusted", EXPOSURE)) == 8


def test_titles_may_differ_and_meanings_may_not(study):
    ours = registries.definitions(study, EXPOSURE, "as_published")

    def title(content):
        content["title"] = "Ours"
        content["columns"]["smoking"]["description"] = "Other words."
        content["columns"]["oxygen"]["title"] = "Not in the model"
        content["scores"]["gap_index"]["title"] = "Points"

    same = altered_study(study, title)
    assert registries.differing(ours, registries.definitions(same, EXPOSURE, "as_published")) == ""
    changes = {
        "columns.smoking.levels": lambda c: c["columns"]["smoking"].update(
            levels=["ex", "never", "current"]
        ),
        "columns.fvc_percent.unit": lambda c: c["columns"]["fvc_percent"].update(unit="litres"),
        "scores.gap_index.items": lambda c: c["scores"]["gap_demographic"]["items"][1][
            "bands"
        ].__setitem__(0, {"below": 60, "points": 0}),
        "disease": lambda c: c.update(disease="another"),
        "area_vintage": lambda c: c.update(area_vintage="LSOA 2021"),
    }
    for key, change in changes.items():
        theirs = registries.definitions(altered_study(study, change), EXPOSURE, "as_published")
        assert {k for k in ours if theirs.get(k) != ours[k]} >= {key}
        assert registries.differing(ours, theirs)
    # The same change in a column that the model does not use is nobody's business.
    other = altered_study(study, changes["columns.fvc_percent.unit"])
    assert registries.definitions(other, EXPOSURE, MODEL) == registries.definitions(
        study, EXPOSURE, MODEL
    )


def test_what_must_not_be_pooled_is_refused(tmp_path, released, people, study):
    north, south = released.values()
    with pytest.raises(Problem, match="named twice"):
        registries.read([north, south, north])
    shutil.copytree(north, tmp_path / "copy")
    with pytest.raises(Problem, match="copy holds the same numbers as .*north"):
        registries.ratios(registries.read([north, tmp_path / "copy"]))
    with pytest.raises(Problem, match="One release is not pooled with itself"):
        registries.ratios(registries.read([north]))
    with pytest.raises(Problem, match="no model 'other': it has age_sex, unadjusted"):
        registries.ratios(registries.read([north, south]), "other")
    with pytest.raises(Problem, match="is not a folder"):
        registries.read([north, tmp_path / "nowhere"])
    # One byte of one table.
    path = tmp_path / "copy" / "tables" / "synthetic_ipf_hazard_ratios.csv"
    path.write_text(path.read_text().replace("unadjusted", "unadjustee", 1))
    with pytest.raises(Problem, match="copy is not as it was released: .*altered"):
        registries.read([north, tmp_path / "copy"])
    said = run("pool", north, tmp_path / "copy")
    assert said.exit_code == 2 and "altered" in said.output
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(Problem, match="empty is not as it was released"):
        registries.read([north, empty])


def test_kinds_and_versions_never_mix(released, monkeypatch):
    north, south = registries.read(list(released.values()))
    assert registries.remarks([north, south]) == []
    registry = {**south.manifest, "kind": "registry"}
    other = replace(south, manifest=registry)
    found = {released["north"]: north, released["south"]: other}
    monkeypatch.setattr(registries.releases, "read_one", found.get)
    with pytest.raises(Problem, match="synthetic results and .* registry ones"):
        registries.read(list(found))
    newer = {**south.manifest, "software": {**south.manifest["software"], "version": "9.9"}}
    found[released["south"]] = replace(south, manifest=newer)
    with pytest.raises(Problem, match=r"'software\.version' differs"):
        registries.read(list(found))
    # Another profile, and other bytes of one version, are said and not refused.
    stricter = {**south.manifest, "profile": {"name": "opensafely", "numbers": {}},
                "software": {**south.manifest["software"], "source_sha256": "1" * 64}}  # fmt: skip
    said = registries.remarks([north, replace(south, manifest=stricter)])
    assert "south opensafely" in said[0] and "same bytes of code" in said[1]


# -- the exact way, through the commands -----------------------------------------------------------


@pytest.fixture(scope="module")
def exact(tmp_path_factory, people):
    """Go through all rounds with the commands; every folder of every round is kept."""
    root = tmp_path_factory.mktemp("exact")
    for name, each in people.items():
        (root / f"{name}.csv").write_bytes(synthetic.to_csv_bytes(each))
    said = run("pool", "--start", "--model", MODEL, "--exposure", EXPOSURE, "--rounds", root)
    assert said.exit_code == 0, said.output
    for number in range(1, 8):
        folders = []
        for name in people:
            said = run(
                "contribute", root / f"{name}.csv", "--coefficients", root / f"round_{number}.json",
                "--output", root / f"work_{name}",
            )  # fmt: skip
            assert said.exit_code == 0, said.output
            folders.append(root / f"{name}_{number}")
            before = [root / f"{name}_{n}" for n in range(1, number)]
            releasing.release(root / f"work_{name}", folders[-1], before, first=not before)
        said = run("pool", "--exact", *folders, "--rounds", root, "--output", root / "pooled.csv")
        assert said.exit_code == 0, said.output
        if (root / "pooled.csv").exists():
            return root, number, said.output
    raise AssertionError("no end")


def test_commands_end_at_the_stratified_model_of_all_people(exact, people, study):
    root, rounds, said = exact
    assert rounds <= 6
    assert "This is the Cox model of all people together" in said
    found = pd.read_csv(root / "pooled.csv")
    stacked = pd.concat(
        [cohort.prepare(each, study).assign(site=name) for name, each in people.items()],
        ignore_index=True,
    )
    terms = pooled_cox.contrasts(study, EXPOSURE, MODEL)
    fit = engine.cox(
        stacked["follow_up_years"].to_numpy(float),
        stacked["died"].to_numpy(),
        pooled_cox.design(stacked, terms).to_numpy(),
        strata=stacked["site"].to_numpy(),
    )
    assert found["coefficient"].to_numpy() == pytest.approx(fit.coefficients, abs=1e-8)
    assert found["standard_error"].to_numpy() == pytest.approx(fit.standard_errors, abs=1e-8)
    assert "log_partial_likelihood" not in found and "ikelihood" not in said
    assert set(found["kind"]) == {"synthetic"}
    # And it is not the model that forgets which registry somebody is in.
    forgot = survival.cox(
        stacked.assign(fifth=(6 - stacked[EXPOSURE]).astype(str)),
        "follow_up_years", "died", ["fifth", "age_years", "sex"],
    )  # fmt: skip
    of_first = forgot.loc[forgot["term"] == "fifth[5]", "coefficient"].iloc[0]
    assert abs(of_first - fit.coefficients[0]) > 1e-5


def test_no_person_and_no_exact_count_stands_in_a_contribution(exact, people):
    root, _, _ = exact
    table = pd.read_csv(root / "north_1" / "tables" / "synthetic_cox_contribution.csv")
    assert set(table["people"]) == {700}
    assert (table["deaths"] % 5 == 0).all()
    assert not set(disclosure.LEVEL_COLUMNS) & set(table)
    # Six terms: a coefficient and a score each, 21 pairs, and the round.
    assert len(table) == 6 + 6 + 21 + 1
    text = (root / "north_1" / "manifest.json").read_text()
    assert "rounds.json" not in text
    assert not list((root / "north_1").rglob("*round*"))


def releases_of(root, number: int):
    return registries.read([root / f"north_{number}", root / f"south_{number}"])


def asked_in(root, number: int) -> registries.Round:
    path = root / f"round_{number}.json"
    return registries.of_json(path.read_text(), str(path))


def test_contributions_that_do_not_answer_the_round_are_refused(exact, tmp_path):
    root, _, _ = exact
    releases = releases_of(root, 2)
    asked = asked_in(root, 2)
    assert len(registries.contributions(releases, asked)) == 2
    mixed = registries.read([root / "north_1", root / "south_2"])
    with pytest.raises(Problem, match="north_1 answers round 1 and .*south_2 round 2"):
        registries.round_number(mixed)
    # Both rounds of one registry are no two registries.
    twice = registries.read([root / "north_1", root / "north_2"])
    with pytest.raises(Problem, match="one of each registry"):
        registries.round_number(twice)
    shutil.copytree(root / "north_2", tmp_path / "east")
    copied = registries.read([root / "north_2", tmp_path / "east"])
    with pytest.raises(Problem, match="east holds the same contribution as .*north_2"):
        registries.contributions(copied, asked)
    for change, key in (
        ({"model": "joint"}, "'model'"),
        ({"exposure": "distance_quintile"}, "'exposure'"),
        ({"cuts": (5.0, 12.0, 25.0, 50.0)}, "'cuts'"),
        ({"version": "9.9"}, "'software.version'"),
        ({"coefficients": tuple(c + 1e-6 for c in asked.coefficients)}, "'coefficients'"),
        ({"definitions": {**asked.definitions, "area_vintage": "LSOA 2021"}}, "'area_vintage'"),
    ):
        with pytest.raises(Problem, match=f"north_2 does not answer round 2: {key} differs"):
            registries.contributions(releases, replace(asked, **change))
    said = run("pool", "--exact", root / "north_2", root / "south_2", "--rounds", tmp_path)
    assert said.exit_code == 2 and "round_2.json is not there" in said.output


def test_a_release_without_a_contribution_is_refused(released):
    with pytest.raises(Problem, match="north holds no contribution"):
        registries.round_number(registries.read([released["north"]]))


def test_one_registry_alone_goes_the_same_way(exact, tmp_path):
    root, _, _ = exact
    shutil.copy(root / "round_1.json", tmp_path)
    said = run("pool", "--exact", root / "north_1", "--rounds", tmp_path)
    assert said.exit_code == 0 and "Round 1 of 1 registry" in said.output
    # Another step than that of both registries.
    alone = json.loads((tmp_path / "round_2.json").read_text())["coefficients"]
    both = json.loads((root / "round_2.json").read_text())["coefficients"]
    assert np.abs(np.subtract(alone, both)).max() > 1e-3


@pytest.mark.parametrize(
    ("step", "written"),
    [(1234.5, "1,234"), (13.2, "13"), (9.96, "10.0"), (0.1, "0.1"), (2e-5, "less than 0.1")],
)
def test_a_step_is_told_without_powers_of_ten(step, written):
    assert registry_commands._size(step) == written


def test_a_registry_that_drops_out_between_rounds_is_missed(exact, tmp_path):
    root, _, _ = exact
    shutil.copy(root / "round_2.json", tmp_path)
    said = run("pool", "--exact", root / "north_2", "--rounds", tmp_path)
    assert said.exit_code == 2, said.output
    told = " ".join(said.output.split())
    assert "Round 1 was answered by 2 releases, one of each registry, and now 1 are named" in told
    assert not (tmp_path / "round_3.json").exists()


# -- what a registry does not answer ---------------------------------------------------------------


@pytest.fixture(scope="module")
def answered(study, people):
    """A registry that answered the first round, and the round that follows."""
    prepared = cohort.prepare(people["north"], study)
    first = registries.first_round(study, EXPOSURE, MODEL)
    record = registries.may_answer(first, study, prepared, None)
    sums = pooled_cox.of_table(registries.answer(prepared, study, first))
    second, _ = registries.next_round(first, sums, 2)
    return prepared, record, first, second


def test_a_round_that_follows_is_answered(study, answered):
    prepared, record, first, second = answered
    assert registries.may_answer(second, study, prepared, record)["asks"][0]["rounds"] == [
        {"round": 1, "coefficients": [0.0] * 6},
        {"round": 2, "coefficients": list(second.coefficients)},
    ]
    # The same round again gives the same numbers, and is no new question.
    assert registries.may_answer(first, study, prepared, record) == record
    # Written and read, a round is the same.
    again = registries.of_json(json.dumps(second.as_json()), "there")
    assert again == replace(second, start=json.loads(json.dumps(second.start)))
    assert registries.may_answer(again, study, prepared, record)


def test_half_a_step_is_answered_and_any_other_share_is_not(study, answered):
    prepared, record, _, second = answered
    for fraction, fine in ((0.5, True), (0.25, True), (0.3, False), (2.0, False)):
        at = tuple(pooled_cox.rounded(fraction * np.array(second.coefficients)))
        start = {**second.start, "fraction": fraction}
        asked = replace(second, coefficients=at, start=start)
        if fine:
            assert registries.may_answer(asked, study, prepared, record)
        else:
            with pytest.raises(Problem, match="not Newton's step"):
                registries.may_answer(asked, study, prepared, record)


def test_coefficients_at_will_are_not_answered(study, answered):
    prepared, record, first, second = answered
    chosen = tuple(c + 0.01 for c in second.coefficients)
    with pytest.raises(Problem, match="not Newton's step"):
        registries.may_answer(replace(second, coefficients=chosen), study, prepared, record)
    with pytest.raises(Problem, match="first round is at coefficients of nought"):
        registries.may_answer(
            replace(first, coefficients=second.coefficients), study, prepared, None
        )
    with pytest.raises(Problem, match="round 1 was not answered here"):
        registries.may_answer(second, study, prepared, None)
    elsewhere = {**second.start, "coefficients": [0.1] * 6}
    with pytest.raises(Problem, match="does not start from coefficients that were answered"):
        registries.may_answer(replace(second, start=elsewhere), study, prepared, record)
    with pytest.raises(Problem, match="at most 8 rounds"):
        registries.may_answer(replace(second, number=9), study, prepared, record)
    later = registries.may_answer(second, study, prepared, record)
    half = tuple(pooled_cox.rounded(0.5 * np.array(second.coefficients)))
    other = replace(second, coefficients=half, start={**second.start, "fraction": 0.5})
    with pytest.raises(Problem, match="Round 2 was answered before, at other coefficients"):
        registries.may_answer(other, study, prepared, later)


def test_terms_that_together_weigh_single_people_are_not_answered(study, answered):
    # Each term keeps to its ratio, and their product gives one person most of the weight.
    prepared, record, first, second = answered
    terms = pooled_cox.contrasts(study, EXPOSURE, MODEL)
    matrix = pooled_cox.design(pooled_cox.complete(prepared, terms), terms)
    person, number = matrix.iloc[matrix.sum(axis=1).argmax()], terms["level"] == pooled_cox.PER_UNIT
    ways = np.where(number, np.sign(person - matrix.mean()), 2 * person - 1)
    wide = np.where(number, matrix.std(ddof=0), 1.0)
    wanted = np.array(pooled_cox.rounded(ways * np.log(19.9) / wide))
    assert pooled_cox.reach(prepared, terms, wanted).max() < rules.MOST_RATIO
    assert pooled_cox.heaviest(prepared, terms, wanted)["largest_share"].iloc[0] > 0.1
    made_up = {"coefficients": [0.0] * 6, "information": np.eye(6).tolist()}
    start = {**second.start, "fraction": 1.0, "score": list(wanted), **made_up}
    asked = replace(second, coefficients=tuple(wanted), start=start)
    with pytest.raises(Problem, match="more than 1 in 10 of the weight of those still followed"):
        registries.may_answer(asked, study, prepared, record)
    assert registries.may_answer(second, study, prepared, record)


def test_coefficients_that_weigh_single_people_are_not_answered(study, answered):
    # Sums of others that were made up, so that the step is what somebody wants.
    prepared, record, _, second = answered
    wanted = np.array([0.0, 0.0, 0.0, 4.0, 0.0, 0.0])
    information = np.array(second.start["information"])
    start = {**second.start, "score": list(information @ wanted)}
    asked = replace(second, coefficients=tuple(pooled_cox.rounded(wanted)), start=start)
    with pytest.raises(Problem, match="describe single people"):
        registries.may_answer(asked, study, prepared, record)


def test_other_people_are_not_asked_the_same(study, answered):
    prepared, record, first, second = answered
    for asked in (first, second):
        with pytest.raises(Problem, match="answered from other people"):
            registries.may_answer(asked, study, prepared.iloc[1:], record)
    # Their order is no matter.
    assert registries.may_answer(second, study, prepared.iloc[::-1], record)


def published(answer: pd.DataFrame, study: Study) -> dict[str, bytes]:
    """An answer as it leaves: through the gate, as the bytes of a released table."""
    checked = disclosure.check(
        answer.assign(kind="synthetic"), "synthetic", name="cox_contribution", study=study
    )
    return {"cox_contribution": checked.table.to_csv(index=False).encode()}


def scores(tables: dict[str, bytes]) -> dict[str, float]:
    """What an attacker reads in a released contribution: the score of each term."""
    sums = pooled_cox.of_table(
        results.read_published(io.BytesIO(tables["cox_contribution"]), "cox_contribution")
    )
    return dict(zip(sums.terms, sums.score, strict=True))


def cumulative_hazard(people: pd.DataFrame, until: float) -> float:
    """Deaths over people still followed, summed until a time: what a score at nought adds up."""
    years = people["follow_up_years"].to_numpy(float)
    times = years[people["died"].to_numpy(bool)]
    return sum(1 / (years >= time).sum() for time in times[times <= until])


def test_one_person_is_not_told_by_another_model(study, people):
    everybody = cohort.prepare(people["north"], study)
    censored = everybody[~everybody["died"] & everybody[EXPOSURE].between(1, 4)]
    person = censored.loc[censored["follow_up_years"].idxmax()]
    others = everybody.drop(index=person.name)
    first = registries.first_round(study, EXPOSURE, "unadjusted")
    second = registries.first_round(study, EXPOSURE, MODEL)
    # Without a record the attack succeeds: the one fifth whose score falls by most is the
    # person's, who was censored.
    both = [published(registries.answer(others, study, first), study),
            published(registries.answer(everybody, study, second), study)]  # fmt: skip
    without, with_all = map(scores, both)
    change = {term: with_all[term] - without[term] for term in without}
    assert min(change, key=change.get) == f"{EXPOSURE}[{person[EXPOSURE]}]"
    assert change[f"{EXPOSURE}[{person[EXPOSURE]}]"] < -0.5
    # With a record the second model is not answered, and its release is stopped.
    record = registries.may_answer(first, study, others, None)
    with pytest.raises(Problem, match="answered from other people"):
        registries.may_answer(second, study, everybody, record)
    band = "695 to 699"
    assert hidden_cells.moved(both[1], both[0], band, band, 10, "abc")
    # Of the same people both models may be answered, and leave.
    record = registries.may_answer(second, study, others, record)
    assert [each["model"] for each in record["asks"]] == ["unadjusted", MODEL]
    same = published(registries.answer(others, study, second), study)
    assert not hidden_cells.moved(same, both[0], band, band, 10, "abc")
    # Anything else about somebody is another cohort, in a column of no model as well.
    other = everybody.copy()
    other.loc[other.index[0], "fvc_percent"] = 12.5
    assert registries.people_digest(other, study) != registries.people_digest(everybody, study)


def test_one_person_is_not_told_by_a_model_that_leaves_some_out(study, people):
    everybody = cohort.prepare(people["north"], study)
    everybody.loc[everybody.index[:2], "sex"] = None
    first = registries.first_round(study, EXPOSURE, "unadjusted")
    record = registries.may_answer(first, study, everybody, None)
    with pytest.raises(Problem, match="is of other people than the model 'unadjusted'"):
        registries.may_answer(
            registries.first_round(study, EXPOSURE, MODEL), study, everybody, record
        )


def test_one_person_is_not_told_by_two_sets_of_cuts(study, people):
    prepared = cohort.prepare(people["north"], study)
    # The only person of a whole kilometre: from 29 (out) to 30 (in).
    person = prepared.index[prepared["died"]][0]
    near = prepared["distance_km"].between(28.5, 30.5)
    prepared.loc[near, "distance_km"] = 40.0
    prepared.loc[person, "distance_km"] = 29.6
    two = (5.0, 12.0, 29.0, 60.0), (5.0, 12.0, 30.0, 60.0)
    asked = [registries.first_round(study, "distance_quintile", "unadjusted", cuts)
             for cuts in two]  # fmt: skip
    # Without a record the attack succeeds: died, and when.
    both = [published(registries.answer(prepared, study, each), study) for each in asked]
    before, after = map(scores, both)
    told = after["distance_quintile[3]"] - before["distance_quintile[3]"]
    hazard = cumulative_hazard(prepared, prepared.loc[person, "follow_up_years"])
    assert told == pytest.approx(1 - hazard, abs=1e-6)
    # With a record only one set of cuts is answered, whatever the model.
    record = registries.may_answer(asked[0], study, prepared, None)
    for other in (
        asked[1],
        registries.first_round(study, "distance_quintile", "unadjusted"),
        registries.first_round(study, EXPOSURE, "joint", two[1]),
    ):
        with pytest.raises(Problem, match="cut elsewhere in an earlier round"):
            registries.may_answer(other, study, prepared, record)
    # A model without distance fifths in between does not make the record forget.
    record = registries.may_answer(
        registries.first_round(study, EXPOSURE, "unadjusted"), study, prepared, record
    )
    with pytest.raises(Problem, match="cut elsewhere in an earlier round"):
        registries.may_answer(asked[1], study, prepared, record)
    # The release is stopped as well, also where many people were added.
    for then in ("700 to 704", "900 to 904"):
        found = hidden_cells.moved(both[1], both[0], "700 to 704", then, 10, "abc")
        assert any("cuts distance fifths elsewhere" in sentence for sentence in found)


def test_cuts_have_enough_people_between_them(study, people):
    prepared = cohort.prepare(people["north"], study)
    asked = registries.first_round(study, "distance_quintile", "unadjusted", (5, 12, 29, 60))
    assert registries.may_answer(asked, study, prepared, None)["cuts"] == [5, 12, 29, 60]
    few = prepared.assign(distance_km=prepared["distance_km"].mask(
        prepared["distance_km"].between(12, 29), 40.0))  # fmt: skip
    few.loc[few.index[:9], "distance_km"] = 20.0
    with pytest.raises(Problem, match="Fewer than 10 people lie between two neighbouring cuts"):
        registries.may_answer(asked, study, few, None)
    few.loc[few.index[:10], "distance_km"] = 20.0
    assert registries.may_answer(asked, study, few, None)
    with pytest.raises(Problem, match="Fewer than 11 people"):
        registries.may_answer(asked, study, few, None, threshold=11)
    # A file written by hand says what 'pool --start' would not.
    with pytest.raises(Problem, match="rising whole numbers of kilometres"):
        registries.may_answer(replace(asked, cuts=(5.0, 12.5, 29.0, 60.0)), study, prepared, None)
    plain = registries.first_round(study, EXPOSURE, MODEL)
    with pytest.raises(Problem, match="its model has none"):
        registries.may_answer(replace(plain, cuts=(5.0, 12.0, 29.0, 60.0)), study, prepared, None)


def test_a_model_whose_columns_changed_is_not_answered(study, people):
    # Another model under the same name would not be compared with the one answered before.
    prepared = cohort.prepare(people["north"], study)
    one, two = (
        altered_study(study, lambda c, of=of: c["adjustments"].update(ours=[of]))
        for of in ("oxygen", "dlco_unable")
    )
    known = prepared.assign(oxygen=prepared["sex"] == "male", dlco_unable=False)
    record = registries.may_answer(registries.first_round(one, EXPOSURE, "ours"), one, known, None)
    for model in ("ours", "unadjusted"):
        asked = registries.first_round(two, EXPOSURE, model)
        with pytest.raises(Problem, match="'ours' was answered before with other columns"):
            registries.may_answer(asked, two, known, record)


def test_levels_that_differ_by_few_people_are_not_answered(study, people):
    # A level of smoking that is all but a few of the most deprived fifth.
    prepared = cohort.prepare(people["north"], study)
    most = prepared[EXPOSURE] == 1
    prepared["smoking"] = np.where(
        most, "ex", np.where(prepared[EXPOSURE] == 2, "never", "current")
    )
    prepared.loc[prepared.index[most][0], "smoking"] = "current"
    other = altered_study(study, lambda c: c["adjustments"].update(smoked=["smoking"]))
    asked = registries.first_round(other, EXPOSURE, "smoked")
    with pytest.raises(Problem, match=r"in one of 'deprivation_quintile\[1\]' and 'smoking\[ex\]'"):
        registries.may_answer(asked, other, prepared, None)


def test_other_definitions_and_versions_are_not_answered(study, answered):
    prepared, record, first, _ = answered
    other = altered_study(study, lambda c: c["adjustments"].update(age_sex=["age_years"]))
    with pytest.raises(Problem, match="'adjustments.age_sex' differs"):
        registries.may_answer(first, other, prepared, None)
    with pytest.raises(Problem, match=r"'software\.version' differs"):
        registries.may_answer(replace(first, version="9.9"), study, prepared, None)


def test_a_lost_record_is_put_together_from_earlier_releases(exact, study, people):
    root, _, _ = exact
    second = asked_in(root, 2)
    record = registries.record_of(registries.read_earlier([root / "north_1"]))
    prepared = cohort.prepare(people["north"], study)
    assert registries.may_answer(second, study, prepared, record)
    assert record["cuts"] is None and record["people"] is None
    assert registries.record_of([]) is None
    target = root / "work_again"
    call = ("contribute", root / "north.csv", "--coefficients", root / "round_2.json",
            "--output", target)  # fmt: skip
    said = run(*call)
    assert said.exit_code == 2 and "--earlier" in said.output and not target.exists()
    said = run(*call, "--earlier", root / "north_1")
    assert said.exit_code == 0, said.output
    first, again = (
        pd.read_csv(folder / "synthetic_cox_contribution.csv")
        for folder in (root / "work_again", root / "work_north")
    )
    assert list(first.columns) == list(again.columns)


def test_the_command_remembers_people_and_cuts(exact, people, tmp_path):
    root, _, _ = exact
    (tmp_path / "fewer.csv").write_bytes(synthetic.to_csv_bytes(people["north"].iloc[1:]))
    work = tmp_path / "work"
    shutil.copytree(root / "work_north", work)

    def contribute(file, *start):
        said = run("pool", "--start", *start, "--rounds", tmp_path, "--overwrite")
        assert said.exit_code == 0, said.output
        return run("contribute", file, "--coefficients", tmp_path / "round_1.json",
                   "--output", work)  # fmt: skip

    unadjusted = ("--model", "unadjusted", "--exposure")
    said = contribute(tmp_path / "fewer.csv", *unadjusted, EXPOSURE)
    assert said.exit_code == 2 and "answered from other people" in said.output
    for cuts, code in (("5 12 25 60", 0), ("5 12 26 60", 2), ("5 12 25 60", 0)):
        said = contribute(
            root / "north.csv", *unadjusted, "distance_quintile", "--distance-cuts", cuts
        )
        assert said.exit_code == code, said.output
        assert ("cut elsewhere in an earlier round" in said.output) == bool(code)
    # The number of people between two cuts is that of the profile in force.
    said = run("contribute", root / "north.csv", "--coefficients", tmp_path / "round_1.json",
               "--output", tmp_path / "other", "--threshold", 300)  # fmt: skip
    assert said.exit_code == 2 and "Fewer than 300 people lie between" in said.output


def test_a_registry_too_small_in_a_level_may_not_contribute(tmp_path, people, exact):
    root, _, _ = exact
    few = people["north"].head(90)
    (tmp_path / "few.csv").write_bytes(synthetic.to_csv_bytes(few))
    said = run(
        "contribute", tmp_path / "few.csv", "--coefficients", root / "round_1.json",
        "--output", tmp_path / "work",
    )  # fmt: skip
    assert said.exit_code == 2
    assert "This registry may not contribute" in said.output
    assert f"Too few people, or too few who died or did not: {EXPOSURE}[" in said.output
    assert not (tmp_path / "work").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["few.csv"]


def test_people_less_deaths_never_tell_a_few_who_did_not_die(study, people):
    everybody = cohort.prepare(people["north"], study)
    asked = registries.first_round(study, EXPOSURE, "unadjusted")

    def answered_by(alive: pd.Series) -> pd.DataFrame:
        outcome = np.where(alive, "censored", "died")
        return registries.answer(everybody.assign(outcome=outcome, died=~alive), study, asked)

    most = everybody[EXPOSURE] == 1
    ten_each = everybody.groupby(EXPOSURE).cumcount() < 10
    for few in (
        # Two in all, as the attack had it; nobody; nine of one fifth, and enough in all.
        pd.Series(everybody.index < 2, everybody.index),
        pd.Series(False, everybody.index),
        ~most | (most & (everybody.groupby(EXPOSURE).cumcount() < 9)),
    ):
        answer = answered_by(few)
        with pytest.raises(Problem, match="did not die|'level_others'"):
            published(answer, study)
        assert registries.too_few(answer, 10)
    assert published(answered_by(ten_each), study)


def as_published(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(kind="registry")


def test_a_contribution_does_not_give_back_what_an_earlier_release_withheld():
    # Deaths of everybody were withheld for the sake of those who left; the model is of everybody.
    main = as_published(
        [
            {"measure": "summary", "people": 90, "deaths": None, "transplants": None,
             "censored": None, "suppressed": True},
        ]
    ).astype(dict.fromkeys(("deaths", "transplants", "censored"), "Int64"))  # fmt: skip
    main = main.assign(group_by="deprivation_quintile", group="all")

    def contribution(people: int, deaths: int) -> pd.DataFrame:
        row = {"model": "unadjusted", "exposure": EXPOSURE, "measure": "score", "term": "x",
               "with_term": "", "estimate": 1.5, "people": people, "deaths": deaths,
               "suppressed": False}  # fmt: skip
        return as_published([row])

    earlier, default = {"main": main}, disclosure.DEFAULT

    def narrow(now: dict, before: dict) -> set[str]:
        found = ranges.hidden_ranges(now, default, [before])
        return set(found.loc[found["narrow"], "column"])

    telling, free = contribution(90, 90), contribution(90, 50)
    assert narrow({"it": telling}, earlier) >= {"censored", "transplants"}
    # Whichever of the two was released first; and in one release.
    assert narrow(earlier, {"it": telling}) >= {"censored", "transplants"}
    found = ranges.hidden_ranges(earlier | {"it": telling}, default)
    assert set(found.loc[found["narrow"], "column"]) >= {"censored", "transplants"}
    # A model of fewer people than everybody says less, and so do fewer deaths.
    assert not narrow({"it": contribution(70, 70)}, earlier)
    assert not narrow({"it": free}, earlier)
    # All but the four whom rounding hides are in the model, so no more than four more died.
    found = ranges.hidden_ranges({"it": free}, default, [earlier]).set_index("column")
    assert found.loc["deaths", ["lowest", "highest"]].tolist() == [48, 52 + 4]
    # The contribution is what is mended: the earlier release cannot be.
    cells = ranges.repair({"it": telling}, default, [earlier])
    assert set(cells["table"]) == {"it"}


# -- cuts that all registries share ----------------------------------------------------------------


def test_shared_cuts_replace_each_registrys_own_fifths(study, people):
    prepared = cohort.prepare(people["north"], study)
    cuts = (5.0, 12.0, 25.0, 50.0)
    asked = registries.first_round(study, "distance_quintile", "unadjusted", cuts)
    assert not asked.own_fifths
    cut = registries.with_cuts(prepared, cuts)
    km = prepared["distance_km"]
    for fifth, (low, high) in enumerate(zip((-1, *cuts), (*cuts, 1e9), strict=True), start=1):
        assert ((cut["distance_quintile"] == fifth) == ((km > low) & (km <= high))).all()
    answer = registries.answer(prepared, study, asked)
    assert list(answer.loc[answer["measure"] == "cut", "estimate"]) == list(cuts)
    assert registries.first_round(study, "distance_quintile", "unadjusted").own_fifths
    with pytest.raises(Problem, match="four rising whole numbers"):
        registries.first_round(study, "distance_quintile", "unadjusted", (5, 4, 25, 50))
    with pytest.raises(Problem, match="rising whole numbers"):
        registries.first_round(study, "distance_quintile", "unadjusted", (5, 12.1, 25, 50))
    with pytest.raises(Problem, match="no distance fifths to cut"):
        registries.first_round(study, EXPOSURE, MODEL, cuts)


def test_cuts_come_from_the_command(tmp_path):
    call = ("pool", "--start", "--model", "joint", "--exposure", EXPOSURE, "--rounds", tmp_path)
    said = run(*call, "--distance-cuts", "5 12 25 fifty")
    assert said.exit_code == 2 and "four numbers" in said.output
    said = run(*call, "--distance-cuts", "5, 12, 25, 50")
    assert said.exit_code == 0, said.output
    assert asked_in(tmp_path, 1).cuts == (5, 12, 25, 50)
    said = run(*call)
    assert said.exit_code == 2 and "--overwrite" in said.output
    said = run(*call, "--overwrite")
    assert "Distance fifths are cut within each registry" in said.output


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"format": "other"}', "null", '{"format": "distance-to-care round"}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_round_is_refused(text):
    with pytest.raises(Problem, match="there is not a whole round"):
        registries.of_json(text, "there")


def test_a_round_that_is_not_whole_is_refused(study, answered):
    _, _, _, second = answered
    for change in (
        {"coefficients": [0.0]},
        {"coefficients": [float("nan")] * 6},
        {"start": {**second.start, "score": [1.0]}},
        {"start": {**second.start, "round": 2}},
        {"start": {**second.start, "registries": 0}},
        {"start": {**second.start, "registries": None}},
        {"number": "two"},
        {"more": 1},
    ):
        text = json.dumps({**second.as_json(), **change})
        with pytest.raises(Problem, match="not a whole round"):
            registries.of_json(text, "there")


def test_calls_that_make_no_sense_are_refused(tmp_path, released):
    for call, words in (
        (("pool",), "Name folders of releases"),
        (("pool", "--start"), "--model and --exposure"),
        (("pool", released["north"]), "not pooled with itself"),
        (("pool", tmp_path / "a.csv", tmp_path / "b.csv"), "is not a folder"),
    ):
        said = run(*call)
        assert said.exit_code == 2 and words in said.output
