"""Registers: pages of entries that are read from one table, a section an entry.

The text of a table's cell is prose like that of any page: it may hold numbers of the book
({number}`key`), citations ({cite}`key`) and links. So what a register quotes is live, and a number
or a page that does not exist fails the build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective


@dataclass(frozen=True)
class Entry:
    """One section of a register.

    Parameters
    ----------
    anchor : the section's address on its page.
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
        return [self._section(entry) for entry in REGISTERS[self.arguments[0]]()]

    def _section(self, entry: Entry) -> nodes.section:
        section = nodes.section(ids=[entry.anchor], classes=["register-entry", *entry.classes])
        section += nodes.title(text=entry.title)
        listed = nodes.definition_list()
        for name, text in entry.parts.items():
            if text:
                about = nodes.definition()
                self.state.nested_parse(StringList(text.split("\n")), 0, about)
                listed += nodes.definition_list_item("", nodes.term(text=name), about)
        section += listed
        return section
