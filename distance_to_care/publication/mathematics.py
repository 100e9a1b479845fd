"""Formulas as MathML, written while the book is built: no script, no font, no other host."""

from __future__ import annotations

import re

import latex2mathml.converter
from docutils import nodes
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)

# latex2mathml knows the starred, outer forms; MathML makes no difference between the two.
SAME_LAYOUT = {"aligned": "align*", "split": "align*", "align": "align*", "gathered": "align*"}
# A command that latex2mathml does not know comes out as itself; so does a stray ampersand.
LEFT_OVER = re.compile(r"<m[ion][^>]*>(\\[A-Za-z]+|&)</m[ion]>")


def to_mathml(tex: str, display: str) -> str:
    """Convert a TeX formula to a MathML element with the TeX source as its annotation.

    display: "inline" or "block". Raises ValueError with a reason where TeX is not understood.
    """
    source = tex.strip()
    if display == "block":
        source = re.sub(r"\\label\{[^}]*\}", "", source)
        if r"\\" in source and r"\begin" not in source:
            source = rf"\begin{{align*}}{source}\end{{align*}}"
    for name, known in SAME_LAYOUT.items():
        source = source.replace(f"{{{name}}}", f"{{{known}}}")
    try:
        written = latex2mathml.converter.convert(source, display=display)
    except Exception as error:  # the converter raises many kinds, all of them about the formula
        raise ValueError(f"{type(error).__name__} {error}".strip()) from error
    left_over = LEFT_OVER.search(written)
    if left_over:
        raise ValueError(f"'{left_over.group(1)}' is not known")
    # Browsers read the alignment of columns from the style only.
    written = re.sub(r'<mtd columnalign="(\w+)">', r'<mtd style="text-align:\1">', written)
    # An upright letter (\mathrm{d}) must say so: a single letter is set in italics by default.
    return re.sub(
        r"<mi>&#x000(4|5|6|7)([0-9A-F]);</mi>", r'<mi mathvariant="normal">&#x\1\2;</mi>', written
    )


def _formula(translator, node: nodes.Node, display: str) -> str:
    try:
        return to_mathml(node.astext(), display)
    except ValueError as error:
        logger.warning(
            "formula '%s' cannot be shown as MathML: %s",
            node.astext(),
            error,
            location=node,
            type="math",
        )
        return f"<code>{translator.encode(node.astext())}</code>"


def visit_inline(translator, node: nodes.math) -> None:
    """Write an inline formula into the page."""
    translator.body.append(
        f'<span class="math notranslate nohighlight">{_formula(translator, node, "inline")}</span>'
    )
    raise nodes.SkipNode


def visit_block(translator, node: nodes.math_block) -> None:
    """Write a formula on a line of its own, with its number and its permanent link."""
    start = translator.starttag(node, "div", CLASS="math notranslate nohighlight")
    translator.body.append(start)
    translator.body.append(
        f'<div class="formula" role="group" aria-label="Formula" tabindex="0">'
        f"{_formula(translator, node, 'block')}</div>"
    )
    if node.get("number"):
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode
