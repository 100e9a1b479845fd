"""What is measured: tasks, engines and how often; names as the table of results has them."""

from __future__ import annotations

SIZES = (2_359, 24_000, 240_000, 1_000_000, 10_000_000)
LIMIT_SECONDS = 300
CALL_SECONDS = 1.0  # from the end of the first call short ones are repeated for so long
# A first call loads what later ones find loaded: only a longer one than this is the only one.
LONG_SECONDS = 10
LEAST_CALLS, SHORT_SECONDS = 5, 3  # so many calls at the least, where one takes less than this
QUICK = {"sizes": (2_359, 24_000), "limit_seconds": 20, "call_seconds": 0.3}
# So many processes an engine and task: short calls vary more.
ROUNDS = {2_359: 5, 24_000: 5, 240_000: 3, 1_000_000: 2, 10_000_000: 1}
ROUNDS_OF_FILES = 3  # what reads a file is compared with reading it: never once only

OF_TABLES = (
    "kaplan_meier", "log_rank", "cox_efron", "cox_breslow", "cox_robust", "cox_clustered",
    "proportional_hazards", "cumulative_incidence", "restricted_mean",
)  # fmt: skip
OF_FILES = ("read_columns", "curves_of_a_file", "cox_of_a_file")
SIMULATION = "simulation"
TASKS = (*OF_TABLES, *OF_FILES, SIMULATION)
SIMULATED_PEOPLE = 2_400

# Module or script that asks it, its name in the results, and whose environment it needs.
OURS = "this_package"
ENGINES = {
    OURS: ("this package", "ours"),
    "this_package_arrays": ("this package, arrays", "ours"),
    "lifelines": ("lifelines", "ours"),
    "statsmodels": ("statsmodels", "ours"),
    "scikit_survival": ("scikit-survival", "peers"),
    "survival_rust": ("survival (Rust)", "peers"),
    "survival_rust_raw": ("survival (Rust), bare fit", "peers"),
    "coxstream": ("coxstream", "peers"),
    "r": ("R", "r"),
    "r_raw": ("R, bare fit", "r"),
    "pyarrow": ("pyarrow", "ours"),
    "pandas": ("pandas", "ours"),
}
# Second ways to ask an engine: what they do not offer is no row.
SECOND_WAYS = {"this_package_arrays", "survival_rust_raw", "r_raw", "pyarrow", "pandas"}
PACKAGES = {
    "ours": ("numpy", "numba", "pandas", "pyarrow", "lifelines", "statsmodels"),
    "peers": ("numpy", "scikit-survival", "survival", "coxstream"),
}


def rounds(task: str, people: int, quick: bool) -> int:
    """How many processes measure a task of so many people."""
    if quick:
        return 1
    often = next((n for size, n in sorted(ROUNDS.items()) if people <= size), 1)
    return max(often, ROUNDS_OF_FILES) if task in OF_FILES else often
