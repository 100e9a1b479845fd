"""Find my area: what the scripts say is what the tables and the functions say."""

from __future__ import annotations

import gzip
import json
import re

import pandas as pd
import pytest

from distance_to_care import access, places, tables, travel
from distance_to_care.publication import find_my_area

PAGE = places.BOOK / "find_my_area.md"
SCRIPT = places.BOOK / "_static" / "find-my-area.js"
SENTENCE = (
    "Nearest on our unofficial list; your GP or hospital decides where to refer you; "
    "do not change your care because of this page."
)


def arguments(text: str) -> list:
    """What a script hands to the page: it holds one call and nothing else."""
    call = re.fullmatch(r"findMyArea\.(?:places|outcode)\((.*)\);\n", text, flags=re.S)
    assert call
    return json.loads(f"[{call[1]}]")


def postcodes_of(outcode: str, units: str) -> list[str]:
    return [
        outcode + sector[0] + sector[at : at + 2]
        for sector in units.split()
        for at in range(1, len(sector), 2)
    ]


@pytest.fixture(scope="module")
def scripts() -> dict[str, str]:
    return find_my_area.scripts()


@pytest.fixture(scope="module")
def shared(scripts) -> dict:
    return arguments(scripts[find_my_area.PLACES])[0]


@pytest.fixture(scope="module")
def found(scripts) -> dict[str, tuple]:
    """Postcode -> the row of its area, and whether its area was found by place."""
    out, told = {}, 0
    for name, text in scripts.items():
        if name == find_my_area.PLACES:
            continue
        outcode, rows = arguments(text)
        assert name == f"{outcode}.js"
        for row in rows:
            for by_place, units in enumerate(row[8:10]):
                postcodes = postcodes_of(outcode, units)
                told += len(postcodes)
                out |= dict.fromkeys(postcodes, (row, bool(by_place)))
    # No postcode is told twice.
    assert told == len(out)
    return out


@pytest.fixture(scope="module")
def postcodes():
    # As the file has them: the scripts were made from the table as it is read and checked.
    return pd.read_parquet(places.OPEN / "postcodes.parquet")


@pytest.fixture(scope="module")
def drawn(postcodes):
    """1,000 random postcodes of the table."""
    return postcodes.sample(1000, random_state=20261122)


def test_a_thousand_random_postcodes_agree_with_the_table(found, drawn):
    for row in drawn.itertuples():
        area, by_place = found[row.postcode]
        assert (area[0], by_place) == (row.area_code, row.by_place)


def test_no_postcode_is_lost_or_invented(found, shared, postcodes):
    listed = postcodes["postcode"].tolist()
    assert len(found) == len(listed)
    assert set(found) == set(listed)
    assert shared["outcodes"].split() == sorted({postcode[:-3] for postcode in listed})


def test_minutes_are_those_of_the_functions(found, drawn, shared):
    """Nearest site and minutes of 1,000 postcodes under every list, by another function."""
    areas = tables.read("areas")
    english = drawn[drawn["area_code"].str.startswith("E")]
    centres = tables.read("centres_ild")
    for grades in access.LISTS:
        listed = centres[centres["certainty"].isin(list(grades))]
        expected = travel.nearest_centre(areas, listed).set_index("area_code")
        for row in english.itertuples():
            pairs = found[row.postcode][0][6]
            sites = [
                (shared["centres"][s], m) for s, m in zip(pairs[::2], pairs[1::2], strict=True)
            ]
            site, minutes = next(pair for pair in sites if pair[0][2] in grades)
            assert site[0] == expected.loc[row.area_code, "centre"]
            assert abs(minutes - expected.loc[row.area_code, "travel_minutes"]) <= 0.5 + 1e-9


def test_the_hospitals_of_the_other_service_are_those_of_the_functions(found, drawn, shared):
    """For children and for adults, under every list, by another function."""
    areas, listed = tables.read("areas"), tables.read("centres_neuromuscular")
    english = drawn[drawn["area_code"].str.startswith("E")].head(200)
    assert list(shared["beside"]) == ["children", "adults"]
    for place, (whom, sites) in enumerate(shared["beside"].items()):
        of_service = listed[listed["service"] == whom]
        assert sites == of_service[["site", "town", "certainty"]].to_numpy().tolist()
        for grades in access.LISTS:
            asked = of_service[of_service["certainty"].isin(list(grades))]
            expected = travel.nearest_centre(areas, asked).set_index("area_code")
            for row in english.itertuples():
                pairs = found[row.postcode][0][10][place]
                named = zip(pairs[::2], pairs[1::2], strict=True)
                site, minutes = next((sites[s], m) for s, m in named if sites[s][2] in grades)
                assert site[0] == expected.loc[row.area_code, "centre"]
                assert abs(minutes - expected.loc[row.area_code, "travel_minutes"]) <= 0.5 + 1e-9


def test_nearest_sites_stand_in_order(found):
    for area, _ in list(found.values())[::5000]:
        minutes = area[6][1::2]
        assert minutes == sorted(minutes)
        assert len(minutes) >= find_my_area.NAMED_SITES
        assert len(set(area[6][::2])) == len(minutes)


def test_every_site_carries_its_town_and_its_grade(shared):
    listed = tables.read("centres_ild")[["site", "town", "certainty"]]
    assert shared["centres"] == listed.to_numpy().tolist()
    town = dict(listed[["site", "town"]].to_numpy())
    assert town["Southmead Hospital"] == "Bristol"
    assert town["Wythenshawe Hospital"] == "Manchester"
    assert town["Derriford Hospital"] == "Plymouth"


def test_the_script_has_words_for_every_grade_and_every_list(shared):
    script = SCRIPT.read_text(encoding="utf-8")
    keys = {
        name: re.findall(r"\b([A-Z]+): ", re.search(rf"const {name} = {{(.*?)}};", script, re.S)[1])
        for name in ("GRADES", "SAID", "LISTS")
    }
    grades = sorted(tables.read("centres_ild")["certainty"].unique())
    assert keys == {"GRADES": grades, "SAID": grades, "LISTS": list(access.LISTS)}
    assert shared["lists"] == list(access.LISTS)
    whom = re.search(r"const WHOM = {(.*?)};", script, re.S)[1]
    assert re.findall(r"\b(\w+): \"", whom) == list(shared["beside"])


def test_wales_has_centres_but_neither_deprivation_nor_board(found):
    welsh = {a[0]: a for a, _ in found.values() if a[0].startswith("W")}
    assert len(welsh) == 1_909
    assert {(a[2], a[5]) for a in welsh.values()} == {(0, -1)}
    assert all(a[6] for a in welsh.values())
    # Cardiff to Bristol: the bridge makes it about an hour, and Chepstow is nearer.
    cardiff = found["CF103AT"][0][6][1]
    assert 40 < cardiff < 70
    assert found["NP165LH"][0][6][1] < cardiff


def test_every_english_area_has_a_board_and_a_deprivation(found, shared):
    english = {a[0]: a for a, _ in found.values() if a[0].startswith("E")}
    assert len(english) == 32_844
    boards = [code for code, _ in shared["boards"]]
    assert {boards[a[5]] for a in english.values()} == set(boards)
    highest = 10 if shared["deprivation"] == "index" else 5
    assert {a[2] for a in english.values()} == set(range(1, highest + 1))


def test_only_the_isles_of_scilly_have_no_road(found):
    on_islands = {a[0] for a, _ in found.values() if a[7] == find_my_area.NO_ROAD}
    assert on_islands == {"E01019077"}


def test_the_ferry_of_the_isle_of_wight_is_marked(found):
    ferried = {a[0]: a[1] for a, _ in found.values() if a[7] == find_my_area.FERRY}
    assert len(ferried) == 89
    assert all(name.startswith("Isle of Wight ") for name in ferried.values())
    assert found["PO301UD"][0][0] in ferried


def test_the_one_postcode_of_the_islands_that_lies_on_the_mainland(found):
    """TR21 0PW: every list puts it in Penzance, so the page must say what is odd about it."""
    islands, stray = {a[0] for a, _ in found.values() if a[7] == find_my_area.NO_ROAD}, "TR210PW"
    of_outcode = {p for p, (a, _) in found.items() if p[:-3] == "TR21" and a[0] not in islands}
    assert of_outcode == {stray}
    for outcode in ("TR22", "TR23", "TR24", "TR25"):
        assert {a[0] for p, (a, _) in found.items() if p[:-3] == outcode} == islands


def test_the_files_are_light(scripts):
    sizes = {name: len(gzip.compress(text.encode(), mtime=0)) for name, text in scripts.items()}
    assert len(sizes) == 2_416
    assert sum(sizes.values()) < 4_000_000
    assert max(sizes.values()) < 15_000
    assert len(SCRIPT.read_bytes()) < 60_000


def test_official_decile_where_its_file_is_here(found, shared, official_folder):
    decile = tables.official("imd_2019").set_index("area_code")["imd_decile"]
    rural = tables.official("rural_urban_2011").set_index("area_code")["rural_urban"]
    assert (shared["deprivation"], shared["rural_urban"]) == ("index", "official")
    for area, _ in list(found.values())[::3000]:
        assert area[3] == int(rural[area[0]] == "rural")
        if area[0].startswith("E"):
            assert area[2] == decile[area[0]]


def test_without_official_files_the_stand_ins_are_used_and_named(monkeypatch, tmp_path):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    areas = find_my_area.area_facts()
    assert areas.attrs["deprivation"] == "proxy"
    assert areas.attrs["rural_urban"] == "density"
    english = areas[areas["area_code"].str.startswith("E")]
    expected = tables.read("areas")["deprivation_proxy_quintile"]
    assert (english["deprivation"].to_numpy() == expected.to_numpy()).all()
    assert set(areas["rural_urban_class"]) == {"Rural", "Urban"}


def test_density_stands_in_for_the_official_class(official_folder, monkeypatch, tmp_path):
    """The table of assumptions says so: as many areas are rural, and 91 of 100 agree."""
    official = tables.official("rural_urban_2011").set_index("area_code")["rural_urban"]
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path))
    ours = find_my_area.area_facts().set_index("area_code")["rural_urban"]
    official = official.loc[ours.index]
    assert (ours == official).mean() == pytest.approx(0.91, abs=0.01)
    assert (ours == "rural").mean() == pytest.approx((official == "rural").mean(), abs=0.01)


def test_files_are_made_anew_only_where_something_changed(monkeypatch, tmp_path):
    site, base, made = tmp_path / "site", tmp_path / "base", []

    def invented() -> dict[str, str]:
        made.append(1)
        return {"places.js": "findMyArea.places({});\n", "AB1.js": "x\n"}

    monkeypatch.setattr(places, "BUILD", tmp_path / "build")
    monkeypatch.setattr(find_my_area, "scripts", invented)
    find_my_area.write(site, base)
    assert made == [], "a site without the page needs none"
    (site / "book").mkdir(parents=True)
    (site / find_my_area.PAGE).touch()
    folder = find_my_area.write(site, base)
    assert folder == site / "find-my-area"
    assert sorted(p.name for p in folder.iterdir()) == ["AB1.js", "places.js"]
    (folder / "old.js").write_text("left from another build")
    find_my_area.write(site, base)
    assert made == [1]
    assert sorted(p.name for p in folder.iterdir()) == ["AB1.js", "places.js"]
    monkeypatch.setattr(find_my_area, "_OFFICIAL", ("imd_2019",))
    find_my_area.write(site, base)
    assert made == [1, 1]
    # What is kept is the last only.
    assert len(list((tmp_path / "build" / "find-my-area").iterdir())) == 1
    assert not base.exists()


def test_a_project_that_may_not_be_written_to_stays_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "BUILD", tmp_path / "build")
    monkeypatch.setattr(find_my_area, "scripts", lambda: {"places.js": "x\n"})
    monkeypatch.setattr(find_my_area.os, "access", lambda *_: False)
    (tmp_path / "site" / "book").mkdir(parents=True)
    (tmp_path / "site" / find_my_area.PAGE).touch()
    find_my_area.write(tmp_path / "site", tmp_path / "base")
    assert not (tmp_path / "build").exists()
    assert (tmp_path / "site" / "find-my-area" / "places.js").exists()


def test_the_page_and_its_script_say_the_sentence():
    script = re.sub(r'"\s*\+\s*"', "", SCRIPT.read_text(encoding="utf-8"))
    assert SENTENCE in script
    assert SENTENCE in PAGE.read_text(encoding="utf-8")
    assert "car ownership not included" in script


def test_the_script_asks_no_other_host_and_keeps_nothing():
    script = SCRIPT.read_text(encoding="utf-8")
    asking = ["http:", "https:", "fetch(", "XMLHttpRequest", "sendBeacon", "innerHTML"]
    keeping = ["localStorage", "sessionStorage", "document.cookie", "indexedDB", "history."]
    for word in asking + keeping:
        assert word not in script
