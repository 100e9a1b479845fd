"""Chapters that an interrupted analysis has finished, kept so that the next run goes on from them.

They stand under `.chapters/` in the folder of results, under a digest of everything that they were
made from. A chapter counts as whole when each of its files has the bytes that were noted when it
ended; anything else is made again. Nothing is kept of a run with another file, study or program.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from distance_to_care import places, results
from distance_to_care.problems import Problem
from distance_to_care.whole_file import whole

FOLDER = ".chapters"
_INPUTS, _WHOLE, _LOCK = "_inputs.json", "_whole", "_lock"
_SPECIAL = ("_merged",)


class Kept:
    """The chapters of one run: where they write, which are whole, and how long each took.

    Parameters
    ----------
    output : folder of the results.
    inputs : digest of each thing that the chapters are made from, by its name in a sentence.
    """

    def __init__(self, output: Path, inputs: Mapping[str, str]):
        self.output = output.absolute()
        self.inputs = dict(inputs)
        text = json.dumps(self.inputs, sort_keys=True)
        self.digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.root = self.output / FOLDER / self.digest
        self._locked = None

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        if self._locked is not None:
            self._locked.close()

    def begin(self) -> str:
        """Make the folder, drop what is of another run or half made, and say why, if so.

        Raises
        ------
        Problem : where another run is writing into the same folder.
        """
        recover(self.output)
        if (self.output / FOLDER / "rounds.json").exists():
            raise Problem(
                f"{self.output} holds contributions to a model of several registries. Name another "
                "folder."
            )
        # Nobody else on a shared computer reads what is half made, or the digest of an extract.
        self.output.parent.mkdir(parents=True, exist_ok=True)
        for folder in (self.output, self.output / FOLDER):
            folder.mkdir(mode=0o700, exist_ok=True)
        (self.output / FOLDER).chmod(0o700)
        self._lock()
        changed = []
        for other in (self.output / FOLDER).iterdir():
            if other.is_dir() and other != self.root:
                before = _content(other / _INPUTS)
                differing = [name for name, d in self.inputs.items() if before.get(name) != d]
                changed += [name for name in differing if name not in changed]
                shutil.rmtree(other)
        (self.root / _WHOLE).mkdir(parents=True, exist_ok=True)
        with whole(self.root / _INPUTS) as part:
            part.write_text(json.dumps(self.inputs, sort_keys=True), encoding="utf-8")
        for folder in self.root.iterdir():
            # The notes of whole chapters stay; a merged folder is made anew.
            half = folder.name != _WHOLE and self.seconds(folder.name) is None
            if folder.is_dir() and half:
                shutil.rmtree(folder)
        if not changed:
            return ""
        verb = "has" if len(changed) == 1 else "have"
        told = " and ".join([", ".join(changed[:-1]), changed[-1]] if changed[1:] else changed)
        return f"An interrupted run is not continued: {told} {verb} changed since. Starting anew."

    def seconds(self, chapter: str) -> float | None:
        """How long a chapter took that is whole; None where it has to be run."""
        note = _content(self.root / _WHOLE / f"{chapter}.json")
        if not note or chapter in _SPECIAL or note.get("files") != self._files(chapter):
            return None
        return float(note["seconds"])

    def finished(self, chapter: str, seconds: float) -> None:
        """Note that a chapter is whole."""
        note = {"files": self._files(chapter), "seconds": round(seconds, 2)}
        with whole(self.root / _WHOLE / f"{chapter}.json") as part:
            part.write_text(json.dumps(note, sort_keys=True), encoding="utf-8")

    def forget(self, chapter: str) -> None:
        """Remove what a chapter has written that could not be done."""
        shutil.rmtree(self.root / chapter, ignore_errors=True)

    def gather(self, chapters: Sequence[str]) -> Path:
        """Merge the chapters into a folder that can take the place of the results."""
        return results.merge(chapters, self.root)

    def _files(self, chapter: str) -> dict[str, str]:
        folder = self.root / chapter
        files = sorted(folder.rglob("*")) if folder.is_dir() else []
        return {f.relative_to(folder).as_posix(): digest_of(f) for f in files if f.is_file()}

    def _lock(self) -> None:
        # Windows has no such lock: two runs at once are then not told apart.
        if importlib.util.find_spec("fcntl") is None:
            return
        import fcntl

        self._locked = (self.output / FOLDER / _LOCK).open("w")
        try:
            fcntl.flock(self._locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._locked.close()
            raise Problem(
                f"Another analysis is writing into {self.output}. Wait for it, or name another "
                "folder."
            ) from None


def take_place(new: Path, output: Path) -> None:
    """Put a finished folder, which lies within `output`, into its place; the old one goes last."""
    output = output.absolute()
    old = _set_aside(output)
    if old.exists():
        shutil.rmtree(old)
    output.replace(old)
    (old / new.relative_to(output)).replace(output)
    shutil.rmtree(old)


def recover(output: Path) -> None:
    """Put back results that were set aside by a run that ended before it could finish."""
    old = _set_aside(output)
    if not old.is_dir():
        return
    if output.exists():
        if (output / "manifest.json").exists() and (old / FOLDER).exists():
            shutil.rmtree(old)
        return
    old.replace(output)


def _set_aside(output: Path) -> Path:
    output = output.absolute()
    return output.with_name(f".{output.name}.before")


def _content(path: Path) -> dict:
    # A note that was cut short is no note.
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def digest_of(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_all(paths: Sequence[Path], root: Path) -> str:
    """The sha256 of files with their names."""
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(f"{path.relative_to(root).as_posix()}\0{digest_of(path)}\n".encode())
    return total.hexdigest()


def of_program(notebooks: Sequence[Path]) -> str:
    """The sha256 of the program and of the chapters that it runs."""
    package = places.ROOT / "distance_to_care"
    total = hashlib.sha256(digest_of_all([*package.rglob("*.py")], places.ROOT).encode())
    for path in sorted(notebooks):
        total.update(f"{path.name}\0{digest_of(path)}\n".encode())
    return total.hexdigest()


def of_open_data() -> str:
    """The sha256 of the tables of the book, with names and sizes of the official files."""
    folders = [path for path in places.DATA.iterdir() if not path.name.startswith(".")]
    files = [f for f in folders if f.is_file()]
    for folder in (f for f in folders if f.is_dir()):
        files += [
            f
            for f in folder.rglob("*")
            if f.is_file() and not any(part.startswith(".") for part in f.relative_to(folder).parts)
        ]
    total = hashlib.sha256(digest_of_all(files, places.DATA).encode())
    official = places.official_folder()
    for path in sorted(official.iterdir()) if official else ():
        total.update(f"{path.name} {path.stat().st_size}\n".encode())
    return total.hexdigest()
