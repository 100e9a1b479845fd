"""One small stylesheet for the whole site: what no page and no script uses is left out.

The theme's style sheets hold rules for several hundred components; a page of this book uses a few
dozen. A rule is kept when every tag, class, identifier and attribute that its selector names occurs
in some page or, as a word, in some script (scripts add classes such as `scrolled`). When in doubt a
rule is kept: a rule too many costs bytes, a rule too few breaks a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import tinycss2
from lxml import html as markup

# States that browsers and scripts set although no file spells them out.
DYNAMIC_ATTRIBUTES = {"data-theme", "data-mode", "open", "tabindex", "hidden", "disabled", "dir"}
ROOT_TAGS = {"html", "body"}
# `:is()` and its old names ask for any one of their arguments; `:not()` asks for absence.
ANY_OF = {"is", "where", "matches", "-webkit-any", "-moz-any"}
NESTED_RULES = {"media", "supports", "layer", "container"}
WORD = re.compile(r"-?[A-Za-z_][\w-]*")
VARIABLE = re.compile(r"var\(\s*(--[\w-]+)")
LICENCE_NOTE = (
    "/* Distance to Care (MIT). Holds the used parts of sphinx-book-theme and"
    " pydata-sphinx-theme (BSD-3-Clause), Bootstrap 5 (MIT), MyST-NB (BSD-3-Clause),"
    " sphinx-design, sphinx-copybutton and sphinx-togglebutton (MIT) and"
    " Font Awesome Free 6 icons (SIL OFL 1.1). */\n"
)


@dataclass
class Vocabulary:
    """Every name that a selector may ask for and find: tags, classes, identifiers, attributes."""

    tags: set[str] = field(default_factory=lambda: set(ROOT_TAGS))
    classes: set[str] = field(default_factory=set)
    identifiers: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=lambda: set(DYNAMIC_ATTRIBUTES))
    words: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)

    def add_page(self, page: markup.HtmlElement) -> None:
        """Take in the tags, classes, identifiers and attributes of one parsed page."""
        for element in page.iter():
            if not isinstance(element.tag, str):
                continue
            self.tags.add(element.tag)
            self.attributes.update(element.attrib)
            self.classes.update((element.get("class") or "").split())
            if element.get("id"):
                self.identifiers.add(element.get("id"))
            self.variables.update(VARIABLE.findall(element.get("style") or ""))
            if element.tag in {"script", "style"} and element.text:
                self.add_script(element.text)

    def add_script(self, source: str) -> None:
        """Take in every word of a script: any of them may become a class or a tag."""
        self.words.update(WORD.findall(source))
        self.variables.update(re.findall(r"--[\w-]+", source))

    def has_tag(self, name: str) -> bool:
        return name.lower() in self.tags or name in self.words

    def has_class(self, name: str) -> bool:
        return name in self.classes or name in self.words

    def has_identifier(self, name: str) -> bool:
        return name in self.identifiers or name in self.words

    def has_attribute(self, name: str) -> bool:
        return name in self.attributes


def _split_at_commas(tokens: Iterable) -> list[list]:
    parts: list[list] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def selector_is_used(tokens: list, known: Vocabulary) -> bool:
    """Tell whether one selector (no commas) can match an element of some page.

    tokens: component values of the selector as `tinycss2` gives them.
    """
    previous = ""
    for token in tokens:
        kind = token.type
        if kind == "ident" and previous == ".":
            if not known.has_class(token.value):
                return False
        elif kind == "ident" and previous != ":":
            if not known.has_tag(token.value):
                return False
        elif kind == "hash":
            if not known.has_identifier(token.value):
                return False
        elif kind == "[] block":
            names = [part.value for part in token.content if part.type == "ident"]
            if names and not known.has_attribute(names[0]):
                return False
        elif (
            kind == "function"
            and token.lower_name in ANY_OF
            and not any(selector_is_used(part, known) for part in _split_at_commas(token.arguments))
        ):
            return False
        previous = token.value if kind == "literal" else ""
    return True


def _purge_rules(rules: list, known: Vocabulary) -> list[tuple[str, str, list]]:
    """Give (kind, head, body) triples: body is a list of declarations or of triples."""
    kept: list[tuple[str, str, list]] = []
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = [
                tinycss2.serialize(part).strip()
                for part in _split_at_commas(rule.prelude)
                if selector_is_used(part, known)
            ]
            declarations = [
                item
                for item in tinycss2.parse_blocks_contents(
                    rule.content, skip_comments=True, skip_whitespace=True
                )
                if item.type == "declaration"
            ]
            if selectors and declarations:
                kept.append(("rule", ",".join(dict.fromkeys(selectors)), declarations))
        elif rule.type == "at-rule":
            keyword = rule.lower_at_keyword
            head = tinycss2.serialize(rule.prelude).strip()
            if keyword in NESTED_RULES and rule.content is not None:
                inner = tinycss2.parse_rule_list(
                    rule.content, skip_comments=True, skip_whitespace=True
                )
                body = _purge_rules(inner, known)
                if body:
                    kept.append(("group", f"@{keyword} {head}", body))
            elif keyword in {"keyframes", "-webkit-keyframes"}:
                kept.append(("keyframes", f"@{keyword} {head}", rule.content))
            elif keyword in {"font-face", "page"}:
                declarations = tinycss2.parse_blocks_contents(
                    rule.content, skip_comments=True, skip_whitespace=True
                )
                kept.append((keyword, f"@{keyword}{' ' + head if head else ''}", declarations))
            # @charset is written by us; @import would fetch another file and is not supported.
    return kept


def _declarations(triples: list) -> Iterable:
    for kind, _, body in triples:
        if kind == "group":
            yield from _declarations(body)
        elif kind != "keyframes":
            yield from body


def _used_variables(triples: list, known: Vocabulary) -> set[str]:
    """Custom properties that some kept declaration asks for, directly or through another."""
    asks: dict[str, set[str]] = {}
    wanted = set(known.variables)
    for item in _declarations(triples):
        names = set(VARIABLE.findall(tinycss2.serialize(item.value)))
        if item.name.startswith("--"):
            asks.setdefault(item.name, set()).update(names)
        else:
            wanted |= names
    frontier = list(wanted)
    while frontier:
        for name in asks.get(frontier.pop(), ()):
            if name not in wanted:
                wanted.add(name)
                frontier.append(name)
    return wanted


def _minified(tokens: list) -> str:
    text = tinycss2.serialize([t for t in tokens if t.type != "comment"]).strip()
    return re.sub(r"\s+", " ", text) if '"' not in text and "'" not in text else text


def _written(triples: list, variables: set[str], animations: set[str], families: set[str]) -> str:
    parts = []
    for kind, head, body in triples:
        if kind == "group":
            inner = _written(body, variables, animations, families)
            if inner:
                parts.append(f"{head}{{{inner}}}\n")
            continue
        if kind == "keyframes":
            if head.split(" ", 1)[1] in animations:
                parts.append(f"{head}{{{tinycss2.serialize(body).strip()}}}\n")
            continue
        if kind == "font-face" and _family(body) not in families:
            continue
        lines = [
            f"{item.name}:{_minified(item.value)}{'!important' if item.important else ''}"
            for item in body
            if item.type == "declaration"
            and (not item.name.startswith("--") or item.name in variables)
        ]
        if lines:
            parts.append(f"{head}{{{';'.join(lines)}}}\n")
    return "".join(parts)


def _family(declarations: list) -> str:
    for item in declarations:
        if item.type == "declaration" and item.name == "font-family":
            return _plain(tinycss2.serialize(item.value))
    return ""


def _plain(text: str) -> str:
    return text.replace("\\", "").replace('"', "").replace("'", "").strip()


def purge(css: str, known: Vocabulary) -> str:
    """Leave out of a style sheet what nothing on the site uses, in the same order.

    css: source of one or more style sheets, joined in the order in which pages load them.
    known: names found in all pages and scripts.
    Returns style rules, and only those custom properties, animations and fonts that they use.
    """
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    triples = _purge_rules(rules, known)
    variables = _used_variables(triples, known)
    values = " ".join(
        tinycss2.serialize(item.value)
        for item in _declarations([t for t in triples if t[0] != "font-face"])
        if item.type == "declaration" and (not item.name.startswith("--") or item.name in variables)
    )
    animations = set(WORD.findall(values))
    families = {
        family
        for kind, _, body in triples
        if kind == "font-face" and (family := _family(body)) in _plain(values)
    }
    return _written(triples, variables, animations, families)
