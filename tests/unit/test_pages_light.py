"""Figures as files, one script, what a page weighs, and a server that compresses."""

from __future__ import annotations

import base64
import gzip
import http.client
import io
import re
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import numpy as np
import pytest
from lxml import html as markup
from PIL import Image

from distance_to_care.publication import checks, drawings, page_weight, scripts, serving

SVG = (
    '<svg role="img" width="360pt" height="180.25pt" viewBox="0 0 360 180.25" '
    'xmlns="http://www.w3.org/2000/svg">\n <metadata><a>b</a></metadata>\n <!-- axes -->\n'
    ' <g transform="translate(12.123456 3.999999) scale(0.001234)">\n'
    '  <path d="M 57.604 307.58449 \nL 414.7 -0.000001"/>\n'
    '  <text x="12.34567" y="3">two <tspan>words</tspan>\n   <tspan>0.12345</tspan></text>\n'
    " </g>\n</svg>\n"
)


def inside(svg: str) -> str:
    return drawings.INSIDE + base64.b64encode(svg.encode()).decode()


# Figures -----------------------------------------------------------------------------------------


def test_a_light_drawing_has_the_same_words_and_places_to_a_hundredth():
    light = drawings.light(SVG)
    assert 'd="M 57.6 307.58 L 414.7 0"' in light
    assert 'x="12.35"' in light
    assert "metadata" not in light
    assert "<!--" not in light
    # Words and the blanks between them are what is read: not one is touched.
    assert ">two <tspan>words</tspan>\n   <tspan>0.12345</tspan></text>" in light
    # A factor is no place: two decimals would lose the drawing.
    assert "scale(0.001234)" in light
    assert drawings.light(light) == light


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (SVG.encode(), (480, 240)),
        (b'<svg viewBox="0 0 64 32" xmlns="http://www.w3.org/2000/svg"/>', (64, 32)),
        (b'<svg width="10px" height="20px"/>', (10, 20)),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\0\x10", (256, 16)),
        (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x1f\0\0", (64, 32)),
        (b"<svg/>", None),
    ],
)
def test_the_size_of_an_image_is_read_from_its_head(content, expected):
    assert drawings.size(content) == expected


@pytest.fixture
def page(tmp_path: Path) -> Path:
    (tmp_path / "downloads").mkdir()
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "downloads" / "curve.svg").write_text(SVG)
    narrow = SVG.replace("360pt", "180pt")
    path = tmp_path / "notebooks" / "chapter.html"
    path.write_text(
        '<html><body><figure id="figure-curve"><picture><source media="(max-width: 600px)" '
        f'srcset="{inside(narrow)}"/><img src="{inside(SVG)}" alt="A curve."></picture></figure>'
        '<img src="../downloads/curve.svg" alt="Again."></body></html>'
    )
    return path


def placed(page: Path) -> markup.HtmlElement:
    site = page.parents[1]
    drawings.lighten(site / "downloads")
    tree = markup.document_fromstring(page.read_text())
    drawings.place(tree, page, site)
    return tree


def test_figures_become_files_with_a_size_and_the_download_serves_as_one(page: Path):
    tree = placed(page)
    assert tree.xpath("//img/@src") == ["../downloads/curve.svg"] * 2
    assert {(i.get("width"), i.get("height")) for i in tree.iter("img")} == {("480", "240")}
    (source,) = tree.xpath("//source")
    assert (source.get("width"), source.get("height")) == ("240", "240")
    phone = page.parent / source.get("srcset")
    assert phone.read_text() == drawings.light(SVG.replace("360pt", "180pt"))


def test_a_drawing_that_is_not_the_download_gets_a_file_of_its_own(page: Path):
    (page.parents[1] / "downloads" / "curve.svg").write_text("<svg/>")
    tree = placed(page)
    shown = page.parent / tree.xpath("//picture/img/@src")[0]
    assert shown.read_text() == drawings.light(SVG)


def test_an_image_without_a_size_is_a_problem_of_the_site(page: Path):
    def found() -> list[str]:
        return [p for p in checks.problems(page.parents[1]) if "width and height" in p]

    assert len(found()) == 2
    page.write_text(markup.tostring(placed(page), encoding="unicode"))
    assert found() == []


def map_with(picture: Image.Image) -> str:
    written = io.BytesIO()
    picture.save(written, "PNG")
    data = base64.b64encode(written.getvalue()).decode()
    return (
        f'<svg width="9pt" height="9pt"><image xlink:href="data:image/png;base64,\n{data}"/></svg>'
    )


def pixels(svg: str) -> np.ndarray:
    data = re.search(r"data:image/(?:png|webp);base64,([^\"]+)", svg)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        return np.asarray(picture.convert("RGBA"))


@pytest.mark.parametrize("colours", [5, 200, 3000])
@pytest.mark.parametrize("webp", [True, False])
def test_squares_of_a_map_weigh_less_and_every_pixel_is_as_it_was(colours, webp):
    # Invented squares, some of them transparent in different degrees.
    rng = np.random.default_rng(5)
    listed = rng.integers(0, 256, (colours, 4), dtype=np.uint8)
    squares = listed[rng.integers(0, colours, (60, 60))].repeat(4, axis=0).repeat(4, axis=1)
    before = map_with(Image.fromarray(squares, "RGBA"))
    after = drawings.lighter_pictures(before, webp)
    assert np.array_equal(pixels(after), squares)
    if not webp and colours > drawings.MOST_COLOURS:
        assert after == before
    else:
        assert len(after) < len(before)
        assert ("image/webp" in after) is webp
        assert drawings.lighter_pictures(after, webp) == after


def test_a_page_shows_webp_and_the_download_stays_png(page: Path):
    squares = np.zeros((80, 80, 4), dtype=np.uint8)
    squares[::3, ::5] = (18, 67, 109, 255)
    download = page.parents[1] / "downloads" / "curve.svg"
    download.write_text(map_with(Image.fromarray(squares, "RGBA")))
    page.write_text('<html><body><img src="../downloads/curve.svg" alt="A map."></body></html>')
    shown = page.parent / placed(page).xpath("//img/@src")[0]
    assert shown.parent.name == drawings.FOLDER
    assert "image/webp" in shown.read_text()
    assert "image/png" in download.read_text()
    assert np.array_equal(pixels(shown.read_text()), pixels(download.read_text()))


# Scripts -----------------------------------------------------------------------------------------


def test_scripts_are_joined_in_the_order_of_the_theme_without_comment_lines(tmp_path: Path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "doctools.js").write_text(
        "/* About\n * it */\nconst a = 'http://x'; // why\n// no\n"
    )
    (tmp_path / "documentation_options.js").write_text("const D = {}")
    (tmp_path / "scripts" / "pydata-sphinx-theme.js").write_text("last()")
    (tmp_path / "claims.js").write_text("of one page")
    joined = scripts.joined(tmp_path, ["let t = 1;"])
    body = joined.removeprefix(scripts.LICENCE_NOTE)
    assert body == "let t = 1;\nconst D = {}\n;const a = 'http://x'; // why\n;last()\n"
    scripts.drop_joined(tmp_path)
    assert [path.name for path in tmp_path.rglob("*.js")] == ["claims.js"]
    assert scripts.joined(tmp_path, []) == ""


def test_a_page_asks_for_one_script_that_waits_and_then_for_its_own():
    tree = markup.document_fromstring(
        "<html><head><script>let toggleHintShow = 'Show';</script>"
        '<script src="_static/doctools.js?v=1"></script>'
        "<script>DOCUMENTATION_OPTIONS.pagename = 'x';</script><script>keep()</script>"
        '</head><body><script src="_static/searchtools.js"></script>'
        '<script defer src="_static/scripts/pydata-sphinx-theme.js"></script></body></html>'
    )
    assert scripts.settings([tree, tree]) == ["let toggleHintShow = 'Show';"]
    for version in ("1", "2"):  # a page that is done gets the address of a later bundle
        scripts.link(tree, f"_static/site.js?v={version}")
        assert tree.xpath("//script/@src") == [
            f"_static/site.js?v={version}", "_static/searchtools.js"
        ]  # fmt: skip
    assert all(script.get("defer") is not None for script in tree.xpath("//script[@src]"))
    assert tree.xpath("//script[not(@src)]/text()") == ["keep()"]


# Weight ------------------------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "site.css").write_text("p { color: red }\n" * 500)
    (tmp_path / "_static" / "site.js").write_text("act();\n" * 500)
    (tmp_path / "_static" / "logo.svg").write_text(SVG)
    (tmp_path / "curve.svg").write_text(SVG * 3)
    (tmp_path / "phone.svg").write_text(SVG)
    (tmp_path / "page.html").write_text(
        '<html><head><link rel="stylesheet" href="_static/site.css?v=1">'
        '<link rel="next" href="other.html"><script defer src="_static/site.js"></script>'
        '<script src="https://elsewhere.org/x.js"></script></head><body>'
        f'<img src="_static/logo.svg" alt=""><img src="{inside(SVG)}" alt="b">'
        '<picture><source media="(max-width: 600px)" srcset="phone.svg"/>'
        '<img src="curve.svg" alt="c"></picture></body></html>'
    )
    (tmp_path / "index.html").write_text('<meta http-equiv="refresh" content="0; url=page.html">')
    return tmp_path


def gzipped(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6, mtime=0))


def test_a_page_weighs_what_is_sent_and_figures_are_told_apart(site: Path):
    assert list(page_weight.pages(site)) == ["page.html"]
    found = page_weight.of_page(site, "page.html")
    files = ["page.html", "_static/site.css", "_static/site.js", "_static/logo.svg", "curve.svg"]
    assert found.whole == sum(gzipped(site / name) for name in files)
    assert found.requests == len(files)
    # The figure inside the page is a figure as well.
    assert found.figures > gzipped(site / "curve.svg")
    phone = page_weight.of_page(site, "page.html", phone=True)
    assert found.figures - phone.figures == gzipped(site / "curve.svg") - gzipped(
        site / "phone.svg"
    )
    assert page_weight.of_page(site, "page.html", "br").whole < found.whole
    assert page_weight.of_page(site, "page.html", "").whole == sum(
        (site / name).stat().st_size for name in files
    )


def test_the_server_holds_no_part_of_an_answer_back(site: Path):
    """Many small files over one connection: a held-back body would cost 40 milliseconds each."""
    files = 100
    with serving.served(site) as base:
        link = http.client.HTTPConnection(urlsplit(base).netloc)
        began = time.perf_counter()
        for _ in range(files):
            link.request("GET", "/_static/site.css", headers={"Accept-Encoding": "gzip"})
            assert link.getresponse().read()
        took = time.perf_counter() - began
        link.close()
    assert took < files * 0.02


def test_the_server_answers_a_wrong_address_with_the_page_for_it(site: Path):
    """Whole at any depth, also without script: the page says where its addresses begin."""
    with serving.served(site) as base:
        for wrong in ("gone.html", "book/boards/gone.html"):
            with pytest.raises(urllib.error.HTTPError) as bare:
                urllib.request.urlopen(base + wrong)
            assert bare.value.code == 404
            assert "Error response" in bare.value.read().decode()
        page = '<html><head><meta charset="utf-8"><link href="_static/site.css"></head></html>'
        (site / serving.NOT_FOUND).write_text(page)
        for wrong in ("gone.html", "book/boards/gone.html", "_static/none.css"):
            with pytest.raises(urllib.error.HTTPError) as found:
                urllib.request.urlopen(base + wrong)
            assert found.value.code == 404
            assert found.value.headers["Content-Type"] == "text/html; charset=utf-8"
            assert found.value.read().decode() == page.replace("<head>", '<head><base href="/">')
        link = http.client.HTTPConnection(urlsplit(base).netloc)
        link.request("HEAD", "/gone.html")
        answer = link.getresponse()
        assert (answer.status, answer.read()) == (404, b"")
        # The connection is kept, and no byte of that page stands before the next answer.
        link.request("GET", "/_static/site.css")
        assert link.getresponse().read() == (site / "_static" / "site.css").read_bytes()
        link.close()


def test_the_server_sends_what_was_weighed(site: Path):
    def asked(address: str, accepted: str) -> tuple[str | None, bytes]:
        request = urllib.request.Request(address, headers={"Accept-Encoding": accepted})
        with urllib.request.urlopen(request) as answer:
            return answer.headers["Content-Encoding"], answer.read()

    whole = (site / "_static" / "site.css").read_bytes()
    with serving.served(site) as base:
        address = base + "_static/site.css?v=1"
        name, body = asked(address, "gzip, deflate, br")
        assert (name, brotli.decompress(body)) == ("br", whole)
        name, body = asked(address, "gzip")
        assert (name, gzip.decompress(body)) == ("gzip", whole)
        assert len(body) == gzipped(site / "_static" / "site.css")
        assert asked(address, "identity") == (None, whole)
        (site / "_static" / "site.css").write_text("changed")
        assert gzip.decompress(asked(address, "gzip")[1]) == b"changed"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            asked(base + "none.css", "gzip")
