"""Bytes and their digests: one form for every JSON file, and a seal that shows a changed byte."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from distance_to_care import places
from distance_to_care.problems import Problem

EMPTY_REVIEWER = {"name": "", "decision": "", "date": ""}
_SEAL = re.compile(rb'"seal:([0-9a-f]{64})"')
_BLANK = b'"seal:' + b"0" * 64 + b'"'


def canonical(content: object) -> bytes:
    """Write JSON in its one form: sorted keys, two spaces, LF, no number that JSON lacks."""
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def parsed(content: bytes, name: str) -> object:
    """Read JSON that `canonical` wrote.

    Raises
    ------
    Problem : where it is not JSON, or not in the form in which it was written. A key that is
        said twice, a space too many or a missing end are seen here.
    """
    try:
        read = json.loads(content.decode())
        written = canonical(read)
    except (ValueError, RecursionError):
        raise Problem(f"{name} cannot be read as JSON.") from None
    if written != content:
        raise Problem(f"{name} is not in the form in which it was written, byte for byte.")
    return read


def digest(content: bytes) -> str:
    """Return the SHA-256 digest of bytes, in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def manifest_digest(manifest: Mapping) -> str:
    """Digest a manifest with an empty reviewer, since a person fills that in afterwards."""
    return digest(canonical({**manifest, "reviewer": EMPTY_REVIEWER}))


def sealed(content: bytes) -> bytes:
    """Put the digest of a file into the file, at the one place that says `seal:` and noughts."""
    if content.count(_BLANK) != 1:
        raise Problem("A file can be sealed once only, at one place.")
    return content.replace(_BLANK, b'"seal:' + digest(content).encode() + b'"')


def seal_holds(content: bytes) -> bool:
    """Say whether a file that `sealed` wrote still has the bytes that it had then."""
    seals = _SEAL.findall(content)
    return len(seals) == 1 and digest(_SEAL.sub(_BLANK, content)).encode() == seals[0]


def of_release(digests: Mapping[str, str]) -> str:
    """Digest a release in one line: the digests of its files, in the order of their names."""
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return digest(lines.encode())


def of_source() -> str:
    """Digest the source of this package: every module's path and bytes."""
    package = Path(__file__).resolve().parents[1]
    modules = {
        path.relative_to(package).as_posix(): digest(path.read_bytes())
        for path in package.rglob("*.py")
    }
    return of_release(modules)


def inside_repository(folder: Path) -> bool:
    """Say whether a folder lies inside the repository, where it could be committed by mistake."""
    return folder.resolve().is_relative_to(places.ROOT)
