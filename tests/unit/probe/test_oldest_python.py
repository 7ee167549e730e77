"""What is sent to the far side of `--via` can be imported by the oldest Python that may be there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.runs.observer import HOME

OLDEST = next(map(str, sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python"))), sys.executable)
ALL = """
import importlib, pkgutil, app.model, app.probe
for part in (app.model, app.probe):
    for module in pkgutil.walk_packages(part.__path__, part.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
from app.model import redaction
print(redaction.command(["curl", "-u", "me:hunter2", "--token=abcdef", "https://a:b@host"]))
"""


def test_all_of_it_is_imported_and_blanks_the_same() -> None:
    said = [
        subprocess.run([python, "-c", ALL], cwd=HOME, capture_output=True, text=True, check=False)
        for python in (OLDEST, sys.executable)
    ]
    assert [each.returncode for each in said] == [0, 0], said[0].stderr
    assert said[0].stdout == said[1].stdout
    assert "hunter2" not in said[0].stdout
