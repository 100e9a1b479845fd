"""A page that a reader can follow command by command: each is run when the page is made.

What a command prints stands under it, so that no answer on the page is typed, and a command that
fails stops the build.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from distance_to_care import places
from distance_to_care.problems import Problem

log = logging.getLogger(__name__)
STEP = re.compile(r"^```\{command\}\n(?P<command>.*?)\n```$", re.MULTILINE | re.DOTALL)
SECONDS = 60
# A page is no place for more: a whole function is the longest.
LINES = 60


def commands(page: str) -> list[str]:
    """Find the commands of a page's source."""
    return [match["command"] for match in STEP.finditer(page)]


def printed(command: str, folder: Path = places.ROOT) -> str:
    """Run a command of the shell in a folder and return what it prints.

    Raises
    ------
    Problem : it fails, takes too long, prints nothing, or prints more than a page can show.
    """
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    try:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False,
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Problem(f"The command '{command}' takes more than {SECONDS} seconds.") from None
    lines = done.stdout.rstrip("\n").split("\n")
    if done.returncode or not done.stdout.strip():
        why = done.stderr.strip() or "it prints nothing"
        raise Problem(f"The command '{command}' fails: {why}")
    if len(lines) > LINES:
        raise Problem(f"The command '{command}' prints {len(lines)} lines; show at most {LINES}.")
    return "\n".join(line.rstrip() for line in lines)


class CommandDirective(SphinxDirective):
    """{command}: a command, and under it what it printed when this page was made."""

    has_content = True

    def run(self):
        command = "\n".join(self.content)
        shown = nodes.literal_block(command, command, language="bash", classes=["asked"])
        try:
            said = printed(command)
        except Problem as problem:
            log.warning("%s", problem, location=self.get_location())
            return [shown]
        answer = nodes.literal_block(said, said, language="text", classes=["printed"])
        return [shown, nodes.paragraph(text="It prints:", classes=["prints"]), answer]


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive("command", CommandDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
