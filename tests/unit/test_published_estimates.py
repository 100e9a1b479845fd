"""Published estimates: every fact has a source, a mark, and arithmetic that comes out again."""

from __future__ import annotations

import csv
import math
import re

import pytest

from distance_to_care import places

COLUMNS = [
    *("id", "study", "year", "country", "disease", "people", "exposure", "contrast", "outcome"),
    *("measure", "estimate", "ci_low", "ci_high", "unit", "adjusted_for"),
    *("source", "doi_or_address", "how_read", "certainty", "note"),
]

MEASURES = {
    "amount",
    "c_index",
    "count",
    "difference",
    "hazard_ratio",
    "i_squared",
    "log_hazard_ratio",
    "log_odds_ratio",
    "lower_quartile",
    "maximum",
    "mean",
    "median",
    "minimum",
    "odds_ratio",
    "p_value",
    "percentage",
    "percentage_difference",
    "rate",
    "rate_ratio",
    "regression_coefficient",
    "risk_ratio",
    "standard_deviation",
    "standard_error",
    "subdistribution_hazard_ratio",
    "threshold",
    "upper_quartile",
    "weibull_scale",
    "weibull_shape",
}
RATIOS = {
    "hazard_ratio",
    "odds_ratio",
    "rate_ratio",
    "risk_ratio",
    "subdistribution_hazard_ratio",
}
Z_95 = 1.96


def read_rows() -> list[dict[str, str]]:
    """Read the file as text, so that the number of decimals as printed is kept."""
    with (places.DATA / "published_estimates.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = read_rows()
BY_ID = {row["id"]: row for row in ROWS}


def number(row_id: str, column: str = "estimate") -> float:
    return float(BY_ID[row_id][column])


def half_unit(text: str) -> float:
    """Half of the last printed decimal place: how far rounding alone can move a number."""
    decimals = len(text.partition(".")[2])
    return 0.5 * 10.0**-decimals


def assert_rounds_to(row_id: str, value: float, column: str = "estimate") -> None:
    printed = BY_ID[row_id][column]
    assert abs(value - float(printed)) <= half_unit(printed) * (1 + 1e-9), (row_id, value, printed)


def test_columns_stand_in_the_agreed_order():
    header = (places.DATA / "published_estimates.csv").read_text(encoding="utf-8").split("\n", 1)[0]
    assert header.split(",") == COLUMNS


def test_the_file_holds_the_first_facts():
    assert len(ROWS) >= 480


def test_line_endings_are_lf_and_text_is_trimmed():
    raw = (places.DATA / "published_estimates.csv").read_bytes()
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert [row["id"] for row in ROWS if any(v != v.strip() for v in row.values())] == []


def test_ids_are_unique_slugs():
    ids = [row["id"] for row in ROWS]
    assert len(ids) == len(set(ids))
    assert [i for i in ids if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+", i)] == []


def test_every_row_says_where_it_comes_from():
    needed = ("study", "disease", "outcome", "measure", "unit", "source", "doi_or_address")
    needed += ("how_read", "certainty")
    missing = [(row["id"], column) for row in ROWS for column in needed if not row[column]]
    assert missing == []


def test_words_come_from_the_vocabulary():
    assert {row["measure"] for row in ROWS} == MEASURES
    ways = {"full_text", "abstract", "page", "press", "secondary"}
    assert {row["how_read"] for row in ROWS} <= ways
    assert {row["certainty"] for row in ROWS} == {"S", "D"}


def test_general_knowledge_is_never_evidence():
    marks = re.compile(r"\[[SKD][\]:;/]")
    marked = [row["id"] for row in ROWS if any(marks.search(value) for value in row.values())]
    assert marked == []
    # These figures are known to us only by hearsay: no source that we saw gives them.
    assert "2.91" not in {row["estimate"] for row in ROWS}  # DeDent 2024, subgroup
    assert "4.31" not in {row["estimate"] for row in ROWS}  # Swaminathan 2022, transplant centre
    assert not any(row["study"].startswith("PROFILE") and row["people"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_numbers_are_numbers_in_order(row):
    for column in ("year", "people"):
        assert re.fullmatch(r"\d*", row[column])
    if not row["estimate"]:
        assert row["note"].startswith("No number found:")
        assert row["ci_low"] == row["ci_high"] == ""
        return
    estimate = float(row["estimate"])
    assert math.isfinite(estimate)
    assert bool(row["ci_low"]) == bool(row["ci_high"])
    if row["ci_low"]:
        assert float(row["ci_low"]) < float(row["ci_high"])
        assert float(row["ci_low"]) <= estimate <= float(row["ci_high"])
    if row["measure"] in RATIOS:
        assert estimate > 0
        assert row["unit"] == "ratio"
    if row["unit"] == "per cent":
        assert 0 <= estimate <= 100
    if row["measure"] == "count":
        assert re.fullmatch(r"\d+(\.\d+)?", row["estimate"])


# Printed like this in the abstract: not a Wald interval, so not symmetric.
LOPSIDED = {"hoyer_2019_male_patient_delay", "hoyer_2022_admissions"}


@pytest.mark.parametrize(
    "row",
    [
        row
        for row in ROWS
        if row["measure"] in RATIOS and row["ci_low"] and row["id"] not in LOPSIDED
    ],
    ids=lambda r: r["id"],
)
def test_an_interval_is_symmetric_on_the_log_scale(row):
    """A misread digit shows as a lopsided interval; rounding alone explains a little."""
    low, middle, high = (float(row[c]) for c in ("ci_low", "estimate", "ci_high"))
    centre = (math.log(low) + math.log(high)) / 2
    slack = sum(
        half_unit(row[c]) / float(row[c]) * w
        for c, w in (("estimate", 1), ("ci_low", 0.5), ("ci_high", 0.5))
    )
    assert abs(math.log(middle) - centre) <= slack + 0.012


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["certainty"] == "D"], ids=lambda r: r["id"]
)
def test_a_derived_row_says_how(row):
    assert re.search(r"[Dd]erived: .{8,}", row["note"])


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["certainty"] == "S"], ids=lambda r: r["id"]
)
def test_a_seen_row_is_not_called_derived(row):
    assert "Derived:" not in row["note"]


LOGS = sorted(i[: -len("_log")] for i in BY_ID if i.endswith("_log"))
# Intervals of these two are themselves derived from a p value: z of the two-sided p.
FROM_P = {
    "goobie_2022_deprivation_united_states": 3.0902,
    "goobie_2022_transplant_united_states": 2.0537,
}


def test_every_study_that_can_be_pooled_has_its_logarithm():
    assert {
        "shankar_2024_deprivation_adjusted",
        "shankar_2024_distance_adjusted",
        "goobie_2022_deprivation_united_states",
        "sese_2021_progression_free",
        "johannson_2022_distance",
        "lamas_2011_delay",
        *FROM_P,
    } <= set(LOGS)


@pytest.mark.parametrize("base", LOGS)
def test_log_ratio_and_standard_error_follow_from_the_interval(base):
    assert_rounds_to(f"{base}_log", math.log(number(base)))
    if base in FROM_P:
        error = abs(math.log(number(base))) / FROM_P[base]
    else:
        error = (math.log(number(base, "ci_high")) - math.log(number(base, "ci_low"))) / (2 * Z_95)
    assert_rounds_to(f"{base}_log_se", error)


@pytest.mark.parametrize("base", sorted(FROM_P))
def test_interval_follows_from_the_p_value(base):
    middle = math.log(number(base))
    error = abs(middle) / FROM_P[base]
    assert_rounds_to(base, math.exp(middle - Z_95 * error), "ci_low")
    assert_rounds_to(base, math.exp(middle + Z_95 * error), "ci_high")
    assert number(base) == number(f"{base}_reported")


def weibull_through(years_1, alive_1, years_2, alive_2):
    shape = math.log(math.log(alive_2) / math.log(alive_1)) / math.log(years_2 / years_1)
    return shape, years_1 / (-math.log(alive_1)) ** (1 / shape)


def test_other_derived_numbers_come_out_again():
    total, most, least = (
        number(f"shankar_2024_people{end}") for end in ("", "_most_deprived", "_least_deprived")
    )
    assert_rounds_to("shankar_2024_people_middle_quintiles", total - most - least)
    assert_rounds_to(
        "shankar_2024_furthest_distance_km",
        number("shankar_2024_furthest_distance_miles") * 1.609344,
    )
    median = number("profile_median_survival")
    assert_rounds_to("profile_survival_3_years", 100 * 0.5 ** (3 / median))
    assert_rounds_to("profile_survival_5_years", 100 * 0.5 ** (5 / median))
    shape, scale = weibull_through(
        3,
        number("zheng_2022_survival_3_years") / 100,
        5,
        number("zheng_2022_survival_5_years") / 100,
    )
    assert_rounds_to("zheng_2022_weibull_shape", shape)
    assert_rounds_to("zheng_2022_weibull_scale", scale)
    assert_rounds_to("zheng_2022_weibull_median", scale * math.log(2) ** (1 / shape))
    assert_rounds_to("zheng_2022_weibull_survival_1_year", 100 * math.exp(-((1 / scale) ** shape)))
    listings = number("kourliouros_2019_listings")
    share = number("kourliouros_2019_pulmonary_fibrosis") / 100
    assert_rounds_to("kourliouros_2019_listings_a_year", listings / 10.25)
    assert_rounds_to("kourliouros_2019_pulmonary_fibrosis_a_year", listings * share / 10.25)
    new_cases = number("navaratnam_2011_new_cases")
    listed = 100 * listings * share / 10.25 / new_cases
    assert_rounds_to("kourliouros_2019_listed_of_new_cases", listed)
    pilot = "shared_management_pilot_"
    assert_rounds_to(
        f"{pilot}carbon_a_mile", number(f"{pilot}carbon_saved") / number(f"{pilot}miles_saved")
    )
    cost = number("nepts_cost")
    assert_rounds_to("nepts_cost_a_journey_low", cost / number("nepts_journeys_high"))
    assert_rounds_to("nepts_cost_a_journey_high", cost / number("nepts_journeys_low"))
    lost = -number("ipf_pro_2023_fvc_decline") * number("bts_2023_wait_referral_last_year")
    assert_rounds_to("bts_2023_fvc_lost_over_wait", lost / 365.25)
    assert_rounds_to("scotland_survey_little_capacity", 100 * 2 / 3)
    assert_rounds_to("sma_births_2024_days_apart", 366 / number("sma_births_2024"))
    assert_rounds_to("sma_campaign_births_a_year", 365 / number("sma_campaign_days_apart"))
    # What is said of children with three copies: all six milestones, and walking alone is one.
    assert number("sma_nurture_3_walk") == number("sma_nurture_3_people")
    caught_up = number("sma_german_2_caught_up") / 100 * number("sma_german_2_people")
    assert_rounds_to("sma_german_2_walk", number("sma_german_2_on_time") + caught_up)
    assert_rounds_to("sma_plan_covered", 100 * 2 / 3)
    assert_rounds_to("scid_laboratories_covered", 100 * 2 / 3)
    # One trial by lot: its table prints 39 per cent as 21 of 80, and 39 per cent of 80 is 31.
    treated, sham = number("sma_endear_treated"), number("sma_endear_sham")
    events = round(number("sma_endear_events_share") / 100 * treated)
    assert_rounds_to("sma_endear_no_event", treated - events)
    assert_rounds_to("sma_endear_no_event_sham", sham - number("sma_endear_events_sham"))
    for place in ("california", "utah", "belgium"):
        found = number(f"sma_{place}_found")
        assert_rounds_to(f"sma_rate_{place}", number(f"sma_{place}_screened") / found)
    residents = number("births_residents_england_and_wales_2024")
    assert_rounds_to("births_england_2024", residents - number("births_wales_2024"))


def test_no_derived_row_escapes_recomputation():
    """A new derived row must be added to a test above, and then to this list."""
    listed = {f"{base}{end}" for base in LOGS for end in ("_log", "_log_se")} | set(FROM_P)
    listed |= {"shankar_2024_people_middle_quintiles", "shankar_2024_furthest_distance_km"}
    listed |= {"profile_survival_3_years", "profile_survival_5_years"}
    listed |= {
        f"zheng_2022_weibull_{end}" for end in ("shape", "scale", "median", "survival_1_year")
    }
    listed |= {"kourliouros_2019_listings_a_year", "kourliouros_2019_pulmonary_fibrosis_a_year"}
    listed |= {"kourliouros_2019_listed_of_new_cases"}
    listed |= {"shared_management_pilot_carbon_a_mile"}
    listed |= {"nepts_cost_a_journey_low", "nepts_cost_a_journey_high"}
    listed |= {"bts_2023_fvc_lost_over_wait", "scotland_survey_little_capacity"}
    listed |= {"sma_births_2024_days_apart", "sma_campaign_births_a_year"}
    listed |= {"births_england_2024"}
    listed |= {"sma_rate_california", "sma_rate_utah", "sma_rate_belgium"}
    listed |= {"sma_german_2_walk", "sma_endear_no_event", "sma_endear_no_event_sham"}
    listed |= {"sma_nurture_3_walk", "sma_plan_covered", "scid_laboratories_covered"}
    listed |= {"policy_boards_2026"}  # counted in a list of boundaries: nothing to recompute
    assert {row["id"] for row in ROWS if row["certainty"] == "D"} == listed


# Shares that were printed beside the counts that they come from.
SHARES = {
    "sma_smartcare_sit_screened": (40, "sma_smartcare_people_screened"),
    "sma_smartcare_sit_symptoms": (141, "sma_smartcare_people_symptoms"),
    "sma_smartcare_walk_screened": (28, "sma_smartcare_people_screened"),
    "sma_smartcare_walk_symptoms": (28, "sma_smartcare_people_symptoms"),
    "sma_nurture_walk_share": (22, "sma_nurture_people"),
    "sma_nurture_sit_on_time": (21, "sma_nurture_people"),
    "sma_nurture_breathing_support": (4, "sma_nurture_people"),
    "sma_nurture_walk_on_time": (16, "sma_nurture_walk"),
    "sma_german_2_normal": (12, "sma_german_2_people"),
    "sma_german_2_weak": (6, "sma_german_2_people"),
    "sma_german_2_breathing": (1, "sma_german_2_people"),
    "sma_german_2_tube": (2, "sma_german_2_people"),
    "sma_str1ve_us_no_ventilator": (20, "sma_str1ve_us_people"),
    "sma_endear_events_share": (31, "sma_endear_treated"),
    "sma_endear_response": (37, "sma_endear_assessed"),
}


@pytest.mark.parametrize("row_id", SHARES)
def test_a_share_fits_its_counts(row_id):
    count, of = SHARES[row_id]
    assert_rounds_to(row_id, 100 * count / number(of))


PARTS = [
    ("sma_endear_stand", "sma_endear_sit"),
    ("sma_endear_sit", "sma_endear_assessed"),
    ("sma_endear_sit_sham", "sma_endear_assessed_sham"),
    ("sma_endear_assessed", "sma_endear_treated"),
    ("sma_endear_assessed_sham", "sma_endear_sham"),
    ("sma_spr1nt_2_sit_on_time", "sma_spr1nt_2_sit"),
    ("sma_spr1nt_2_sit", "sma_spr1nt_2_people"),
    ("sma_spr1nt_2_alive", "sma_spr1nt_2_people"),
    ("sma_spr1nt_3_walk_on_time", "sma_spr1nt_3_walk"),
    ("sma_spr1nt_3_walk", "sma_spr1nt_3_people"),
    ("sma_nurture_walk", "sma_nurture_people"),
    ("sma_australia_walk_screened", "sma_australia_assessed_screened"),
    ("sma_australia_assessed_screened", "sma_australia_people_screened"),
    ("sma_australia_walk_symptoms", "sma_australia_assessed_symptoms"),
    ("sma_australia_assessed_symptoms", "sma_australia_people_symptoms"),
    ("sma_pilot_screened_june_2024", "sma_pilot_recruited_june_2024"),
    ("sma_pilot_screened_june_2024", "sma_pilot_screened_december_2024"),
    ("sma_pilot_screened_december_2024", "sma_pilot_recruited_december_2024"),
    ("sma_restore_people_screened", "sma_restore_people"),
    ("mikolasch_2016_centres_replied", "mikolasch_2016_centres_asked"),
    ("mikolasch_2016_commissioned_centres", "mikolasch_2016_centres_asked"),
]


@pytest.mark.parametrize(("part", "whole"), PARTS)
def test_a_part_is_no_more_than_the_whole(part, whole):
    assert number(part) <= number(whole)


def test_totals_agree():
    hospitals = ("specialist_centres", "other_english_hospitals", "devolved_hospitals")
    assert sum(number(f"bts_2023_{h}") for h in hospitals) == number("bts_2023_centres")
    assert sum(number(f"bts_2023_gap_stage_{s}") for s in ("i", "ii", "iii")) == 100
    near, far = number("johannson_2022_people_near"), number("johannson_2022_people_far")
    assert near + far == number("johannson_2022_people")
    smartcare = ("screened", "symptoms")
    people = sum(number(f"sma_smartcare_people_{group}") for group in smartcare)
    assert {float(BY_ID[f"sma_smartcare_people_{g}"]["people"]) for g in smartcare} == {people}
    types = sum(number(f"sma_type_{kind}_united_states") for kind in (1, 2, 3))
    assert types == 100
    assert sum(number(f"sma_3_copies_type_{kind}") for kind in (1, 2, 3)) == 100
    copies = sum(number(f"sma_screened_{copies}_copies") for copies in (2, 3, 4, 5))
    assert abs(copies - 100) <= 1  # each share was rounded by itself
    delegated = number("policy_services_delegated_2024") + number("policy_services_added_2024")
    assert delegated == number("policy_services_delegated_2025")


def test_nulls_of_a_second_country_stand_beside_findings_of_the_first():
    for end in ("dlco", "fvc", "fvc_decline"):
        here, there = (BY_ID[f"goobie_2022_sarcoidosis_{end}{of}"] for of in ("", "_canada"))
        assert (here["country"], there["country"]) == ("United States", "Canada")
        assert here["outcome"] == there["outcome"]
    assert number("goobie_2022_sarcoidosis_dlco_canada", "ci_high") > 0


def test_the_anchor_study_as_published():
    """The facts on which the whole book rests, typed a second time on purpose."""
    anchor = "shankar_2024_"
    expected = {
        "deprivation_unadjusted": ("1.36", "", ""),
        "deprivation_adjusted": ("1.39", "1.11", "1.73"),
        "distance_unadjusted": ("1.34", "", ""),
        "distance_adjusted": ("1.29", "1.01", "1.64"),
        "people": ("2359", "", ""),
        "mean_age": ("73.6", "", ""),
        "men": ("79.5", "", ""),
    }
    for end, values in expected.items():
        row = BY_ID[anchor + end]
        assert (row["estimate"], row["ci_low"], row["ci_high"]) == values
