"""Linear-programming recovery on a thousand random tables: nothing from a release, much without."""

from attacked_tables import (
    UNROUNDED,
    exact_tables,
    protected,
    random_people,
    recovered,
    unprotected,
)

from distance_to_care.disclosure.profiles import DEFAULT


def test_nothing_is_recovered_from_a_thousand_protected_tables():
    withheld, fewest = 0, DEFAULT.threshold
    control, control_withheld = 0, 0
    for seed in range(1000):
        exact = exact_tables(random_people(seed))
        some, exactly, values = recovered(protected(exact), exact, DEFAULT)
        assert exactly == 0
        withheld, fewest = withheld + some, min(fewest, values)
        some, exactly, _ = recovered(unprotected(exact), exact, UNROUNDED)
        control, control_withheld = control + exactly, control_withheld + some
    assert withheld > 5000
    assert fewest >= DEFAULT.threshold
    # Only withheld, and not rounded, more of them than not are worked out exactly.
    print(f"recovered of the control: {control} of {control_withheld}")
    assert control > control_withheld / 2
