"""A pid that nobody has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.model.errors import NoSuchProcess
from app.probe.cpython.runtime import locate
from app.probe.kernel import access


def test_a_process_that_has_ended_costs_no_question_to_all_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    asked: list[int] = []
    monkeypatch.setattr(access, "pids", lambda: asked.append(child.pid) or [])
    with pytest.raises(NoSuchProcess, match="See `gilscope ps`"):
        locate(child.pid)
    assert asked == []
