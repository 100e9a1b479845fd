"""The first use of a term on a page leads to the glossary, and says there what it means.

An entry of the glossary is linked where the prose of a page first uses it, in the singular or the
plural, or where {term} names it. Pointing at the link, or reaching it with the keyboard, opens the
first sentence of the definition: style sheets alone do that, and a script only closes it again on
Escape. Headings, links, code, tables and figures are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

# Where words stand that are no prose, or that are links already.
NO_PROSE = (
    nodes.title,
    nodes.rubric,
    nodes.reference,
    nodes.literal,
    nodes.literal_block,
    nodes.table,
    nodes.figure,
    nodes.caption,
    nodes.term,
    nodes.citation,
    nodes.raw,
    nodes.FixedTextElement,
    addnodes.pending_xref,
    addnodes.download_reference,
)
# Terms that the prose uses in their everyday sense too: only {term} links these.
EVERYDAY = {"area", "claim", "contribution", "coverage", "delay", "died", "draw", "mean", "open"}
EVERYDAY |= {"person", "published", "release", "round", "steady", "wait"}

# Pages so heavy that meanings would take them above what a first visit may weigh.
NO_ROOM = frozenset({"notebooks/claims_register"})


class TermLink(nodes.Inline, nodes.TextElement):
    """Words of the prose that lead to the glossary and say what they mean."""


@dataclass(frozen=True)
class Entry:
    """An entry of the glossary: where it stands, and the first sentence of what it says."""

    page: str
    anchor: str
    meaning: str


def names(term: str) -> list[str]:
    """Name a term as the prose may: in full, and by the short name that stands in brackets."""
    written = re.fullmatch(r"(?P<name>.+?) \((?P<short>[^()]+)\)", term)
    return [term, written["name"], written["short"]] if written else [term]


def plural(name: str) -> str:
    """Write a name in the plural: `hazard ratios`, `copies of ...`, `slope indices`."""
    head, of, rest = name.partition(" of ")
    if head.endswith("index"):
        head = f"{head.removesuffix('ex')}ices"
    elif re.search(r"[^aeiou]y$", head):
        head = f"{head[:-1]}ies"
    else:
        head += "es" if re.search(r"(s|x|ch|sh)$", head) else "s"
    return f"{head}{of}{rest}"


class Terms:
    """The entries of a glossary by every spelling of their terms."""

    def __init__(self, entries: Mapping[str, Entry]):
        self._entries = {term.casefold(): entry for term, entry in entries.items()}
        linked = {}
        for term, entry in entries.items():
            for name in names(term):
                if name not in EVERYDAY:
                    linked |= {_known(name): entry, _known(plural(name)): entry}
        self._linked = linked
        found = sorted(linked, key=len, reverse=True)
        either = "|".join(map(re.escape, found))
        self._words = re.compile(rf"(?<![\w-])(?:{either})(?![\w-])", re.IGNORECASE)

    def of(self, words: str) -> Entry | None:
        """Find the entry that these words name."""
        return self._entries.get(words.casefold())

    def uses(self, text: str) -> Iterator[tuple[int, int, Entry]]:
        """Find where a text uses a term: from, to, and the entry."""
        for match in self._words.finditer(text):
            entry = self._linked.get(_known(match.group()))
            if entry is not None:
                yield match.start(), match.end(), entry


def _known(spelling: str) -> str:
    """Write a term so that a capital counts where it is a short name (IMD), not otherwise."""
    head = spelling.split("-")[0].split()[0]
    return spelling if head.isupper() else spelling.casefold()


def read(app: Sphinx) -> Terms | None:
    """Read the glossary of a book, once; None where it has none."""
    if not hasattr(app, "glossary_terms"):
        entries: dict[str, Entry] = {}
        known = app.env.get_domain("std").objects
        pages = {page for (kind, _), (page, _) in known.items() if kind == "term"}
        for page in sorted(pages):
            doctree = app.env.get_doctree(page)
            for glossary in doctree.findall(addnodes.glossary):
                entries |= _entries_of(glossary, page)
        app.glossary_terms = Terms(entries) if entries else None
    return app.glossary_terms


def _entries_of(glossary: addnodes.glossary, page: str) -> dict[str, Entry]:
    """Entries by their terms; several terms of one definition share an entry."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        terms = list(item.findall(nodes.term))
        meaning = next(item.findall(nodes.paragraph)).astext().split("\n")[0]
        entry = Entry(page, terms[0]["ids"][0], meaning)
        found |= {term.astext(): entry for term in terms}
    return found


class LinkTerms(SphinxPostTransform):
    """Link the first use of each term on a page to the glossary."""

    # After numbers and words have been filled in, before Sphinx looks up what {term} names.
    default_priority = 9

    def run(self, **kwargs):
        self._terms = read(self.app)
        if self.env.docname in NO_ROOM:
            return
        if self._terms is None or next(self.document.findall(addnodes.glossary), None):
            return
        self._seen: set[Entry] = set()
        for node in list(self.document.findall(_may_hold_terms)):
            if isinstance(node, addnodes.pending_xref):
                self._named(node)
            elif not _stands_apart(node):
                self._used(node)

    def _named(self, node: addnodes.pending_xref) -> None:
        entry = self._terms.of(node["reftarget"])
        if entry is not None and entry not in self._seen:
            node.replace_self(self._link(node.astext(), entry))

    def _used(self, node: nodes.Text) -> None:
        text, parts, done = node.astext(), [], 0
        for start, end, entry in self._terms.uses(text):
            if entry not in self._seen:
                parts += [nodes.Text(text[done:start]), self._link(text[start:end], entry)]
                done = end
        if parts:
            parts = [*parts, nodes.Text(text[done:])]
            node.parent.replace(node, [part for part in parts if part.astext()])

    def _link(self, words: str, entry: Entry) -> TermLink:
        self._seen.add(entry)
        there = self.app.builder.get_relative_uri(self.env.docname, entry.page)
        return TermLink("", words, address=f"{there}#{entry.anchor}", entry=entry)


def _may_hold_terms(node: nodes.Node) -> bool:
    named = isinstance(node, addnodes.pending_xref) and node.get("reftype") == "term"
    return named or isinstance(node, nodes.Text)


def _stands_apart(node: nodes.Node) -> bool:
    """Say whether words stand where no term is linked."""
    parent = node.parent
    while parent is not None:
        if isinstance(parent, NO_PROSE) or "number" in parent.get("classes", ()):
            return True
        parent = parent.parent
    return False


def visit_term(self, node: TermLink) -> None:
    """Open the link; what it means stands behind it, out of sight until it is pointed at."""
    hint = node["entry"].anchor.replace("term-", "meaning-", 1)
    self.body.append('<span class="glossed">')
    self.body.append(
        self.starttag(
            node, "a", "", CLASS="glossary-term", href=node["address"], **{"aria-describedby": hint}
        )
    )


def depart_term(self, node: TermLink) -> None:
    """Close the link, and say what it means."""
    hint = node["entry"].anchor.replace("term-", "meaning-", 1)
    meaning = self.encode(node["entry"].meaning)
    self.body.append(
        f'</a><span class="meaning" role="tooltip" id="{hint}">{meaning}</span></span>'
    )


def setup(app: Sphinx) -> dict:
    """Register the links."""
    app.add_node(TermLink, html=(visit_term, depart_term))
    app.add_post_transform(LinkTerms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
