"""The whole journey without a network: install from gathered packages, analyse, release."""

import os
import shutil
import subprocess
import sys

import pytest

from distance_to_care import places, wheelhouse

# A program that is started with this has no network but itself: no route leads anywhere.
ALONE = ["unshare", "--map-root-user", "--net"]


@pytest.fixture(scope="module")
def alone():
    """The command that takes the network away; it must really do so."""
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"]).returncode:
        pytest.skip("this system does not let a program give up its network (unshare --net)")
    tried = subprocess.run(
        [*ALONE, sys.executable, "-c", "import socket; socket.create_connection(('1.1.1.1', 80))"],
        capture_output=True,
        text=True,
    )
    assert "unreachable" in tried.stderr
    return ALONE


@pytest.fixture(scope="module")
def installed(alone, tmp_path_factory):
    """A fresh installation, made from files alone."""
    base = tmp_path_factory.mktemp("secure")
    found = wheelhouse.gather(base / "carried", lambda line: None)
    # Small enough to be carried and looked at: a third of what building the site takes.
    assert found["bytes"] < 250e6
    # The page for secure environments shows this file: `wheelhouse DIR --record` writes it.
    assert wheelhouse.size(found) == (places.BOOK / "wheelhouse.csv").read_text(encoding="utf-8")
    carried = [sys.executable, str(base / "carried" / "install.py"), str(base / "there")]
    subprocess.run([*alone, *carried], check=True, capture_output=True)
    return base


def there(alone, base, *arguments):
    """Run the installed command, without a network and without anything of this project's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    command = base / "there" / "distance-to-care" / ".venv" / "bin" / "distance-to-care"
    run = subprocess.run(
        [*alone, str(command), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=kept,
        cwd=base,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.slow
def test_the_whole_analysis_runs_without_a_network(alone, installed):
    base = installed
    cohort = places.DATA / "synthetic" / "synthetic_ipf.csv"
    assert "no problems" in there(alone, base, "check", cohort)
    there(alone, base, "analyse", cohort, "--output", base / "work")
    tables = {path.name for path in (base / "work").glob("*.csv")}
    accepted = {path.name for path in places.ACCEPTED.glob("*.csv")}
    assert len(tables) > 50
    assert tables <= accepted
    # What came out inside is what this book has accepted outside.
    differing = [
        name
        for name in sorted(tables - {"numbers.csv"})
        if (base / "work" / name).read_bytes() != (places.ACCEPTED / name).read_bytes()
    ]
    assert differing == []
    there(alone, base, "release", base / "work", base / "release", "--first")
    there(alone, base, "verify", base / "release")
