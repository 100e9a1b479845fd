"""How the tests are shared out among the processes of `make test`."""

from xdist.scheduler import LoadScopeScheduling

# Files of tests/book/ that wait for builds beside that of the site: one process starts those.
WITH_BUILDS = frozenset(
    f"tests/book/test_{name}.py"
    for name in (
        "build",
        "ordinary_commands",
        "own_cohort",
        "published_tables",
        "without_official_files",
    )
)


def file_of(nodeid: str) -> str:
    """The file that a test is in."""
    return nodeid.partition("::")[0]


class ByFile(LoadScopeScheduling):
    """Share the tests out file by file, because a file shares what it prepares, in their order.

    Those that wait for builds are shared out as one, so that no build is made twice.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = file_of(nodeid)
        return "builds" if file in WITH_BUILDS else file
