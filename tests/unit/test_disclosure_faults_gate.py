"""The gate, case by case: faults that mutation testing put in."""

import pandas as pd
import pytest

from distance_to_care import disclosure
from distance_to_care.disclosure import gate, words
from distance_to_care.problems import Problem


@pytest.fixture(autouse=True)
def nobody_is_analysed():
    before, gate._analysed = gate._analysed, words.Analysed()
    yield
    gate._analysed = before


def published() -> pd.DataFrame:
    table = pd.DataFrame(
        {"group": ["7", "8"], "people": pd.array([20, None], "Int64"), "suppressed": [False, True]}
    )
    table.attrs["published"] = "a"
    return table


def test_what_was_withheld_stays_marked_in_a_table_made_from_it():
    made = disclosure.check(pd.DataFrame(published()), "registry", made_from={"a": published()})
    assert made.table["suppressed"].tolist() == [False, True]
    assert made.receipt["cells_withheld"] == 1


def test_a_table_made_from_others_may_number_its_groups_up_to_ten():
    for group in ("0", "10"):
        copied = pd.DataFrame(published()).assign(group=["7", group])
        disclosure.check(copied, "registry", made_from={"a": published()})
    with pytest.raises(Problem, match="its column 'group' holds numbers that none of the"):
        copied = pd.DataFrame(published()).assign(group=["7", "11"])
        disclosure.check(copied, "registry", made_from={"a": published()})


def test_steps_are_merged_by_the_profile_of_those_who_are_analysed():
    curve = pd.DataFrame(
        {"group": "1", "time_years": [0.0, 0.1, 0.2], "at_risk": [200, 200, 185],
         "deaths": [0, 15, 15], "estimate": [1.0, 0.925, 0.85]}
    )  # fmt: skip

    class Strict:
        columns: dict = {}
        disclosure = disclosure.profile("custom", smallest_step_events=20)

    assert disclosure.merge_steps(curve)["time_years"].tolist() == [0, 0.1, 0.2]
    disclosure.analysing(pd.DataFrame({"person_id": ["RX-001"]}), Strict())
    assert disclosure.merge_steps(curve)["time_years"].tolist() == [0, 0.2]
