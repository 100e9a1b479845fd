"""A release as a book outside reads it: its tables, its study, its day, and nothing about people.

Every table is read against the sha256 of the release's manifest. A table that a page asks for and
that is not there was left out by somebody: the page then says so in its place.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from distance_to_care.problems import Problem
from distance_to_care.study import Study

TABLES = "tables"
PEOPLE = ("registry", "open", "synthetic")
# What stands in the prose in the place of a number whose table was left out.
NOT_RELEASED = "(not released)"


class Absent:
    """Stands where a table would that was not released; what needs its content stops."""

    def __init__(self, name: str):
        self._name = name

    def _stop(self, *_: object, **__: object) -> NoReturn:
        raise NotReleased(self._name)

    __getitem__ = __iter__ = __len__ = __call__ = __contains__ = _stop
    __add__ = __radd__ = __sub__ = __mul__ = __truediv__ = __or__ = __ror__ = __eq__ = __lt__ = (
        _stop
    )
    __hash__ = None

    def __getattr__(self, attribute: str) -> NoReturn:
        # What begins with an underscore is asked by Python and by Jupyter, not by a page.
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        raise NotReleased(self._name)

    def side_by_side(self, *_: object) -> Absent:
        """Stay what it is, however it is asked to stand."""
        return self

    def _repr_html_(self) -> str:
        return (
            '<p class="not-released">Not released: the table '
            f"{html.escape(self._name)} is not part of what left the secure environment.</p>"
        )


class NotReleased(Problem):
    """A table that a page needs was not released."""

    def __init__(self, name: str):
        super().__init__(f"The table '{name}' was not released.")
        self.absent = Absent(name)


def absent_after(error: Exception) -> Absent:
    """Return what stands for the result of a statement that a missing table has stopped.

    Raises
    ------
    Exception : the error itself, where it has another cause.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NotReleased):
            return cause.absent
        cause = cause.__cause__ or cause.__context__
    # A library that looks at a thing's type before it touches it says that this is no table.
    if isinstance(error, TypeError) and f"{__name__}.{Absent.__name__}" in str(error):
        return Absent("that it is made from")
    raise error


@dataclass(frozen=True)
class Release:
    """A folder that left a secure environment.

    `folder` holds it; `manifest` lists each file with its sha256, title, kind and page.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """What the people behind the release are."""
        return self.manifest["kind"]

    @property
    def day(self) -> str:
        """The day of the release, as the manifest gives it."""
        return self.manifest["released_on"]

    @property
    def title(self) -> str:
        """The title of the study, as its file gives it."""
        return str(self.manifest["study"]["title"])

    @property
    def tables(self) -> dict[str, Mapping[str, Any]]:
        """What the manifest says of each released table, by its name."""
        return {
            Path(path).stem: entry
            for path, entry in self.manifest["files"].items()
            if Path(path).parent.name == TABLES
        }

    def filed_as(self, name: str) -> str | None:
        """Name under which a table was released; None where it was not."""
        known = self.tables
        return next((each for each in (name, f"synthetic_{name}") if each in known), None)

    def text(self, name: str) -> str:
        """Return a released table as it stands in its file.

        Raises
        ------
        Problem : where its bytes are not those that were released.
        """
        return self._checked(f"{TABLES}/{name}.csv").decode("utf-8")

    def study(self) -> Study:
        """Return the study that the release was made with."""
        content = json.loads(self._checked("study.json"))
        inside = content.get("content")
        return Study.from_dict(inside if isinstance(inside, dict) else content, "study.json")

    def numbers(self) -> str:
        """Return the released numbers as they stand in their file."""
        return self._checked("numbers.csv").decode("utf-8")

    def _checked(self, path: str) -> bytes:
        entry = self.manifest["files"].get(path)
        if entry is None:
            raise Problem(f"The release {self.folder} has no {path}.")
        try:
            content = (self.folder / path).read_bytes()
        except OSError:
            raise Problem(
                f"The release {self.folder} lists {path} and does not hold it. Fetch the release "
                "again from where it was approved."
            ) from None
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise Problem(
                f"{path} in {self.folder} is not what was released: its sha256 is another. "
                "Fetch the release again from where it was approved."
            )
        return content


def read(folder: Path) -> Release:
    """Open a release.

    Parameters
    ----------
    folder : what left the secure environment.

    Raises
    ------
    Problem : for a folder that holds no release, or one that does not say what it must.
    """
    path = Path(folder) / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        kind, day, files = manifest["kind"], manifest["released_on"], manifest["files"]
        listed = all(len(entry["sha256"]) == 64 for entry in files.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Problem(
            f"{folder} holds no release: its manifest.json is missing, or does not list the "
            "files, their sha256, the kind of people and the day. 'distance-to-care release' "
            "writes it."
        ) from None
    if not listed or kind not in PEOPLE or not isinstance(day, str):
        raise Problem(f"The manifest of {folder} is not that of a release.")
    return Release(Path(folder), manifest)
