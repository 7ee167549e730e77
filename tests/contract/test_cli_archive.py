"""The commands about recorded runs: what one process recorded another lists, shows, keeps and removes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from support import recorded as made
from support.plain import NO_TLS

LIMIT_S = 60


@pytest.fixture
def gilscope(tmp_path: Path):
    """Run a command with an archive of the test's own."""

    def run(*words: str, status: int = 0, home: str = "data") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "app", *words],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env={**os.environ, "GILSCOPE_DATA_DIR": str(tmp_path / home)},
        )
        assert done.returncode == status, done.stderr
        return done.stdout if status == 0 else done.stderr

    return run


@pytest.fixture
def recorded(gilscope, tmp_path: Path) -> dict:
    """The summary of a run that was recorded, and is in a file as well."""
    words = (
        "--json",
        "-o",
        str(tmp_path / "run.jsonl.gz"),
        "--",
        sys.executable,
        "-c",
        "print('from-the-target')",
    )
    return json.loads(gilscope("record", *words))


def test_a_recorded_run_is_listed_and_shown_as_it_was(gilscope, recorded):
    run_id = recorded["run"]["id"]
    assert run_id in gilscope("runs")
    listed = json.loads(gilscope("runs", "from-the-target", "--kind", "command", "--json"))
    assert [run["id"] for run in listed["runs"]] == [run_id]
    assert json.loads(gilscope("show", run_id, "--json")) == recorded
    assert json.loads(gilscope("show", run_id[:4], "--json")) == recorded
    assert gilscope("show", "last").splitlines()[0].startswith(f"{recorded['run']['name']} · CPython")
    assert "No run is recorded" in gilscope("runs", "nothing-of-that-name")


def test_a_file_is_shown_without_the_archive_and_imported_into_another(gilscope, recorded, tmp_path: Path):
    file = str(tmp_path / "run.jsonl.gz")
    assert json.loads(gilscope("show", file, "--json", home="elsewhere")) == recorded
    assert gilscope("import", file, home="elsewhere").strip() == recorded["run"]["id"]
    assert json.loads(gilscope("show", "last", "--json", home="elsewhere")) == recorded
    assert "already" in gilscope("import", file, home="elsewhere", status=2)


def test_a_run_is_pinned_removed_and_put_back(gilscope, recorded):
    run_id = recorded["run"]["id"]
    gilscope("pin", run_id)
    assert "pinned" in gilscope("runs")
    gilscope("pin", run_id, "--off")
    assert "pinned" not in gilscope("runs")
    gilscope("rm", run_id)
    assert run_id not in gilscope("runs")
    assert "No run is called" in gilscope("show", run_id, status=2)
    gilscope("rm", run_id, "--undo")
    assert run_id in gilscope("runs")


def test_a_run_is_named_tagged_and_found_by_that_and_by_its_time(gilscope, recorded):
    run_id, name = recorded["run"]["id"], recorded["run"]["name"]
    gilscope("name", run_id, "before the fix")
    gilscope("tag", run_id, "slow", "of-july", "slow")
    found = json.loads(gilscope("runs", "before the", "--tag", "slow", "--json"))["runs"]
    assert [(run["id"], run["tags"]) for run in found] == [(run_id, ["slow", "of-july"])]
    gilscope("tag", run_id, "slow", "--off")
    assert "No run is recorded" in gilscope("runs", "--tag", "slow")
    assert "1 to 80 characters" in gilscope("name", run_id, "x" * 81, status=2)
    assert "1 to 40 characters" in gilscope("tag", run_id, "", status=2)
    gilscope("name", run_id, name)
    gilscope("tag", run_id, "of-july", "--off")
    assert run_id in gilscope("runs", "--since", "2020-01-01", "--until", "2999-12-31")
    assert "No run is recorded" in gilscope("runs", "--until", "2020-01-01 12:00")


def test_what_is_no_recording_is_refused(gilscope, tmp_path: Path):
    (tmp_path / "text").write_text("hello\n")
    assert "no recording of GILScope" in gilscope("show", str(tmp_path / "text"), status=4)
    assert "No run is called 'nosuch'" in gilscope("show", "nosuch", status=2)


def test_a_file_is_replayed_on_its_page_and_is_in_the_archive_then(gilscope, tmp_path: Path):
    file = made.write(tmp_path / "made.jsonl", seconds=1, run={"id": "replayed"})
    command = [sys.executable, "-m", "app", "replay", str(file), "--no-open"]
    environment = {**os.environ, "GILSCOPE_DATA_DIR": str(tmp_path / "data")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            said = re.fullmatch(
                r"GILScope is at (http://\S+/runs/replayed\?code=\S+)\n", server.stdout.readline()
            )
            assert said
            with httpx.Client(follow_redirects=True, verify=NO_TLS) as client:
                assert client.get(said[1]).status_code == 200
        finally:
            server.terminate()
    assert gilscope("show", "replayed").startswith("made · ")
