"""Registers: pages of entries that are read from one table, a section an entry.

The text of a table's cell is prose like that of any page: it may hold numbers of the book
({number}`key`), citations ({cite}`key`) and links. So what a register quotes is live, and a number
or a page that does not exist fails the build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from distance_to_care import needed_facts, places, tables
from distance_to_care.publication.edition import in_words


@dataclass(frozen=True)
class Entry:
    """One section of a register.

    Parameters
    ----------
    anchor : the section's address on its page, by which {ref}`anchor` links to it from any page.
    title : its heading.
    parts : what each paragraph is about -> its Markdown, in order; empty ones are left out.
    classes : words by which a script can filter, as classes of the section.
    """

    anchor: str
    title: str
    parts: Mapping[str, str]
    classes: tuple[str, ...] = field(default=())


# By the name that a page asks for: a function that reads its table.
REGISTERS: dict[str, Callable[[], list[Entry]]] = {}


class RegisterDirective(SphinxDirective):
    """{register} name: every entry of a register, a section each."""

    required_arguments = 1

    def run(self):
        # The descriptor holds the digest of every table: a changed cell is a changed page.
        self.env.note_dependency(str(places.DESCRIPTOR))
        return [self._section(entry) for entry in REGISTERS[self.arguments[0]]()]

    def _section(self, entry: Entry) -> nodes.section:
        section = nodes.section(
            ids=[entry.anchor], names=[entry.anchor], classes=["register-entry", *entry.classes]
        )
        self.state.document.note_explicit_target(section)
        section += nodes.title(text=entry.title)
        listed = nodes.definition_list()
        for name, text in entry.parts.items():
            if text:
                about = nodes.definition()
                self.state.nested_parse(StringList(text.split("\n")), 0, about)
                listed += nodes.definition_list_item("", nodes.term(text=name), about)
        section += listed
        return section


# --- The claims of the two documents --------------------------------------------------------------

CLAIMS_PAGE = "notebooks/claims_register"
VERDICTS = {
    "supported": "Supported",
    "partly": "Partly supported",
    "untested": "Untested",
    "outdated": "Outdated",
    "overstated": "Overstated",
}


def link(page: str, here: str) -> str:
    """Write a link to a page of the book that shows the page's own title.

    page, here : names as in the table of contents, `notebooks/care_boards`; `here` is where the
    link stands.
    """
    folder, name = page.split("/")
    ending = {"notebooks": "ipynb", "book": "md"}[folder]
    way = "" if here.startswith(f"{folder}/") else f"../{folder}/"
    return f"[]({way}{name}.{ending})"


def anchor(what: str, name: str) -> str:
    """Name an entry's place on its page: `claim-a1`, `model-video-monitoring`."""
    return f"{what}-{name.replace('_', '-')}"


def several(cell: object) -> list[str]:
    """Split a cell that holds several words with semicolons between them; none where empty."""
    return [] if cell != cell or cell is None else str(cell).split(";")


def folded(title: str, parts: Mapping[str, str]) -> str:
    """Write paragraphs that a reader opens, each after what it is about; empty ones are left out.

    title : what stands on the closed fold. parts : what a paragraph is about -> its Markdown.
    """
    written = "\n\n".join(f"**{name}:** {text}" for name, text in parts.items() if text)
    return f"````{{dropdown}} {title}\n{written}\n````"


def claims() -> list[Entry]:
    """Read the claims of both documents as entries, in the order of the table."""
    return [_claim(row) for row in tables.read("claims").to_dict("records")]


def _claim(row: Mapping[str, object]) -> Entry:
    models = several(row["service_model"])
    sure = f"**{_verdict(row)}.** How sure of the verdict: {row['how_sure']}"
    checked = date.fromisoformat(row["checked"])
    computed = row["computed"]
    nothing = computed.startswith("Nothing")
    return Entry(
        anchor=anchor("claim", row["id"].lower()),
        title=f"{row['id']}: {row['claim']}",
        parts={
            "Said in": f"{row['asserted_by']}, document {row['document']}; a "
            f"{row['statement']}, in our words.",
            "Our verdict": f"{sure} ({row['why_sure']}).",
            "Their answer": ";".join(several(row["reply"])),
            "What the evidence says": row["evidence"],
            "What this book computed": "" if nothing else computed,
            "More": folded(
                "What was computed, what would settle it" if nothing else "What would settle it",
                {
                    "What this book computed": computed if nothing else "",
                    "What would settle it": row["settle"],
                    "Requests ready to send": "; ".join(
                        f"{{ref}}`{anchor('needed', fact)}`" for fact in several(row["needed"])
                    ),
                    "Read on": ", ".join(link(p, CLAIMS_PAGE) for p in several(row["pages"])),
                    "Service model": ", ".join(
                        f"{{ref}}`{anchor('model', model)}`" for model in models
                    ),
                    "Checked": in_words(checked),
                },
            ),
        },
        classes=(
            f"document-{row['document'].lower()}",
            f"verdict-{row['verdict']}",
            f"sure-{row['how_sure'].replace(' ', '-')}",
            *(anchor("model", model) for model in models),
        ),
    )


def _verdict(row: Mapping[str, object]) -> str:
    """Say the verdict; nobody can support a question, so of one its answer is said.

    The answer is the first sentence of what the evidence says.
    """
    if row["statement"] != "question":
        return VERDICTS[row["verdict"]]
    answer = row["evidence"].split(". ")[0]
    return f"A question; answered: {answer[0].lower()}{answer[1:]}"


REGISTERS["claims"] = claims


# --- Service models, and what we need to know -----------------------------------------------------

NEEDED_PAGE = "notebooks/what_we_need"


def service_models() -> list[Entry]:
    """Read the service models of both documents as entries, in the order of the table."""
    claimed = [(row["id"], several(row["service_model"])) for row in _rows("claims")]
    return [
        _service_model(row, [claim for claim, models in claimed if row["slug"] in models])
        for row in _rows("service_models")
    ]


def _rows(name: str) -> list[dict[str, object]]:
    return tables.read(name).to_dict("records")


def _service_model(row: Mapping[str, object], claims: list[str]) -> Entry:
    claimed = [f"{{ref}}`{claim} <{anchor('claim', claim.lower())}>`" for claim in claims]
    needed = [f"{{ref}}`{anchor('needed', name)}`" for name in several(row["needed"])]
    return Entry(
        anchor=anchor("model", row["slug"]),
        title=row["name"],
        parts={
            "What it is": row["what_it_is"],
            "Who runs it": row["who_runs_it"],
            "What is known": row["known"],
            "What our analysis says": row["analysis"],
            "What is not known": row["not_known"],
            "What to ask for": "; ".join(needed),
            "Claims about it": ", ".join(claimed),
        },
    )


OURS, A_CLAIM = "ours", "a claim"


def needed(matters: str, *at_stake: str) -> list[Entry]:
    """Read the missing facts that could do one thing (`matters`), in the order of the table.

    at_stake : whose conclusions hang on them, `OURS` or `A_CLAIM` of the two documents.
    """
    facts = needed_facts.with_requests(tables.read("needed_facts"))
    kept = facts[(facts["matters"] == matters) & facts["at_stake"].isin(at_stake)]
    return [_needed(row) for row in kept.to_dict("records")]


def _needed(row: Mapping[str, object]) -> Entry:
    about = {
        "Table": f"{row['table']}: {row['rows']}.",
        "Where it matters": ", ".join(link(p, NEEDED_PAGE) for p in several(row["pages"])),
        "Letter": f"\n\n```text\n{row['request']}\n```",
    }
    return Entry(
        anchor=anchor("needed", row["id"]),
        title=row["title"],
        parts={
            "What is missing": row["missing"],
            "Who holds it": f"{row['holder']} (way of asking: {row['route']}).",
            "Conclusion of ours" if row["at_stake"] == OURS else "Claim that we test": (
                f"{row['overturns']} {row['how']}"
            ),
            "Request": folded("A request, ready to send", about),
        },
    )


def local_services() -> list[Entry]:
    """Read the local services as entries, the question to put to a board first."""
    return [
        Entry(
            anchor=anchor("service", row["id"]),
            title=row["service"],
            parts={
                "Question for your board": row["question"],
                "What is open": f"{row['what_is_open']} {_cited(row)}",
                "What it cannot show": row["cannot_show"],
            },
        )
        for row in _rows("local_services")
    ]


def funding_formulas() -> list[Entry]:
    """Read the ways in which money is shared out as entries."""
    return [
        Entry(
            anchor=anchor("formula", row["id"]),
            title=row["money"],
            parts={
                "Who decides": row["who_decides"],
                "What is counted": f"{row['counts']} {_cited(row)}",
                "What is not counted": row["does_not_count"],
                "What we could not see": row["not_seen"],
            },
        )
        for row in _rows("funding_formulas")
    ]


def _cited(row: Mapping[str, object]) -> str:
    return f"{{cite}}`{row['source']}`"


REGISTERS["service_models"] = service_models
REGISTERS["local_services"] = local_services
REGISTERS["funding_formulas"] = funding_formulas
REGISTERS["needed_to_overturn"] = partial(needed, "could overturn", OURS)
REGISTERS["needed_to_overturn_a_claim"] = partial(needed, "could overturn", A_CLAIM)
REGISTERS["needed_to_narrow"] = partial(needed, "could narrow", OURS, A_CLAIM)
REGISTERS["needed_to_open"] = partial(needed, "could open a chapter", OURS, A_CLAIM)
