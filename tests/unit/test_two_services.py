"""Two services of one disease: who drives further to the second, and what hangs on the lists."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distance_to_care import access, geography, results, tables, two_services
from distance_to_care.problems import Problem

# Four villages on a road. Both services in the first town; a sure site for children far away; the
# second service has a likely and a doubtful site of its own.
CENTRES = pd.DataFrame(
    [
        ("children", "Town", "A", 51.50, -0.10),
        ("children", "Far", "A", 54.00, -1.50),
        ("children", "Doubt", "C", 52.00, -2.00),
        ("adults", "Town", "A", 51.50, -0.10),
        ("adults", "Likely", "B", 54.01, -1.50),  # about a kilometre from Far
        ("adults", "Doubt", "C", 52.00, -2.00),
    ],
    columns=["service", "site", "certainty", "latitude", "longitude"],
)
CODES = pd.Index(["in_town", "by_far", "at_doubt", "between"], name="area_code")
MINUTES = pd.DataFrame(
    {
        "Town": [5.0, 100.0, 90.0, 50.0],
        "Far": [100.0, 10.0, 110.0, 60.0],
        "Likely": [100.0, 30.0, 110.0, 60.0],
        "Doubt": [90.0, 110.0, 5.0, 80.0],
    },
    index=CODES,
)
AREAS = pd.DataFrame({"area_code": CODES, "board": ["South", "North", "South", "North"]})
# Nobody of the age lives in the last village but ten people.
PEOPLE = pd.Series([100.0, 50.0, 40.0, 10.0], index=CODES)
NEAR = two_services.nearest_of(MINUTES, CENTRES)


def of(table, column="estimate", **where):
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1, table
    return table[column].iloc[0]


def test_people_between_two_ages_include_both_ends():
    ages = {f"age_{n}": [n + 1] for n in range(4)} | {"age_4_and_over": [100]}
    population = pd.DataFrame({"area_code": ["a"], **ages})
    assert two_services.people_of_ages(population, 1, 2)["a"] == 2 + 3
    assert two_services.people_of_ages(population, 0, 3)["a"] == 1 + 2 + 3 + 4
    assert two_services.people_of_ages(population, 3, 200)["a"] == 4 + 100
    # Children and adults together are everybody, and nobody is both.
    both = [two_services.people_of_ages(population, *ends)["a"] for ends in ((0, 2), (3, 200))]
    assert sum(both) == geography.people_aged(population, 0)["a"]
    with pytest.raises(Problem, match="at least 5 and at most 4"):
        two_services.people_of_ages(population, 5, 4)


def test_each_service_is_read_from_its_own_rows():
    assert NEAR["children"].loc["at_doubt"].tolist() == [90, 90, 5]
    assert NEAR["adults"].loc["by_far"].tolist() == [100, 30, 30]
    with pytest.raises(Problem, match="list 'surest sites only' is empty"):
        two_services.nearest_of(MINUTES, CENTRES.assign(certainty="B"))


def test_travel_is_weighed_by_the_people_of_each_service():
    adults = PEOPLE * 0 + 1
    people = {"children": PEOPLE, "adults": adults}
    found = two_services.travel(NEAR, people, AREAS, ["board"])
    everybody = {"group_by": "all", "measure": "mean"}
    # Children: (100 x 5 + 50 x 10 + 40 x 90 + 10 x 50) / 200; with the doubtful site 40 x 5.
    assert of(found, level="children", **everybody) == pytest.approx(5100 / 200)
    assert of(found, "low", level="children", **everybody) == pytest.approx(1700 / 200)
    assert of(found, "high", level="children", **everybody) == pytest.approx(5100 / 200)
    # Adults, one in each village: 5 + 30 + 90 + 50, and 100 for 30 with the surest site only.
    assert of(found, level="adults", **everybody) == pytest.approx(175 / 4)
    assert of(found, "high", level="adults", **everybody) == pytest.approx(245 / 4)
    beyond = of(found, level="children", group_by="all", measure="beyond 60 minutes")
    assert beyond == pytest.approx(100 * 40 / 200)
    # The mean of southern children moves by (90 - 5) x 40 / 140 minutes: a range only.
    south = {"level": "children", "group": "South", "measure": "mean"}
    assert np.isnan(of(found, **south))
    assert not of(found, "steady", **south)
    assert of(found, "high", **south) - of(found, "low", **south) == pytest.approx(85 * 40 / 140)
    north = {"level": "children", "group": "North", "measure": "mean"}
    assert of(found, **north) == pytest.approx((50 * 10 + 10 * 50) / 60)
    assert of(found, "people", **north) == 60


def test_the_change_by_hand():
    found = two_services.compare(NEAR["children"]["AB"], NEAR["adults"]["AB"], PEOPLE)
    # Only the village by Far changes, from 10 to 30 minutes: 50 people of 200.
    assert of(found, measure="mean of the first") == pytest.approx(25.5)
    assert of(found, measure="mean of the second") == pytest.approx(30.5)
    assert of(found, measure="mean change") == pytest.approx(50 * 20 / 200)
    assert of(found, measure="longer by more than 15 minutes") == pytest.approx(25)
    assert of(found, measure="longer by more than 30 minutes") == 0
    assert of(found, measure="shorter by more than 15 minutes") == 0
    assert of(found, measure="within 60 minutes of the first only") == 0
    # With the surest sites only they drive 100 minutes to the second.
    surest = two_services.compare(NEAR["children"]["A"], NEAR["adults"]["A"], PEOPLE)
    assert of(surest, measure="within 60 minutes of the first only") == pytest.approx(25)
    assert of(surest, measure="within 120 minutes of the first only") == 0
    # A limit is within; a change that equals the limit is not more than it.
    edge = two_services.compare(
        pd.Series([60.0], ["a"]), pd.Series([75.0], ["a"]), pd.Series([1.0], ["a"])
    )
    assert of(edge, measure="longer by more than 15 minutes") == 0
    assert of(edge, measure="within 60 minutes of the first only") == 100


def test_what_cannot_be_compared_is_refused():
    first = pd.Series([1.0, 2.0], ["a", "b"])
    with pytest.raises(Problem, match="one of the two services only"):
        two_services.compare(first, first[["a"]], first)
    with pytest.raises(Problem, match="one of the two services only"):
        two_services.compare(first, first.where(first > 1), first)
    with pytest.raises(Problem, match="Nobody lives"):
        two_services.compare(first, first, pd.Series([1.0], ["elsewhere"]))


def test_an_area_without_people_or_minutes_is_refused_and_does_not_make_others_vanish():
    one = {"children": NEAR["children"]}
    whole = two_services.travel(one, {"children": PEOPLE}, AREAS, ["board"])
    assert set(whole["group"]) == {"all", "North", "South"}
    with pytest.raises(Problem, match="no people or no minutes"):
        two_services.travel(one, {"children": PEOPLE[:3]}, AREAS, ["board"])
    # An area without minutes would be told as near: it is not beyond any limit.
    with pytest.raises(Problem, match="no people or no minutes"):
        two_services.travel(
            {"children": NEAR["children"][:3]}, {"children": PEOPLE}, AREAS, ["board"]
        )
    both = NEAR["children"], NEAR["adults"]
    with pytest.raises(Problem, match="no people or no minutes"):
        two_services.compare_over_lists(*both, PEOPLE[1:], AREAS)
    with pytest.raises(Problem, match="no people or no minutes"):
        two_services.compare_over_lists(both[0], both[1][1:], PEOPLE, AREAS)


def test_the_list_tells_the_years_that_its_sources_name():
    rows = CENTRES.assign(
        town="T", gene_therapy="no", source=["2020; award 2024", *["a page, undated"] * 5]
    )
    assert two_services.listed(rows)["when"].tolist() == ["2020, 2024", *["no year"] * 5]


def test_over_all_pairs_of_lists_the_slow_way():
    """The fast sums over groups say what `compare` says of each group and pair."""
    found = two_services.compare_over_lists(
        NEAR["children"], NEAR["adults"], PEOPLE, AREAS, ["board"], named_places=()
    )
    for group_by, group, codes in (
        ("all", "all", list(CODES)),
        ("board", "South", ["in_town", "at_doubt"]),
        ("board", "North", ["by_far", "between"]),
    ):
        pairs = {
            (one, other): two_services.compare(a[codes], b[codes], PEOPLE).set_index("measure")
            for one, other, a, b in two_services.pairs_of_lists(NEAR["children"], NEAR["adults"])
        }
        assert len(pairs) == 9
        for measure in pairs["AB", "AB"].index:
            values = [pair.loc[measure, "estimate"] for pair in pairs.values()]
            row = {"group_by": group_by, "group": group, "measure": measure}
            base = pairs["AB", "AB"].loc[measure, "estimate"]
            assert of(found, **row) == pytest.approx(base)
            assert of(found, "low", **row) == pytest.approx(min(values))
            assert of(found, "high", **row) == pytest.approx(max(values))


def test_what_holds_on_every_pair_and_what_does_not():
    found = two_services.compare_over_lists(
        NEAR["children"], NEAR["adults"], PEOPLE, AREAS, ["board"]
    )
    # By Far the drive is longer by 20 or 90 minutes on every pair, for 50 of 60 in the North.
    north = {"group_by": "board", "group": "North"}
    measure = "longer by more than 15 minutes"
    assert of(found, "low", measure=measure, group_by="all") == pytest.approx(25)
    assert of(found, "level", measure="mean change", **north) == "longer"
    assert of(found, "note", measure="mean change", **north) == "17 to 75 minutes longer"
    assert np.isnan(of(found, measure="mean change", **north))  # 17 to 75 minutes: a range only
    assert of(found, "low", measure="mean change", **north) == pytest.approx(50 * 20 / 60)
    # At the doubtful hospital it is longer, shorter or the same, as one list counts it and not.
    south = {"group_by": "board", "group": "South", "measure": "mean change"}
    assert of(found, "level", **south) == "depends on the list"
    assert of(found, "low", **south) == pytest.approx(-85 * 40 / 140)
    assert of(found, "high", **south) == pytest.approx(85 * 40 / 140)
    assert not of(found, "steady", **south)
    # England as a whole is no named place, and keeps its estimate.
    assert of(found, group_by="all", measure="mean change") == pytest.approx(5)
    assert found.loc[found["group_by"] == "all", "steady"].isna().all()
    # Only the row of the change has a finding.
    assert found.loc[found["measure"] != "mean change", ["level", "note"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.9, 0.9, "about the same"),
        (1.0, 3.0, "longer"),
        (0.99, 1.6, "longer"),  # told as 1 to 2 minutes longer
        (0.9, 1.4, "about the same"),  # told as 1 minute longer
        (0.1, 24.0, "depends on the list"),  # nothing to speak of on one pair
        (-3.0, -1.0, "shorter"),
        (-2.0, 2.0, "depends on the list"),
    ],
)
def test_a_finding_holds_on_every_pair_or_is_none(low, high, words):
    assert two_services.finding(pd.Series([low]), pd.Series([high])).tolist() == [words]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (17.6, 19.2, "18 to 19 minutes longer"),
        (-7.2, 8.4, "from 7 minutes shorter to 8 minutes longer"),
        (-1.0, 0.7, "from 1 minute shorter to 1 minute longer"),
        (-3.6, -3.6, "4 minutes shorter"),
        (-6.0, -2.0, "2 to 6 minutes shorter"),
        (0.2, 0.3, "less than a minute either way"),
        (0.1, 24.0, "up to 24 minutes longer"),
        (-0.3, 1.2, "up to 1 minute longer"),
    ],
)
def test_a_range_of_changes_is_told_without_a_sign(low, high, words):
    assert two_services.in_words(pd.Series([low]), pd.Series([high])).tolist() == [words]


def test_places_are_counted_by_what_holds_for_them():
    found = two_services.compare_over_lists(
        NEAR["children"], NEAR["adults"], PEOPLE, AREAS, ["board"]
    )
    counted = two_services.count_findings(found, "board").set_index("group")
    assert counted["estimate"].to_dict() == {
        "all": 2, "longer": 1, "shorter": 0, "about the same": 0, "depends on the list": 1,
    }  # fmt: skip
    assert counted.loc["longer", "people"] == 60
    assert counted.loc["all", "people"] == 200


def test_a_place_where_nobody_of_the_age_lives_has_no_row():
    nobody = PEOPLE.where(AREAS.set_index("area_code")["board"] == "South", 0.0)
    found = two_services.compare_over_lists(
        NEAR["children"], NEAR["adults"], nobody, AREAS, ["board"]
    )
    assert set(found["group"]) == {"all", "South"}
    assert found[["low", "high"]].notna().all(axis=None)


def test_every_pair_is_shown_by_itself():
    pairs = two_services.by_pair(NEAR["children"], NEAR["adults"], PEOPLE)
    assert len(pairs) == 9 * 3
    change = pairs[pairs["measure"] == "mean change"]
    assert of(change, group="AB", level="AB") == pytest.approx(5)
    assert of(change, group="A", level="A") == pytest.approx(50 * 90 / 200)
    # Children on the surest sites, adults on every candidate: the village at the doubtful hospital.
    assert of(change, group="A", level="ABC") == pytest.approx((50 * 20 - 40 * 85) / 200)


def test_outreach_clinics_shorten_only_the_service_that_holds_them():
    outreach = pd.DataFrame({"service": ["adults"], "site": ["Outreach"]})
    minutes = pd.DataFrame({"Outreach": [80.0, 12.0, 80.0, 80.0]}, index=CODES)
    found = two_services.with_more_sites(NEAR, minutes, outreach)
    assert found["adults"].loc["by_far"].tolist() == [12, 12, 12]
    assert found["adults"].loc["at_doubt"].tolist() == [80, 80, 5]
    pd.testing.assert_frame_equal(found["children"], NEAR["children"])
    assert (found["adults"] <= NEAR["adults"]).all(axis=None)


def test_both_services_in_one_place():
    of_service = dict(list(CENTRES.groupby("service")))
    both = two_services.continuity(MINUTES, of_service["children"], of_service["adults"], PEOPLE)
    both = both.set_index("measure")
    # In town, at the doubtful village and between, all go to Town; by Far to Far and Likely, 1 km.
    assert both.loc["nearest of both: one hospital", "estimate"] == pytest.approx(75)
    assert both.loc["nearest of both: one place", "estimate"] == pytest.approx(100)
    assert both.loc["nearest of both: apart", "estimate"] == 0
    # Children on the surest sites, adults on every candidate: the doubtful village is apart.
    assert both.loc["nearest of both: apart", "high"] == pytest.approx(100 * (40 + 50) / 200)
    close = two_services.continuity(
        MINUTES, of_service["children"], of_service["adults"], PEOPLE, together_km=0.5
    ).set_index("measure")
    assert close.loc["nearest of both: one place", "estimate"] == pytest.approx(75)


drives = st.lists(st.floats(0, 300), min_size=12, max_size=12)


@settings(max_examples=8, deadline=None)
@given(first=drives, second=drives, weights=st.lists(st.integers(1, 50), min_size=4, max_size=4))
def test_properties_of_a_comparison(first, second, weights):
    # More sites are never further: every list is the shortest of itself and those before.
    tables_of = [
        pd.DataFrame(
            np.minimum.accumulate(np.reshape(values, (4, 3)), axis=1),
            index=CODES,
            columns=list(access.LISTS),
        )  # fmt: skip
        for values in (first, second)
    ]
    people = pd.Series(weights, index=CODES, dtype=float)
    there = two_services.compare_over_lists(*tables_of, people, AREAS, ["board"])
    back = two_services.compare_over_lists(*tables_of[::-1], people, AREAS, ["board"])
    everybody = {"group_by": "all", "measure": "mean change"}
    # The way back is the way there, with the other sign and the ends changed over.
    assert of(there, **everybody) == pytest.approx(-of(back, **everybody))
    assert of(there, "low", **everybody) == pytest.approx(-of(back, "high", **everybody))
    same = two_services.compare(tables_of[0]["AB"], tables_of[0]["AB"], people)
    moved = same[~same["measure"].str.startswith("mean of")]
    assert (moved["estimate"] == 0).all()
    # The ends are those over all nine pairs, though only two of them are looked at.
    for measure in ("mean change", "longer by more than 15 minutes"):
        values = [
            of(two_services.compare(one, other, people), measure=measure)
            for _, _, one, other in two_services.pairs_of_lists(*tables_of)
        ]
        row = {"group_by": "all", "measure": measure}
        assert of(there, "low", **row) == pytest.approx(min(values), abs=1e-9)
        assert of(there, "high", **row) == pytest.approx(max(values), abs=1e-9)


def test_the_list_of_centres_is_sound_and_its_tables_can_be_published(tmp_path):
    centres = tables.read("centres_neuromuscular")
    for service, part in centres.groupby("service"):
        assert {"A", "B", "C"} == set(part["certainty"]), service
        assert not part["site"].duplicated().any()
    # One hospital with both services stands in one place.
    places = centres.groupby("site")[["postcode", "latitude", "longitude"]].nunique()
    assert (places == 1).all(axis=None)
    # Gene therapy: the four that were named, all for children and of the surest grade.
    given = centres[centres["gene_therapy"] == "yes"]
    assert (given["service"] == "children").all()
    assert (given["certainty"] == "A").all()
    published = tables.read("published_estimates").set_index("id")["estimate"]
    assert len(given) == published["sma_infusion_centres"]
    # Every trust with a contract in 2020 stands on the list for adults, and no other says so.
    contract = centres["source"].str.contains("one of eleven trusts")
    assert (centres.loc[contract, "service"] == "adults").all()
    assert centres.loc[contract, "centre"].nunique() == 11
    assert contract.sum() == published["sma_adult_nusinersen_trusts_2020"]
    # A grade is said in its source, and A only where a source names the place.
    assert [row.source[:7] for row in centres.itertuples()] == [
        f"grade {row.certainty}" for row in centres.itertuples()
    ]
    outreach = tables.read("outreach_neuromuscular")
    assert not set(outreach["site"]) & set(centres["site"])
    found = two_services.compare_over_lists(
        NEAR["children"], NEAR["adults"], PEOPLE, AREAS, ["board"]
    )
    page = results.Page("trial", sources=["centres_neuromuscular"], root=tmp_path)
    shown = page.publish(found, "trial", "Both services")
    assert len(shown) == len(found)
    assert set(shown["kind"]) == {"modelled"}


def test_places_are_ordered_by_how_far_the_lists_part_on_them():
    rows = pd.DataFrame(
        [("children", "North", 30.0, 40.0), ("adults", "North", 30.0, 31.0),
         ("children", "South", 20.0, 21.0), ("adults", "South", 20.0, 45.0),
         ("children", "West", 50.0, 55.0), ("adults", "West", 50.0, 52.0)],
        columns=["level", "group", "low", "high"],
    ).assign(measure="mean")  # fmt: skip
    found = two_services.most_apart(rows)
    assert [(row["group"], row["level"]) for row in found] == [
        ("South", "adults"), ("North", "children"), ("West", "children")
    ]  # fmt: skip
