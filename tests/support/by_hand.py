"""A workload run by hand: without an observer, its result on its standard output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.model import spec

ROOT = Path(spec.__file__).parents[2]
LIMIT_S = 30.0


def run(name: str, *arguments: str, python: str = sys.executable, **params: Any) -> dict[str, Any]:
    """Its result, after it has ended well and without a warning."""
    command = [python, "-W", "error", "-m", "app.workloads", "run", name, "--params", json.dumps(params)]
    ended = subprocess.run(
        [*command, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Warning" not in ended.stderr
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def until(
    enough: Callable[[dict[str, Any]], object], attempt: Callable[[float], dict[str, Any]], seconds: float
) -> dict[str, Any]:
    """What an attempt of so many seconds gives; one of more, where a busy machine made it too few."""
    for longer in (1, 4):
        result = attempt(seconds * longer)
        if enough(result):
            return result
    return attempt(seconds * 16)
