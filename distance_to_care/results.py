"""The waist: the only writer of results, and the only way to get them back.

Row-level data stop here. A notebook opens one `Page`, publishes tables through it and draws and
writes only from what it reads back. Each page writes into a folder of its own, so that notebooks
can run side by side; `merge` gathers the folders, and `compare` sets what was gathered against the
accepted tables in `book/results/`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from distance_to_care import disclosure, figures, official, places, released, tables
from distance_to_care.problems import AnalysisError, Problem
from distance_to_care.source_lines import source_line
from distance_to_care.whole_file import whole

# The columns a published table may have, in their order, and what each one means.
COLUMNS = {
    "date": "Day of an event; the first day of its month or year where no more is known",
    "date_precision": "How much of the date of an event is known: day, month or year",
    "when": "The date of an event or of a source, in words",
    "event": "What happened or was planned",
    "what": "What an event is about: delegated (which services boards plan), national (what stays "
    "with one national body), body (which bodies there are), money, or screening",
    "measure": "What is estimated",
    "estimand": "The quantity that a method is meant to estimate, or the short name of what is "
    "asked",
    "scenario": "What was assumed or built in",
    "method": "How it is estimated",
    "engine": "The software that the estimate comes from",
    "model": "The model or analysis that a row belongs to",
    "variable": "The column or quantity that is described, or by which a mean is weighted",
    "group_by": "What the groups are groups of; all where nothing is compared",
    "group": "The group, place or thing that a row is about; all means everybody. Of deprivation, "
    "quintile 1 and decile 1 are the most deprived; of distance, quintile 1 is the nearest",
    "term": "The column in a model, or the short name of a figure, parameter, source or place",
    "with_term": "The other column of an entry of an information matrix",
    "study": "Name of a publication, survey or registry, most often its first author and year",
    "country": "Country of the people studied, or for whom something is planned",
    "disease": "Disease that a figure or study is about",
    "exposure": "What people differ in: where they live, how long they waited, how they were "
    "treated, a score; in a synthesis also which reports are put together",
    "contrast": "Which people, or which difference between them, are compared",
    "outcome": "What was followed, counted or measured; of an arrow of causes, where it points",
    "finding": "What a study found for those more deprived, further away or longer delayed",
    "seen_as": "Whether a finding was seen with numbers or in words only",
    "level": "Which part of its group or measure a row is about: a level of a variable, town or "
    "country, a list of centres, a period, a number of sites",
    "value": "A number that a row is about: what is assumed, recorded or worked out in closed "
    "form, or the size, time or figure at which the estimate is read off",
    "reference": "The group, value, measure or plan that the estimate compares with",
    "area_code": "Code of the area (LSOA 2011)",
    "area": "Name of the area or place",
    "board_code": "Code of the integrated care board",
    "board": "The integrated care board, of April 2026 where no other edition is named, or a "
    "simulated one",
    "local_authority": "The local authority district (November 2025)",
    "centre": "The hospital: a specialist centre of the list, a listed hospital, or a place where "
    "a clinic could be added",
    "rank_by": "What groups or areas are ranked by",
    "centre_list": "Grades of the sites counted: A the surest, AB the base list, ABC every site; "
    "several where a row holds for each of them",
    "edition": "Year and month from which the boundaries of the care boards hold",
    "time_years": "Time since the start of follow-up, which the page names, in years",
    "statistic": "The test statistic; of a simulation, the difference in standard errors",
    "areas": "Number of areas (LSOA)",
    "replicates": "Number of simulated cohorts or histories",
    "travel_minutes": "Minutes by car, one way, to the nearest centre; the mean where a row is "
    "about several areas",
    "distance_km": "Straight line to that centre, or to the hospital of the row, in kilometres; "
    "the mean where a row is about several areas",
    "modelled": "Whether the minutes were modelled, and not taken from the travel matrix",
    "expected_patients": "Expected number of people with the disease: a model, nobody is counted",
    "people": "Number of people",
    "at_risk": "Number of people whose follow-up reaches this time",
    "deaths": "Number of people who died; in a curve, since the time before; of a report that is "
    "put back, as many as it would have counted",
    "step_events": "People who died, or had the event that is measured, since the time before; "
    "empty for nobody",
    "step_censored": "People whose follow-up ended otherwise since the time before; empty for "
    "nobody",
    "transplants": "Number of people who had a transplant",
    "censored": "Number of people whose follow-up ended without an event; in a curve, since the "
    "time before",
    "missing": "Number of people for whom the value is not known",
    "answers": "Number of answers, pages, measurements, events or tries that a row counts",
    "seconds": "How long the fastest call of an engine took",
    "times_as_long": "How many times as long it took as the public function of this package",
    "memory_mb": "Memory that it took beyond its libraries and the data, in megabytes",
    "hazard_ratio": "The hazard ratio of death, against the reference or as it was published",
    "estimate": "The estimate, in the unit of its row",
    "ci_low": "Lower end of the 95% confidence interval, of the published figure where a row "
    "starts from one",
    "ci_high": "Upper end of the 95% confidence interval, of the published figure where a row "
    "starts from one",
    "standard_error": "The standard error of the estimate",
    "largest_error": "Largest distance between the exact curve and the published points joined by "
    "straight lines: the end of a band",
    "published_estimate": "The published or earlier figure that the estimate answers to",
    "built_in": "What was built into a simulation: the truth of the synthetic people, in closed "
    "form or from five million of them, or the effect that was simulated",
    "difference": "The difference from the value it is compared with",
    "error_difference": "The same of the standard errors",
    "low": "Lower end of a range: published, considered, over the lists of centres, of simulations "
    "or of what was measured; the page says which",
    "high": "Upper end of a range: published, considered, over the lists of centres, of "
    "simulations or of what was measured; the page says which",
    "degrees_of_freedom": "Degrees of freedom of the test",
    "p_value": "Probability of a difference at least as large if there were none",
    "unit": "Unit of the estimate",
    "adjusted_for": "What a model holds equal",
    "how_read": "How a source was read: in full, as an abstract, as a page, through the press, or "
    "as another source tells it",
    "status": "Of a figure: published, derived, assumed, calibrated, at odds with another, with an "
    "interval from its p value, or no number. Of an event: happened, planned or reported. Of "
    "screening: what there was, and when. Of a place: the lists that name it",
    "steady": "Whether what a row says holds whichever sites count as centres. Of a mean drive: "
    "whether it moves by no more than ten minutes. A named place that moves by more has no "
    "estimate, only a range; England keeps its estimate",
    "id": "Short name of an entry; of a claim, the letter of its document and its number",
    "document": "The document that makes a claim: A a charity's response, B a think tank's article",
    "claim": "What is claimed, recommended or described, in our words",
    "asserted_by": "The document in which it is said, and whose view it is",
    "statement": "Whether it is a claim, a recommendation or a service model",
    "verdict": "Of a method or a target: whether it did what it should, pass or fail. Of a claim: "
    "supported, partly, untested, outdated or overstated. Of a simulated board: whether chance "
    "explains where it lies",
    "how_sure": "How sure we are of a verdict or a conclusion: high, moderate, low or very low",
    "why_sure": "The reason for that, in one clause",
    "evidence": "What the evidence says; numbers and sources stand as keys in square brackets",
    "computed": "What this book computed, or that nothing was computed yet",
    "settle": "What would settle a claim",
    "needed": "Missing facts that would help, by their names in the table of needed facts",
    "service_model": "The service model that a claim is about",
    "pages": "Pages of the book that say more",
    "reply": "What the body that published the document answers to a verdict",
    "checked": "The day on which a row was last checked",
    "title": "What an entry is about",
    "matters": "What a missing fact could do: overturn or narrow a conclusion, or open a chapter",
    "at_stake": "Whose conclusion it is: ours, or a claim of the two documents that we test",
    "holder": "Who holds a missing fact",
    "route": "How it is asked for",
    "table_asked": "The table to ask for",
    "columns_asked": "The columns of that table",
    "rows_asked": "What a row of that table is",
    "overturns": "The conclusion that a missing fact could change",
    "how": "In what way it could",
    "what_it_is": "How a service model is meant to work",
    "who_runs_it": "Who runs it",
    "known": "What is known of it; numbers and sources stand as keys in square brackets",
    "analysis": "What this book computed of it",
    "not_known": "What is not known",
    "question": "A question that a family or a charity can put to its care board",
    "looked_for": "What was looked for",
    "where_looked": "Where it was looked for",
    "looked_on": "The day of the last search",
    "search_result": "What came of a search",
    "certainty": "Mark or grade. Of a figure: S seen in a source, D derived from such figures, J "
    "our judgement, U not checked against a source, or the same in words. Of a centre: A named in "
    "a source, B compilers' knowledge, C low",
    "money": "Who paid, as far as seen: a company (it paid for, started or took part in the work), "
    "companies among the interests, no company, or not seen. Not seen is not none",
    "companies": "Companies that were seen behind a source",
    "lever": "A way to spend money: earlier referral, nearer spokes, treatment, co-ordination",
    "prices": "What a lever would cost, in words, with its range and its mark (S, D, J or U)",
    "a_million_buys": "What a million pounds a year would buy of a lever, in words with a range",
    "people_reached": "People whom a lever would reach in a year, in words with a range",
    "life_years": "Life years that a lever would gain, in words with a range",
    "change_of_gap_in_days": "Change of the survival gap in days, in words with a range",
    "payer": "Whether who paid was seen: for the work itself, for its data only, or not",
    "company_staff": "Whether authors of the work were seen to be staff of a company",
    "funders": "Who paid, as far as it was seen",
    "interests": "Interests and statements of independence, as far as they were seen",
    "source": "Where a figure comes from",
    "address": "Address or name of the page on which it was seen",
    "note": "What to know before using the row",
    "suppressed": "True where something in the row is withheld: too few people stand behind it, or "
    "another withheld number could be worked out from it",
    "kind": "open, modelled, published, synthetic, registry or scenario",
}
KEYS = (
    "date",
    "measure",
    "estimand",
    "scenario",
    "method",
    "engine",
    "model",
    "exposure",
    "variable",
    "group_by",
    "group",
    "id",
    "term",
    "with_term",
    "level",
    "value",
    "reference",
    "area_code",
    "board_code",
    "local_authority",
    "centre",
    "rank_by",
    "centre_list",
    "time_years",
    "outcome",
)
# What stands for a number that disclosure control withheld.
WITHHELD = "withheld (too few people)"
# What a page has to say of each kind, in the order in which banners stand.
BANNERS = {
    "synthetic": "Synthetic people: not findings about patients",
    "registry": "Registry data",
    "scenario": "Model: if ... then",
    "open": "Real open data",
    "modelled": "Modelled from open data: unofficial list of centres, "
    "driving times at the lower end",
    "published": "Published estimates",
}
COHORT = "cohort"
# The column of what was built into synthetic people.
TRUTH = "built_in"
# Tables whose numbers lead to their row; `term` names the row. Each stands whole on one page, once.
CITED_ROWS = ("published_estimates",)
MODEL_ORDER = ("unadjusted", "unadjusted_same_people", "age_sex", "joint", "as_published")
NUMBER_COLUMNS = ("key", "text", "value", "unit", "kind", "table", "page")
SIGNIFICANT_DIGITS = 10
# Coefficients differ by about 1e-14 between processors; a changed method moves far more than this.
TOLERANCE = 1e-8
# Publications that the source line of a figure has room for.
MOST_STUDIES = 2


def row_anchor(name: str, term: str) -> str:
    """Return the address, on its page, of the row of a published table that `term` names."""
    return f"{name}-{term}"


class Page:
    """What one notebook publishes: tables, numbers and figures, in a folder of its own.

    Parameters
    ----------
    name : the notebook's file name without its ending.
    reads : names of tables of other pages that this page reads; the build runs those first, and
        their contents become part of this page's digest.
    sources, kind : what its tables are made from, where `publish` does not say it.
    root : folder that holds the folders of all pages; the build's by default.
    """

    def __init__(
        self,
        name: str,
        reads: Sequence[str] = (),
        sources: Sequence[str] = (),
        kind: str | None = None,
        root: Path | None = None,
    ):
        self.name = _slug(name)
        self.reads = tuple(reads)
        self.sources = tuple(sources)
        self.kind = kind
        self.root = Path(root) if root else places.results_root()
        self.folder = self.root / name
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        self.manifest: dict = {"page": name, "kinds": [], "tables": {}, "figures": {}}
        self._numbers: dict[str, dict] = {}
        self._read: dict[str, pd.DataFrame] = {}
        self._not_released: set[str] = set()
        self._save_manifest()

    def publish(
        self,
        table: pd.DataFrame | Callable[..., pd.DataFrame],
        name: str,
        title: str,
        sources: Sequence[str] = (),
        kind: str | None = None,
        made_from: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Write a table after disclosure control, rounding and sorting, and read it back.

        Parameters
        ----------
        table : tidy: one row a group and time, or a model term; columns of `COLUMNS` only. Or a
            function of the package that makes it out of the tables of `made_from`.
        name : slug of the table, unique in the book; the file of a synthetic one is named
            `synthetic_<name>`, and both names read it back.
        title : what the table shows, in a sentence without a full stop.
        sources : names of the inputs it was made from (resources of the descriptor, or official
            files, or `cohort` for a cohort of people); the kind follows from them.
        kind : kind of the result where the sources cannot say: the kind of a cohort, `scenario`.
        made_from : published tables that hold every number of this one, or that its function
            takes; it then needs no people of its own behind its rows.

        Returns
        -------
        The table as it was written.

        Raises
        ------
        Problem : for an unknown column, a kind that the sources forbid, a second table of that
            name, or synthetic results beside registry ones.
        """
        sources = sources or self.sources
        if places.released_folder():
            taken = self._take_released(table, name, kind or self.kind, sources)
            if taken is not None:
                return taken
            try:
                # A chapter without its people says how a table is made, in case it is needed.
                table = table() if getattr(table, "__name__", "") == "<lambda>" else table
            except released.NotReleased:
                self._not_released.add(name)
                return released.Absent(name)
        kind = self._kind(kind or self.kind, sources, name)
        name, title = named(_slug(name), kind), titled(title, kind)
        if name in self.manifest["tables"]:
            raise Problem(f"The page '{self.name}' publishes a second table named '{name}'.")
        about = COHORT in sources or kind == "registry"
        if about and kind not in disclosure.PERSON_KINDS:
            _words_only(table, kind, name)
        parents = {self._filed_as(each): self.read(each) for each in made_from} or None
        checked = prepare(table, kind, name, parents, about)
        if kind != "registry" and os.environ.get(places.KIND_VARIABLE) == "registry":
            _as_in_the_book(checked)
        self._file_table(checked, title, sources)
        return self.read(name)

    def _take_released(
        self, table: object, name: str, kind: str | None, sources: Sequence[str]
    ) -> pd.DataFrame | released.Absent | None:
        """Take a table from the release; None where it is about nobody and can be worked out."""
        release = released.read(places.released_folder())
        filed = release.filed_as(name)
        if filed is None:
            asked = kind in disclosure.PERSON_KINDS or (kind is None and COHORT in sources)
            if table is not None and not asked:
                return None
            self._not_released |= {name, named(name, "synthetic")}
            return released.Absent(name)
        if filed in self.manifest["tables"]:
            raise Problem(f"The page '{self.name}' publishes a second table named '{filed}'.")
        entry, text = release.tables[filed], release.text(filed)
        _write(self.folder / f"{filed}.csv", text)
        receipt, sources = entry.get("receipt", {}), entry["sources"]
        self._enter(filed, entry["title"], entry["kind"], sources, text, receipt)
        return self.read(filed)

    def republish(self, name: str) -> pd.DataFrame:
        """Redraw an accepted table, where the official file that it needs is absent.

        The manifest and the page say so, with the date on which the table was accepted.
        """
        accepted = accepted_manifest()["tables"].get(name)
        if accepted is None:
            raise Problem(
                f"The table '{name}' needs official files that are not here, and book/results/ "
                "has no accepted table of that name. Run 'make data' to obtain the files."
            )
        before = read_published(places.ACCEPTED / f"{name}.csv", name)
        checked = disclosure.check(before, accepted["kind"], name=name)
        text = (places.ACCEPTED / f"{name}.csv").read_text(encoding="utf-8")
        self._file_table(
            checked, accepted["title"], accepted["sources"], text, accepted["accepted_on"]
        )
        return self.read(name)

    def read(self, name: str) -> pd.DataFrame:
        """Read a published table back: one of this page's, or one that `reads` declares."""
        name = self._filed_as(name)
        if name in self._not_released:
            return released.Absent(name)
        if name in self.manifest["tables"]:
            if name not in self._read:
                self._read[name] = read_published(self.folder / f"{name}.csv", name)
            return self._read[name].copy()
        if name not in self.reads:
            if self._not_released:
                return released.Absent(name)
            raise Problem(
                f"The page '{self.name}' reads the table '{name}' without declaring it: "
                f"open the page with reads=['{name}']."
            )
        found = sorted(
            path
            for pattern in (name, named(name, "synthetic"))
            for path in self.root.glob(f"[!_]*/{pattern}.csv")
        )
        if not found and places.released_folder():
            self._not_released.add(name)
            return released.Absent(name)
        if not found:
            raise Problem(
                f"The page '{self.name}' reads the table '{name}', which no page has published "
                "yet. Run the notebook that publishes it first."
            )
        return read_published(found[0], found[0].stem)

    def _filed_as(self, name: str) -> str:
        synthetic = named(name, "synthetic")
        return synthetic if synthetic in self.manifest["tables"] else name

    def number(
        self, key: str, table: str, form: str, column: str = "estimate", **where: object
    ) -> str:
        """Format one row of a published table once: as text for the prose, and filed as a number.

        Parameters
        ----------
        key : name by which prose asks for the number, for example `travel.mean.all`.
        table : published table that holds it.
        form : format with the row's columns, for example `{estimate:.1f}`.
        column : the column that is filed as the number's value.
        where : column=value pairs that pick exactly one row.

        Returns
        -------
        The formatted text. Prose says {number}`key`.
        """
        table = self._filed_as(table)
        rows = self.read(table)
        if isinstance(rows, released.Absent):
            kind = released.read(places.released_folder()).kind
            self._numbers[key] = self._as_number(key, released.NOT_RELEASED, {"kind": kind}, table)
            self._save_numbers()
            return released.NOT_RELEASED
        fits = np.ones(len(rows), dtype=bool)
        for asked, value in where.items():
            if asked not in rows:
                raise Problem(f"The number '{key}' asks '{table}' for a column '{asked}'.")
            fits &= (rows[asked].astype(str) == str(value)).to_numpy()
        rows = rows[fits]
        if len(rows) != 1:
            # No row: so few people that the analysis said nothing. Several: a fault of the page.
            wrong = Problem if len(rows) else AnalysisError
            raise wrong(
                f"The number '{key}' must come from one row of '{table}', and {len(rows)} rows fit."
            )
        text = self._file_number(key, rows.iloc[0], table, form, column)
        self._save_numbers()
        return text

    def number_each(
        self, key: str, table: str, form: str, interval: str | Mapping[str, str] = ""
    ) -> None:
        """File a number for every row of a published table that has an estimate.

        Parameters
        ----------
        key : name of the numbers, with the row's columns in it: `published.{term}`.
        table : published table that holds them.
        form : format with the row's columns, as for `number`.
        interval : format that follows where the row has an interval; or such a format for each
            unit, and for all others under the empty word.
        """
        table = self._filed_as(table)
        for row in self.read(table).dropna(subset="estimate").to_dict("records"):
            known = not (pd.isna(row.get("ci_low")) or pd.isna(row.get("ci_high")))
            after = interval
            if isinstance(interval, Mapping):
                after = interval.get(row["unit"], interval[""])
            self._file_number(_formatted(key, row), row, table, form + (after if known else ""))
        self._save_numbers()

    def _file_number(
        self, key: str, row: Mapping, table: str, form: str, column: str = "estimate"
    ) -> str:
        if pd.isna(row[column]):
            text = "not reached" if row.get("unit") == "years" else "not estimated"
            text = WITHHELD if row.get("suppressed", False) else text
        else:
            text = _formatted(form, row)
        if key in self._numbers:
            raise Problem(f"The page '{self.name}' files the number '{key}' twice.")
        self._numbers[key] = self._as_number(key, text, row, table, column)
        return text

    def _as_number(
        self, key: str, text: str, row: Mapping, table: str, column: str = "estimate"
    ) -> dict[str, object]:
        value = row.get(column)
        return {
            "key": key,
            "text": text,
            "value": value if isinstance(value, float) else np.nan,
            "unit": row.get("unit", "") if column == "estimate" else column.replace("_", " "),
            "kind": row["kind"],
            "table": table,
            "page": self.name,
        }

    def _save_numbers(self) -> None:
        # Saved at every number, since a page may end with any: so without a table in between.
        out = io.StringIO()
        writer = csv.DictWriter(out, NUMBER_COLUMNS, lineterminator="\n")
        writer.writeheader()
        for _, row in sorted(self._numbers.items()):
            writer.writerow(row | {"value": _digits(row["value"])})
        _write(self.folder / "numbers.csv", out.getvalue())

    def _filed(self) -> pd.DataFrame:
        return pd.DataFrame(list(self._numbers.values()), columns=NUMBER_COLUMNS)

    def figure(
        self, drawing: figures.Drawing, name: str, title: str = "", about: str = ""
    ) -> figures.Shown:
        """File a drawing of a published table and show it with alt text, table and downloads.

        Headline, subtitle and source stand inside the image, which may be copied out of the page.

        Parameters
        ----------
        drawing : what a function of `figures` returned.
        name : slug of the figure, unique in the book.
        title : headline that says what the figure shows. One that points somewhere stands in
            book/headlines.toml too, with what has to be true of published numbers for it to hold.
            Left out where the drawing counts its intervals: it then says what they say, whoever
            the people are.
        about : people, place and period, for the subtitle.

        Raises
        ------
        Problem : no headline, and the drawing has none of its own.
        """
        name = named(_slug(name), drawing.kind)
        title = title or drawing.headline
        if not title:
            raise Problem(f"The figure '{name}' has no headline: say in one what it shows.")
        drawing = figures.headed(drawing, title, about, self._source_line(drawing))
        title = titled(title, drawing.kind)
        if name in self.manifest["figures"]:
            raise Problem(f"The page '{self.name}' has a second figure named '{name}'.")
        _write(self.folder / f"{name}.svg", drawing.svg)
        self.manifest["figures"][name] = {
            "title": title,
            "alt": drawing.alt,
            "table": drawing.table,
            "kind": drawing.kind,
        }
        if studies := _studies(drawing):
            self.manifest["figures"][name]["studies"] = studies
        self._save_manifest()
        return figures.Shown(drawing, name, title, _words())

    def _source_line(self, drawing: figures.Drawing) -> str:
        """Say where the table of a drawing comes from, which another page may have published."""
        entry = self.manifest["tables"].get(drawing.table)
        if entry is None:
            others = sorted(self.root.glob(f"[!_]*/{drawing.table}.csv"))
            manifest = others[0].with_name("manifest.json").read_text(encoding="utf-8")
            entry = json.loads(manifest)["tables"][drawing.table]
        return source_line(banner(drawing.kind), entry["sources"], _studies(drawing))

    def show(
        self,
        name: str,
        columns: Sequence[str] | Mapping[str, str] | None = None,
        fold: str = "",
        **where: Sequence[str],
    ) -> figures.ShownTable:
        """Show a published table in the page, with its downloads.

        Parameters
        ----------
        name : the table.
        columns : the columns to show, or `{column: heading}`; all where not given. The file has
            them all. The ends of a range stand with their estimate, under its heading.
        fold : the words under which the table opens on request, where it is a part of the whole;
            a long table opens on request under its title in any case.
        where : for a column, the values whose rows are shown.
        """
        name = self._filed_as(name)
        rows = self.read(name)
        if isinstance(rows, released.Absent):
            return rows
        title = self.manifest["tables"][name]["title"]
        if columns and TRUTH not in rows:
            # Nothing is built into patients, so their table has no such column to show.
            others = [column for column in columns if column != TRUTH]
            columns = {c: columns[c] for c in others} if isinstance(columns, Mapping) else others
        for column, values in where.items():
            rows = rows[rows[column].isin(list(values))]
        # A number in the prose leads to its row where the whole table stands on a page.
        anchors = [row_anchor(name, term) for term in rows["term"]] if name in CITED_ROWS else ()
        anchors = () if where else anchors
        return figures.ShownTable(rows, name, fold or title, columns, _words(), anchors, bool(fold))

    def numbers(self) -> pd.DataFrame:
        """List the numbers that this page has filed for the prose."""
        return self._filed()[["key", "text"]]

    def _kind(self, kind: str | None, sources: Sequence[str], name: str) -> str:
        # What people a cohort holds is known by its reader only, who says it.
        of_sources = {
            "open" if source in official.known() else tables.kind_of(source)
            for source in sources
            if source != COHORT
        }
        if kind is None and COHORT not in sources:
            kind = combine(of_sources)
        if kind not in BANNERS:
            raise Problem(f"The table '{name}' is published as '{kind}', which is not a kind.")
        if "synthetic" in of_sources and kind not in ("synthetic", "scenario"):
            raise Problem(f"The table '{name}' is made from synthetic people: it is not '{kind}'.")
        # A model that was fed with synthetic people is about them, whatever it is published as.
        about = {kind} & disclosure.PERSON_KINDS | {"synthetic"} & of_sources
        # What is about no people may stand beside anything.
        for path in self.root.glob("[!_]*/manifest.json") if about else ():
            theirs = _people_of(json.loads(path.read_text(encoding="utf-8")))
            if theirs and about != theirs:
                raise Problem(
                    f"The table '{name}' is about {min(about)} people, and '{path.parent.name}' "
                    f"has published {min(theirs)} results into the same folder. They never stand "
                    "side by side: give each a folder of its own."
                )
        return kind

    def _file_table(
        self,
        checked: disclosure.Checked,
        title: str,
        sources: Sequence[str],
        text: str = "",
        redrawn: str | None = None,
    ) -> None:
        """Write a checked table and its receipt; `text` where its bytes were accepted before."""
        name, kind, text = checked.name, checked.kind, text or to_csv(checked)
        _write(self.folder / f"{name}.csv", text)
        self._enter(name, title, kind, sources, text, checked.receipt, redrawn)

    def _enter(
        self,
        name: str,
        title: str,
        kind: str,
        sources: Sequence[str],
        text: str,
        receipt: Mapping[str, object],
        redrawn: str | None = None,
    ) -> None:
        columns, *rows = csv.reader(io.StringIO(text))
        self.manifest["tables"][name] = {
            "title": title,
            "kind": kind,
            "banner": banner(kind),
            "sources": list(sources),
            "rows": len(rows),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "redrawn_from_accepted": redrawn,
            "columns": {column: COLUMNS[column] for column in columns},
            "disclosure": receipt,
        }
        kinds = {*self.manifest["kinds"], kind}
        # A model that rests on modelled drives to a list of centres says so as well.
        unofficial = {s for s in sources if s != COHORT and s not in official.known()}
        if kind == "scenario" and "modelled" in map(tables.kind_of, unofficial):
            kinds.add("modelled")
        self.manifest["kinds"] = [k for k in BANNERS if k in kinds]
        self._save_manifest()

    def _save_manifest(self) -> None:
        _write(self.folder / "manifest.json", _json(self.manifest))


def _studies(drawing: figures.Drawing) -> list[str]:
    """Name the publications that a drawing quotes; none where they are many, or one has no name."""
    if drawing.kind != "published" or "source" not in drawing.rows:
        return []
    named = drawing.rows["source"].fillna("").unique().tolist()
    return sorted(named) if all(named) and len(named) <= MOST_STUDIES else []


def banner(kind: str) -> str:
    """What a page says of a kind: of a registry, outside, its study and day of release as well."""
    folder = places.released_folder()
    if kind != "registry" or folder is None:
        return BANNERS[kind]
    release = released.read(folder)
    day = date.fromisoformat(release.day[:10])
    about = f"{BANNERS[kind]}, released on {day.day} {day:%B %Y}"
    return f"{about}: {release.title}" if release.title else about


def _people_of(manifest: Mapping) -> set[str]:
    """The kinds of people that the tables of a page are about, whatever they are published as."""
    entries = manifest["tables"].values()
    sources = {source for entry in entries for source in entry["sources"]} - {COHORT}
    fed = {tables.kind_of(source) for source in sources if source not in official.known()} & {
        "synthetic"
    }
    return {entry["kind"] for entry in entries} & disclosure.PERSON_KINDS | fed


def _words() -> dict[str, str]:
    """How tables in pages name models, and the columns, scores and stages of the study."""
    study = tables.read_study()
    named = {column.name: column.title for column in study.columns.values()}
    for each in (*study.scores, *study.derived):
        named[each.name] = each.title
        named[f"{each.name}_stage"] = f"{each.title}, stage"
    words = {name: title[0].lower() + title[1:] for name, title in named.items() if title}
    # Abbreviations keep their capitals.
    words |= {name: title for name, title in named.items() if title[:2].isupper()}
    return words | {
        "unadjusted_same_people": "unadjusted, same people as the last model",
        "age_sex": "age and sex",
        "joint": "age, sex and the other exposure",
        "as_published": "as published (our reading)",
    }


def _slug(name: str) -> str:
    """Take a name that is a plain word of a file name, so that no name leads out of its folder."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise Problem(
            "The name of a page, a table or a figure has letters, digits, '-' and '_' only."
        )
    return name


def named(name: str, kind: str) -> str:
    """Name a result so that a file of synthetic people says so wherever it is copied."""
    return f"synthetic_{name}" if kind == "synthetic" and "synthetic" not in name else name


def titled(title: str, kind: str) -> str:
    """Head a result so that what is shown of synthetic people says so.

    Nothing is built into patients, so a title about them does not speak of it.
    """
    if kind == "registry":
        title = re.sub(r"(?i)(published), built in,(?: and)? found", r"\1 and found", title)
        title = title.replace("built in and found", "found")
    return f"Synthetic people: {title}" if kind == "synthetic" else title


def combine(kinds: Iterable[str]) -> str:
    """Name the kind of a result made from inputs of these kinds: the least certain one decides."""
    kinds = set(kinds)
    for decides in (
        "synthetic",
        "registry",
        "scenario",
        "modelled",
        "assumed",
        "published",
        "open",
    ):
        if decides in kinds:
            # What rests on an assumption is modelled, however real the rest is.
            return "modelled" if decides == "assumed" else decides
    raise Problem("A result was published without saying which inputs it was made from.")


def _words_only(table: object, kind: str, name: str) -> None:
    """Refuse numbers from a cohort that are published as something else than its people's."""
    numbers = isinstance(table, pd.DataFrame) and len(table.select_dtypes("number").columns)
    of_patients = os.environ.get(places.KIND_VARIABLE) == "registry"
    if numbers and (kind != "open" or of_patients):
        raise Problem(
            f"The table '{name}' holds numbers and names the cohort among its sources, and is "
            f"published as '{kind}'. Publish it as what its people are, or name its other sources."
        )


def _as_in_the_book(checked: disclosure.Checked) -> None:
    """Refuse numbers beside a registry's that are not about its people, unless the book has them.

    What is about nobody in a registry is the same wherever the chapter runs.
    """
    name, text = checked.name, to_csv(checked)
    if not re.search(r"\d", text.partition("\n")[2]):
        return
    accepted = places.ACCEPTED / f"{name}.csv"
    if not accepted.exists() or _differences(io.StringIO(text), accepted):
        raise Problem(
            f"The table '{name}' is published as '{checked.kind}' while a registry is analysed, "
            "and is not the table of that name in book/results/. Publish what is about people as "
            "what its people are; publish anything else in a chapter without people first."
        )


class _Names(figures.Written):
    """Fills in columns by their names, and reaches nothing that a value holds."""

    def get_field(self, field_name: str, args: Sequence, kwargs: Mapping) -> tuple[object, str]:
        """Return the value of a column; Problem for anything that is not a name alone."""
        if not field_name.isidentifier():
            raise Problem("The form of a number names columns only, without '.' and '['.")
        return kwargs[field_name], field_name


def _formatted(form: str, row: Mapping) -> str:
    return _Names(row["kind"]).vformat(form, (), dict(row))


def prepare(
    table: pd.DataFrame | Callable[..., pd.DataFrame],
    kind: str,
    name: str,
    made_from: Mapping[str, pd.DataFrame] | None = None,
    about_people: bool = True,
) -> disclosure.Checked:
    """Put a table into its published form: ordered, with its kind, and through the gate.

    table, made_from, about_people : as for `disclosure.check`.
    """
    arrange = partial(_arranged, kind=kind, name=name)
    return disclosure.check(
        table,
        kind,
        name=name,
        made_from=made_from,
        about_people=about_people,
        arrange=arrange,
    )


def _arranged(table: pd.DataFrame, kind: str, name: str) -> pd.DataFrame:
    unknown = [
        column
        for column in table.columns
        if column not in COLUMNS and column not in disclosure.HIDDEN_COLUMNS
    ]
    if unknown:
        raise Problem(
            # Their names are not said: those of a pivot table are values of people.
            f"The table '{name}' has columns that published tables do not have: {len(unknown)} of "
            f"{len(table.columns)}. Published columns are listed in results.COLUMNS."
        )
    out = table.reset_index(drop=True)
    out["kind"] = kind
    keys = [k for k in KEYS if k in out]
    if out.duplicated(keys).any():
        raise Problem(f"The table '{name}' has two rows for the same {', '.join(keys)}.")
    # The row of everybody comes first; whole numbers sort as numbers.
    order = out[keys].apply(
        lambda column: column.map(_sort_key) if column.dtype == object else column
    )
    if "model" in out:
        # Models stand in the order of what they hold equal, others after them.
        place = {model: f"{number}" for number, model in enumerate(MODEL_ORDER)}
        order["model"] = out["model"].map(lambda model: _sort_key(place.get(model, model)))
    out = out.loc[order.sort_values(keys, kind="stable").index]
    shown = [*COLUMNS, *disclosure.HIDDEN_COLUMNS]
    return out[[column for column in shown if column in out]]


def _sort_key(value: object) -> tuple:
    text = "" if value is None or value is pd.NA or value != value else str(value)
    if text == "all":
        return (0, 0.0, "")
    try:
        return (1, float(text), "")
    except ValueError:
        return (2, 0.0, text)


def to_csv(checked: disclosure.Checked) -> str:
    """Write a checked table as text: ten significant digits, LF, the same bytes every time.

    Raises
    ------
    Problem : for anything that has not been through the gate.
    """
    if not isinstance(checked, disclosure.Checked):
        raise Problem(
            "Only what disclosure.check made is written: publish the table through a page."
        )
    return _text(checked.table)


def _text(table: pd.DataFrame) -> str:
    out = table.copy()
    for column in out:
        if pd.api.types.is_bool_dtype(out[column]):
            out[column] = out[column].map({True: "true", False: "false"})
        elif pd.api.types.is_float_dtype(out[column]):
            out[column] = [_digits(value) for value in out[column]]
    return out.to_csv(index=False, lineterminator="\n")


def _digits(value: float) -> str:
    if pd.isna(value):
        return ""
    text = f"{value:.{SIGNIFICANT_DIGITS}g}"
    return text.replace("-0", "0") if value == 0 else text


def _read_csv(path: Path | io.StringIO) -> pd.DataFrame:
    numbers = {
        "time_years", "estimate", "ci_low", "ci_high", "p_value", "degrees_of_freedom", "value",
        "published_estimate", "low", "high", "built_in", "hazard_ratio", "standard_error",
        "difference", "statistic", "travel_minutes", "distance_km", "expected_patients",
        "largest_error", "seconds", "times_as_long", "memory_mb", "error_difference",
    }  # fmt: skip
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    for column in frame:
        if column in numbers:
            frame[column] = pd.to_numeric(frame[column].mask(frame[column] == "")).astype(float)
        elif column in {"areas", "replicates", *disclosure.COUNT_COLUMNS}:
            frame[column] = pd.to_numeric(frame[column].mask(frame[column] == "")).astype("Int64")
        elif column in {"suppressed", "modelled", "steady"}:
            frame[column] = frame[column] == "true"
    return frame


def read_published(path: Path, name: str) -> pd.DataFrame:
    """Read a published table; figures accept no other."""
    frame = _read_csv(path)
    frame.attrs["published"] = name
    return frame


def merge(pages: Iterable[str], root: Path | None = None, into: Path | None = None) -> Path:
    """Gather what pages published into one folder: tables, figures, numbers and one manifest.

    Parameters
    ----------
    pages : names of the pages that are part of the book.
    root : folder that holds the folders of the pages.
    into : folder to (re)write; `_merged` beside the pages' folders by default.

    Raises
    ------
    Problem : for a page that has published nothing, or a name that two pages publish.
    """
    root = Path(root) if root else places.results_root()
    into = Path(into) if into else root / "_merged"
    staging = Path(tempfile.mkdtemp(prefix="merging-", dir=_made(root)))
    merged: dict = {"tables": {}, "figures": {}, "pages": {}}
    numbers = []
    for page in sorted(pages):
        folder = root / page
        if not (folder / "manifest.json").exists():
            raise Problem(f"The notebook '{page}' has published nothing: run it first.")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        merged["pages"][page] = {"kinds": manifest["kinds"]}
        for what, ending in (("tables", ".csv"), ("figures", ".svg")):
            for name, entry in manifest[what].items():
                if name in merged[what]:
                    other = merged[what][name]["page"]
                    raise Problem(f"'{page}' and '{other}' both publish {what[:-1]} '{name}'.")
                merged[what][name] = {"page": page, **entry}
                shutil.copyfile(folder / f"{name}{ending}", staging / f"{name}{ending}")
        if (folder / "numbers.csv").exists():
            numbers.append(_read_csv(folder / "numbers.csv"))
    filed = pd.concat(numbers) if numbers else pd.DataFrame(columns=NUMBER_COLUMNS)
    twice = filed.loc[filed["key"].duplicated(), "key"]
    if len(twice):
        raise Problem(f"Two pages file the number '{twice.iloc[0]}'.")
    _write(staging / "numbers.csv", _text(filed.sort_values("key")))
    _write(staging / "manifest.json", _json(merged))
    if into.exists():
        shutil.rmtree(into)
    staging.replace(into)
    return into


def accepted_manifest() -> dict:
    """Return the manifest of the accepted tables: empty where nothing was accepted yet."""
    path = places.ACCEPTED / "manifest.json"
    if not path.exists():
        return {"tables": {}, "figures": {}, "pages": {}}
    return json.loads(path.read_text(encoding="utf-8"))


def accept(merged: Path, date: str) -> list[str]:
    """Make merged tables the accepted ones and say which changed.

    A table that says the same keeps its bytes and its date, so that nothing changes for nothing.
    """
    manifest = json.loads((merged / "manifest.json").read_text(encoding="utf-8"))
    before = accepted_manifest()["tables"]
    differing = {difference.split(":")[0] for difference in compare(merged)}
    places.ACCEPTED.mkdir(parents=True, exist_ok=True)
    for old in places.ACCEPTED.glob("*.csv"):
        if old.stem not in manifest["tables"] and old.name != "numbers.csv":
            old.unlink()
    for name, entry in manifest["tables"].items():
        same = name in before and f"{name}.csv" not in differing
        entry["accepted_on"] = before[name]["accepted_on"] if same else date
        entry.pop("redrawn_from_accepted")
        if same:
            entry["sha256"] = before[name]["sha256"]
        else:
            shutil.copyfile(merged / f"{name}.csv", places.ACCEPTED / f"{name}.csv")
    if "numbers.csv" in differing or not (places.ACCEPTED / "numbers.csv").exists():
        shutil.copyfile(merged / "numbers.csv", places.ACCEPTED / "numbers.csv")
    _write(places.ACCEPTED / "manifest.json", _json(manifest))
    return sorted(differing)


def compare(merged: Path, accepted: Path | None = None) -> list[str]:
    """Compare merged tables with the accepted ones: numbers to 1e-8, everything else exactly.

    Returns
    -------
    One sentence a difference, each beginning with the file's name; empty where all agree.
    """
    accepted = accepted or places.ACCEPTED
    new = {path.name for path in merged.glob("*.csv")}
    old = {path.name for path in accepted.glob("*.csv")}
    found = [f"{name}: published now, but not accepted" for name in sorted(new - old)]
    found += [f"{name}: accepted, but no longer published" for name in sorted(old - new)]
    for name in sorted(new & old):
        found += [f"{name}: {what}" for what in _differences(merged / name, accepted / name)]
    return found


def _differences(new_path: Path | io.StringIO, old_path: Path) -> list[str]:
    new, old = _read_csv(new_path), _read_csv(old_path)
    if list(new.columns) != list(old.columns):
        return [f"columns are {list(new.columns)}, accepted were {list(old.columns)}"]
    if len(new) != len(old):
        return [f"{len(new)} rows, accepted were {len(old)}"]
    found = []
    for column in new:
        if pd.api.types.is_float_dtype(new[column]):
            differs = ~np.isclose(
                new[column], old[column], rtol=TOLERANCE, atol=1e-12, equal_nan=True
            )
        else:
            differs = (
                new[column].astype("string").fillna("") != old[column].astype("string").fillna("")
            ).to_numpy()
        if differs.any():
            row = int(np.flatnonzero(differs)[0])
            found.append(
                f"column '{column}' differs in {int(differs.sum())} rows, first in row {row + 1}: "
                f"{new[column].iloc[row]} instead of {old[column].iloc[row]}"
            )
    return found


def _json(content: dict) -> str:
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _write(path: Path, text: str) -> None:
    _made(path.parent)
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
