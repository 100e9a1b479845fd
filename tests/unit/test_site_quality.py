"""The small tools that make the site light and accessible, each on a page of a few lines."""

import base64
import io
import re
from pathlib import Path

import pydata_sphinx_theme
import pytest
from fontTools.ttLib import TTFont
from lxml import html as markup

from distance_to_care.publication import (
    accessibility,
    checks,
    fonts,
    mathematics,
    site_quality,
    stylesheet,
)

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"


def page(body: str, head: str = "<title>T</title>") -> markup.HtmlElement:
    return markup.document_fromstring(
        f'<!DOCTYPE html><html lang="en-GB"><head>{head}</head><body>{body}</body></html>'
    )


def known(body: str, script: str = "") -> stylesheet.Vocabulary:
    vocabulary = stylesheet.Vocabulary()
    vocabulary.add_page(page(body))
    vocabulary.add_script(script)
    return vocabulary


# The style sheet ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "selector",
    [
        "p",
        ".note",
        "p.note > a[href]",
        "#top",
        "html[data-theme=dark] .note",
        "p:not(.absent)",
        "p:is(.absent, .note)",
        "p:hover::after",
        "*",
        ".scrolled p",  # only a script knows this class
        "dialog[open]",
    ],
)
def test_purge_keeps_what_a_page_or_a_script_uses(selector):
    words = known('<p class="note" id="top"><a href="x">x</a></p><dialog></dialog>', "'scrolled'")
    assert stylesheet.purge(f"{selector}{{color:red}}", words) == f"{selector}{{color:red}}\n"


@pytest.mark.parametrize(
    "selector",
    ["table", ".absent", "p.absent", "#bottom", "a[rel]", "p:is(.absent, table)", ".note .absent"],
)
def test_purge_drops_what_nothing_uses(selector):
    words = known('<p class="note" id="top"><a href="x">x</a></p>')
    assert stylesheet.purge(f"{selector}{{color:red}}", words) == ""


def test_purge_keeps_the_used_half_of_a_rule_and_empties_media_queries():
    words = known("<p>x</p>")
    css = "p,table{margin:0 !important} @media print{table{margin:0}} @media print{p{top:0}}"
    assert stylesheet.purge(css, words) == "p{margin:0!important}\n@media print{p{top:0}\n}\n"


def test_purge_follows_variables_animations_and_fonts():
    words = known("<p>x</p>")
    css = (
        ":root{--a:var(--b);--b:1px;--c:2px}p{top:var(--a);animation:spin 1s}"
        "@keyframes spin{to{top:0}}@keyframes unused{to{top:0}}"
        "@font-face{font-family:Gone;src:url(x.woff2)}"
    )
    written = stylesheet.purge(css, words)
    assert "--b:1px" in written
    assert "--c" not in written
    assert "@keyframes spin" in written
    assert "unused" not in written
    assert "Gone" not in written


def test_icons_are_cut_to_those_that_the_style_sheet_shows():
    css = (
        '@font-face{font-family:F;font-weight:900;src:url(fa-solid-900.woff2) format("woff2"),'
        'url(fa-solid-900.ttf) format("truetype")}\n.fa-bars:before{content:"\\f0c9"}'
    )
    written = fonts.embed(css, THEME)
    assert written == fonts.embed(css, THEME), "the same input gives other bytes"
    assert ".ttf" not in written
    data = re.search(r"base64,([^)]+)\)", written).group(1)
    assert len(data) < 2_000
    with TTFont(io.BytesIO(base64.b64decode(data))) as font:
        assert set(font.getBestCmap()) == {0xF0C9}


def test_fonts_without_a_shown_icon_are_dropped():
    css = '@font-face{font-family:F;src:url(fa-solid-900.woff2)}.x:before{content:"\\eeeee"}'
    assert "@font-face" not in fonts.embed(css, THEME)


# Repairs -----------------------------------------------------------------------------------------


def test_tables_get_scopes_numbers_and_a_named_box():
    tree = page(
        '<main><table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th>'
        "<th>name</th><th>years</th></tr></thead><tbody>"
        "<tr><th>0</th><td>a</td><td>-1,234.5</td></tr><tr><th>1</th><td>2</td><td>NaN</td></tr>"
        "</tbody></table></main>"
    )
    accessibility.repair(tree, "Book")
    table = tree.find(".//table")
    assert table.get("border") is None
    assert not tree.xpath("//th[not(normalize-space())]")
    assert [cell.get("scope") for cell in table.iter("th")] == ["col", "col", "row", "row"]
    aligned = [cell.text for cell in table.xpath(".//*[contains(@class, 'number')]")]
    assert aligned == ["years", "-1,234.5", "NaN"]
    box = table.getparent()
    assert (box.get("role"), box.get("tabindex")) == ("group", "0")
    assert box.get("aria-label")


def test_figures_get_a_box_with_their_drawing_for_phones_inside_it():
    tree = page(
        '<main><figure class="published-figure"><img src="a.svg" alt="A"></figure>'
        '<figure class="published-figure phone-figure"><picture><source srcset="c.svg"/>'
        '<img src="b.svg" alt="B"></picture></figure></main>'
    )
    accessibility.repair(tree, "Book")
    boxes = tree.xpath("//div[contains(@class, 'figure-box')]")
    assert [box[0].tag for box in boxes] == ["img", "picture"]
    assert all(box.get("tabindex") == "0" and box.get("aria-label") for box in boxes)
    assert [child.tag for child in boxes[1][0]] == ["source", "img"]
    # As browsers read it: a source has no end.
    assert "</source>" not in site_quality._written(tree)


def test_entries_of_a_bibliography_are_items_of_their_list():
    tree = page(
        '<main><div role="list"><div class="citation" id="source-a" role="doc-biblioentry">'
        "<p>A.</p></div></div></main>"
    )
    accessibility.repair(tree, "Book")
    assert tree.get_element_by_id("source-a").get("role") == "listitem"


def test_controls_are_named_by_what_they_show():
    tree = page(
        '<button class="search-button__button" aria-label="Search" title="Search">Search Ctrl+K'
        '</button><button class="primary-toggle"><i class="fa-bars" title="x"></i></button>'
        '<details><summary aria-label="Toggle">Show</summary></details>'
    )
    accessibility.repair(tree, "Book")
    first, second = tree.iter("button")
    assert first.get("aria-label") is None
    assert second.get("aria-label") == "Book menu"
    assert tree.find(".//i").get("aria-hidden") == "true"
    assert tree.find(".//summary").get("aria-label") is None


def test_without_script_the_list_of_all_pages_takes_the_place_of_menu_and_search():
    tree = page(
        '<nav><a href="book/all_pages.html">All</a></nav>'
        '<main><button class="primary-toggle"></button><button class="secondary-toggle"></button>'
        '<div class="bd-search-container"><noscript><p>Please activate it.</p></noscript>'
        "<form></form></div></main>"
    )
    accessibility.repair(tree, "Book")
    for hidden in tree.xpath("//button | //form/.."):
        assert "pst-js-only" in hidden.get("class").split()
    beside, search = tree.xpath("//noscript")
    assert beside.getprevious().get("class").startswith("primary-toggle")
    assert "activate" not in search.text_content()
    for words in (beside, search):
        assert words.xpath(".//a/@href") == ["book/all_pages.html"]


def test_layout_that_nobody_sees_goes_and_that_of_code_stays():
    tree = page(
        "<!-- note --><div>\n    <p>One <b>two</b>\n   <i>three</i></p>\n\n    </div>"
        "<pre>\n\n    <b>x</b>\n    </pre><textarea>\n\n    </textarea>"
    )
    site_quality._without_layout(tree)
    written = markup.tostring(tree.body, encoding="unicode")
    assert written == (
        "<body><div>\n<p>One <b>two</b>\n<i>three</i></p>\n</div>"
        "<pre>\n\n    <b>x</b>\n    </pre><textarea>\n\n    </textarea></body>"
    )


def test_scripts_for_other_hosts_and_for_absent_parts_go():
    tree = page(
        "<p>x</p>",
        '<title>T</title><script src="https://cdn.example/mathjax.js"></script>'
        '<script src="_static/scripts/fontawesome.js?digest=1"></script>'
        '<script>const THEBE_JS_URL = "https://unpkg.com/thebe"</script>'
        '<script src="_static/copybutton.js"></script><script src="_static/doctools.js"></script>'
        '<link rel="preload" as="script" href="_static/scripts/bootstrap.js">',
    )
    site_quality.drop_scripts(tree)
    assert tree.xpath("//script/@src") == ["_static/copybutton.js", "_static/doctools.js"]
    assert not tree.xpath("//link")
    search = page('<p>x</p><script src="design-tabs.js"></script><script src="searchindex.js">')
    site_quality.drop_scripts(search)
    assert not search.xpath("//script")


# Formulas ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tex", "display", "expected"),
    [
        (r"\beta^\top x", "inline", "<msup>"),
        (r"\hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right)", "block", "<mfrac>"),
        (r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block", "<mtable"),
        (r"a &= b \\ c &= d", "block", "<mtable"),
    ],
)
def test_formulas_become_mathml(tex, display, expected):
    written = mathematics.to_mathml(tex, display)
    assert expected in written
    assert f'display="{display}"' in written
    assert "\\" not in written
    assert "<mi>&</mi>" not in written


@pytest.mark.parametrize("tex", [r"\nosuchcommand{x}", r"\left( x"])
def test_a_formula_that_is_not_understood_is_a_problem(tex):
    with pytest.raises(ValueError, match=r"\S"):
        mathematics.to_mathml(tex, "inline")


# Checks of the built site ------------------------------------------------------------------------

GOOD = (
    '<!DOCTYPE html><html lang="en-GB"><head><title>T</title>'
    '<meta name="description" content="D"><link rel="stylesheet" href="a.css"></head><body><main>'
    '<h1 id="one">One</h1><h2>Two</h2><p><a href="b.html#one">b</a> '
    '<a href="https://www.example.org/">web</a></p>'
    '<img src="a.svg" alt="Line chart: it rises." width="4" height="3"></main></body></html>'
)


@pytest.fixture
def small_site(tmp_path):
    for name in ("index.html", "b.html"):
        (tmp_path / name).write_text(GOOD)
    (tmp_path / "a.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "a.css").write_text("p{color:red}")
    return tmp_path


def test_a_good_site_has_no_problem(small_site):
    assert checks.problems(small_site) == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (' alt="Line chart: it rises."', "", "a.svg has no alt text"),
        ("Line chart: it rises.", " ", "a.svg has an empty alt text"),
        (' width="4"', "", "has no width and height"),
        ("Line chart: it rises.", "../_images/0a1b.png", "has a file name for an alt text"),
        ('src="a.svg"', 'src="gone.svg"', "'gone.svg' leads to no file"),
        ("b.html#one", "c.html", "'c.html' leads to no file"),
        ("b.html#one", "b.html#nine", "'b.html#nine' leads to a place that b.html does not have"),
        ("b.html#one", "#nine", "'#nine' leads to a place that the page does not have"),
        ("b.html#one", "/b.html", "starts at the root of the host"),
        ("b.html#one", "file:///home/x", "leads into one computer's folders"),
        ('src="a.svg"', 'src="https://x.org/a.svg"', "fetches 'https://x.org/a.svg'"),
        ('src="a.svg"', 'src="//x.org/a.svg"', "fetches '//x.org/a.svg'"),
        ('href="a.css"', 'href="https://x.org/a.css"', "fetches 'https://x.org/a.css'"),
        ("<p>", '<p style="background:url(http://x.org/b)">', "fetches 'http://x.org/b'"),
        ("<p>", '<iframe src="https://x.org/" title="t"></iframe><p>', "fetches 'https://x.org/'"),
        ("<p>", "<script>fetch('https://x.org/')</script><p>", "a script in the page fetches"),
        ("<title>T</title>", "", "has no title"),
        (' lang="en-GB"', "", "does not say its language"),
        ('content="D"', 'content=""', "has no description"),
        ("<h2>Two</h2>", '<h2 id="one">Two</h2>', "'one' occurs 2 times"),
        ("<h2>Two</h2>", "<h3>Two</h3>", "'Two' jumps from level 1 to 3"),
        ("<h2>Two</h2>", "<h1>Two</h1>", "2 main headings"),
        ("<p>", '<svg viewBox="0 0 1 1"></svg><p>', "a drawing (svg) has neither"),
    ],
)
def test_each_fault_of_a_page_is_named(small_site, old, new, sentence):
    assert old in GOOD
    (small_site / "index.html").write_text(GOOD.replace(old, new, 1))
    found = checks.problems(small_site)
    assert len(found) == 1, found
    assert found[0].startswith("index.html: ")
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.css", "p{background:url(https://x.org/b.png)}", "a.css: the style sheet fetches"),
        ("a.css", "@import 'https://x.org/b.css';", "a.css: the style sheet fetches"),
        ("a.css", "p{background:url(b.png)}", "'b.png', which does not exist"),
        ("a.js", "fetch('https://x.org/')", "a.js: the script fetches"),
        ("a.svg", "<svg><image href='https://x.org/b.png'/></svg>", "a.svg: the drawing fetches"),
    ],
)
def test_each_fault_of_an_asset_is_named(small_site, name, content, sentence):
    (small_site / name).write_text(content)
    found = checks.problems(small_site)
    assert len(found) == 1, found
    assert sentence in found[0]


def test_an_empty_folder_is_not_a_good_site(tmp_path):
    assert "Build the book first" in checks.problems(tmp_path)[0]


# The whole ---------------------------------------------------------------------------------------

THEME_PAGE = (
    '<!DOCTYPE html><html lang="en-GB" data-theme="auto"><head><title>{name}</title>'
    '<script>document.documentElement.dataset.mode = localStorage.getItem("mode")</script>'
    '<link rel="stylesheet" href="../_static/one.css?v=1">'
    '<link rel="stylesheet" href="../_static/two.css"></head>'
    '<body><main id="main-content"><h1 class="{name}">Title</h1></main></body></html>'
)


@pytest.fixture
def raw_site(tmp_path):
    static = tmp_path / "_static"
    (static / "styles").mkdir(parents=True)
    (tmp_path / "book").mkdir()
    for name in ("first", "second"):
        (tmp_path / "book" / f"{name}.html").write_text(THEME_PAGE.format(name=name))
    (static / "one.css").write_text('@import "styles/zero.css";.first{color:red}.gone{top:0}')
    (static / "styles" / "zero.css").write_text(".second{background:url(../dot.png)}")
    (static / "two.css").write_text("h1{margin:0}")
    (static / "dot.png").write_bytes(b"")
    return tmp_path


def finish(site: Path) -> dict[str, bytes]:
    site_quality.finish_site(site, "book/first", "Book", "en-GB")
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def test_one_style_sheet_serves_all_pages_in_the_order_of_the_theme(raw_site):
    files = finish(raw_site)
    css = files["_static/site.css"].decode()
    order = [css.index(part) for part in (".second", ".first", "h1{")]
    assert order == sorted(order)
    assert ".gone" not in css
    assert 'url("dot.png")' in css
    assert set(files) == {
        "_static/dot.png", "_static/site.css", "book/first.html", "book/second.html", "index.html",
    }  # fmt: skip
    for name in ("book/first.html", "book/second.html"):
        links = markup.document_fromstring(files[name].decode()).xpath("//link/@href")
        assert [link.split("?")[0] for link in links] == ["../_static/site.css"]


def test_a_site_that_is_finished_stays_as_it_is(raw_site):
    once = finish(raw_site)
    assert finish(raw_site) == once


def test_an_incremental_build_gives_the_same_site_as_a_fresh_one(raw_site, tmp_path_factory):
    """Sphinx rewrites one page and copies the theme's files again; the other page is done."""
    static = raw_site / "_static"
    sources = {p: p.read_bytes() for p in static.rglob("*.css")}
    fresh = finish(raw_site)
    (static / "styles").mkdir()
    for path, content in sources.items():
        path.write_bytes(content)
    (raw_site / "book" / "second.html").write_text(THEME_PAGE.format(name="second"))
    assert finish(raw_site) == fresh


def test_a_style_sheet_on_another_host_is_a_problem(raw_site):
    (raw_site / "_static" / "two.css").write_text("@import url(https://x.org/a.css);")
    with pytest.raises(site_quality.Problem, match=r"two\.css imports"):
        finish(raw_site)
