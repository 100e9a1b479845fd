"""The layers of a chapter: in 30 seconds, in 3 minutes, and in full.

A chapter opens with its question; then come what a patient wants to know, what somebody with three
minutes wants to know, and the chapter itself. All three draw on the same published rows: a figure
of a layer is the figure of the chapter, without what stands beneath it there.
"""

from __future__ import annotations

from html import escape

from docutils import nodes
from lxml import html as markup
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

# By the name of the directive, which is the address on the page too: heading, words of the link.
LAYERS = {
    "in-30-seconds": ("In 30 seconds", "30 seconds"),
    "in-3-minutes": ("In 3 minutes", "3 minutes"),
}
MARK = "layer"
IN_FULL = "in full"


class LayerDirective(SphinxDirective):
    """{in-30-seconds} and {in-3-minutes}: a section that says the same as the page, in short."""

    has_content = True

    def run(self):
        self.assert_has_content()
        heading, _ = LAYERS[self.name]
        section = nodes.section(ids=[self.name], names=[], classes=[MARK, self.name])
        section += nodes.title(text=heading)
        self.set_source_info(section)
        self.state.document.note_implicit_target(section, section)
        self.state.nested_parse(self.content, self.content_offset, section)
        return [section]


def _is_layer(node: nodes.Node) -> bool:
    return isinstance(node, nodes.section) and MARK in node["classes"]


def holds(node: nodes.Node) -> bool:
    """Say whether a node stands within a layer."""
    while node is not None and not _is_layer(node):
        node = node.parent
    return node is not None


def short_figure(shown: str, name: str, address: str) -> str:
    """Write a figure as a layer has it: picture and title, with a link to the whole figure.

    Parameters
    ----------
    shown : the figure in HTML, with its data table and downloads.
    name : its name; address : where the whole of it stands.
    """
    whole = markup.fragment_fromstring(shown, create_parent="div")
    figure = whole.find(".//figure")
    figure.tail = None
    for each in figure.iter():
        each.attrib.pop("id", None)
    # The drawing is the same file as that of the whole figure.
    figure.set("data-figure", name)
    link = markup.fragment_fromstring(
        f'<a class="to-the-figure" href="{escape(address)}">Its data table and downloads</a>'
    )
    caption = figure.find("figcaption")
    title = caption.text_content().strip()
    link.set("aria-label", f"Its data table and downloads: {title}")
    caption.append(link)
    return markup.tostring(figure, encoding="unicode")


class LayerBar(SphinxPostTransform):
    """Put links to the layers of a page, and to what follows them, under its banners."""

    # After the banners.
    default_priority = 6

    def run(self, **kwargs):
        found = [node for node in self.document.findall(nodes.section) if _is_layer(node)]
        if not found:
            return
        links = [(node["ids"][0], LAYERS[node["ids"][0]][1]) for node in found]
        page, last = found[-1].parent, found[-1]
        after = page[page.index(last) + 1 :]
        links += [(n["ids"][0], IN_FULL) for n in after if isinstance(n, nodes.section)][:1]
        shown = "".join(f'<li><a href="#{there}">{words}</a></li>' for there, words in links)
        bar = f'<nav class="layer-bar" aria-label="How much to read">Read: <ul>{shown}</ul></nav>'
        place = 1
        while isinstance(page[place], nodes.raw):
            place += 1
        page.insert(place, nodes.raw("", bar, format="html"))
