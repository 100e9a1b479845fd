"""Making a release of a work folder: refused with every reason, or written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from distance_to_care import second_opinion
from distance_to_care.disclosure import Profile, from_words
from distance_to_care.problems import Problem
from distance_to_care.releasing import (
    agreement,
    content,
    crate,
    fixed_times,
    folder_files,
    further,
    hidden_cells,
    request_form,
    sealing,
    verification,
    whole_folder,
    work_folder,
)
from distance_to_care.releasing import manifest as manifests

EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"


@dataclass(frozen=True)
class Released:
    """What was written: the folder, how many tables, and the digest of the whole in one line.

    `withheld` counts, by table, the cells that were withheld beyond what the gate had withheld, and
    `left_out` names the tables that had to be left out whole; `asks_for_truth` those that ask what
    was built into people, which of patients nobody can say.
    """

    folder: Path
    tables: int
    digest: str
    withheld: Mapping[str, int]
    left_out: tuple[str, ...]
    asks_for_truth: tuple[str, ...] = ()


def release(
    work: Path,
    target: Path,
    earlier: Sequence[Path] = (),
    first: bool = False,
    without: Sequence[str] = (),
    reviewer: str = "",
    profile: str = "",
    date: str = "",
    progress: Callable[[str], None] = lambda _: None,
) -> Released:
    """Check a work folder once more and write what may leave of it, whole or not at all.

    Parameters
    ----------
    work : the folder that `analyse` wrote.
    target : the folder to write; it may not exist.
    earlier : earlier releases of the same people, which the new one must not give away.
    first : that nothing about these people was released before, which only a person can know.
    without : names of tables to leave out, with the numbers that are read from them.
    reviewer : name of the person who is asked to look at it.
    profile : the profile that every table must keep, in the words of `profiles.from_words`.
    date : the day of the release, year-month-day; today where empty.
    progress : called with a line when a part of the work begins or ends.

    Raises
    ------
    Problem : for everything that keeps the folder from being released, at once where it can be.
    """
    if earlier and first:
        raise Problem(
            "This cannot be the first release about these people (--first) and have earlier ones "
            "(--earlier): keep the one that is true."
        )
    if not earlier and not first:
        raise Problem(
            "Name every earlier release about these people (--earlier), or say that this is the "
            "first (--first): two releases side by side can show who was added in between."
        )
    if not reviewer.isprintable():
        raise Problem("The name of the reviewer holds characters that cannot be printed.")
    target = _target(target, work)
    asked = from_words(profile) if profile.strip() else None
    day = released_on(date)
    ready = work_folder.without(work_folder.read(work, asked), without)
    asks_for_truth = tuple(work_folder.about_built_in(ready))
    ready = work_folder.without(ready, asks_for_truth)
    _second_opinion(ready)
    kinds = [entry["kind"] for entry in ready.manifest["tables"].values()]
    kind = manifests.of_kind(kinds, ready.run["record_kind"])
    if kind == "registry" and sealing.inside_repository(target):
        raise Problem(
            f"{target} lies inside the repository, where a release about patients could be "
            "committed by mistake. Name a folder outside it."
        )
    before = [_earlier(folder, ready.run["study"]["name"]) for folder in earlier]
    held_to = _profile(ready, asked)
    _refuse_few_added(ready, held_to, before)
    progress("Working out what the tables together give away of each withheld count ...")
    theirs = [each.tables for each in before]
    more = further.withheld(ready, held_to, theirs, lambda line: progress(f"  {line}"))
    progress("Proving it of the tables as they would leave ...")
    checks = _attacked(more, held_to, before)
    files = _files(more.work, kind, day, reviewer, held_to, before, checks)
    with whole_folder.written(target) as folder:
        whole_folder.fill(folder, files)
        # What was written is read back and judged as a checker will judge it.
        faults = verification.faults(folder)
        if faults:
            raise Problem("The release was not written:\n" + "\n".join(f"  - {f}" for f in faults))
        digest = verification.digest(folder)
    left_out = tuple(more.left_out)
    return Released(target, len(more.work.tables), digest, more.cells, left_out, asks_for_truth)


def released_on(date: str = "") -> str:
    """Find the day of a release: the one that is named, that of the environment, or today."""
    epoch = os.environ.get(EPOCH_VARIABLE, "")
    if not date and epoch.isascii() and epoch.isdigit():
        date = datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    date = date or datetime.now(UTC).date().isoformat()
    if not manifests.is_day(date):
        raise Problem("The day of a release is written year-month-day, for example 2026-05-31.")
    return date


def _second_opinion(ready: work_folder.Work) -> None:
    """Refuse tables that show a cell which the library of the second opinion withholds."""
    found = ready.run["second_opinion"]["tables"]
    looser = [name for name in sorted(found) if name in ready.tables and found[name]["looser"]]
    if looser:
        raise Problem(
            f"The second opinion ({ready.run['second_opinion']['library']}) withholds cells that "
            f"these tables show: {', '.join(looser)}. Run 'analyse' again with a higher threshold "
            "(--threshold), or leave them out (--without)."
        )


def _target(target: Path, work: Path) -> Path:
    if target.name in ("", ".", "..") or not target.name.isprintable():
        raise Problem("The release needs a folder with a name of its own.")
    if os.path.lexists(target):
        raise Problem(f"{target} exists. A release is never written over: name a new folder.")
    if not target.absolute().parent.is_dir():
        raise Problem(f"The folder {target.absolute().parent} does not exist. Make it first.")
    real = target.absolute().parent.resolve() / target.name
    if real.is_relative_to(work.resolve()):
        raise Problem(f"{target} lies inside the work folder. Name a folder outside it.")
    for parent in real.parents:
        if (parent / manifests.NAME).exists() and (parent / crate.NAME).exists():
            raise Problem(
                f"{target} lies inside the release {parent}, which would no longer be whole. "
                "Name a folder outside it."
            )
    return real


def _profile(ready: work_folder.Work, asked: Profile | None) -> Profile:
    """The profile of the run, and number by number the stricter one where another is asked for."""
    said = ready.run["profile"]
    numbers = dict(said["numbers"])
    name = said["name"]
    for key, value in (asked.numbers if asked else {}).items():
        if value > numbers.get(key, -1):
            numbers[key], name = value, asked.name
    return Profile(name, **numbers)


@dataclass(frozen=True)
class _Earlier:
    """An earlier release: its folder, its manifest, its digest, and its tables about people."""

    folder: Path
    manifest: Mapping
    digest: str
    tables: Mapping[str, bytes]


def _earlier(folder: Path, study: str) -> _Earlier:
    """Read an earlier release of a study, and refuse that of another one."""
    faults = verification.faults(folder)
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise Problem(f"The earlier release {folder} is not whole:\n{lines}")
    manifest = manifests.read(folder)
    if manifest["study"]["name"] != study:
        raise Problem(
            f"The earlier release {folder} is of the study '{manifest['study']['name']}', and this "
            f"one is of '{study}'. Name the earlier releases about these people. Where they are "
            "the same people, the study keeps its name."
        )
    files, _ = folder_files.read_all(folder, content.LARGEST_BYTES, ("tables",))
    tables = {
        name: files[f"tables/{name}.csv"]
        for name, entry in manifests.tables(manifest).items()
        if entry["receipt"]["shape"] != content.NOT_ABOUT_PEOPLE
    }
    return _Earlier(folder, manifest, verification.digest(folder), tables)


def _refuse_few_added(ready: work_folder.Work, profile: Profile, before: Sequence[_Earlier]):
    """Refuse what no withholding can mend, before the long work begins."""
    about = work_folder.people_of(ready)
    for each in before:
        if hidden_cells.apart(ready.run["people"], each.manifest["people"]) >= profile.threshold:
            continue
        changed = hidden_cells.changed(about, each.tables, profile)
        if changed:
            raise Problem(
                f"Too few people may have been added since the earlier release {each.folder}: "
                f"wait until at least {profile.threshold} more were added, or leave the tables "
                "out (--without) whose numbers are not what they were there: "
                f"{', '.join(changed)}."
            )


def _attacked(more: further.Further, profile: Profile, before: Sequence[_Earlier]) -> list[dict]:
    """Prove of all tables together that they give nothing away, and say what was proved."""
    about = work_folder.people_of(more.work)
    needs = hidden_cells.needs_of(more.work.run["study"]["content"])
    theirs = {str(each.folder): each.tables for each in before}
    found = hidden_cells.narrow(about, profile, theirs, needs)
    found += fixed_times.crossing(hidden_cells.as_tables(about))
    found += agreement.within(about)
    people = more.work.run["people"]
    first = "Too much could be worked out from what would be released:"
    for each in before:
        then, named = each.manifest["people"], str(each.folder)
        moved = hidden_cells.moved(about, each.tables, people, then, profile.threshold, named)
        few = hidden_cells.apart(people, then) < profile.threshold
        if few:
            moved += agreement.with_earlier(about, each.tables, named)
        found += moved
        if moved and few:
            first = (
                f"Too few people may have been added since the earlier release {named}: wait "
                f"until at least {profile.threshold} more were added.\n{first}"
            )
    if found:
        lines = "\n".join(f"  - {sentence}" for sentence in found)
        raise Problem(f"{first}\n{lines}\nA table is left out with --without and its name.")
    return [
        {
            "rule": "the tightest range of each withheld count, worked out from all released "
            "tables and the earlier releases named, is wide enough",
            "result": "kept",
        },
        {
            "rule": "survival of a group is told by all tables at the points of one curve",
            "result": "kept",
        },
        {
            "rule": "tables that answer the same question agree in every estimate that they show",
            "result": "kept",
        },
        {
            "rule": "further cells are withheld, or tables left out, where a range was narrow",
            "result": f"{sum(more.cells.values())} cells, {len(more.left_out)} tables",
        },
    ]


def _files(
    ready: work_folder.Work,
    kind: str,
    day: str,
    reviewer: str,
    profile: Profile,
    before: Sequence[_Earlier],
    checks: list[dict],
) -> dict[str, bytes]:
    """Make every file of a release, by its path."""
    study = ready.run["study"]
    files = {f"tables/{name}.csv": text for name, text in ready.tables.items()}
    files["numbers.csv"] = ready.numbers
    files["study.json"] = sealing.canonical(
        {key: study[key] for key in ("name", "title", "sha256", "content")}
    )
    manifest = {
        "format": manifests.FORMAT,
        "released_on": day,
        "kind": kind,
        "people": ready.run["people"],
        "study": {key: study[key] for key in ("name", "title", "sha256")},
        "software": {
            **{key: ready.run["software"][key] for key in work_folder.SOFTWARE},
            "released_with_source_sha256": sealing.of_source(),
        },
        "profile": {"name": profile.name, "numbers": profile.numbers},
        "pages": {page: {"kinds": e["kinds"]} for page, e in ready.manifest["pages"].items()},
        "first_release": not before,
        "earlier": [
            {"digest": each.digest, "released_on": each.manifest["released_on"]} for each in before
        ],
        "checks": checks,
        "second_opinion": second_opinion.total(ready.run["second_opinion"], ready.tables),
        "files": _entries(ready, files),
        "reviewer": {**sealing.EMPTY_REVIEWER, "name": reviewer.strip()},
    }
    forms = {
        request_form.SUMMARY_NAME: request_form.summary(manifest),
        request_form.CSV_NAME: request_form.to_csv(manifest),
    }
    # Titles and names come from chapters and study files, and may not become formulas here.
    unfit = [
        fault
        for name, form in forms.items()
        for fault in content.cells(content.rows_of(form, name), name, about_people=False)
    ]
    if unfit:
        raise Problem("\n".join(unfit))
    files |= forms
    files[request_form.JSON_NAME] = request_form.to_json(manifest, forms)
    files[manifests.NAME] = sealing.canonical(manifest)
    files[crate.NAME] = crate.build(manifest, files)
    return files


def _entries(ready: work_folder.Work, files: Mapping[str, bytes]) -> dict[str, dict]:
    filed = content.rows_of(ready.numbers, "numbers.csv")
    place = filed[0].index("table")
    read_from = [row[place] for row in filed[1:]]
    entries = {}
    for name, entry in ready.manifest["tables"].items():
        text = ready.tables[name]
        rows = content.rows_of(text, name)
        figures = ready.manifest["figures"].values()
        entries[f"tables/{name}.csv"] = {
            **{key: entry[key] for key in ("title", "kind", "page", "columns")},
            "sha256": sealing.digest(text),
            "bytes": len(text),
            "rows": len(rows) - 1,
            "smallest_count": content.smallest_count(rows),
            "sources": sorted(set(entry["sources"])),
            "receipt": entry["disclosure"],
            "figures": sorted({f["title"] for f in figures if f["table"] == name}),
            "numbers": read_from.count(name),
            "redrawn_from_accepted": entry.get("redrawn_from_accepted"),
        }
    for name, title, tables in (
        ("numbers.csv", "Numbers that the text quotes", sorted(set(read_from))),
        ("study.json", "What the study file says: columns, limits, scores, adjustments", []),
    ):
        text = files[name]
        entries[name] = {
            "sha256": sealing.digest(text),
            "bytes": len(text),
            "title": title,
            "tables": tables,
        }
    return entries
