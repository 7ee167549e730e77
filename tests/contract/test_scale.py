"""tools/scale.py: what observers beside real workers said goes in, and the server's figures are its sum."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.runs.observer import HOME

PATIENCE_S = 200


def run(*words: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=HOME, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.serial  # slices that come too late are lost, and with them a part of what is compared
def test_a_server_says_of_many_workers_what_their_recordings_come_to(tmp_path):
    run("tools/scale_record.py", tmp_path, "--kinds", "fetch", "--seconds", "4")
    out = tmp_path / "measured"
    # Long beside a slice: the first or the last of a worker may be in one of the two alone.
    asked = ("--workers", "8", "--repeats", "1", "--settle", "1", "--seconds", "6", "--out", out)
    run("tools/scale.py", tmp_path, *asked)
    [measured] = [json.loads(line) for line in out.read_text().splitlines()]
    assert (measured["seen"], measured["unseen"], measured["skipped"]) == (8, 0, 0)
    assert measured["observed_s"] > 6
    assert measured["switches"] == pytest.approx(1, abs=0.02)
    assert measured["held"] == pytest.approx(1, abs=0.02)
    for name in ("joiner_cpu", "server_cpu", "to_scheduler", "to_server", "to_viewer", "delay_s"):
        assert measured[name] > 0, name
