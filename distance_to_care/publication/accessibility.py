"""Repairs of what the theme, the notebook renderer and pandas write into pages.

Each function mends one known fault of a parsed page in place; `repair` calls them all. The faults
were found with axe-core (rule names in the docstrings) and by reading pages with a keyboard.
"""

from __future__ import annotations

import re

from lxml import etree
from lxml import html as markup

NUMBER = re.compile(r"[-−+]?(\d[\d,]*)?\.?\d+(e[-+]?\d+)?\s?%?", re.IGNORECASE)
NO_VALUE = {"", "nan", "none", "–", "-", "[c]", "[x]", "[low]"}
ROW_CELLS = ("td", "th")
# What a term of the glossary means stands behind the term, out of sight.
IN_SIGHT = etree.XPath(".//text()[not(ancestor::*[@role='tooltip'])]")
LONG_TEXT = 40  # characters from which a table cell may not be squeezed to one word a line
# Names for buttons that show an icon only; the theme speaks of the "primary sidebar".
BUTTON_NAMES = {
    "primary-toggle": "Book menu",
    "secondary-toggle": "Contents of this page",
    "theme-switch-button": "Colour scheme: light, dark or as the system",
}
# Buttons that only a script gives a use, and the class by which the theme hides such.
NEEDS_SCRIPT = ("primary-toggle", "secondary-toggle")
HIDDEN_WITHOUT_SCRIPT = "pst-js-only"


def _has_class(element: markup.HtmlElement, name: str) -> bool:
    return name in (element.get("class") or "").split()


def _with_class(page: markup.HtmlElement, name: str) -> list[markup.HtmlElement]:
    return [
        element
        for element in page.xpath(f"//*[contains(@class, '{name}')]")
        if _has_class(element, name)
    ]


def _add_class(element: markup.HtmlElement, *names: str) -> None:
    present = (element.get("class") or "").split()
    element.set("class", " ".join(dict.fromkeys([*present, *names])))


def _text(element: markup.HtmlElement) -> str:
    # Most cells of tables hold nothing but words.
    seen = IN_SIGHT(element) if len(element) else [element.text or ""]
    return " ".join("".join(seen).split())


def _wrap(element: markup.HtmlElement, tag: str, **attributes: str) -> markup.HtmlElement:
    parent = element.getparent()
    box = markup.Element(tag, {name.replace("_", "-"): v for name, v in attributes.items()})
    box.tail, element.tail = element.tail, None
    parent.replace(element, box)
    box.append(element)
    return box


def name_controls(page: markup.HtmlElement) -> None:
    """Let what a control shows be its name (label-content-name-mismatch), and hide icons."""
    for icon in page.xpath("//i[contains(@class, 'fa-')] | //span[contains(@class, 'fa-')]"):
        icon.set("aria-hidden", "true")
        icon.attrib.pop("title", None)
    for button in page.iter("button"):
        if _text(button):
            button.attrib.pop("aria-label", None)
            button.attrib.pop("title", None)
        for name, label in BUTTON_NAMES.items():
            if _has_class(button, name):
                button.set("aria-label", label)
                button.set("title", label)
        # Tooltips were drawn by a script that is no longer loaded: browsers show `title`.
        for attribute in ("data-bs-toggle", "data-bs-placement", "data-bs-title"):
            button.attrib.pop(attribute, None)
    for summary in page.iter("summary"):
        summary.attrib.pop("aria-label", None)
        if not _text(summary):
            # In the contents an icon opens the pages below the one that the link before it names.
            link = summary.getparent().getprevious()
            above = _text(link) if link is not None else ""
            summary.set("aria-label", f"Pages under {above}" if above else "Pages below")
    for shortcut in _with_class(page, "search-button__kbd-shortcut"):
        shortcut.set("aria-hidden", "true")
    for field in page.xpath("//form[contains(@class, 'bd-search')]//input[@type='search']"):
        field.attrib.pop("autocorrect", None)
    for box in _with_class(page, "task-list-item-checkbox"):
        item = next(box.iterancestors("li"), page)
        box.set("aria-label", f"{'Done' if box.get('checked') else 'Open'}: {_text(item)[:80]}")
    for link in _with_class(page, "headerlink"):
        link.set("aria-label", link.get("title") or "Link to this place")


def name_landmarks(page: markup.HtmlElement) -> None:
    """Put all content into named landmarks (region), and drop the theme's empty ones."""
    for identifier, label in (("pst-primary-sidebar", "Book"), ("pst-secondary-sidebar", "Page")):
        for sidebar in page.xpath(f"//*[@id='{identifier}']"):
            if identifier == "pst-primary-sidebar":
                sidebar.set("role", "complementary")
                sidebar.set("aria-label", label)
    for dialog, label in (
        ("pst-primary-sidebar-modal", "Book menu"),
        ("pst-secondary-sidebar-modal", "Contents of this page"),
        ("pst-search-dialog", "Search"),
    ):
        for element in page.xpath(f"//dialog[@id='{dialog}']"):
            element.set("aria-label", label)
    for main in page.iter("main"):
        main.set("tabindex", "-1")  # so that the skip link moves the focus as well
    for element in page.xpath("//body//header | //body//footer"):
        if not _text(element) and not element.xpath(".//img | .//button | .//a | .//input"):
            element.drop_tree()
    for caption in page.xpath("//nav//p[@role='heading']"):
        # Captions of the menu come before the page's own heading: they are labels, not headings.
        caption.attrib.pop("role", None)
        caption.attrib.pop("aria-level", None)


def drop_duplicates(page: markup.HtmlElement) -> None:
    """Drop parts that the theme writes twice or for services that this book does not use."""
    for identifier in ("jb-print-docs-body", "ethical-ad-placement", "bd-header-version-warning"):
        for element in page.xpath(f"//*[@id='{identifier}']"):
            element.drop_tree()
    for element in _with_class(page, "pst-async-banner-revealer"):
        element.drop_tree()
    for item in _with_class(page, "sidebar-primary-item") + _with_class(page, "footer-item"):
        if not _text(item) and not item.xpath(".//img | .//svg | .//button | .//a"):
            item.drop_tree()
    for group in _with_class(page, "sidebar-header-items") + _with_class(
        page, "sidebar-primary-items__end"
    ):
        if not _text(group) and not len(group):
            group.drop_tree()
    seen = False
    for meta in page.xpath("//head/meta[@name='viewport']"):
        if seen:
            meta.drop_tree()
        seen = True
    for meta in page.xpath("//head/meta[starts-with(@name, 'docsearch:')]"):
        meta.drop_tree()
    body = page.find("body")
    if body is not None:
        for attribute in [name for name in body.attrib if name.startswith("data-bs-")]:
            del body.attrib[attribute]
        body.attrib.pop("data-offset", None)
        body.set("data-default-mode", "auto")


def name_site(page: markup.HtmlElement, title: str) -> None:
    """Show the title beside the logo, and let it name the link to the first page."""
    for brand in _with_class(page, "navbar-brand"):
        for image in brand.iter("img"):
            image.set("alt", "")  # the words beside it say the same
        for image in brand.xpath(".//*[contains(@class, 'only-dark')]"):
            image.drop_tree()  # one drawing serves both schemes
        for image in brand.iter("img"):
            image.attrib.pop("class", None)
        if not _text(brand):
            name = markup.Element("span", {"class": "site-name"})
            name.text = title
            brand.append(name)


def offer_notebook(page: markup.HtmlElement) -> None:
    """Make the download menu, which needs a large script, one plain link to the notebook."""
    for menu in _with_class(page, "dropdown-download-buttons"):
        sources = menu.xpath(".//a[contains(@href, '.ipynb')]/@href")
        if sources:
            link = markup.fragment_fromstring(
                '<a class="btn btn-sm download-notebook" download="">Download notebook</a>'
            )
            link.set("href", sources[0])
            link.tail = menu.tail
            menu.getparent().replace(menu, link)
        else:
            menu.drop_tree()


def mark_up_tables(page: markup.HtmlElement) -> None:
    """Give tables header cells with a scope, and align numbers (empty-table-header).

    Columns whose every value is a number, or missing, get the class `number`, header included.
    """
    for style in page.xpath("//body//style[@scoped]"):
        style.drop_tree()
    for table in page.iter("table"):
        table.attrib.pop("border", None)
        rows = list(table.iter("tr"))
        for row in rows:
            if "text-align" in (row.get("style") or ""):
                del row.attrib["style"]
            in_head = row.getparent().tag == "thead" or row is rows[0]
            for cell in row:
                if cell.tag != "th":
                    continue
                if not _text(cell):
                    cell.tag = "td"
                    cell.attrib.pop("scope", None)
                elif not cell.get("scope"):
                    cell.set("scope", "col" if in_head else "row")
        _align_numbers(rows)
        for cell in table.iter("td"):
            if len(_text(cell)) > LONG_TEXT:
                _add_class(cell, "long")


def _align_numbers(rows: list[markup.HtmlElement]) -> None:
    grid = [[cell for cell in row if cell.tag in ROW_CELLS] for row in rows]
    if any(cell.get("colspan") or cell.get("rowspan") for row in grid for cell in row):
        return
    in_body = [row.getparent().tag != "thead" for row in rows]
    if all(in_body):
        in_body[:1] = [False]
    for column in range(max((len(row) for row in grid), default=0)):
        there = [row[column] if column < len(row) else None for row in grid]
        said = [
            _text(cell)
            for cell, counts in zip(there, in_body, strict=True)
            if counts and cell is not None and cell.tag == "td"
        ]
        filled = [text for text in said if text.lower() not in NO_VALUE]
        if filled and all(map(NUMBER.fullmatch, filled)):
            for cell in there:
                if cell is not None:
                    _add_class(cell, "number")


def box_wide_parts(page: markup.HtmlElement) -> None:
    """Let wide tables and code scroll inside a box with a name that the keyboard can reach.

    (scrollable-region-focusable) The theme's script takes the box out of the tab order again where
    everything fits.
    """
    for table in page.xpath("//main//table | //article//table"):
        if any(_has_class(parent, "scroll-box") for parent in table.iterancestors()):
            continue
        caption = table.find("caption")
        label = f"Table: {_text(caption)}" if caption is not None else "Table"
        parent = table.getparent()
        if _has_class(parent, "pst-scrollable-table-container") or _has_class(
            parent, "table-scroll"
        ):
            box = parent
        else:
            box = _wrap(table, "div")
        _add_class(box, "pst-scrollable-table-container", "scroll-box")
        box.set("role", "group")
        box.set("aria-label", label)
        box.set("tabindex", "0")
    drawings = "//figure[contains(@class, 'published-figure')]/*[self::img or self::picture]"
    for image in page.xpath(drawings):
        box = _wrap(image, "div", role="group", tabindex="0", aria_label="Figure")
        _add_class(box, "pst-scrollable-table-container", "scroll-box", "figure-box")
    for block in page.xpath("//main//pre"):
        output = any(_has_class(parent, "cell_output") for parent in block.iterancestors())
        block.set("role", "group")
        block.set("aria-label", "Output" if output else "Code")
        block.set("tabindex", "0")


def list_references(page: markup.HtmlElement) -> None:
    """Make each entry of a bibliography an item of its list: its own role is out of use."""
    for entry in page.xpath("//*[@role='doc-biblioentry']"):
        entry.set("role", "listitem")


def serve_without_script(page: markup.HtmlElement) -> None:
    """Hide what needs a script where none runs, and lead to the list of all pages in its place."""
    for name in NEEDS_SCRIPT:
        for button in _with_class(page, name):
            _add_class(button, HIDDEN_WITHOUT_SCRIPT)
    lists = page.xpath("//nav//a[contains(@href, 'all_pages.html')]/@href")
    if not lists:
        return
    link = f'<a href="{lists[0]}">List of all pages</a>'
    for button in _with_class(page, "primary-toggle")[:1]:
        button.addnext(markup.fragment_fromstring(f"<noscript>{link}</noscript>"))
    for words in page.xpath("//*[contains(@class, 'bd-search-container')]/noscript"):
        said = f"<p>The search needs JavaScript, which does not run here. {link}</p>"
        there = markup.fragment_fromstring(f"<noscript>{said}</noscript>")
        words.getparent().replace(words, there)
        for form in page.xpath("//*[contains(@class, 'bd-search-container')]//form"):
            # The form's own way of standing would win over the class.
            _add_class(_wrap(form, "div"), HIDDEN_WITHOUT_SCRIPT)


def repair(page: markup.HtmlElement, title: str) -> None:
    """Mend every known accessibility fault of a parsed page in place; title is the book's."""
    drop_duplicates(page)
    name_site(page, title)
    offer_notebook(page)
    name_controls(page)
    name_landmarks(page)
    mark_up_tables(page)
    list_references(page)
    box_wide_parts(page)
    serve_without_script(page)
