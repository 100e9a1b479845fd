"""The measure of deprivation: the index made again, areas carried over, and what is circular."""

import math

import numpy as np
import pandas as pd
import pytest

from distance_to_care import access, deprivation, official, tables, travel
from distance_to_care.problems import Problem

DOMAINS = list(deprivation.DOMAIN_WEIGHTS)


def ranks(seed: int = 1, areas: int = 60) -> pd.DataFrame:
    """Invented ranks of the seven domains."""
    draw = np.random.default_rng(seed)
    columns = {f"{name}_rank": draw.permutation(areas) + 1 for name in DOMAINS}
    return pd.DataFrame({"area_code": [f"E{i:03d}" for i in range(areas)], **columns})


def slow_index(domains: pd.DataFrame, leave_out: tuple[str, ...] = ()) -> list[int]:
    """The formula of the technical report, one area and one domain at a time."""
    scores = []
    for row in domains.to_dict("records"):
        score = 0.0
        for name, weight in deprivation.DOMAIN_WEIGHTS.items():
            if name not in leave_out:
                share = (len(domains) + 1 - row[f"{name}_rank"]) / len(domains)
                score += weight * -23 * math.log(1 - share * (1 - math.exp(-100 / 23)))
        scores.append(round(score, 9))
    return [1 + sum(other > score for other in scores) for score in scores]


# --- The index and its domains -------------------------------------------------------------------


@pytest.mark.parametrize("leave_out", [(), ("barriers",), ("income", "crime")])
def test_slow_twin_makes_the_same_index(leave_out):
    domains = ranks()
    assert deprivation.index_from_domains(domains, leave_out).tolist() == slow_index(
        domains, leave_out
    )


def test_one_domain_left_is_that_domain():
    domains = ranks()
    others = [name for name in DOMAINS if name != "income"]
    assert (deprivation.index_from_domains(domains, others) == domains["income_rank"]).all()


@pytest.mark.parametrize("leave_out", [["distance"], DOMAINS])
def test_index_without_such_domains_is_a_problem(leave_out):
    with pytest.raises(Problem, match="its domains are income"):
        deprivation.index_from_domains(ranks(), leave_out)


def test_deciles_have_as_many_areas():
    assert deprivation.decile_of(pd.Series(range(1, 41))).value_counts().eq(4).all()


@pytest.mark.parametrize("edition", ["2019", "2025"])
def test_official_index_comes_out_of_its_domains(official_folder, edition):
    imd, domains = tables.official(f"imd_{edition}"), tables.official(f"imd_{edition}_domains")
    joined = imd.merge(domains, on="area_code", validate="one_to_one")
    made = deprivation.index_from_domains(joined)
    assert (made - joined["imd_rank"]).abs().max() <= 2
    assert (deprivation.decile_of(made) == joined["imd_decile"]).all()


# --- From the areas of 2011 to those of 2021 ------------------------------------------------------

LOOKUP = pd.DataFrame(
    [
        ("same", "same", "U"),
        ("split", "left", "S"),
        ("split", "right", "S"),
        ("small", "merged", "M"),
        ("large", "merged", "M"),
        ("empty", "nobody", "M"),
        ("hollow", "nobody", "M"),
        ("Welsh", "Welsh", "U"),
    ],
    columns=["area_code", "area_code_2021", "change"],
)
OLD = pd.DataFrame(
    {
        "area_code": ["same", "split", "small", "large", "empty", "hollow"],
        "people": [10, 20, 10, 30, 0, 0],
        "minutes": [5.0, 15.0, 40.0, 20.0, 8.0, 10.0],
        "rural_urban": ["urban", "urban", "rural", "urban", "rural", "rural"],
    }
)


def test_minutes_are_carried_over_weighted_by_people():
    new = deprivation.carry_over(OLD, LOOKUP, "people").set_index("area_code")
    assert new["minutes"].round(6).to_dict() == {
        "same": 5,
        "left": 15,
        "right": 15,
        # 10 people at 40 minutes and 30 at 20.
        "merged": 25,
        "nobody": 9,
    }
    assert new.loc["merged", "rural_urban"] == "urban"
    assert list(new.columns) == ["minutes", "rural_urban"]


def test_area_that_the_lookup_does_not_have_is_a_problem():
    with pytest.raises(Problem, match="1 areas of 2011 are not in the look-up"):
        deprivation.carry_over(OLD, LOOKUP[LOOKUP["area_code"] != "same"], "people")


# --- Travel under each measure --------------------------------------------------------------------

# Ten rural areas, a decile each, and ten urban ones; the drive shortens along the scale in the
# country and lengthens in town.
AREAS = pd.DataFrame(
    {
        "area_code": [f"R{d}" for d in range(1, 11)] + [f"U{d}" for d in range(1, 11)],
        "people": 100,
        "rural_urban": ["rural"] * 10 + ["urban"] * 10,
        "one": [*range(1, 11), *range(1, 11)],
        "two": [*range(10, 0, -1), *range(1, 11)],
        "AB": [100.0 - 5 * d for d in range(1, 11)] + [10.0 + d for d in range(1, 11)],
    }
)
AREAS["A"], AREAS["ABC"] = AREAS["AB"] + 20, AREAS["AB"] - 4


def test_gap_between_fifths_under_each_measure_and_list():
    found = deprivation.travel_by_measure(AREAS, ["one", "two"])
    gaps = deprivation.range_over_lists(deprivation.between_fifths(found))
    gaps = gaps[gaps["measure"] == "mean"].set_index(["rank_by", "level"])
    # Rural deciles 1 and 2 (92.5 minutes) against 9 and 10 (52.5), on every list.
    for column in ("estimate", "low", "high"):
        assert gaps.loc[("one", "rural"), column] == pytest.approx(40)
        assert gaps.loc[("two", "rural"), column] == pytest.approx(-40)
        assert gaps.loc[("one", "urban"), column] == pytest.approx(-8)
    whole = found.set_index(["rank_by", "list", "measure", "group", "level"])["estimate"]
    assert whole["one", "AB", "mean", "all", "all"] == pytest.approx(AREAS["AB"].mean())
    # Only the surest sites put the sixth decile's 70 + 20 minutes beyond an hour and a half.
    assert whole["one", "AB", "beyond 60 minutes", "all", "rural"] == 70
    assert whole["one", "A", "beyond 60 minutes", "all", "rural"] == 100
    slow = deprivation.travel_by_measure(AREAS, ["one"], {"slower driving": 1.25})
    slow = slow.set_index(["list", "measure", "group", "level"])["estimate"]
    assert slow["AB", "mean", "all", "all"] == pytest.approx(1.25 * AREAS["AB"].mean())


def test_range_is_of_the_lists_and_the_number_of_the_base_list():
    found = pd.DataFrame(
        {"measure": "mean", "list": ["A", "AB", "ABC"], "estimate": [9.0, 4.0, 2.0]}
    )
    row = deprivation.range_over_lists(found).iloc[0]
    assert (row["estimate"], row["low"], row["high"]) == (4, 2, 9)


def test_share_of_the_gap_that_is_left():
    gaps = pd.DataFrame(
        {
            "rank_by": ["IMD 2019", "IMD 2019 without barriers", "Income domain 2019"],
            "scenario": "ordinary driving",
            "list": "AB",
            "measure": "mean",
            "level": "rural",
            "unit": "minutes",
            "estimate": [16.0, 12.0, 8.0],
        }
    )
    left = deprivation.share_of_gap(gaps, ["2019"]).set_index("rank_by")["estimate"].to_dict()
    assert left == {"IMD 2019 without barriers": 75, "Income domain 2019": 50}


def test_interval_of_the_rural_gap_leaves_out_one_authority_at_a_time():
    rng = np.random.default_rng(7)
    areas = pd.concat([AREAS] * 6, ignore_index=True)
    areas["people"] = rng.integers(50, 400, len(areas))
    areas["AB"] += rng.normal(0, 12, len(areas))
    areas["local_authority"] = [f"Authority {i}" for i in rng.integers(0, 9, len(areas))]
    found = deprivation.rural_gap_intervals(areas, ["one", "two"])
    found = found.set_index(["rank_by", "measure"])

    def gap(rows, name):
        rural = rows[rows["rural_urban"] == "rural"]
        first, last = rural[rural[name] <= 2], rural[rural[name] >= 9]
        return np.average(first["AB"], weights=first["people"]) - np.average(
            last["AB"], weights=last["people"]
        )

    for name, measure, statistic in (
        ("one", "rural gap", lambda rows: gap(rows, "one")),
        ("two", "rural gap that is left", lambda rows: 100 * gap(rows, "two") / gap(rows, "one")),
    ):
        authorities = sorted(areas["local_authority"].unique())
        left = [statistic(areas[areas["local_authority"] != one]) for one in authorities]
        error = (len(left) - 1) / np.sqrt(len(left)) * np.std(left, ddof=1)
        row = found.loc[(name, measure)]
        assert row["estimate"] == pytest.approx(statistic(areas))
        # Student's t with eight degrees of freedom.
        assert row["ci_high"] - row["estimate"] == pytest.approx(2.306004 * error, rel=1e-6)
        assert row["estimate"] - row["ci_low"] == pytest.approx(2.306004 * error, rel=1e-6)
    rural_first = (areas["rural_urban"] == "rural") & (areas["one"] <= 2)
    assert found.loc[("one", "rural gap"), "areas"] == rural_first.sum()
    assert ("one", "rural gap that is left") not in found.index


def test_a_measure_agrees_with_itself_and_not_with_its_reverse():
    areas = AREAS.assign(reverse=11 - AREAS["one"])
    found = deprivation.agreement(areas, [("one", "one"), ("one", "reverse")])
    found = found.set_index(["rank_by", "measure"])["estimate"]
    assert found["one", "same fifth"] == 100
    assert found["one", "rank correlation"] == pytest.approx(1)
    assert found["reverse", "same fifth"] == 20
    assert found["reverse", "same or next fifth"] == 20
    assert found["reverse", "most deprived fifth in both"] == 0
    assert found["reverse", "rank correlation"] == pytest.approx(-1)


def test_a_domain_that_is_remoteness_itself_has_correlation_one():
    domains = ranks()
    minutes = pd.Series(-domains["barriers_rank"].to_numpy(float))
    place = ["rural", "urban"] * 30
    found = deprivation.domains_and_minutes(domains, minutes, pd.Series(place))
    found = found.set_index(["rank_by", "level"])["estimate"]
    for level in ("all", "rural", "urban"):
        assert found["barriers", level] == pytest.approx(1)
    assert found["all domains", "all"] > found["all but barriers", "all"]


def test_deprived_and_far_under_each_measure():
    found = deprivation.deprived_and_far_by_measure(AREAS, ["one", "two"], "one")
    found = found.set_index(["rank_by", "list", "measure", "level"])["estimate"]
    assert found["one", "AB", "areas", "all"] == 2
    assert found["one", "AB", "people", "rural"] == 200
    assert found["one", "AB", "areas", "urban"] == 0
    # By the other measure, rural deciles 1 and 2 are the nearest ones, at 50 and 55 minutes.
    assert found["two", "AB", "areas", "rural"] == 0
    assert found["two", "A", "areas", "rural"] == 2
    assert found["two", "AB", "of those by one", "rural"] == 0
    assert found["one", "AB", "of those by one", "rural"] == 100
    assert np.isnan(found["one", "AB", "of those by one", "urban"])


# --- Cars -----------------------------------------------------------------------------------------


def test_without_the_table_of_cars_one_row_says_so():
    table = deprivation.households_without_car(None, AREAS, "one")
    assert len(table) == 1
    assert table["estimate"].isna().all()
    assert "not yet joined" in table["note"].iloc[0]


def test_households_without_a_car_by_fifth_and_place(tmp_path):
    """Read through the adapter from an invented file in the publisher's layout."""
    cars = "Number of cars or vans: "
    heading = f"date,geography,geography code,{cars}Total: All households,"
    heading += f"{cars}No cars or vans in household,{cars}1 car or van in household,"
    heading += f"{cars}2 cars or vans in household,{cars}3 or more cars or vans in household"
    codes = [f"E01{i:06d}" for i in range(33_755)] + [f"W01{i:06d}" for i in range(1_917)]
    # Of 100 households 60 have no car in the first area, 20 in the second, 10 anywhere else.
    without = [60, 20] + [10] * (len(codes) - 2)
    rows = [
        f"2021,Somewhere,{code},100,{n},{100 - n},0,0"
        for code, n in zip(codes, without, strict=True)
    ]
    path = tmp_path / "cars.csv"
    path.write_text("\n".join([heading, *rows]), encoding="utf-8")
    table = official.read("cars_census2021", path)
    areas = AREAS.assign(area_code=codes[:20])
    found = deprivation.households_without_car(table, areas, "one")
    shares = found.set_index(["measure", "group", "level"])["estimate"]
    assert shares[deprivation.NO_CAR, "1", "rural"] == 40
    assert shares[deprivation.NO_CAR, "1", "urban"] == 10
    assert shares[deprivation.NO_CAR, "1", "all"] == 25
    assert shares[deprivation.NO_CAR, "all", "all"] == pytest.approx(13)
    assert shares[f"{deprivation.NO_CAR}, beyond 60 minutes", "1", "rural"] == 40
    assert np.isnan(shares[f"{deprivation.NO_CAR}, beyond 60 minutes", "1", "urban"])
    said = found.set_index(["measure", "group", "level"])["note"]
    assert said[deprivation.NO_CAR, "all", "all"] == "13 per cent of households have no car"
    with pytest.raises(Problem, match="no households for 1 of 20 areas"):
        deprivation.households_without_car(table.iloc[1:], areas, "one")


# --- England --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def england(official_folder):
    centres = tables.read("centres_ild")
    by_list = access.minutes_by_list(travel.minutes_to(centres), centres)
    files = {name: tables.official(name) for name in deprivation.NEEDED}
    files[deprivation.CARS] = tables.official(deprivation.CARS)
    driving = {"ordinary driving": 1.0, "slower driving": 1.25}
    authority = tables.read("areas").set_index("area_code")["local_authority"]
    return files, by_list, deprivation.every_result(files, by_list, driving, authority)


def test_areas_of_both_editions_are_all_there(england):
    editions = deprivation.areas_of_editions(england[0], england[1])
    assert len(editions["2019"]) == 32_844
    assert len(editions["2025"]) == 33_755
    for areas in editions.values():
        assert areas.notna().all().all()
    with pytest.raises(Problem, match="32,844 areas are ranked"):
        deprivation.areas_of_editions(england[0], england[1].iloc[1:])


def test_fifths_add_up_to_everybody_under_every_measure(england):
    table = england[2]["travel_by_deprivation_measure"]
    table = table[table["measure"] == "mean"]
    fifths = table[table["group"] != "all"]
    fifths = fifths.assign(total=fifths["estimate"] * fifths["people"])
    keys = ["rank_by", "scenario", "level"]
    summed = fifths.groupby(keys)[["total", "people"]].sum()
    whole = table[table["group"] == "all"].set_index(keys)
    np.testing.assert_allclose(
        summed["total"] / summed["people"], whole["estimate"].reindex(summed.index), rtol=1e-9
    )
    assert (summed["people"] == whole["people"].reindex(summed.index)).all()


def test_what_the_chapter_says_of_every_measure_holds(england):
    gaps = england[2]["gap_by_deprivation_measure"]
    means = gaps[gaps["measure"] == "mean"].set_index("level")
    assert (means.loc["rural", "low"] > 0).all()
    assert (means.loc["urban", "high"] < 0).all()
    shares = england[2]["travel_by_deprivation_measure"].query(
        "measure == 'beyond 60 minutes' and level == 'rural' and scenario == 'ordinary driving'"
    )
    far = shares.set_index(["rank_by", "group"])["estimate"]
    for fifth in ("1", "2"):
        whole, income = far["IMD 2019", fifth], far["Income domain 2019", fifth]
        assert far["Income domain 2019", "5"] < income < whole
    left = england[2]["gap_left_without_barriers"]
    assert left["high"].max() < 100
    assert left["low"].min() > 0
    # With the index of 2019 the interval of the rural gap is above zero; under income alone, and in
    # the edition of 2025, it holds zero.
    rests = england[2]["rural_gap_intervals"].set_index(["measure", "rank_by"])
    gap = rests.loc["rural gap"]
    assert (gap["ci_low"] > 0).to_dict() == {
        name: name == "IMD 2019" for name in gap.index
    }, gap  # fmt: skip
    assert gap["estimate"].to_dict() == pytest.approx(means.loc["rural"].query(
        "scenario == 'ordinary driving' and rank_by in @gap.index"
    ).set_index("rank_by")["estimate"].to_dict())  # fmt: skip
    both = rests.loc["rural gap that is left"].join(left.set_index("rank_by"), rsuffix="_lists")
    assert both["estimate"].to_numpy() == pytest.approx(both["estimate_lists"].to_numpy())
    domains = england[2]["domains_and_minutes"].set_index(["group", "rank_by", "level"])["estimate"]
    assert domains["2025", "barriers", "rural"] > domains["2019", "barriers", "rural"] > 0
    assert domains["2019", "income", "rural"] > 0
    far = england[2]["deprived_and_far_by_measure"].set_index(["rank_by", "measure", "level"])
    kept = far["estimate"].xs("of those by IMD 2019", level="measure")
    assert kept["Income domain 2019", "rural"] < kept["Income domain 2019", "urban"]
