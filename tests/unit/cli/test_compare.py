"""`gilscope compare`: two recordings, as tables and as one object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import recorded
from typer.testing import CliRunner

from app.cli.main import app


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    return [
        str(recorded.write(tmp_path / f"{held}.jsonl", seconds=9, held=held, run={"name": f"held {held}"}))
        for held in (0.5, 0.9)
    ]


def test_both_values_their_ranges_and_why_nothing_more_is_said(files: list[str]) -> None:
    said = CliRunner().invoke(app, ["compare", *files]).output
    assert said.startswith("A  held 0.5 · ")
    [rss] = [line for line in said.splitlines() if line.startswith("RSS")]
    assert rss.count("14.6 MiB (11 MiB … 18.2 MiB)") == 2
    [operations] = [line for line in said.splitlines() if line.startswith("Operations")]
    assert "alike" in operations
    [reported] = [line for line in said.splitlines() if line.startswith("held ")]
    assert reported.split() == ["held", "0.5", "0.9"]


def test_as_one_object_it_is_what_the_interface_gives(files: list[str]) -> None:
    found = json.loads(CliRunner().invoke(app, ["compare", *files, "--json"]).output)
    assert [run["name"] for run in found["runs"]] == ["held 0.5", "held 0.9"]
    assert {figure["key"] for figure in found["figures"]} >= {"ops", "held", "longest_wait"}


def test_scripts_that_differ_are_set_side_by_side_and_which_does_more_is_said(tmp_path: Path) -> None:
    files = [
        str(recorded.write(tmp_path / f"{name}.jsonl", seconds=9, run={"script": f"same()\n{name}()\n"}))
        for name in ("one", "two")
    ]
    said = CliRunner().invoke(app, ["compare", *files]).output
    assert "The scripts differ: 1 line only in A, 1 line only in B.\n  same()\n- one()\n+ two()" in said
    assert "Neither does more at once" in said
