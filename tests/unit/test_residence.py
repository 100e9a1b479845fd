"""Where a home or a centre could be one of two, nothing is worked out: empty beats a guess."""

import pandas as pd
from invented_people import raw

from distance_to_care import geography, residence, tables


def read_people(folder, lines: str = "", **columns) -> pd.DataFrame:
    """Invented people of whom only what `columns` say of home and centre is known."""
    people = raw().head(len(next(iter(columns.values()))))
    unknown = ["deprivation_quintile", "distance_km", "travel_minutes", "area_code"]
    people = people.assign(**dict.fromkeys(unknown)).assign(**columns)
    people.to_csv(folder / "people.csv", index=False)
    study = folder / "registry.toml"
    study.write_text(f'name = "registry"\nbased_on = "ipf"\n{lines}')
    return residence.read_people(folder / "people.csv", study)


def test_a_postcode_in_an_area_that_was_divided_has_no_deprivation(tmp_path, official_folder):
    lookup = tables.official(residence.LOOKUP)
    divided = lookup["area_code"].duplicated(keep=False)
    live = tables.read("postcodes")
    live = live[live["area_code"].str.startswith("E")]
    homes = [
        live.loc[live["area_code"].isin(lookup.loc[of, "area_code"]), "postcode"].iloc[0]
        for of in (divided, ~divided)
    ]
    text = 'area_vintage = "LSOA 2021"\n'
    found = read_people(tmp_path, text, postcode=homes)
    # The parts of a divided area may lie in different fifths, and a postcode does not say which.
    assert found["deprivation_quintile"].isna().tolist() == [True, False]
    said = " ".join(found.attrs["notes"])
    assert "Postcodes of 0 to 4 people lie in areas that were divided in 2021" in said
    assert not any(home in said for home in homes)


def test_the_name_of_a_trust_with_two_sites_says_nothing_of_the_site(tmp_path):
    listed = geography.base_list(tables.read("centres_ild")).drop_duplicates("site")
    several = listed["centre"].duplicated(keep=False)
    two, one = listed[several].iloc[0], listed[~several].iloc[0]
    attended = [two["centre"].upper(), two["site"], one["centre"].upper(), one["site"]]
    attended += [None] * 5
    found = read_people(tmp_path, centre=attended, area_code=["E01000001"] * 9)
    assert found["distance_km"].isna().tolist() == [True, False, False, False] + [True] * 5
    km = found["distance_km"].tolist()
    assert km[1] != km[2] == km[3]
    said = " ".join(found.attrs["notes"])
    assert "does not know the centre of 0 to 4 people" in said
    assert "or name a list of your own with centres under [places]" in said
    # An empty cell is no name that the list should know.
    assert "The column 'centre' is empty for 5 to 9 people" in said


def test_names_that_the_study_file_maps_to_and_the_list_does_not_know_are_said_with_a_reason(
    tmp_path,
):
    listed = tables.read("centres_ild")
    base = geography.base_list(listed)
    several = base.drop_duplicates("site")
    several = several.loc[several["centre"].duplicated(keep=False), "centre"].iloc[0]
    left_out = listed.loc[~listed["site"].isin(base["site"]), "site"].iloc[0]
    good = base["site"].iloc[0]
    codes = {"H1": several, "H2": left_out, "H3": "Cottage Hospital", "H4": good}
    lines = "[mapping.codes.centre]\n" + "".join(f'{k} = "{v}"\n' for k, v in codes.items())
    found = read_people(tmp_path, lines, centre=[*codes], area_code=["E01000001"] * 4)
    said = next(each for each in found.attrs["notes"] if "maps to names of centres" in each)
    assert "'centres_ild'" in said and "column 'site'" in said
    # Words of the study file, and no code of a row.
    assert f"trusts with several sites (name the site): {several}" in said
    assert f"of certainty C or lower, which distances are not measured to: {left_out}" in said
    assert "not on the list: Cottage Hospital" in said
    assert good not in said and not any(code in said for code in codes)
