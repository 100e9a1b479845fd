"""Where to put clinics: each goal against all subsets, other formulations and lines by hand."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, sparse

from distance_to_care import access, care_boards, tables, travel
from distance_to_care.problems import Problem
from distance_to_care.scenarios import location

# Six villages on a straight road, ten minutes apart, one person each and two in the last. A clinic
# could stand in any of them.
PLACES = [0, 10, 20, 30, 40, 50]
ROAD = pd.DataFrame(
    np.abs(np.subtract.outer(PLACES, PLACES)).astype(float),
    index=pd.Index([f"village {place}" for place in PLACES], name="area_code"),
    columns=[f"clinic {place}" for place in PLACES],
)
PEOPLE = pd.Series([1.0, 1, 1, 1, 1, 2], index=ROAD.index)
NOTHING = pd.Series(np.inf, index=ROAD.index)
# One centre is open in the first village.
OPEN = ROAD["clinic 0"]


def invented(seed: int, areas: int = 30, sites: int = 9, open_sites: int = 2):
    """Areas and sites strewn over a square of a hundred minutes; some areas have nobody."""
    rng = np.random.default_rng(seed)
    here, there = rng.uniform(0, 100, (areas, 2)), rng.uniform(0, 100, (sites + open_sites, 2))
    # Whole minutes, so that ties happen, as they do in the travel matrix.
    drive = np.hypot(*(here[:, None] - there[None]).transpose(2, 0, 1)).round()
    codes = pd.Index([f"area {number}" for number in range(areas)], name="area_code")
    minutes = pd.DataFrame(drive[:, :sites], codes, [f"site {number}" for number in range(sites)])
    nearest = drive[:, sites:].min(axis=1) if open_sites else np.inf
    people = rng.integers(0, 5, areas).astype(float)
    return minutes, pd.Series(nearest, codes), pd.Series(people, codes)


def of_all_subsets(minutes, now, weight, new, goal, within=60.0, allowed=lambda found: True):
    """The obvious way: try every choice of so many sites."""
    values = []
    for sites in combinations(minutes.columns, new):
        found = np.minimum(minutes[list(sites)].min(axis=1), now)
        if not allowed(found):
            continue
        some = weight > 0
        values.append(
            {
                "mean": (found * weight).sum() / weight.sum(),
                "within": weight[found <= within].sum(),
                "worst": found[some].max(),
            }[goal]
        )
    return max(values) if goal == "within" else min(values)


def test_a_road_with_nothing_open():
    # Two clinics: at 10 (serving 0, 10, 20) and at 40 or 50 (30, 40, 50 with two people).
    # At 40: 10 + 0 + 10 + 10 + 0 + 2 x 10 = 50; at 50: 10 + 0 + 10 + 20 + 10 + 0 = 50; a tie.
    found = location.choose(ROAD, NOTHING, PEOPLE, 2)
    assert found.value == pytest.approx(50 / 7)
    assert found.proven
    assert found.bound == pytest.approx(found.value)
    # One clinic reaches four people within ten minutes only at 40: 30, 40 and both in 50.
    found = location.choose(ROAD, NOTHING, PEOPLE, 1, "within", within=10)
    assert (found.sites, found.value) == (("clinic 40",), 4.0)
    # Two clinics leave nobody further than ten minutes only at 10 and 40.
    found = location.choose(ROAD, NOTHING, PEOPLE, 2, "worst")
    assert (found.sites, found.value) == (("clinic 10", "clinic 40"), 10.0)


def test_a_road_with_a_centre_at_its_end():
    # At 30: 0 + 10 + 10 + 0 + 10 + 2 x 20 = 70. At 40: 0 + 10 + 20 + 10 + 0 + 2 x 10 = 60.
    # At 50: 0 + 10 + 20 + 20 + 10 + 0 = 60. Without any: 10 + 20 + 30 + 40 + 2 x 50 = 200.
    found = location.choose(ROAD, OPEN, PEOPLE, 1)
    assert found.value == pytest.approx(60 / 7)
    assert found.sites[0] in ("clinic 40", "clinic 50")
    then = location.after(ROAD, OPEN, found.sites)
    assert location.value_of(then, PEOPLE) == pytest.approx(found.value)
    assert location.choose(ROAD, OPEN, PEOPLE, 0).value == pytest.approx(200 / 7)


def test_the_least_worst_is_broken_by_the_mean():
    # With one clinic more the worst is twenty minutes at 30 (50 is left) and at 40 (20 is left);
    # the mean is 70 / 7 at the first and 60 / 7 at the second.
    found = location.choose(ROAD, OPEN, PEOPLE, 1, "worst")
    assert (found.sites, found.value) == (("clinic 40",), 20.0)


@pytest.mark.parametrize("goal", location.GOALS)
@pytest.mark.parametrize("open_sites", [0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_no_subset_is_better(goal, open_sites, seed):
    minutes, now, weight = invented(seed, open_sites=open_sites)
    for new in (1, 4):
        found = location.choose(minutes, now, weight, new, goal, within=25)
        best = of_all_subsets(minutes, now, weight, new, goal, within=25)
        assert found.value == pytest.approx(best, rel=1e-12)
        assert found.proven
        assert len(set(found.sites)) == new
        told = location.value_of(location.after(minutes, now, found.sites), weight, goal, 25)
        assert told == pytest.approx(found.value, rel=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_areas_given_few_sites_at_first_come_to_the_same(seed, monkeypatch):
    minutes, now, weight = invented(seed, areas=60, sites=14, open_sites=0)
    whole = location.choose(minutes, now, weight, 4)
    monkeypatch.setattr(location, "MOST_TERMS", 0)
    monkeypatch.setattr(location, "SPARE_SITES", 0)
    # The start is a bad one, so that areas must be given more sites.
    monkeypatch.setattr(location, "_swapped", lambda cost, now, people, new, first: [0, 1, 2, 3])
    in_steps = location.choose(minutes, now, weight, 4)
    assert in_steps.proven
    assert in_steps.value == pytest.approx(whole.value, rel=1e-9)


def test_putting_areas_together_loses_nothing():
    # The textbook form, one variable for every area and site, by another call of the solver:
    # scipy.optimize.milp(c, integrality, bounds, constraints).
    minutes, now, weight = invented(11, areas=80, sites=12)
    new = 4
    areas, sites = minutes.shape
    drive = np.column_stack([minutes, now])
    cost = np.concatenate([np.zeros(sites), (drive * weight.to_numpy()[:, None]).ravel()])
    served = sparse.kron(sparse.identity(areas), np.ones((1, sites + 1)))
    once = optimize.LinearConstraint(
        sparse.hstack([sparse.csr_matrix((areas, sites)), served]), 1, 1
    )
    to_site = sparse.kron(np.ones((areas, 1)), sparse.vstack([sparse.identity(sites)]))
    kept = np.arange(areas * (sites + 1)).reshape(areas, -1)[:, :-1].ravel()
    used = sparse.identity(areas * (sites + 1), format="csr")[kept]
    opened = optimize.LinearConstraint(sparse.hstack([to_site, -used]), 0, np.inf)
    exactly = np.concatenate([np.ones(sites), np.zeros(areas * (sites + 1))])
    number = optimize.LinearConstraint(exactly[None], new, new)
    solved = optimize.milp(
        cost,
        integrality=np.concatenate([np.ones(sites), np.zeros(areas * (sites + 1))]),
        bounds=optimize.Bounds(0, 1),
        constraints=[once, opened, number],
    )
    found = location.choose(minutes, now, weight, new)
    assert found.value == pytest.approx(solved.fun / weight.sum(), rel=1e-7)
    terms = location._terms(minutes.to_numpy(), now.to_numpy(), weight.to_numpy()[:, None], new)
    assert 0 < len(terms.cost) < (minutes.to_numpy() < now.to_numpy()[:, None]).sum()


@pytest.mark.parametrize(("sites", "open_sites", "new"), [(70, 1, 3), (6, 0, 2), (6, 1, 3)])
def test_terms_add_up_to_the_cost_of_any_sites(sites, open_sites, new):
    # What nobody chose must cost as much as the drive, for sites that are far from the best too.
    minutes, now, weight = invented(5, areas=30, sites=sites, open_sites=open_sites)
    terms = location._terms(minutes.to_numpy(), now.to_numpy(), weight.to_numpy()[:, None], new)
    rng = np.random.default_rng(1)
    for _ in range(12):
        chosen = np.sort(rng.choice(sites, new, replace=False))
        opened = np.zeros(sites)
        opened[chosen] = 1
        hit = terms.new @ opened > 0
        # A set is empty if its parent is and no site that the parent lacks was chosen.
        empty = np.zeros(len(terms.cost))
        for _ in range(len(terms.cost)):
            before = np.where(terms.parent < 0, 1.0, empty[terms.parent])
            again = before * ~hit
            if (again == empty).all():
                break
            empty = again
        drive = np.minimum(minutes.iloc[:, chosen].min(axis=1), now)
        assert terms.constant[0] + terms.cost[:, 0] @ empty == pytest.approx((drive * weight).sum())


@pytest.mark.parametrize("goal", location.GOALS)
def test_one_site_more_is_never_worse(goal):
    minutes, now, weight = invented(21, areas=120, sites=20)
    found = [location.choose(minutes, now, weight, new, goal, within=20) for new in range(7)]
    values = [one.value * (-1 if goal == "within" else 1) for one in found]
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < values[0]
    for one in found:
        better = one.bound - one.value if goal == "within" else one.value - one.bound
        assert 0 <= better <= 1e-6 * one.value


@pytest.mark.parametrize("goal", location.GOALS)
def test_the_fast_answer_is_near_the_proven_one_and_never_beats_it(goal):
    worse = []
    for seed in range(8):
        minutes, now, weight = invented(seed, areas=150, sites=25, open_sites=seed % 2)
        best = location.choose(minutes, now, weight, 5, goal, within=20).value
        sites, fast = location.swap(minutes, now, weight, 5, goal, within=20)
        assert len(set(sites)) == 5
        worse.append((best / fast if goal == "within" else fast / best) - 1)
    assert min(worse) > -1e-12
    # Most exchanges leave the worst-off area as it is, so the fast answer is no more than a start.
    assert np.median(worse) < (0.10 if goal == "worst" else 0.02)
    assert max(worse) < (0.35 if goal == "worst" else 0.05)


def test_every_exchange_is_worked_out_as_it_would_turn_out():
    minutes, now, weight = invented(3, areas=50, sites=8)
    cost, open_now, people = minutes.to_numpy(), now.to_numpy(), weight.to_numpy()
    chosen = [1, 4, 6]
    change, place, site = location._best_exchange(location._savings(cost, open_now, people), chosen)
    before = people @ location._served(cost, open_now, np.array(chosen))
    tried = {}
    for out in range(3):
        for into in set(range(8)) - set(chosen):
            others = [*chosen[:out], into, *chosen[out + 1 :]]
            tried[out, into] = before - people @ location._served(cost, open_now, np.array(others))
    assert change == pytest.approx(max(tried.values()))
    assert tried[place, site] == pytest.approx(change)


def test_a_limit_on_other_people_is_kept():
    minutes, now, weight = invented(8, areas=60, sites=10)
    few = (now > now.quantile(0.9)).astype(float)
    free = location.choose(minutes, now, weight, 3)
    theirs = location.value_of(location.after(minutes, now, free.sites), few)
    best = location.choose(minutes, now, few, 3).value
    assert best < theirs - 1
    most = (best + theirs) / 2
    found = location.choose(minutes, now, weight, 3, limits=[location.Limit(few, most)])
    told = location.value_of(location.after(minutes, now, found.sites), few)
    assert told <= most + 1e-9

    def allowed(drive):
        return (drive * few).sum() / few.sum() <= most

    expected = of_all_subsets(minutes, now, weight, 3, "mean", allowed=allowed)
    assert found.value == pytest.approx(expected)
    assert found.value > free.value
    with pytest.raises(Problem, match="No choice of so many sites meets"):
        location.choose(minutes, now, weight, 3, limits=[location.Limit(few, best - 1)])


def test_what_is_lost_without_each_chosen_site():
    choice = location.choose(ROAD, NOTHING, PEOPLE, 2, "worst")
    found = location.without_each(ROAD, NOTHING, PEOPLE, choice, goal="worst").set_index("centre")
    # Without 10, the best is a clinic at 0, 20 or 30 beside another: twenty minutes. Without 40
    # the same. Each time nobody could do with ten.
    assert found["estimate"].to_dict() == {"clinic 10": 20.0, "clinic 40": 20.0}
    assert found["difference"].to_list() == [10.0, 10.0]
    assert (found["low"] == found["high"]).all()
    assert (found["note"] != "").all()


def test_an_island_that_nothing_reaches_is_named():
    cut_off = ROAD.copy()
    cut_off.loc["village 50"] = np.nan
    with pytest.raises(Problem, match=r"1 areas with people .* 'village 50'.*island"):
        location.choose(cut_off, NOTHING, PEOPLE, 1)
    # An island without anybody does not count, and one that a centre serves now keeps it.
    nobody = PEOPLE.where(PEOPLE.index != "village 50", 0.0)
    assert location.choose(cut_off, NOTHING, nobody, 1, "worst").value == 20.0
    assert location.choose(cut_off, OPEN, PEOPLE, 1, "worst").value == 50.0
    # People of an island are never within reach, and that is no fault of the question.
    assert location.choose(cut_off, NOTHING, PEOPLE, 1, "within", within=10).value == 3.0


def test_an_area_that_only_some_sites_reach_gets_one_of_those():
    # Village 0 has a road to clinic 0 only: the other clinic stands where it serves the rest best.
    only = ROAD.copy()
    only.loc["village 0", only.columns != "clinic 0"] = np.inf
    found = location.choose(only, NOTHING, PEOPLE, 2)
    assert found.sites[0] == "clinic 0"
    assert found.proven
    assert found.value == pytest.approx(60 / 7)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"new": 7}, "7 sites cannot be chosen from 6"),
        ({"goal": "median"}, "must be one of mean, within, worst"),
        ({"weight": PEOPLE - 2}, "missing or negative"),
        ({"weight": PEOPLE * 0}, "nobody in any area"),
        ({"now": OPEN[:3]}, "no minutes to what is open"),
        ({"limits": [location.Limit(PEOPLE, 10)], "goal": "worst"}, "goal 'mean' only"),
    ],
)
def test_questions_that_make_no_sense_are_refused(changes, said):
    asked = {"minutes": ROAD, "now": OPEN, "weight": PEOPLE, "new": 1} | changes
    with pytest.raises(Problem, match=said):
        location.choose(**asked)


def test_a_start_that_is_no_candidate_is_refused():
    with pytest.raises(Problem, match="different candidates"):
        location.swap(ROAD, OPEN, PEOPLE, 2, start=["clinic 5"])
    assert location.swap(ROAD, OPEN, PEOPLE, 0) == ((), pytest.approx(200 / 7))
    sites, _ = location.swap(ROAD, NOTHING, PEOPLE, 2, start=["clinic 20"])
    assert location.value_of(location.after(ROAD, NOTHING, sites), PEOPLE) == pytest.approx(50 / 7)


@pytest.mark.parametrize("goal", location.GOALS)
def test_a_solver_without_time_leaves_a_gap_and_says_so(goal, monkeypatch):
    def no_time(*_):
        raise location._Late

    minutes, now, weight = invented(2, areas=60, sites=12, open_sites=0)
    best = location.choose(minutes, now, weight, 3, goal, within=20)
    fast = location.swap(minutes, now, weight, 3, goal, within=20)[1]
    monkeypatch.setattr(location, "_highs", no_time)
    found = location.choose(minutes, now, weight, 3, goal, within=20)
    assert found.value == pytest.approx(fast)
    assert not found.proven
    assert found.gap == pytest.approx(abs(found.value - found.bound) / found.value)
    if goal == "within":
        assert found.bound >= best.value
    else:
        assert found.bound <= best.value


def test_what_is_off_by_a_two_thousandth_is_not_called_proven(monkeypatch):
    """A solver that stops short: its bound lies 0.05 per cent below the best sites."""
    best = location.choose(ROAD, NOTHING, PEOPLE, 2)

    def stops_short(terms, sites, new, most, start, until):
        return np.array([1, 4]), best.value * PEOPLE.sum() * 0.9995

    monkeypatch.setattr(location, "_solve", stops_short)
    found = location.choose(ROAD, NOTHING, PEOPLE, 2)
    assert not found.proven
    assert found.gap == pytest.approx(0.0005)
    assert found.bound == pytest.approx(0.9995 * best.value)


def test_a_solver_that_says_nothing_leaves_the_bound_of_the_nearest_sites(monkeypatch):
    minutes, now, weight = invented(12)

    def silent(terms, sites, new, most, start, until):
        return start, -np.inf

    monkeypatch.setattr(location, "_solve", silent)
    found = location.choose(minutes, now, weight, 3)
    nearest = np.fmin(now, minutes.min(axis=1))
    assert found.bound == pytest.approx(weight @ nearest / weight.sum())
    assert np.isfinite(found.gap)
    assert not found.proven


@pytest.mark.slow
def test_all_england_is_solved_to_proof_and_from_nothing_on_every_list():
    # Every area counts the same, so that no official file is needed.
    centres = tables.read("centres_ild")
    hospitals = care_boards.by_hospital(tables.read("hospitals"), tables.read("hospital_names"))
    candidates = care_boards.candidates(hospitals, centres, 0.5)
    everywhere = travel.minutes_to(pd.concat([candidates, centres], ignore_index=True))
    minutes, near = (
        everywhere[list(candidates["site"])],
        access.minutes_by_list(everywhere, centres),
    )
    same = pd.Series(1.0, everywhere.index)
    for name in near:
        found = location.choose(minutes, near[name], same, 5)
        assert found.proven
        fast = location.swap(minutes, near[name], same, 5)[1]
        assert found.value <= fast <= 1.01 * found.value
        count = int(centres["certainty"].isin(list(name)).sum())
        nothing = pd.Series(np.inf, everywhere.index)
        best = location.choose(everywhere, nothing, same, count, seconds=300)
        assert best.proven
        assert best.value < location.value_of(near[name], same)
