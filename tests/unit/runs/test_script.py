"""A script's file goes when its run ends; and where its server was killed, when the next one is written."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.runs.script import Script


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_the_file_is_its_owners_alone_and_goes_with_its_folder(tmp_path: Path) -> None:
    script = Script("print('hello')")
    path = Path(script.path)
    assert path.read_text() == "print('hello')"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    script.remove()
    script.remove()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_server_left_is_swept_and_what_a_living_one_uses_is_not(tmp_path: Path) -> None:
    leaving = (
        "import os, tempfile; tempfile.tempdir = {!r}; from app.runs.script import Script\n"
        "script = Script('pass'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", leaving.format(str(tmp_path))], check=False)
    [left] = tmp_path.iterdir()
    mine = Script("pass")
    other = Script("pass")
    assert not left.exists()
    assert Path(mine.path).exists()
    assert f"-{os.getpid()}-" in other.path
    mine.remove()
    other.remove()
