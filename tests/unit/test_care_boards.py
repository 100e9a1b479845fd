"""Care boards: sums equal the nation, ranges where the list decides, and pages that keep to both.

Six invented areas in three boards make every rule visible; the real boards prove the sums.
"""

from __future__ import annotations

import re
import shutil
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml
from docutils import nodes
from lxml import html as markup

from distance_to_care import (
    access,
    care_boards,
    centre_lists,
    places,
    results,
    tables,
    travel,
)
from distance_to_care.problems import Problem
from distance_to_care.publication import accessibility
from distance_to_care.publication import boards as pages
from distance_to_care.publication.edition import words as words_of_footer

DAY = date(2026, 11, 22)
NEAR, DOUBTFUL, FAR = "E54000001", "E54000002", "E54000003"
ASSUMED = pd.DataFrame(
    [
        ("slower_driving", 1.25, 1.0, 1.5),
        ("far_minutes", 60.0, 45.0, 90.0),
        ("same_place_km", 0.5, 0.0, 1.0),
        ("prevalence_per_100000", 50.0, 25.0, 100.0),
    ],
    columns=["name", "value", "low", "high"],
).set_index("name")
CENTRES = pd.DataFrame({"site": ["Surest", "Base", "Low"], "certainty": ["A", "B", "C"]})
AREAS = pd.DataFrame(
    [
        # In town beside the surest site; every list says the same.
        ("E1", NEAR, "Near", "NHS Near Integrated Care Board", "Anton", 1, "urban", 100, 1.0),
        # In the country; a site of grade C would be a minute nearer.
        ("E2", NEAR, "Near", "NHS Near Integrated Care Board", "Anton", 5, "rural", 300, 3.0),
        # Beside the site of grade B: near on the base list, an hour and a half on the surest.
        ("E3", DOUBTFUL, "Doubt", "NHS Split Integrated Care Board", "Berwin", 1, "urban", 200, 2),
        ("E4", DOUBTFUL, "Doubt", "NHS Split Integrated Care Board", "Berwin", 3, "urban", 200, 2),
        # Deprived, in the country, and far on every list.
        ("E5", FAR, "Far", "NHS Split Integrated Care Board", "Cotter", 1, "rural", 100, 1.0),
        # An hour and a minute away: just beyond the limit.
        ("E6", FAR, "Far", "NHS Far Integrated Care Board", "Dunmore", 2, "rural", 100, 1.0),
    ],
    columns=[
        "area_code", "board_code", "board", "icb", "local_authority", "deprivation_quintile",
        "rural_urban", "people", "expected_patients",
    ],
)  # fmt: skip
MINUTES = pd.DataFrame(
    {
        "Surest": [10.0, 25, 90, 100, 70, 65],
        "Base": [50.0, 50, 20, 40, 75, 61],
        "Low": [50.0, 24, 20, 30, 80, 62],
    },
    index=pd.Index(AREAS["area_code"], name="area_code"),
)
# One hospital beside the far areas, and one that helps nobody.
HOSPITALS = pd.DataFrame(
    {"Beside": [200.0, 200, 200, 200, 10, 10], "Nowhere": 200.0}, MINUTES.index
)
NOTES = pd.Series({"Beside": "", "Nowhere": ""})


def found():
    return care_boards.everything(AREAS, MINUTES, CENTRES, HOSPITALS, NOTES, ASSUMED, "2026-04")


def one(table, **where):
    for column, value in where.items():
        table = table[table[column] == value]
    assert len(table) == 1, where
    return table.iloc[0]


@pytest.fixture(scope="module")
def invented():
    return found()


@pytest.fixture(scope="module")
def real(official_folder):
    """Every table of the boards from the real files, with the areas they were made from."""
    edition = care_boards.edition(tables.read("care_boards"))
    assumed = tables.read("atlas_assumptions").set_index("name")
    official = [tables.official(n) for n in ("imd_2019", "rural_urban_2011", "population_mid2020")]
    areas = access.area_table(
        tables.read("areas"), edition, *official, tables.read("area_coast"), assumed["value"]
    )
    centres = tables.read("centres_ild")
    minutes = travel.minutes_to(centres)
    hospitals = care_boards.candidates(tables.read("hospitals"), centres, 0.5)
    made = care_boards.everything(
        areas, minutes, centres, travel.minutes_to(hospitals),
        hospitals.set_index("site")["note"], assumed, edition["version"].iloc[0],
    )  # fmt: skip
    return areas, minutes, centres, made


# --- six invented areas ---------------------------------------------------------------------------


def test_a_steady_board_has_its_number_and_its_range(invented):
    mean = one(invented["care_boards"], board_code=NEAR, measure="mean",
               scenario=care_boards.ORDINARY)  # fmt: skip
    assert mean["steady"]
    assert mean["estimate"] == pytest.approx(21.25)
    assert (mean["low"], mean["high"]) == (pytest.approx(20.5), pytest.approx(21.25))
    assert mean["people"] == 400
    slower = one(
        invented["care_boards"], board_code=NEAR, measure="mean", scenario="slower driving"
    )
    assert slower["estimate"] == pytest.approx(21.25 * 1.25)


def test_a_board_that_moves_by_more_than_ten_minutes_has_a_range_only(invented):
    mean = one(invented["care_boards"], board_code=DOUBTFUL, measure="mean",
               scenario=care_boards.ORDINARY)  # fmt: skip
    assert not mean["steady"]
    assert (mean["low"], mean["high"]) == (pytest.approx(25.0), pytest.approx(95.0))
    for name, table in invented.items():
        if "steady" in table:
            doubtful = table[table["board_code"] == DOUBTFUL]
            assert doubtful["estimate"].isna().all(), name
            assert not doubtful["steady"].any(), name
    assert "level" not in invented["care_boards_spokes"]


def test_england_is_no_named_place_and_keeps_its_number(invented):
    nation = invented["care_boards"].query("board_code == 'all'")
    mean = one(nation, measure="mean", scenario=care_boards.ORDINARY)
    # 21.25 x 400 + 30 x 400 + (70 + 61) x 100 over 1,000 people; 11 minutes less on every site.
    assert not mean["steady"]
    assert mean["estimate"] == pytest.approx(33.6)
    assert (mean["low"], mean["high"]) == (pytest.approx(31.3), pytest.approx(60.0))
    assert nation["estimate"].notna().all()


def test_one_reading_of_a_range_says_so(invented):
    lists = invented["care_boards_by_list"]
    told = lists.groupby("board_code")["note"].unique().map(list).to_dict()
    assert told == {"all": [""], NEAR: [""], FAR: [""], DOUBTFUL: [care_boards.ONE_READING]}


def test_whose_nearest_centre_no_source_names(invented):
    rows = invented["care_boards"].query(f"measure == '{care_boards.UNNAMED}'")
    found = rows.set_index("board_code")[["estimate", "low", "high"]].T
    # Near: nobody on the base list; E2, 300 of 400, on every site.
    assert found[NEAR].tolist() == [0, 0, 75]
    assert found[DOUBTFUL].tolist()[1:] == [100, 100]
    assert np.isnan(found.loc["estimate", DOUBTFUL])
    # Far: E5 goes to the surest site, E6 to the base site.
    assert found[FAR].tolist() == [50, 50, 50]
    assert found["all"].tolist() == [50, 50, 80]
    assert set(rows["people"]) == {400, 200, 1000}


def test_expected_patients_move_with_the_lists_and_with_the_prevalence(invented):
    rows = invented["care_boards"]
    name = care_boards.COUNTED.format(measure="expected patients beyond 60 minutes")
    doubtful = one(rows, board_code=DOUBTFUL, measure=name)
    # 0 to 4 over the lists; half and twice as many as the disease is counted.
    assert (doubtful["low"], doubtful["high"]) == (0, 8)
    far = one(rows, board_code=FAR, measure=name)
    assert (far["estimate"], far["low"], far["high"]) == (2, 1, 4)
    whole = one(
        rows, board_code=NEAR, measure=care_boards.COUNTED.format(measure="expected patients")
    )
    assert (whole["estimate"], whole["low"], whole["high"]) == (4, 2, 8)


def test_a_local_authority_in_two_boards_is_only_partly_counted(invented):
    assert set(invented["care_boards_deprived_and_far"]["note"]) == {""}
    areas = AREAS.assign(local_authority=["Anton"] * 2 + ["Berwin"] * 2 + ["Berwin", "Dunmore"])
    near = access.minutes_by_list(MINUTES, CENTRES)
    both = care_boards.deprived_and_far_places(areas, near)
    divided = both[both["note"] == care_boards.ONLY_A_PART]
    assert set(divided["local_authority"]) == {"Berwin"}
    assert {DOUBTFUL, FAR} <= set(divided["board_code"])
    assert (both.loc[both["local_authority"] == "Berwin", "note"] == care_boards.ONLY_A_PART).all()


def test_a_group_that_moves_in_a_steady_board_has_a_range_only():
    # The town moves by 40 minutes, the country by none; the board as a whole moves by 8.
    areas = AREAS.iloc[[0, 1]].assign(people=[100.0, 400.0])
    minutes = MINUTES.iloc[[0, 1]].assign(Surest=[60.0, 30], Base=[20.0, 30], Low=[20.0, 30])
    near = access.minutes_by_list(minutes, CENTRES)
    steady = care_boards.steadiness(care_boards.by_list(areas, near))
    assert steady[NEAR]
    cut = care_boards.in_ranges(care_boards.by_list(areas, near, ["rural_urban"]), steady)
    here = cut[(cut["board_code"] == NEAR) & (cut["measure"] == "beyond 30 minutes")]
    here = here.set_index("rural_urban")["steady"].to_dict()
    assert here == {"all": True, "rural": True, "urban": False}


def test_a_board_that_moves_in_slower_driving_has_a_range_there():
    # Nine minutes between the lists in ordinary driving, more than eleven in slower driving.
    minutes = MINUTES.assign(Surest=29.0, Base=20.0, Low=20.0)
    near = access.minutes_by_list(minutes, CENTRES)
    driving = {care_boards.ORDINARY: 1.0, care_boards.SLOWER: 1.25}
    table = care_boards.by_list(AREAS, near, driving=driving)
    ranges = care_boards.in_ranges(table, care_boards.steadiness(table))
    for measure in ("mean", "people beyond 30 minutes"):
        here = ranges[(ranges["board_code"] == NEAR) & (ranges["measure"] == measure)]
        here = here.set_index("scenario")
        assert here["steady"].to_dict() == {care_boards.ORDINARY: True, care_boards.SLOWER: False}
        assert here["estimate"].notna().to_dict() == here["steady"].to_dict()


def test_no_steady_row_moves_by_more_than_ten_minutes(real):
    means = real[3]["care_boards"].query("measure == 'mean' and steady")
    assert (means["high"] - means["low"]).max() <= centre_lists.STEADY_MINUTES
    assert set(means["scenario"]) == {care_boards.ORDINARY, care_boards.SLOWER}


def test_far_is_strictly_beyond_the_limit(invented):
    far = one(invented["care_boards"], board_code=FAR, measure="people beyond 60 minutes",
              scenario=care_boards.ORDINARY)  # fmt: skip
    assert far["estimate"] == 200
    at_limit = MINUTES.assign(Base=[50.0, 50, 20, 40, 75, 60])
    near = access.minutes_by_list(at_limit, CENTRES)
    table = care_boards.by_list(AREAS, near)
    base = one(table, board_code=FAR, measure="people beyond 60 minutes", centre_list="AB")
    assert base["estimate"] == 100


def test_deprived_and_far_is_named_where_it_is(invented):
    both = invented["care_boards_deprived_and_far"]
    fifth = both[(both["group_by"] == "most deprived fifth") & (both["measure"] == "areas")]
    assert one(fifth, board_code=FAR, local_authority="Cotter")["estimate"] == 1
    assert set(fifth.loc[fifth["board_code"] == FAR, "local_authority"]) == {"all", "Cotter"}
    doubtful = one(fifth, board_code=DOUBTFUL, local_authority="Berwin")
    assert (doubtful["low"], doubtful["high"]) == (0, 1)
    assert np.isnan(doubtful["estimate"])
    assert NEAR not in set(both["board_code"])
    two = both[(both["group_by"] == "two most deprived fifths") & (both["measure"] == "areas")]
    assert one(two, board_code=FAR, local_authority="all")["estimate"] == 2


def test_a_spoke_saves_what_is_nearer_and_nothing_else(invented):
    spokes = invented["care_boards_spokes"]
    assert set(spokes["centre"]) == {"Beside"}
    saved = one(spokes, board_code=FAR, measure="mean minutes saved")
    assert saved["estimate"] == pytest.approx((60 + 51) / 2)
    assert (saved["low"], saved["high"]) == (pytest.approx(55.5), pytest.approx(57.5))
    moved = one(spokes, board_code=FAR, measure="people brought within 60 minutes")
    assert moved["estimate"] == 200


def test_the_nearest_centres_of_a_board_share_out_all_its_people(invented):
    centres = invented["care_boards_centres"]
    assert one(centres, board_code=NEAR, centre="Surest")["estimate"] == 100
    low = one(centres, board_code=NEAR, centre="Low")
    assert (low["estimate"], low["low"], low["high"]) == (0, 0, 75)


def test_a_centre_that_is_nearest_for_some_on_some_list_is_named(invented):
    centres = invented["care_boards_centres"]
    named = care_boards.centres_to_name(centres)
    assert {code: sorted(here) for code, here in named.items()} == {
        NEAR: ["Low", "Surest"], DOUBTFUL: ["Base", "Low", "Surest"], FAR: ["Base", "Surest"],
    }  # fmt: skip
    few = care_boards.centres_to_name(centres.assign(high=[0.4] + [50.0] * (len(centres) - 1)))
    assert sum(map(len, few.values())) == len(centres) - 1


def test_the_boards_of_2022_lead_to_their_heirs(invented):
    old = invented["care_boards_of_2022"]
    split = old[old["group"] == "Split"]
    assert list(split["board"]) == ["Doubt", "Far"]
    assert set(split["level"]) == {"part"}
    assert one(old, group="Near")["level"] == "whole"
    assert old["areas"].sum() == len(AREAS)


def test_areas_without_minutes_are_told():
    near = access.minutes_by_list(MINUTES.iloc[:5], CENTRES)
    with pytest.raises(Problem, match="1 areas have no minutes"):
        care_boards.by_list(AREAS, near)


def test_every_result_passes_the_waist(invented, tmp_path):
    page = results.Page("care_boards", root=tmp_path, kind="modelled")
    assert set(care_boards.TITLES) == set(invented)
    for name, table in invented.items():
        page.publish(table, name, "T", ["areas", "centres_ild"])
    back = pages.read(tmp_path)
    assert set(back.tables) == set(invented)
    assert back.tables["care_boards"]["steady"].dtype == bool


# --- editions -------------------------------------------------------------------------------------


def test_the_edition_holds_every_area_once():
    areas, edition = tables.read("areas"), care_boards.edition(tables.read("care_boards"))
    placed = access.board_of_areas(areas, edition)
    assert len(placed) == 32_844
    assert placed["board_code"].nunique() == placed["board"].nunique() == 36
    assert placed.groupby("board_code")["board"].nunique().eq(1).all()
    # Every row of the edition gives areas to its board.
    whole = edition["local_authority_code"].fillna("") == ""
    assert set(edition.loc[whole, "sub_icb_code"]) <= set(areas["sub_icb_code"])
    divided = edition[~whole].merge(areas, on=["sub_icb_code", "local_authority_code"], how="left")
    assert divided["area_code"].notna().all()
    # The reform: twelve boards ended, six are new, one grew, and the others kept their code.
    kept = set(areas["icb_code"]) & set(edition["board_code"])
    assert len(kept) == 29
    same = areas["icb_code"].isin(kept)
    assert (
        placed.loc[same.to_numpy(), "board_code"].to_numpy() == areas.loc[same, "icb_code"]
    ).all()
    names = areas.loc[same, "icb"].str.replace(r"^NHS | Integrated Care Board$", "", regex=True)
    assert (placed.loc[same.to_numpy(), "board"].to_numpy() == names).all()


def test_editions_are_named_and_faults_told():
    boards = tables.read("care_boards")
    assert care_boards.edition_name("2026-04") == "April 2026"
    newer = pd.concat([boards, boards.assign(version="2027-04")])
    assert set(care_boards.edition(newer)["version"]) == {"2027-04"}
    assert set(care_boards.edition(newer, "2026-04")["version"]) == {"2026-04"}
    with pytest.raises(Problem, match="no edition '2020-01'"):
        care_boards.edition(boards, "2020-01")
    named_twice = boards.assign(board=[*boards["board"][:-1], "Another"])
    with pytest.raises(Problem, match="more than one name"):
        care_boards.edition(named_twice)
    both_ways = pd.concat([boards, boards.iloc[[0]].assign(local_authority_code="E06000036")])
    with pytest.raises(Problem, match="both whole and in parts"):
        care_boards.edition(both_ways)


# --- the real boards ------------------------------------------------------------------------------


def test_sums_over_boards_equal_the_national_figure(real):
    areas, minutes, centres, made = real
    lists = made["care_boards_by_list"]
    counted = lists[lists["unit"] == "people"]
    keys = ["scenario", "centre_list", "measure"]
    nation = counted[counted["board_code"] == "all"].set_index(keys)
    boards = counted[counted["board_code"] != "all"].groupby(keys)
    assert len(nation) == 2 * 3 * 6
    for column in ("estimate", "expected_patients", "people", "areas"):
        summed = boards[column].sum().reindex(nation.index).astype(float)
        np.testing.assert_allclose(summed, nation[column].astype(float), rtol=1e-12)
    # And the nation is the nation: counted again without boards, from the areas themselves.
    near = access.minutes_by_list(minutes, centres).reindex(areas["area_code"])
    for name in ("A", "AB", "ABC"):
        for limit in (30, 60, 90):
            far = (near[name] > limit).to_numpy()
            where = {"scenario": care_boards.ORDINARY, "centre_list": name}
            people = one(nation.reset_index(), measure=f"people beyond {limit} minutes", **where)
            assert people["estimate"] == areas.loc[far, "people"].sum()
            sick = one(
                nation.reset_index(), measure=f"expected patients beyond {limit} minutes", **where
            )
            assert sick["estimate"] == pytest.approx(areas.loc[far, "expected_patients"].sum())
    assert nation["areas"].eq(32_844).all()
    assert nation["people"].eq(10_464_019).all()
    # 50 for every 100,000 people of all ages.
    assert nation["expected_patients"].iloc[0] == pytest.approx(
        areas["people_all_ages"].sum() * 50 / 100_000
    )


def test_groups_places_and_heirs_sum_to_the_board(real):
    areas, _, _, made = real
    boards = areas.groupby("board_code")["people"].sum()
    cut = made["care_boards_by_deprivation"]
    parts = cut[(cut["group"] != "all") & (cut["level"] != "all") & (cut["measure"] == "mean")]
    parts = parts[parts["board_code"] != "all"]
    assert parts.groupby("board_code")["people"].sum().to_dict() == boards.to_dict()
    heirs = made["care_boards_of_2022"]
    assert heirs.groupby("board_code")["people"].sum().to_dict() == boards.to_dict()
    assert heirs["group"].nunique() == 42
    both = made["care_boards_deprived_and_far"]
    both = both[both["board_code"] != "all"]
    whole = both[both["local_authority"] == "all"].set_index(["board_code", "group_by", "measure"])
    local = both[both["local_authority"] != "all"]
    # Lists are nested, so the ends of ranges add up as counts do.
    for end in ("low", "high"):
        summed = local.groupby(["board_code", "group_by", "measure"])[end].sum()
        np.testing.assert_allclose(summed.reindex(whole.index), whole[end], rtol=1e-9)
    centres = made["care_boards_centres"]
    steady = centres[centres["steady"] & (centres["board_code"] != "all")]
    np.testing.assert_allclose(steady.groupby("board_code")["estimate"].sum(), 100)


def test_ranges_agree_with_the_slow_way_round(real):
    areas, minutes, centres, made = real
    slow = access.travel_by_list(minutes, centres, areas, "board")
    ours = made["care_boards"]
    ours = ours[ours["scenario"] == care_boards.ORDINARY]
    for measure in ("mean", "beyond 30 minutes", "beyond 60 minutes", "beyond 90 minutes"):
        twin = centre_lists.over_lists(slow, measure).set_index("level")
        mine = ours[ours["measure"] == measure].assign(
            board=lambda rows: rows["board"].replace("England", "all")
        )
        mine = mine.set_index("board").reindex(twin.index)
        np.testing.assert_allclose(mine["low"], twin["low"], atol=1e-9)
        np.testing.assert_allclose(mine["high"], twin["high"], atol=1e-9)
        assert (mine["steady"] == twin["steady"]).all()
        np.testing.assert_allclose(
            mine.loc[mine["steady"], "estimate"], twin.loc[twin["steady"], "estimate"], atol=1e-9
        )
        # England keeps its number; a named place that is not steady has none.
        bare = mine.index[mine["estimate"].isna()]
        assert set(bare) == set(mine.index[~mine["steady"]]) - {"all"}


def test_spokes_agree_with_the_slow_way_round(real):
    areas, minutes, centres, made = real
    hospitals = care_boards.candidates(tables.read("hospitals"), centres, 0.5)
    spokes = made["care_boards_spokes"]
    base = minutes[centres.loc[centres["certainty"].isin(["A", "B"]), "site"]].min(axis=1)
    sample = spokes[spokes["steady"] & (spokes["measure"] == "mean minutes saved")].iloc[::9]
    assert len(sample) >= 4
    for row in sample.itertuples():
        here = areas[areas["board_code"] == row.board_code]
        hospital = hospitals[hospitals["site"] == row.centre]
        there = travel.minutes_to(hospital)[row.centre]
        saved = moved = 0.0
        for area in here.itertuples():
            now, then = base[area.area_code], there[area.area_code]
            saved += area.people * (now - min(now, then))
            moved += area.people if now > 60 >= then else 0
        assert row.estimate == pytest.approx(saved / here["people"].sum())
        people = one(spokes, board_code=row.board_code, centre=row.centre,
                     measure="people brought within 60 minutes")  # fmt: skip
        assert people["estimate"] == moved


def test_no_candidate_is_a_trust(real):
    hospitals, names = tables.read("hospitals"), tables.read("hospital_names")
    found = care_boards.by_hospital(hospitals, names)
    assert len(found) == len(hospitals)
    changed = found["hospital"] != hospitals["hospital"]
    assert set(found.loc[changed, "postcode"]) == set(names["postcode"])
    candidates = care_boards.candidates(found, tables.read("centres_ild"), 0.5)
    trusts = candidates["site"].str.contains(r"\bTrust\b|University Hospitals of|Hospitals,")
    assert not trusts.any(), list(candidates.loc[trusts, "site"])
    with pytest.raises(Problem, match="ZZ99ZZ is the postcode of no hospital"):
        care_boards.by_hospital(hospitals, names.assign(postcode="ZZ99ZZ").head(1))


def test_england_has_as_many_unnamed_as_the_lists_say(real):
    areas, minutes, centres, made = real
    rows = made["care_boards"].query(f"measure == '{care_boards.UNNAMED}' and board_code == 'all'")
    grade = centres.set_index("site")["certainty"]
    for column, grades in (("low", ["A", "B"]), ("high", ["A", "B", "C"])):
        sites = grade.index[grade.isin(grades)]
        best = minutes.loc[areas["area_code"], sites].idxmin(axis=1).map(grade).to_numpy()
        share = 100 * areas.loc[best != "A", "people"].sum() / areas["people"].sum()
        assert rows[column].iloc[0] == pytest.approx(share)


def test_candidates_are_hospitals_that_are_no_centre_of_the_base_list():
    hospitals, centres = tables.read("hospitals"), tables.read("centres_ild")
    found = care_boards.candidates(hospitals, centres, 0.5)
    assert found["site"].is_unique
    base = centres.loc[centres["certainty"].isin(["A", "B"]), "postcode"].str.replace(" ", "")
    assert not set(found["postcode"]) & set(base)
    noted = found.set_index("postcode")["note"]
    assert "grade C" in noted["TR13LQ"]
    assert noted["EX314JB"] == ""
    # Nothing in Wales, and nothing that the travel matrix does not have.
    english = hospitals[hospitals["in_matrix"] & (hospitals["country"] == "England")]
    assert set(found["postcode"]) <= set(english["postcode"])


# --- the pages ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    page = results.Page("care_boards", root=root, kind="modelled")
    for name, table in found().items():
        page.publish(table, name, "T", ["areas", "centres_ild"])
    return root


def sentences(text):
    plain = re.sub(r"<[^>]+>", " . ", text)
    return [s for s in re.split(r"(?<=[.!?])\s+|\n", plain) if s.strip()]


def test_the_page_of_a_doubtful_board_is_all_ranges(published):
    back, study = pages.read(published), pages._default_study()
    text = pages.page(back, DOUBTFUL, study, DAY)
    paragraph = pages.paragraph(back, DOUBTFUL, study, DAY)
    assert "25 to 95 minutes" in paragraph
    assert paragraph in text
    assert "no single number and no rank" in paragraph
    # The base list lies inside the range, and nowhere stands alone.
    assert "30 minutes one way" not in text
    assert "base list (A and B)" not in text
    assert "the two ends of the range" in text
    assert "never to be quoted alone" in text
    assert "base list (A and B)" in pages.page(back, NEAR, study, DAY)
    assert "from 0 to 8 if the disease is less or more common" in paragraph
    steady = pages.paragraph(back, NEAR, study, DAY)
    assert "21 (20 to 21) minutes" in steady


def test_the_nearest_centres_come_with_town_and_grade(published):
    back, study = pages.read(published), pages._default_study()
    name = "care_boards_centres"
    real = back.tables[name].replace({"centre": {"Surest": "Southmead Hospital"}})
    text = pages.page(pages.Published({**back.tables, name: real}, {}), DOUBTFUL, study, DAY)
    assert "<td>Southmead Hospital</td><td>Bristol</td><td>A</td>" in text
    # The surest first, where there is no number to sort by.
    assert text.index("<td>Southmead Hospital</td>") < text.index("<td>Base</td>")
    assert text.index("<td>Base</td>") < text.index("<td>Low</td>")


def test_a_page_says_what_to_do_before_it_says_what_it_rests_on(published):
    back, study = pages.read(published), pages._default_study()
    for code in (NEAR, DOUBTFUL, FAR):
        text = pages.page(back, code, study, DAY)
        order = ["**What to do first:**", "lists", "## In three sentences", "## In one paragraph"]
        found_at = [text.index(words) for words in order]
        assert found_at == sorted(found_at)
        assert text.index("## Nearest centres") < text.rindex("that no source names for")
        assert text.index("## What this page does not show") < text.index("The boundaries are")
        # Each link of the opening leads to a heading of the page.
        opening = text.split("## ")[0]
        linked = set(re.findall(r"\]\(#([\w-]+)\)", opening))
        made = {nodes.make_id(heading) for heading in re.findall(r"^## (.+)$", text, re.M)}
        assert linked <= made
        assert len(linked) == (1 if code == NEAR else 3)


def test_three_sentences_come_before_the_paragraph(published):
    back, study = pages.read(published), pages._default_study()
    for code in (NEAR, DOUBTFUL, FAR):
        short = pages.three_sentences(back, code, study, DAY)
        long = pages.paragraph(back, code, study, DAY)
        assert len(re.findall(r"\.(?:\s|$)", short)) == 3
        assert len(short) < len(long) / 2
        for needed in ("unofficial list", pages.CARS, "Distance to Care", "22 November 2026",
                       "Modelled from open data", study.service):  # fmt: skip
            assert needed in short, needed
    assert "no rank should be quoted" in pages.three_sentences(back, DOUBTFUL, study, DAY)
    assert "no rank" not in pages.three_sentences(back, NEAR, study, DAY)


def test_the_paragraph_says_what_it_is(published):
    back, study = pages.read(published), pages._default_study()
    for code in (NEAR, DOUBTFUL, FAR):
        paragraph = pages.paragraph(back, code, study, DAY)
        assert "\n" not in paragraph
        for needed in (
            "boundaries of April 2026", "unofficial list", "Modelled from open data",
            "Public transport is left out", "Distance to Care", "22 November 2026",
            study.service, "nobody was counted",
        ):  # fmt: skip
            assert needed in paragraph, needed


def test_no_sentence_joins_deprivation_and_travel_without_the_cars(published):
    back, study = pages.read(published), pages._default_study()
    joined = 0
    for code in (NEAR, DOUBTFUL, FAR):
        for sentence in sentences(pages.page(back, code, study, DAY)):
            travels = re.search(r"\b(minutes|drive|driving|car|far)\b", sentence)
            if re.search("depriv", sentence, re.IGNORECASE) and travels:
                joined += 1
                assert pages.CARS in sentence, sentence
    assert joined >= 9


def test_the_paragraph_names_places_by_the_lists_that_agree(published):
    back, study = pages.read(published), pages._default_study()
    far = pages.paragraph(back, FAR, study, DAY)
    assert "On every list they include parts of Cotter and Dunmore." in far
    doubtful = pages.paragraph(back, DOUBTFUL, study, DAY)
    assert "On some lists only: parts of Berwin." in doubtful
    assert "On every list" not in doubtful
    assert "more than an hour away is 0 to 1, and" in doubtful


def test_a_board_with_nobody_beyond_an_hour_looks_for_no_clinic(published):
    back, study = pages.read(published), pages._default_study()
    banner = results.BANNERS["scenario"]
    near = pages.page(back, NEAR, study, DAY)
    assert "Nobody in this board is more than an hour away" in near
    assert banner not in near
    far = pages.page(back, FAR, study, DAY)
    # The banner of the model stands in its own section.
    assert far.index("## If one clinic were added") < far.index(banner)
    assert far.index(banner) < far.index("if a clinic were at")


def nobody_far(back, code, steady):
    """The tables with nobody of a board beyond an hour, on any list."""
    rows = back.tables["care_boards"].copy()
    beyond = rows["measure"].str.contains("beyond 60 minutes") & (rows["board_code"] == code)
    rows.loc[beyond, ["low", "high"]] = 0.0
    rows.loc[beyond, "estimate"] = 0.0 if steady else np.nan
    rows.loc[beyond, "steady"] = steady
    both = back.tables["care_boards_deprived_and_far"]
    changed = {"care_boards": rows, "care_boards_deprived_and_far": both.head(0)}
    return pages.Published({**back.tables, **changed}, {})


@pytest.mark.parametrize(("code", "steady"), [(NEAR, True), (DOUBTFUL, False)])
def test_where_nobody_is_far_the_texts_say_so_in_words(published, code, steady):
    back, study = nobody_far(pages.read(published), code, steady), pages._default_study()
    opening = pages.page(back, code, study, DAY).split("## ")[0]
    pasted = [write(back, code, study, DAY) for write in (pages.three_sentences, pages.paragraph)]
    for text in (opening, *pasted):
        assert "one of them lives more than an hour away on any list" in text
        assert not re.search(r"\b0 (to 0|per cent|people|on every list|more)\b", text), text


def test_numbers_of_a_sentence_stand_beside_what_they_count(published):
    """A range of one number is told `on every list`, behind what the number counts."""
    back, study = pages.read(published), pages._default_study()
    rows = back.tables["care_boards"].copy()
    here = (rows["board_code"] == DOUBTFUL) & rows["measure"].str.contains("beyond 60 minutes")
    rows.loc[here, ["low", "high"]] = 12.0
    far = pages.Published({**back.tables, "care_boards": rows}, {})
    texts = [pages.page(far, DOUBTFUL, study, DAY).split("## ")[0]]
    texts += [pages.three_sentences(far, DOUBTFUL, study, DAY)]
    texts += [pages.paragraph(far, DOUBTFUL, study, DAY)]
    for text in texts:
        assert "12 per cent of them on every list" in text
        assert "on every list per cent" not in text
    assert "12 per cent of them on every list: 12 people on every list." in texts[2]


def test_what_to_do_first_names_no_places_where_there_are_none(published):
    back, study = pages.read(published), pages._default_study()
    both = back.tables["care_boards_deprived_and_far"]
    none = {**back.tables, "care_boards_deprived_and_far": both[both["board_code"] != FAR]}
    with_places = pages._opening(back, FAR, study, True)
    without = pages._opening(pages.Published(none, {}), FAR, study, True)
    assert "places that are deprived and far" in with_places
    assert "deprived" not in without
    assert "and then look at what [one clinic more]" in without


def test_a_divided_local_authority_is_marked_on_the_page(published):
    back, study = pages.read(published), pages._default_study()
    assert "Part: only" not in pages.page(back, FAR, study, DAY)
    name = "care_boards_deprived_and_far"
    marked = back.tables[name].assign(
        note=lambda rows: np.where(
            rows["local_authority"] == "Cotter", care_boards.ONLY_A_PART, rows["note"]
        )
    )
    text = pages.page(pages.Published({**back.tables, name: marked}, {}), FAR, study, DAY)
    assert "Cotter (part)" in text
    assert "Dunmore (part)" not in text
    assert "Part: only the part in this board is counted here." in text


def test_the_rows_of_a_board_are_those_of_every_table(published, tmp_path):
    back = pages.read(published)
    (tmp_path / "rows.csv").write_text(pages.rows_of(back, FAR), encoding="utf-8")
    rows = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    assert set(rows["board_code"]) == {FAR}
    for name, table in back.tables.items():
        if "board_code" in table:
            assert (rows["table"] == name).sum() == (table["board_code"] == FAR).sum(), name
    mean = rows.query("table == 'care_boards' and measure == 'mean'")
    assert float(mean["estimate"].iloc[0]) == 65.5


def test_the_banner_of_a_model_is_left_to_its_section():
    of_pages = {"care_boards": {"kinds": ["modelled", "scenario"]}}
    assert pages.kinds("book/boards/e1", of_pages) == ["modelled"]
    assert pages.kinds("notebooks/care_boards", of_pages) == ["modelled", "scenario"]
    assert pages.kinds("book/index", of_pages) == []


def test_a_board_with_nobody_deprived_and_far_says_so(published):
    text = pages.page(pages.read(published), NEAR, pages._default_study(), DAY)
    assert "No area in the two most deprived fifths" in text


def test_pages_are_written_and_listed_where_the_book_has_the_chapter(published, tmp_path):
    shutil.copyfile(places.ROOT / "_toc.yml", tmp_path / "_toc.yml")
    toc = yaml.safe_load((tmp_path / "_toc.yml").read_text())
    if not pages._entry(toc, "notebooks/care_boards"):
        toc["parts"][0]["chapters"].append({"file": "notebooks/care_boards"})
        (tmp_path / "_toc.yml").write_text(yaml.safe_dump(toc))
    names = pages.write(tmp_path, published)
    # The footer of the page names the same day.
    of_data = re.search(r"Data as compiled by [^.]+\.", words_of_footer())[0][1:-1]
    assert all((tmp_path / f"{name}.md").read_text().count(of_data) == 2 for name in names)
    assert names == ["book/boards/e54000002", "book/boards/e54000003", "book/boards/e54000001"]
    listed = yaml.safe_load((tmp_path / "_toc.yml").read_text())
    chapter = pages._entry(listed, "notebooks/care_boards")
    assert [entry["file"] for entry in chapter["sections"]] == names
    for name in names:
        assert (tmp_path / f"{name}.md").read_text().startswith("---\nnosearch: true\n---\n\n# ")
        rows = (tmp_path / f"{name}.csv").read_text()
        assert f"<{name.rpartition('/')[2]}.csv>" in (tmp_path / f"{name}.md").read_text()
        assert rows.startswith("table,measure")
    # A book without the chapter, or a chapter that published nothing, has no such pages.
    assert pages.write(tmp_path, tmp_path / "nothing") == []
    (tmp_path / "_toc.yml").write_text("root: book/index\nparts: []\n")
    assert pages.write(tmp_path, published) == []


def test_links_say_when_there_are_no_pages():
    titles = {"book/boards/e2": "Anton", "book/boards/e1": "Berwin", "book/index": "Home"}
    made = pages.links(titles, titles, "../")
    assert made.index("Anton") < made.index("Berwin")
    assert 'href="../book/boards/e1.html"' in made
    assert "make book" in pages.links(["book/index"], {}, "../")
    assert pages.of_page("book/boards/e1") == "care_boards"
    assert pages.of_page("notebooks/one") == "one"
    assert pages.of_page("book/index") is None


def test_the_contents_name_what_opens_the_pages_of_the_boards():
    tree = markup.document_fromstring(
        '<body><nav><ul><li><a href="#">Every care board</a><details><summary><span>'
        '<i class="fa-solid fa-chevron-down"></i></span></summary></details></li></ul></nav>'
        "<main><details><summary>Show</summary></details></main></body>"
    )
    accessibility.repair(tree, "Book")
    first, second = tree.iter("summary")
    assert first.get("aria-label") == "Pages under Every care board"
    assert second.get("aria-label") is None


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((25.0, 25.0, 25.0, True), "25"),
        ((25.0, 20.0, 27.4, True), "25 (20 to 27)"),
        ((np.nan, 20.0, 60.0, False), "20 to 60"),
        ((np.nan, 7.0, 7.0, False), "7 on every list"),
        ((0.0, 0.0, 0.15, True), "0 (0 to under 1)"),
        ((0.2, 0.1, 0.3, True), "under 1"),
        ((np.nan, 0.0, 1234.0, False), "0 to 1,234"),
    ],
)
def test_a_value_is_told_with_its_range(row, text):
    assert pages.told(pd.Series(row, ["estimate", "low", "high", "steady"], dtype=object)) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["Adur"], "Adur"),
        (["Adur", "Arun", "Lewes"], "Adur, Arun and Lewes"),
        (["Adur", "Brighton and Hove", "Lewes"], "Adur; Brighton and Hove; Lewes"),
        (["Hull, City of", "York"], "Hull, City of; York"),
    ],
)
def test_names_are_listed_so_that_each_is_one(names, text):
    assert pages._listed(names) == text
