"""Where there is no browser, or one that fails, a command says so in a sentence."""

from __future__ import annotations

import pytest
from commands import run

from distance_to_care import places
from distance_to_care.problems import Problem
from distance_to_care.publication import chromium


def test_a_machine_without_a_browser_is_told_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Problem, match="make browser"):
        chromium.executable()


def test_a_browser_that_does_not_start_is_told_in_a_sentence(monkeypatch, tmp_path):
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Problem, match="chromium failed: .*Try again"), chromium.opened():
        pass


def test_a_book_that_was_not_built_is_not_printed(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "BUILD", tmp_path)
    said = run("pdf")
    assert said.returncode == 2
    assert "Run 'make book' first" in said.stderr
