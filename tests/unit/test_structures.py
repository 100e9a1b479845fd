"""Causal structures: what the file changes, what each builds in, and that all give the figures."""

import numpy as np
import pandas as pd
import pytest

from distance_to_care import calibration, causal_structures, mediation, places, synthetic, tables
from distance_to_care.problems import Problem
from distance_to_care.statistics import structures

PEOPLE = 20_000
CONTRAST = causal_structures.CONTRAST


@pytest.fixture(scope="module")
def parameters():
    return tables.read_parameters("ipf")


@pytest.fixture(scope="module")
def listed():
    return tables.read_structures("ipf")


@pytest.fixture(scope="module")
def population():
    return tables.read("population_aged_50_plus")


@pytest.fixture(scope="module")
def truth():
    return tables.read("structures_truth").set_index(["structure", "estimand"])["value"]


def entry(parameters, path):
    for key in path.split("."):
        parameters = parameters[key]
    return parameters


def changes(tree, path=""):
    """Every number that a structure changes, by its path."""
    found = {}
    for key, below in tree.items():
        here = f"{path}.{key}" if path else key
        if isinstance(below, dict) and "value" in below:
            found[here] = below
        elif isinstance(below, dict) and here != "calibration":
            found |= changes(below, here)
    return found


def test_there_are_at_least_three_and_they_are_explained(listed):
    assert len(structures.names(listed)) >= 3
    for name in structures.names(listed):
        one = listed["structures"][name]
        assert one["title"]
        assert one["meaning"].endswith(".")
        for path, number in changes(one).items():
            assert number["status"] in ("assumed", "calibrated"), path
            assert number["meaning"], path
            assert number["status"] == "assumed" or "makes" in number["source"], path


def test_a_structure_changes_what_it_names_and_nothing_else(parameters, listed):
    for name in structures.names(listed):
        own = structures.with_structure(parameters, listed, name)
        changed = changes(listed["structures"][name])
        before = synthetic.truth(parameters).set_index("parameter")["value"]
        after = synthetic.truth(own).set_index("parameter")["value"]
        assert set(after.index) - set(before.index) <= set(changed)
        same = before.index.difference(list(changed))
        assert (after[same] == before[same]).all()
        for path, number in changed.items():
            assert after[path] == number["value"]
    assert structures.with_structure(parameters, listed, "direct") != parameters


def test_every_calibrated_number_answers_to_a_target_and_lies_in_its_range(parameters, listed):
    for name in structures.names(listed):
        own = structures.with_structure(parameters, listed, name)
        calibrated = {
            path
            for path, number in changes(listed["structures"][name]).items()
            if number["status"] == "calibrated"
        }
        assert calibrated == set(own["calibration"])
        assert set(own["calibration"].values()) == set(parameters["calibration"].values())
        for path in calibrated:
            number = entry(own, path)
            assert number["low"] <= number["value"] <= number["high"], path


def test_an_unknown_structure_is_a_sentence(parameters, listed):
    with pytest.raises(Problem, match="no causal structure 'lost'"):
        structures.with_structure(parameters, listed, "lost")


def test_all_structures_give_back_the_published_ratios(parameters, listed, truth):
    targets = [t for t in parameters["targets"].values() if t["statistic"] == "hazard_ratio"]
    assert len(targets) == 4
    for name in structures.names(listed):
        for target in targets:
            model = target.get("adjustment", "unadjusted")
            slug = f"hazard_ratio.{model}.{target['column']}.{target['level']}"
            assert truth[name, slug] == pytest.approx(target["value"], rel=0.03), (name, slug)


def test_the_shares_mediated_differ_widely(listed, truth):
    slug = "survival_difference.share.3.deprivation_quintile"
    shares = sorted(truth[name, slug] for name in structures.names(listed))
    assert shares[0] < 0.25
    assert shares[-1] > 0.85
    assert np.diff(shares).max() < 0.5
    total = "survival_difference.total.3.deprivation_quintile"
    # Effects are negative: people of deprived places live less long.
    assert truth["common_cause", total] > 0.5 * truth["as_drawn", total]


@pytest.mark.parametrize("name", ["direct", "later_and_sicker", "common_cause"])
def test_the_filed_truth_is_what_the_equations_give(parameters, listed, population, truth, name):
    own = structures.with_structure(parameters, listed, name)
    found = structures.built_in(
        own, population, listed["mediators"], CONTRAST, 3.0, [1, 2], PEOPLE
    )  # fmt: skip
    tidy = structures.tidy(found, "deprivation_quintile").set_index("estimand")
    for slug, row in tidy.iterrows():
        # The two draws stand in for the error of the average; nought where nothing is random.
        assert row["estimate"] == pytest.approx(truth[name, slug], abs=0.02), slug
    assert set(tidy["unit"]) == {"difference in probability", "difference in years", "proportion"}
    assert (tidy["standard_error"].dropna() < 0.02).all()


def test_effects_add_up_and_none_is_none(parameters, listed, population):
    group = listed["mediators"]
    found = structures.built_in(parameters, population, group, CONTRAST, 5.0, [1], 5000)
    assert list(found["effect"]) == [
        effect
        for _ in mediation.SCALES
        for effect in (
            "total", "direct", "indirect", *(f"through {g}" for g in group), "share",
            *(f"share through {g}" for g in group),
        )
    ]  # fmt: skip
    for scale in mediation.SCALES:
        of = found[found["scale"] == scale].set_index("effect")["estimate"]
        assert of["total"] == pytest.approx(of["direct"] + of["indirect"], abs=1e-12)
        parts = sum(of[f"through {g}"] for g in group)
        assert of["indirect"] == pytest.approx(parts, abs=1e-12)
        assert of["share"] == pytest.approx(of["indirect"] / of["total"], abs=1e-12)
    none = synthetic.without_effects(parameters)
    worlds = [
        synthetic.survival_if(
            5000, 1, none, population, np.array([1.0, 3.0]), "deprivation_steps",
            dict.fromkeys(["died", "treatment", "fvc_percent", "symptom_months"], level),
        )
        for level in CONTRAST
    ]  # fmt: skip
    assert (worlds[0] == worlds[1]).all()


def test_survival_worked_out_is_survival_drawn(parameters, population):
    """People who are followed until they die, counted, and the same people's own curves."""
    forever = synthetic.changed(
        parameters,
        {
            "follow_up.loss_per_year": 1e-9,
            "follow_up.end": 1e6,
            "events.transplanted.rate_per_year": 1e-9,
        },
    )
    times = np.array([0.5, 1.0, 3.0, 5.0, 8.0])
    drawn = synthetic.draw(PEOPLE, 3, forever, population)
    counted = (drawn["follow_up_years"].to_numpy()[:, None] > times).mean(axis=0)
    worked_out = synthetic.survival_if(
        PEOPLE, 3, forever, population, times, "deprivation_steps", {}
    )
    # Three standard errors of a share of so many people.
    assert worked_out == pytest.approx(counted, abs=3 * np.sqrt(0.25 / PEOPLE))
    deprived = synthetic.survival_if(
        PEOPLE, 3, forever, population, times, "deprivation_steps", {"died": 4.0}
    )
    assert (deprived < worked_out - 0.02)[1:4].all()


def test_complete_values_are_complete_and_hand_out_what_is_hidden(parameters, listed, population):
    own = structures.with_structure(parameters, listed, "common_cause")
    drawn = synthetic.draw(500, 1, own, population)
    assert "other_illness" not in drawn
    assert drawn["dlco_percent"].isna().any()
    complete = structures.with_complete_values(own, also=["other_illness"])
    shown = synthetic.draw(500, 1, complete, population)
    assert shown["other_illness"].std() == pytest.approx(1, abs=0.2)
    start = own["treatment"]["column"]
    assert shown.drop(columns=start).notna().all(axis=None)
    # Nothing else about these people changes.
    columns = ["follow_up_years", "outcome", "fvc_percent", "oxygen"]
    pd.testing.assert_frame_equal(shown[columns], drawn[columns])
    assert "other_illness" not in own["cohort"]["columns"]


def prepared(parameters, population, people, seed):
    drawn = synthetic.draw(people, seed, structures.with_complete_values(parameters), population)
    return drawn.assign(
        died=drawn["outcome"] == "died",
        treated=drawn[parameters["treatment"]["column"]] == 0,
        log_months=np.log1p(drawn["symptom_months"]),
    )


GROUPS = {
    "delay": ["log_months"],
    "severity": ["fvc_percent", "dlco_percent", "oxygen"],
    "treatment": ["treated"],
}
LOGGED = ["fvc_percent", "dlco_percent"]


def test_a_cohort_in_the_contract_is_split(parameters, population):
    people = prepared(parameters, population, 3000, 1)
    people.loc[:99, "log_months"] = np.nan
    found = structures.decomposed(
        people, "deprivation_quintile", (1, 5), GROUPS, ["age_years", "sex"], 3,
        log_normal=LOGGED, replicates=4,
    )  # fmt: skip
    assert (found["people"] == 2900).all()
    assert (found["note"] == "").all()
    level = people[100:].groupby("deprivation_quintile")["died"].agg(["size", "sum"]).loc[[1, 5]]
    assert (found["level_people"] == level["size"].min()).all()
    assert (found["level_deaths"] == level["sum"].min()).all()
    known = people[100:]
    same = mediation.decompose(
        known, "follow_up_years", "died", "deprivation_quintile", (1, 5), GROUPS,
        ["age_years", "sex"], horizon=3, log_normal=LOGGED, replicates=4,
    )  # fmt: skip
    assert found["estimate"].to_numpy() == pytest.approx(same["estimate"].to_numpy(), nan_ok=True)
    assert found["estimand"].iloc[0] == "survival_difference.total.3.deprivation_quintile"


def test_too_few_people_give_rows_without_estimates_and_the_reason(parameters, population):
    few = prepared(parameters, population, 40, 1)
    whole = prepared(parameters, population, 3000, 1)
    asked = ("deprivation_quintile", (1, 5), GROUPS, ["age_years", "sex"], 3)
    found = structures.decomposed(few, *asked, log_normal=LOGGED, replicates=4)
    same_rows = structures.decomposed(whole, *asked, log_normal=LOGGED, replicates=0)
    assert list(found["estimand"]) == list(same_rows["estimand"])
    assert found["estimate"].isna().all()
    assert (found["note"] != "").all()


def test_the_command_prints_what_a_structure_gives_back_and_builds_in(capsys, truth):
    assert (
        causal_structures.main(["--structure", "direct", "--people", "3000", "--draws", "1"]) == 0
    )
    printed = capsys.readouterr().out
    filed = truth["direct"].index
    assert all(estimand in printed for estimand in filed)
    with pytest.raises(SystemExit):
        causal_structures.main(["--structure", "direct", "--write"])


def test_units_are_those_that_the_command_would_write(parameters, listed, population):
    filed = tables.read("structures_truth").query("structure == 'direct'")
    own = structures.with_structure(parameters, listed, "direct")
    study = tables.read_study("ipf")
    made = causal_structures.true_values(
        "direct", own, listed["mediators"], population, study, 2000, 1
    )
    assert list(made["estimand"]) == list(filed["estimand"])
    assert list(made["unit"]) == list(filed["unit"])


def test_calibrated_values_find_their_lines_in_the_file(listed):
    text = (places.STUDIES / "ipf_structures.toml").read_text(encoding="utf-8")
    values = {
        f"structures.{name}.{path}": number["value"]
        for name in structures.names(listed)
        for path, number in changes(listed["structures"][name]).items()
        if number["status"] == "calibrated"
    }
    assert len(values) == 8 * len(structures.names(listed))
    assert calibration.rewritten(text, values) == text
    other = calibration.rewritten(text, dict.fromkeys(values, 0.5))
    assert other.count("value = 0.5,") >= len(values)


def test_readers_get_points_and_per_cent():
    rows = pd.DataFrame(
        {
            "unit": ["difference in probability", "difference in years", "proportion", "ratio"],
            "estimate": [-0.147, -0.28, 0.36, 1.39],
            "ci_low": [-0.23, -0.45, np.nan, 1.11],
        }
    )
    told = structures.in_points(rows)
    assert list(told["unit"]) == [
        "percentage points", "difference in years", "per cent of the total", "ratio",
    ]  # fmt: skip
    assert told["estimate"].tolist() == pytest.approx([-14.7, -0.28, 36, 1.39])
    assert told["ci_low"].tolist() == pytest.approx([-23, -0.45, np.nan, 1.11], nan_ok=True)
    assert rows["estimate"].iloc[0] == -0.147


def test_fewer_alive_turns_differences_round_and_leaves_shares():
    effects = pd.DataFrame(
        {
            "measure": ["total", "share", "total"],
            "outcome": [*mediation.SCALES[:1] * 2, mediation.SCALES[1]],
            "unit": ["percentage points", "per cent of the total", "difference in years"],
            "estimate": [-14.7, 36.0, -0.28],
            "ci_low": [-23.1, 11.0, -0.45],
            "ci_high": [-5.6, 74.0, -0.11],
            "people": [1540] * 3,
        }
    )
    told = structures.fewer_alive(effects)
    assert told[["estimate", "ci_low", "ci_high"]].to_numpy().tolist() == [
        [14.7, 5.6, 23.1],
        [36.0, 11.0, 74.0],
    ]


def test_the_plain_difference_is_smaller_because_the_deprived_are_younger():
    filed = tables.read("structures_truth").query("structure == 'as_drawn'")
    two = structures.two_differences(
        tables.read("true_values"), structures.in_points(filed), "deprivation_quintile", (1, 5), 3
    ).set_index("term")["estimate"]
    assert two["plain"] == pytest.approx(9.6, abs=0.3)
    assert two["total"] == pytest.approx(15.8, abs=0.3)
    assert two["age_exposed"] < two["age_compared"] - 4


def test_what_a_registry_would_see_is_every_mean_of_the_structures_asked_for(truth):
    filed = tables.read("structures_truth")
    seen = structures.observed_means(filed, {"direct": "Mostly direct"})
    assert set(seen["scenario"]) == {"Mostly direct"}
    assert len(seen) == 14
    row = seen[(seen["variable"] == "oxygen") & (seen["level"] == "1")]
    assert row["estimate"].item() == truth["direct", "mean.oxygen.deprivation_quintile.1"]
