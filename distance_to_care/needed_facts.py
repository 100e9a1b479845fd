"""What we need to know: each missing fact, and a request for it that can be sent as it stands.

A request names one table: its columns, what a row is, its format, the rule for small counts and
the licence. So whoever holds the fact can say yes or no, and what arrives can be read at once.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pandas as pd

from distance_to_care.problems import Problem

_ASKED = """{asking}

{table}

Columns:
{columns}

Format: one CSV file (UTF-8, one line of column names), or a spreadsheet with the
same columns.

No person should be recognisable. Where the table counts people, please give no
count below {smallest}: leave such a cell empty, and write true in a last column named
"suppressed". Wider groups are welcome where many cells would be empty. We ask for
no names, no dates of birth and no postcodes of homes.

Licence: {licence}

If you hold only a part, please send that part and say what is not held. If the
table is published already, a link to it is enough.

What it is for: Distance to Care, an open publication on who gets to specialist
care and how people fare. The table would test this conclusion:
{overturns}
{how}
You would be named as the source.
"""

_SMALLEST = 10
_LINE = 80
_OPEN_LICENCE = "the Open Government Licence v3.0, or please say which licence holds."
_SHARED_LICENCE = (
    "please say under which licence the table may be published.\n"
    "Creative Commons Attribution 4.0 would let anybody check what we compute."
)
_UNDER_THE_ACT = """
If the cost limit would be passed, please say what could be sent within it
(section 16 of the Act). If something is exempt, please send the rest."""
_FOR_A_REGISTRY = """
If the table needs approval, please send us the form and say how long it takes
and what it costs."""
_FOR_AUTHORS = """
We ask for no records of people, only for this table. If the full paper or its
supplement holds it, please point us to the place."""

# By the way in which a fact is asked for: subject, greeting, the question, licence, what is added.
_WAYS = {
    "freedom of information": (
        "Freedom of Information request: {title}",
        "Dear Freedom of Information team,",
        "Under the Freedom of Information Act 2000, please send this table:",
        _OPEN_LICENCE,
        _UNDER_THE_ACT,
        "Yours faithfully,",
    ),
    "authors": (
        "A table behind your study: {title}",
        "Dear authors,",
        "Thank you for your study, which we quote. Could you share this table?",
        _SHARED_LICENCE,
        _FOR_AUTHORS,
        "With kind regards,",
    ),
    "registry": (
        "A table from your registry: {title}",
        "Dear registry team,",
        "Could the registry make this table for an open publication?",
        _SHARED_LICENCE,
        _FOR_A_REGISTRY,
        "With kind regards,",
    ),
    "charity": (
        "A table that you may hold: {title}",
        "Dear colleagues,",
        "Could you share this table, from your surveys or your services?",
        _SHARED_LICENCE,
        "",
        "With kind regards,",
    ),
    "open file": (
        "Where to find a published table: {title}",
        "Dear colleagues,",
        "We believe that you publish this. Could you tell us where, or send the table?",
        _OPEN_LICENCE,
        "",
        "With kind regards,",
    ),
}
WAYS = tuple(_WAYS)


def columns_of(layout: str) -> list[tuple[str, str]]:
    """Split the layout of a table into its columns.

    Parameters
    ----------
    layout : columns apart by semicolons, each a name, or a name, a colon and what it means.

    Returns
    -------
    One (name, meaning) a column, in order; the meaning is empty where the name says it.
    """
    pairs = [part.partition(":") for part in layout.split(";") if part.strip()]
    return [(name.strip(), meaning.strip()) for name, _, meaning in pairs]


def request(fact: Mapping[str, str]) -> str:
    """Write the letter that asks for one missing fact.

    Parameters
    ----------
    fact : one row of the table of needed facts: `title`, `holder`, `route` (one of `WAYS`), `table`
        (the table asked for), `columns` (see `columns_of`), `rows` (what a row is), `overturns` and
        `how` (which conclusion it could change, and by what).

    Returns
    -------
    The letter as plain text, to be signed and sent. A fault in the row is a Problem.
    """
    if fact["route"] not in _WAYS:
        raise Problem(
            f"'{fact['title']}' is asked for by '{fact['route']}', which is no way to ask. "
            f"Ways: {', '.join(WAYS)}."
        )
    subject, greeting, asking, licence, added, farewell = _WAYS[fact["route"]]
    listed = [
        _wrapped(f"- {name}: {means}" if means else f"- {name}", "  ")
        for name, means in columns_of(fact["columns"])
    ]
    body = _ASKED.format(
        asking=asking,
        table=_wrapped(f"{fact['table']}: {fact['rows']}."),
        columns="\n".join(listed),
        smallest=_SMALLEST,
        licence=licence,
        overturns=_wrapped(fact["overturns"]),
        how=_wrapped(fact["how"]),
    )
    return "\n".join(
        [
            f"To: {fact['holder']}",
            f"Subject: {subject.format(title=fact['title'])}",
            "",
            greeting,
            "",
            (body + added).rstrip(),
            "",
            farewell,
            "[your name, and an address for the answer]",
        ]
    )


def _wrapped(text: str, indent: str = "") -> str:
    """Break a paragraph into lines that any mail program shows whole."""
    return textwrap.fill(text, _LINE, subsequent_indent=indent, break_on_hyphens=False)


def with_requests(facts: pd.DataFrame) -> pd.DataFrame:
    """Add to each missing fact the request for it.

    Parameters
    ----------
    facts : one row a missing fact, with the columns that `request` reads.

    Returns
    -------
    The same rows with a column `request`.
    """
    rows = facts.fillna("").to_dict("records")
    return facts.assign(request=[request(row) for row in rows])


def counts(facts: pd.DataFrame) -> pd.DataFrame:
    """Count the missing facts of each way of asking, and how much hangs on them.

    Parameters
    ----------
    facts : one row a missing fact, with the columns `route`, `matters` and `at_stake` (whose
        conclusion hangs on it).

    Returns
    -------
    `group_by` (way of asking, or whose conclusion), `group`, `measure` (what the facts could do,
    or all) and `estimate` (facts); the group `all` holds every fact.
    """
    parts = []
    ways = [("way of asking", *way) for way in [("all", facts), *facts.groupby("route")]]
    whose = [("whose conclusion", *part) for part in facts.groupby("at_stake")]
    for group_by, group, rows in [*ways, *whose]:
        found = tally(rows, "matters").rename(columns={"group": "measure"})
        whole = found.head(1).assign(measure="all", estimate=float(len(rows)))
        parts += [part.assign(group_by=group_by, group=group) for part in (whole, found)]
    return pd.concat(parts, ignore_index=True)


def tally(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Count the rows that hold each word of a column.

    Parameters
    ----------
    table : any table. column : the column that is counted.

    Returns
    -------
    `group_by` (the column), `group` (the word) and `estimate` (rows).
    """
    found = table[column].value_counts().rename_axis("group").reset_index(name="estimate")
    return found.assign(group_by=column).astype({"estimate": float})
