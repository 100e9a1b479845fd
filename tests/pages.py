"""Measure the pages of the built site in a browser on a slow connection: `make pages`.

Each page is visited with an empty cache, as a phone on a slow connection sees it: bytes as they are
sent (gzip, then Brotli), with and without figures, requests, seconds until text can be read (first
contentful paint), seconds until the largest part is there, and how far anything jumps (cumulative
layout shift). With `--peers` the same chapters are built in the ways of others and measured beside
ours, page by page in turn, so that a busy machine burdens all alike; of other pages ours alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "book")]

from playwright.sync_api import Browser  # noqa: E402

from distance_to_care.publication import chromium, page_weight, serving  # noqa: E402

# Lighthouse's slow connection: 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back; a phone of
# the middle range is about four times slower than a computer on a desk.
DOWN_BYTES = 1_600_000 / 8
UP_BYTES = 750_000 / 8
LATENCY_MS = 150
SLOWER = 4
PHONE = {"viewport": {"width": 412, "height": 823}, "device_scale_factor": 1.75, "is_mobile": True}
SETTLING_MS = 500
LIMIT_MS = 120_000
LIGHTHOUSE = "lighthouse@12.8.2"
RUNS = 3
CATEGORIES = ("performance", "accessibility", "best-practices")
WATCH = """() => {
  window.seen = { paint: 0, largest: 0, shift: 0, moved: [] };
  const watch = (type, act) => new PerformanceObserver((list) => list.getEntries().forEach(act))
    .observe({ type, buffered: true });
  watch("paint", (e) => { if (e.name === "first-contentful-paint") seen.paint = e.startTime; });
  watch("largest-contentful-paint", (e) => { seen.largest = e.startTime; });
  watch("layout-shift", (e) => {
    if (e.hadRecentInput) return;
    seen.shift += e.value;
    for (const s of e.sources || [])
      seen.moved.push((s.node && s.node.nodeName || "") + "." + (s.node && s.node.className || ""));
  });
}"""
# What is built in the ways of others where `--peers` asks for it. Their lists of contents name
# these chapters only, and so are shorter than ours.
CHAPTERS = (
    "book/index",
    "notebooks/survival_by_distance",
    "notebooks/places_deprived_and_far",
    "notebooks/map_of_travel",
)
# Scripts and fonts of other hosts cannot be fetched where there is no network: they are counted as
# asked for and weigh nothing here, which is to the advantage of who asks.
DEFAULT_BOOK = "default Jupyter Book"
QUANTECON = "QuantEcon theme"


@dataclass(frozen=True)
class Visit:
    """One first visit."""

    site: str
    page: str
    encoding: str
    bytes_without_figures: int
    bytes_figures: int
    requests: int
    other_hosts: int
    readable_seconds: float
    largest_seconds: float
    shift: float


def visit(browser: Browser, site: str, base: str, page: str, encoding: str) -> Visit:
    """Open a page with an empty cache on the slow connection and add up what came."""
    context = browser.new_context(**PHONE)
    try:
        tab = context.new_page()
        wire = context.new_cdp_session(tab)
        kinds: dict[str, str] = {}
        sent: dict[str, float] = {}
        foreign: set[str] = set()

        def asked(event: dict) -> None:
            address = urlsplit(event["request"]["url"])
            if address.scheme in {"http", "https"}:
                if not event["request"]["url"].startswith(base):
                    foreign.add(address.netloc)
                is_figure = (
                    event.get("type") == "Image"
                    and Path(address.path).name not in page_weight.CHROME
                )
                kinds[event["requestId"]] = "figure" if is_figure else "rest"

        def ended(event: dict) -> None:
            if event["requestId"] in kinds:
                sent[event["requestId"]] = event["encodedDataLength"]

        wire.on("Network.requestWillBeSent", asked)
        wire.on("Network.loadingFinished", ended)
        wire.send("Network.enable")
        wire.send("Network.setBlockedURLs", {"urls": ["https://*"]})
        wire.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": LATENCY_MS,
                "downloadThroughput": DOWN_BYTES,
                "uploadThroughput": UP_BYTES,
            },
        )
        wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        tab.add_init_script(f"({WATCH})()")
        tab.goto(base + page, wait_until="load", timeout=LIMIT_MS)
        tab.wait_for_timeout(SETTLING_MS)
        seen = tab.evaluate("() => window.seen")
    finally:
        context.close()
    figures = sum(size for key, size in sent.items() if kinds[key] == "figure")
    return Visit(
        site=site,
        page=page,
        encoding=encoding,
        bytes_without_figures=round(sum(sent.values()) - figures),
        bytes_figures=round(figures),
        requests=len(sent),
        other_hosts=len(foreign),
        readable_seconds=round(seen["paint"] / 1000, 2),
        largest_seconds=round(seen["largest"] / 1000, 2),
        shift=round(seen["shift"], 3),
    )


def figures_inside(site: Path, page: str, encoding: str) -> int:
    """Bytes of a page's own text that are figures written into it."""
    text = (site / page).read_text(encoding="utf-8")
    bare = page_weight.INSIDE.sub('src=""', text)
    return len(serving.compressed(text.encode(), encoding)) - len(
        serving.compressed(bare.encode(), encoding)
    )


def visits(sites: dict[str, Path], names: Iterable[str], encodings: Iterable[str]) -> Iterator:
    """Visit every page of every site, in turn, compressed in each way."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium.opened())
        bases = {
            (site, encoding): stack.enter_context(serving.served(folder, (encoding,)))
            for site, folder in sites.items()
            for encoding in encodings
        }
        for page in names:
            for (site, encoding), base in bases.items():
                if not (sites[site] / page).exists():
                    continue
                found = visit(browser, site, base, page, encoding)
                inside = figures_inside(sites[site], page, encoding)
                yield Visit(
                    **asdict(found)
                    | {
                        "bytes_without_figures": found.bytes_without_figures - inside,
                        "bytes_figures": found.bytes_figures + inside,
                    }
                )


def lighthouse(site: Path, names: Iterable[str]) -> list[dict]:
    """Scores of Lighthouse, the median of three runs, of pages served compressed."""
    if not shutil.which("npm"):
        sys.exit("Lighthouse needs npm: install Node.js (apt-get install npm), or leave it out.")
    folder = Path(tempfile.gettempdir()) / "distance-to-care-lighthouse"
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                folder,
                LIGHTHOUSE,
            ],
            check=False,
        )
        if done.returncode:
            sys.exit(f"npm could not install {LIGHTHOUSE}: look at what it says above.")
    environment = os.environ | {"CHROME_PATH": chromium.executable()}
    rows = []
    with serving.served(site) as base:
        for name in names:
            runs = []
            for _ in range(RUNS):
                done = subprocess.run(
                    [
                        program, base + name, "--output=json", "--quiet",
                        f"--only-categories={','.join(CATEGORIES)}",
                        "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
                    ],
                    env=environment, capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode:
                    sys.exit(f"Lighthouse stopped at {name}:\n{done.stderr[-1000:]}")
                runs.append(json.loads(done.stdout))
            scores = {
                category.replace("-", "_"): round(
                    statistics.median(100 * run["categories"][category]["score"] for run in runs)
                )
                for category in CATEGORIES
            }
            rows.append({"page": name, "runs": RUNS, **scores})
            faults = {
                f"{key}: {audit['title']}"
                for run in runs
                for category in CATEGORIES
                for ref in run["categories"][category]["auditRefs"]
                if ref["weight"]
                for key, audit in [(ref["id"], run["audits"][ref["id"]])]
                if audit["score"] is not None and audit["score"] < 0.9
            }
            print(name, *(f"{k} {v}" for k, v in scores.items()), *sorted(faults), sep="\n  ")
    return rows


def write(path: Path, rows: list[dict]) -> None:
    """Write a table, whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    part.replace(path)
    print(f"Wrote {path}")


def source_of_peers(folder: Path, theme: str | None) -> Path:
    """Lay out executed chapters with the settings of a new Jupyter Book.

    No extension of ours but the one that fills in numbers and figures, no setting of the theme.
    """
    import nbformat
    import yaml

    from distance_to_care import places
    from distance_to_care.publication import build, execution
    from distance_to_care.publication.notebooks import Notebook

    folders = build.Folders(places.BUILD)
    listed = [Notebook(ROOT / f"{name}.ipynb") for name in CHAPTERS if "notebooks/" in name]
    # As a build does: what has not changed is not executed again.
    executed = execution.execute(listed, folders.results, folders.cache, print)
    shutil.copytree(places.BOOK, folder / "book", ignore=shutil.ignore_patterns("results"))
    (folder / "notebooks").mkdir()
    for name, node in executed.items():
        nbformat.write(node, folder / "notebooks" / f"{name}.ipynb")
    root, *chapters = CHAPTERS
    contents = {"format": "jb-book", "root": root, "chapters": [{"file": c} for c in chapters]}
    (folder / "_toc.yml").write_text(yaml.safe_dump(contents), encoding="utf-8")
    ours = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    kept = (
        "title",
        "author",
        "only_build_toc_files",
        "exclude_patterns",
        "bibtex_bibfiles",
        "parse",
    )
    config = {key: ours[key] for key in kept} | {
        "execute": {"execute_notebooks": "off"},
        "sphinx": {
            "local_extensions": {"distance_to_care.publication.extension": str(ROOT)},
            "config": {
                key: value
                for key, value in ours["sphinx"]["config"].items()
                if key.startswith("bibtex_")
            },
        },
    }
    if theme:
        config["sphinx"]["config"]["html_theme"] = theme
    (folder / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder


def peer(folder: Path, python: str, theme: str | None) -> Path:
    """Build the book with plain `jupyter-book build`, in the environment of `python`."""
    source = source_of_peers(folder, theme)
    # Its own packages first, then ours for what our extension imports.
    paths = [str(ROOT)]
    if python != sys.executable:
        own = subprocess.run(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        import sysconfig

        paths += [own.stdout.strip(), sysconfig.get_path("purelib")]
    done = subprocess.run(
        [python, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths),
                          "DISTANCE_TO_CARE_RESULTS": str(ROOT / "_build" / "results")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    site = source / "_build" / "html"
    if not (site / "book" / "index.html").exists():
        sys.exit(f"The book of another way could not be built:\n{done.stdout[-1500:]}"
                 f"{done.stderr[-1500:]}")  # fmt: skip
    return site


def told(rows: list[Visit]) -> None:
    """Print the heaviest, the slowest and what jumps, site by site."""
    for site, encoding in dict.fromkeys((row.site, row.encoding) for row in rows):
        here = [row for row in rows if (row.site, row.encoding) == (site, encoding)]
        bare = [row.bytes_without_figures for row in here]
        readable = [row.readable_seconds for row in here]
        heaviest = max(here, key=lambda row: row.bytes_without_figures)
        slowest = max(here, key=lambda row: row.readable_seconds)
        print(
            f"{site}, {encoding}, {len(here)} pages:"
            f" without figures median {statistics.median(bare) / 1000:.1f} kB,"
            f" most {max(bare) / 1000:.1f} kB ({heaviest.page});"
            f" figures most {max(row.bytes_figures for row in here) / 1000:.1f} kB;"
            f" requests {max(row.requests for row in here)};"
            f" readable median {statistics.median(readable):.2f} s,"
            f" most {max(readable):.2f} s ({slowest.page});"
            f" other hosts {max(row.other_hosts for row in here)};"
            f" shift most {max(row.shift for row in here):.3f}"
        )


def main() -> None:
    """Measure what is asked for, print it, and write the tables where `--write` says so."""
    parser = argparse.ArgumentParser(description=__doc__, prog="make pages")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--pages", nargs="*", help="these only, such as book/index.html")
    parser.add_argument("--peers", action="store_true", help="beside plain jupyter-book build")
    parser.add_argument("--quantecon", metavar="PYTHON",
                        help="with --peers: python of an environment that has jupyter-book<2 and "
                        "quantecon-book-theme")  # fmt: skip
    parser.add_argument("--lighthouse", action="store_true", help="needs npm")
    parser.add_argument("--encodings", nargs="*", default=["gzip"], choices=serving.ENCODINGS)
    parser.add_argument("--write", type=Path, help="folder for the tables, such as data")
    asked = parser.parse_args()
    if not (asked.site / "index.html").exists():
        sys.exit(f"There is no site in {asked.site}. Run 'make book' first.")
    sites, names = {"ours": asked.site}, asked.pages or list(page_weight.pages(asked.site))
    with tempfile.TemporaryDirectory() as temporary:
        if asked.peers:
            sites[DEFAULT_BOOK] = peer(Path(temporary) / "default", sys.executable, None)
            if asked.quantecon:
                sites[QUANTECON] = peer(
                    Path(temporary) / "quantecon", asked.quantecon, "quantecon_book_theme"
                )
        rows = []
        for row in visits(sites, names, asked.encodings):
            rows.append(row)
            print(*asdict(row).values(), sep="\t", flush=True)
    told(rows)
    scored = []
    if asked.lighthouse:
        board = next((name for name in page_weight.pages(asked.site) if "/boards/" in name), None)
        shown = ["book/index.html", "notebooks/survival_by_distance.html", board]
        scored = lighthouse(asked.site, asked.pages or [name for name in shown if name])
    if asked.write:
        write(asked.write / "page_weights.csv", [asdict(row) for row in rows])
        if scored:
            write(asked.write / "page_scores.csv", scored)


if __name__ == "__main__":
    main()
