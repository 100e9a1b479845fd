"""Commands called in this process: what they say and how they end, at a third of the work."""

import os
from subprocess import CompletedProcess
from unittest import mock

from typer.testing import CliRunner

from distance_to_care.command_line import app


def run(*arguments: object, **environment: str) -> CompletedProcess:
    """Call a command, give the environment back, and raise any error that the command lets out."""
    words = [str(argument) for argument in arguments]
    with mock.patch.dict(os.environ):
        found = CliRunner().invoke(app, words, env=environment, catch_exceptions=False)
    return CompletedProcess(words, found.exit_code, found.stdout, found.stderr)
