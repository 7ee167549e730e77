"""tools/aarch64.py where its machine hangs or tells nothing: that is a failure, and comes to an end.

The emulator itself is run by `make aarch64`; here a script stands in its place.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import aarch64  # noqa: E402
import aarch64_guest  # noqa: E402

ROW = '@@ {"figure": "arenas", "python": "3.13", "target": "1", "gilscope": "1", "holds": true}'


@pytest.fixture
def emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The script that is run as qemu-system-aarch64."""
    program = tmp_path / "qemu-system-aarch64"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


def test_a_machine_that_falls_silent_is_switched_off_and_its_rows_do_not_count(
    emulator: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.write_text(f"#!/bin/sh\necho '{ROW}'\nexec sleep 600\n")
    assert aarch64.try_out("sid", Path("kernel"), Path("root"), limit_s=0.5) == []
    assert "sid: no end after" in capsys.readouterr().out


def test_the_rows_of_a_machine_that_came_to_its_end_count(emulator: Path) -> None:
    emulator.write_text(f"#!/bin/sh\necho '{ROW}'\necho '@@ {{\"end\": true}}'\n")
    rows = aarch64.try_out("sid", Path("kernel"), Path("root"), limit_s=60)
    assert [row["figure"] for row in rows] == ["arenas"]


@pytest.mark.parametrize(
    ("target", "gilscope", "allowed", "holds"),
    [(7, 7, 0, True), (7, 9, 1, False), (7, 8, 1, True), ("ok", "warn", 0, False), (7, None, 100, False)],
)
def test_a_figure_holds_when_it_is_told_and_right(
    target: float | str,
    gilscope: float | str | None,
    allowed: float,
    holds: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    aarch64_guest.Figures("python")._compare("a figure", target, gilscope, allowed)
    assert json.loads(capsys.readouterr().out.removeprefix("@@ "))["holds"] is holds
