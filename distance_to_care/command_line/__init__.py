"""The command line: check, synthesise, analyse, build, and what `make` calls.

Exit codes: 0 all is well; 1 a build or a comparison failed; 2 the input or the call is wrong;
130 it was stopped before its end.
Libraries are imported by the command that needs them, so that `--help` answers at once.
"""

# Each module adds its commands to the application, in the order in which the help lists them.
from distance_to_care.command_line import (  # noqa: F401, I001
    cohorts,
    environment,
    registries,
    models,
    evidence,
    book,
    ledger,
    packages,
    releases,
)
from distance_to_care.command_line.frame import app

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line."""
    app()
