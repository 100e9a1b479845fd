"""A registry's own column names, units and codes become those of the contract, or are counted."""

import pandas as pd
import pytest
from invented_people import raw

from distance_to_care import contract, geography, mapping, places, residence, study, tables
from distance_to_care.problems import Problem, Problems

REGISTRY = """
name = "registry"
based_on = "ipf"
title = "A registry"

[mapping]
missing = ["NA", "not recorded"]
true = ["Y"]
false = ["N"]

[mapping.columns]
person_id = "PatientKey"
follow_up_years = { from = "first_seen", to = "last_seen" }
symptom_months = { from = "symptom_days", unit = "days", missing = ["-1"] }
fvc_percent = { from = "FVC", unit = "fraction" }
postcode = "home"

[mapping.codes.sex]
"1" = "male"
"2" = "female"

[mapping.codes.outcome]
A = "censored"
D = "died"
T = "transplanted"
"""


def study_file(folder, text=REGISTRY):
    path = folder / "registry.toml"
    path.write_text(text, encoding="utf-8")
    return path


def extract() -> pd.DataFrame:
    """The ten invented people as the registry writes them: same people, other names and codes."""
    people = raw().drop(columns=["area_code", "region"])
    first = pd.Timestamp("2016-02-29")
    days = (people["follow_up_years"].astype(float) * 365.25).astype(int)
    return (
        people.assign(
            PatientKey=people["person_id"],
            first_seen="2016-02-29",
            last_seen=[str((first + pd.Timedelta(days=d)).date()) for d in days],
            symptom_days=[
                "-1" if pd.isna(m) else str(round(m * 365.25 / 12)) for m in people.symptom_months
            ],
            FVC=people["fvc_percent"].astype(float) / 100,
            sex=people["sex"].map({"male": "1", "female": "2"}),
            outcome=people["outcome"].map({"censored": "A", "died": "D", "transplanted": "T"}),
            oxygen=people["oxygen"].map({True: "Y", False: "N"}),
            dlco_unable=people["dlco_unable"].map({True: "Y", False: "N"}),
            referral_wait_days=["NA" if d is None else str(d) for d in people.referral_wait_days],
            # What ends on the last day may not pass it by the hours that dates leave out.
            antifibrotic_start_years=people["antifibrotic_start_years"]
            .astype(float)
            .clip(upper=days / 365.25),
            home=None,
        )
        .assign(deprivation_quintile=[4 if q is None else q for q in people.deprivation_quintile])
        .assign(distance_km=[9.0 if km is None else km for km in people.distance_km])
        .drop(columns=["person_id", "follow_up_years", "symptom_months", "fvc_percent"])
    )


def save(frame: pd.DataFrame, folder, kind: str):
    file = folder / f"extract.{kind}"
    if kind == "csv":
        frame.to_csv(file, index=False)
    else:
        mixed = [c for c in frame if len({type(cell) for cell in frame[c]}) > 1]
        typed = frame.astype(dict.fromkeys(mixed, "string"))
        typed.to_parquet(file, index=False)
    return file


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_same_people_come_out_of_a_registrys_own_words(tmp_path, kind):
    found = tables.read_cohort(save(extract(), tmp_path, kind), study_file(tmp_path))
    expected, _ = contract.examine(raw(), tables.read_study("ipf").columns.values())
    for column in ("person_id", "sex", "outcome", "oxygen", "dlco_unable", "smoking"):
        assert found[column].tolist() == expected[column].tolist(), column
    for column, within in (("fvc_percent", 1e-9), ("symptom_months", 0.02)):
        left, right = found[column].to_numpy(float), expected[column].to_numpy(float)
        assert left == pytest.approx(right, abs=within, nan_ok=True), column
    years = found["follow_up_years"].to_numpy()
    # Whole days, and half of one for somebody who died on the day they came.
    assert years == pytest.approx(expected["follow_up_years"].to_numpy(float), abs=1 / 365.25)
    assert years[0] == pytest.approx(0.5 / 365.25)
    assert found["referral_wait_days"].isna().sum() == 1


def faults_of(tmp_path, frame, text=REGISTRY) -> str:
    with pytest.raises(Problem) as caught:
        tables.read_cohort(save(frame, tmp_path, "csv"), study_file(tmp_path, text))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_codes_that_are_not_mapped_are_counted_and_never_shown(tmp_path):
    frame = extract()
    frame.loc[[2, 5], "sex"] = "canary_77"
    frame.loc[3, "outcome"] = "canary_78"
    frame.loc[[1, 4, 6], "oxygen"] = "canary_79"
    said = faults_of(tmp_path, frame)
    assert "column 'sex': codes that the study file does not map (2 rows)" in said
    assert "column 'outcome': codes that the study file does not map (1 row)" in said
    assert "column 'oxygen': codes that the study file does not map (3 rows)" in said
    assert "canary" not in said
    assert said.count("\n") == 3, said


def test_words_of_the_contract_need_no_mapping(tmp_path):
    frame = extract()
    frame.loc[0, "sex"] = "male"
    frame.loc[1, "oxygen"] = "false"
    found = tables.read_cohort(save(frame, tmp_path, "csv"), study_file(tmp_path))
    assert found["sex"].iloc[0] == "male"
    assert not found["oxygen"].iloc[1]


def test_numbers_that_a_spreadsheet_wrote_with_a_decimal_part_are_the_same_codes(tmp_path):
    frame = extract().assign(sex=lambda f: f["sex"] + ".0")
    found = tables.read_cohort(save(frame, tmp_path, "csv"), study_file(tmp_path))
    assert set(found["sex"]) == {"male", "female"}


def test_a_date_that_serves_two_columns_is_wrong_once():
    between = mapping.Source("first", "first", until="last")
    since = mapping.Source("birth", "birth", until="first")
    named = mapping.ColumnMap({"follow_up_years": between, "age_years": since})
    frame = pd.DataFrame({"birth": ["1950-01-01"], "first": ["2015-13-40"], "last": ["2016-01-01"]})
    known = {column.name: column for column in study.CORE}
    _, faults = named.apply(frame, [known["follow_up_years"], known["age_years"]])
    assert [(fault.column, fault.rows) for fault in faults] == [("first", 1)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda f: f.drop(columns="FVC"), "the column 'FVC' is missing, from which"),
        (lambda f: f.assign(last_seen="31/12/2020"), "'last_seen': dates that cannot be read (10"),
        (lambda f: f.assign(last_seen="2016-02-28"), "made from an end before its beginning (10"),
        (lambda f: f.assign(FVC="a lot"), "text where a number is expected (10 rows)"),
        (lambda f: f.assign(home="canary 77"), "column 'postcode': codes that are not of the"),
        (lambda f: f.assign(follow_up_years=1), "has no such fault"),
    ],
)
def test_what_is_wrong_with_a_mapped_column_is_said(tmp_path, change, sentence):
    if sentence == "has no such fault":
        # A column of the contract's name is left behind where the study file makes it from others.
        tables.read_cohort(save(change(extract()), tmp_path, "csv"), study_file(tmp_path))
        return
    said = faults_of(tmp_path, change(extract()))
    assert sentence in said
    assert "canary" not in said and "31/12" not in said


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('[mapping]\nmising = ["NA"]', "'mapping.mising' is not a known key. Did you mean"),
        ('[mapping]\nmissing = ["99"]', "which may be a value in another column"),
        ('[mapping]\nmissing = "NA"', "must be a list of codes"),
        ('[mapping]\ntrue = ["Y"]\nfalse = ["Y"]', "has a word that false has as well"),
        ('[mapping.columns]\nsexe = "x"', "'mapping.columns.sexe' is not a column of the study"),
        ("[mapping.columns]\nsex = 3", "must be a name of your file, or a table"),
        ('[mapping.columns]\nsex = { frm = "x" }', "'mapping.columns.sex.frm' is not a known key"),
        ('[mapping.columns]\nfollow_up_years = { unit = "furlongs" }', "Use one of days, weeks"),
        ('[mapping.columns]\nsex = { unit = "days" }', "has no unit that is converted"),
        ('[mapping.columns]\nsex = { from = "a", to = "b" }', "only where it is a time"),
        ("[mapping.codes]\nsex = 1", "'mapping.codes.sex' must be a table"),
        ('[mapping.codes.sex]\n"1" = "man"', "maps a code to 'man'. Use one of female, male"),
        ('[mapping.codes.oxygen]\n"1" = "on"', "Use one of true, false"),
        ('[places]\ndeprivation = "IMD 2025"', "is published for areas of LSOA 2021"),
        ('[places]\ndeprivation = "IMD 2010"', "is not an edition. Use one of IMD 2019"),
        ('[places]\nhome = "x"', "'places.home' is not a known key"),
    ],
)
def test_a_study_file_with_a_wrong_key_is_refused(tmp_path, line, sentence):
    text = f'name = "registry"\nbased_on = "ipf"\n{line}\n'
    with pytest.raises(Problem) as caught:
        tables.read_study(study_file(tmp_path, text))
    assert sentence in str(caught.value)


def test_every_fault_of_a_study_file_comes_at_once(tmp_path):
    text = (
        'name = "registry"\nbased_on = "ipf"\n[mapping]\ntruth = 1\n[mapping.columns]\nsexe = "x"'
    )
    with pytest.raises(Problem, match="has 2 problems"):
        tables.read_study(study_file(tmp_path, text))


def test_a_study_that_is_based_on_another_says_only_what_differs(tmp_path):
    found = tables.read_study(study_file(tmp_path))
    base = tables.read_study("ipf")
    assert found.columns == base.columns
    assert found.scores == base.scores
    assert found.chapters_of == "ipf"
    assert not found.default
    assert found.title == "A registry"
    content, digest = tables.study_content(found)
    assert "based_on" not in content
    assert content["columns"].keys() == {column.name for column in base.own_columns}
    study_file(tmp_path, REGISTRY + "\n# a comment\n")
    assert tables.study_content(found) == (content, digest)
    study_file(tmp_path, REGISTRY.replace("not recorded", "unrecorded"))
    assert tables.study_content(found)[1] != digest


@pytest.mark.parametrize("other", ["no_such", "itself", "3"])
def test_a_study_based_on_what_is_none_is_refused(tmp_path, other):
    value = "3" if other == "3" else f'"{other}"'
    if other == "itself":
        (tmp_path / "base.toml").write_text('name = "base"\nbased_on = "ipf"\n')
        value = f'"{tmp_path / "base.toml"}"'
    with pytest.raises(Problem):
        tables.read_study(study_file(tmp_path, f'name = "registry"\nbased_on = {value}\n'))


def test_units_are_those_of_the_calendar():
    assert mapping.units_of("years")["days"] * 365.25 == pytest.approx(1)
    assert mapping.units_of("months")["years"] == 12
    assert mapping.units_of("km")["miles"] == pytest.approx(1.609344)
    assert mapping.units_of("points") == {}
    for unit, known in mapping.UNITS.items():
        # Whatever the way round, there and back is where one began.
        for other, factor in known.items():
            back = mapping.UNITS.get(other, {}).get(unit)
            assert back is None or back * factor == pytest.approx(1), (unit, other)


# ------------------------------------------------------------------------- areas and postcodes


def homes(number: int, **columns) -> pd.DataFrame:
    people = pd.concat([raw()] * 20, ignore_index=True).head(number)
    people["person_id"] = [f"invented_{n}" for n in range(number)]
    people["record_kind"] = None
    return people.assign(
        deprivation_quintile=None, distance_km=None, travel_minutes=None, area_code=None
    ).assign(**columns)


def read_homes(tmp_path, frame, text='name = "registry"\nbased_on = "ipf"\n'):
    file = tmp_path / "homes.csv"
    frame.to_csv(file, index=False)
    return residence.read_people(file, study_file(tmp_path, text))


def test_areas_become_deprivation_and_distances(tmp_path, official_folder):
    areas = tables.read("areas").iloc[[0, 4000, 9000, 17000, 30000]]
    codes = areas["area_code"].tolist()
    site = "Castle Hill Hospital"
    found = read_homes(
        tmp_path, homes(10, area_code=codes * 2, centre=[site] * 5 + ["nowhere"] * 5)
    )
    imd = tables.official("imd_2019").set_index("area_code")["imd_decile"]
    assert found["deprivation_quintile"].tolist() == [(imd[c] + 1) // 2 for c in codes] * 2
    centres = tables.read("centres_ild").set_index("site")
    # Pythagoras by hand, from the centre point of the area to the hospital on the National Grid.

    east, north = geography.national_grid(
        *centres.loc[site, ["latitude", "longitude"]].astype(float)
    )
    by_hand = [
        (((e - east) / 1000) ** 2 + ((n - north) / 1000) ** 2) ** 0.5
        for e, n in areas[["easting", "northing"]].to_numpy(float)
    ]
    assert found["distance_km"].head(5).to_numpy() == pytest.approx(by_hand, abs=0.051)
    assert found["travel_minutes"].head(5).notna().all()
    # Nobody knows the other centre: the nearest has its own columns, and attended stays empty.
    assert found["distance_km"].tail(5).isna().all()
    assert (found["nearest_distance_km"].head(5) <= found["distance_km"].head(5) + 0.1).sum() >= 4
    assert found["nearest_travel_minutes"].notna().all()
    assert (found["nearest_travel_minutes"].head(5) <= found["travel_minutes"].head(5)).all()
    assert found["area_code"].isna().all()
    assert "postcode" not in found
    said = " ".join(found.attrs["notes"])
    assert "Deprivation of 10 to 14 people" in said
    assert not any(code in said for code in codes)


def test_postcodes_give_what_their_area_gives_and_are_dropped(tmp_path, official_folder):
    live = tables.read("postcodes").iloc[[10, 500_000, 900_000]]
    plain = live["postcode"].tolist()
    spaced = [f"{p[:-3].lower()} {p[-3:]}" for p in plain]
    by_postcode = read_homes(tmp_path, homes(4, postcode=[*spaced, "ZZ99 3VZ"]))
    by_area = read_homes(tmp_path, homes(3, area_code=live["area_code"].tolist()))
    for column in ("deprivation_quintile", "nearest_distance_km", "nearest_travel_minutes"):
        same = by_postcode[column].head(3).tolist() == by_area[column].tolist()
        assert same or by_area[column].isna().any(), column
    assert by_postcode["nearest_distance_km"].isna().tolist() == [False] * 3 + [True]
    assert "postcode" not in by_postcode
    said = " ".join(by_postcode.attrs["notes"])
    assert "Postcodes of 0 to 4 people are not live ones" in said
    assert not any(code in said for code in [*plain, *spaced, "ZZ99"])


def test_what_is_given_is_not_worked_out_again(tmp_path, official_folder):
    given = homes(3, area_code="E01000001").assign(deprivation_quintile=[1, 3, None])
    found = read_homes(tmp_path, given.assign(distance_km=12.0))
    index = tables.official("imd_2019").set_index("area_code")["imd_decile"]["E01000001"]
    assert found["deprivation_quintile"].tolist() == [1, 3, (index + 1) // 2]
    assert found["distance_km"].tolist() == [12.0] * 3


def vintages() -> tuple[str, str]:
    """A code that only the areas of 2011 have, and one that only those of 2021 have."""
    lookup = tables.official("lookup_lsoa11_lsoa21")
    old = set(lookup["area_code"]) - set(lookup["area_code_2021"])
    new = set(lookup["area_code_2021"]) - set(lookup["area_code"])
    return min(c for c in old if c[0] == "E"), min(c for c in new if c[0] == "E")


@pytest.mark.parametrize("vintage", ["LSOA 2011", "LSOA 2021"])
def test_codes_of_another_vintage_are_an_error_with_a_count(tmp_path, official_folder, vintage):
    old, new = vintages()
    wrong, other = (new, "LSOA 2021") if vintage == "LSOA 2011" else (old, "LSOA 2011")
    codes = ["E01000001"] * 5 + [wrong] * 3 + ["E01999999"]
    edition = study.DEPRIVATION_EDITIONS
    named = next(name for name, of in edition.items() if of == vintage)
    text = f'name = "registry"\nbased_on = "ipf"\narea_vintage = "{vintage}"\n'
    with pytest.raises(Problems) as caught:
        read_homes(
            tmp_path, homes(9, area_code=codes), f'{text}[places]\ndeprivation = "{named}"\n'
        )
    said = str(caught.value)
    assert f"codes of {other}, which {vintage} does not have (3 rows)" in said
    assert f"codes of no area of {vintage} in England or Wales (1 row)" in said
    assert wrong not in said and "E01999999" not in said


def test_faults_of_areas_come_in_one_list_with_those_of_the_contract(tmp_path, official_folder):
    _, new = vintages()
    codes = ["E01000001", new, new, "E01999999", "E01", "X"]
    frame = homes(6, area_code=codes, postcode=["nowhere", *[None] * 5])
    with pytest.raises(Problems) as caught:
        read_homes(tmp_path, frame.assign(sex=["F", *["male"] * 5]))
    assert {(fault.column, fault.rule, fault.rows) for fault in caught.value.faults} == {
        ("sex", "unknown category", 1),
        # A code of another form is counted once, and not again as that of no area.
        ("area_code", "codes that are not of the right form", 2),
        ("area_code", "codes of LSOA 2021, which LSOA 2011 does not have", 2),
        ("area_code", "codes of no area of LSOA 2011 in England or Wales", 1),
        ("postcode", "codes that are not of the right form", 1),
    }


def test_areas_of_2021_take_the_index_of_2025(tmp_path, official_folder):
    _, new = vintages()
    # The centres come from the study that it is based on, the edition from the vintage.
    text = 'name = "registry"\nbased_on = "ipf"\narea_vintage = "LSOA 2021"\n'
    found = read_homes(tmp_path, homes(3, area_code=["E01000001", new, new]), text)
    index = tables.official("imd_2025").set_index("area_code")["imd_decile"]
    expected = [(index[c] + 1) // 2 for c in ("E01000001", new, new)]
    assert found["deprivation_quintile"].tolist() == expected
    assert found["nearest_distance_km"].notna().all()


def test_without_official_files_it_says_so_and_guesses_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv(places.OFFICIAL_VARIABLE, str(tmp_path / "none"))
    found = read_homes(tmp_path, homes(3, area_code="E01000001"))
    assert found["deprivation_quintile"].isna().all()
    assert "the official file of IMD 2019" in " ".join(found.attrs["notes"])
    text = 'name = "registry"\nbased_on = "ipf"\narea_vintage = "LSOA 2021"\n'
    text += '[places]\ndeprivation = "IMD 2025"\n'
    found = read_homes(tmp_path, homes(3, area_code="E01000001"), text)
    assert "were neither checked nor used" in " ".join(found.attrs["notes"])
    assert found["nearest_distance_km"].isna().all()
    assert found["area_code"].isna().all()


def test_a_list_of_centres_may_stand_beside_the_study_file(tmp_path):
    (tmp_path / "ours.csv").write_text("name,postcode\nThe clinic,HU16 5JQ\n")
    text = 'name = "registry"\nbased_on = "ipf"\n[places]\ncentres = "ours.csv"\n'
    found = read_homes(tmp_path, homes(2, area_code="E01000001", centre="THE  clinic"), text)
    assert found["distance_km"].notna().all()
    assert found["distance_km"].tolist() == found["nearest_distance_km"].tolist()
