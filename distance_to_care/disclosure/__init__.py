"""Disclosure control: what may leave the room when rows are about people.

`check` is the only maker of what may be published. Tables of open, modelled, published and
scenario results are not about people and pass. For synthetic and registry people each shape has
its rules: `counts`, `curves` and `models`; `profiles` holds the numbers. The rules follow the
handbook of the UK Safe Data Access Professionals (Griffiths et al., 2024) with the threshold of
10 that secure environments use.
"""

from distance_to_care.disclosure.counts import (
    COUNT_COLUMNS,
    ESTIMATE_COLUMNS,
    HIDDEN_COLUMNS,
    KEY_COLUMNS,
    LEVEL_COLUMNS,
    MODEL_COLUMNS,
    STEP_COLUMNS,
)
from distance_to_care.disclosure.curves import GRID
from distance_to_care.disclosure.gate import (
    PERSON_KINDS,
    SHAPES,
    Checked,
    analysing,
    band,
    check,
    merge_steps,
)
from distance_to_care.disclosure.profiles import (
    DEFAULT,
    PROFILES,
    Profile,
    from_words,
    in_force,
    profile,
    strictest,
    to_words,
)

__all__ = [
    "COUNT_COLUMNS",
    "DEFAULT",
    "ESTIMATE_COLUMNS",
    "GRID",
    "HIDDEN_COLUMNS",
    "KEY_COLUMNS",
    "LEVEL_COLUMNS",
    "MODEL_COLUMNS",
    "PERSON_KINDS",
    "PROFILES",
    "SHAPES",
    "STEP_COLUMNS",
    "Checked",
    "Profile",
    "analysing",
    "band",
    "check",
    "from_words",
    "in_force",
    "merge_steps",
    "profile",
    "strictest",
    "to_words",
]
