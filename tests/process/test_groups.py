"""Limits of all processes of a program together, by cgroup v2: in a real kernel, which user-mode Linux boots.

Whether the machine itself has cgroup v2 is another matter. Without `linux.uml` (Debian's package
user-mode-linux) what needs it is not collected; `make groups` installs it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.model.spec import Limits
from app.probe.program import limits
from app.runs import delegated

UML = shutil.which("linux.uml")
FIRST = Path(__file__).parents[1] / "support" / "in_groups.py"
BOOT = (
    "mem=768M",
    "root=/dev/root",
    "rootfstype=hostfs",
    "rootflags=/",
    "ro",
    "quiet",
    "con=null",
    "con0=null,fd:1",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the server's part and each run said, by the program's name."""
    assert UML is not None
    place = tmp_path_factory.mktemp("uml")
    init = place / "init"
    init.write_text(f"#!/bin/sh\nexec {sys.executable} -B {FIRST}\n")
    init.chmod(0o755)
    command = [UML, *BOOT, f"init={init}", f"uml_dir={place}/"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert said, done.stdout[-4000:] + done.stderr[-4000:]
    return {each.get("program", "server"): each for each in said}


if UML:

    def test_a_server_whose_group_is_delegated_makes_groups_beside_its_own(told: dict[str, Any]) -> None:
        assert told["server"] == {"hindrance": None, "folder": "/sys/fs/cgroup/service"}
        assert "0::/service/gilscope-run-" in told["small"]["output"]
        assert told["small"]["limits"]["together"] is True

    def test_all_its_processes_together_are_no_more_than_it_may_have_though_they_are_roots(
        told: dict[str, Any],
    ) -> None:
        assert "refused Resource temporarily unavailable" in told["children"]["output"]

    def test_all_its_processes_together_get_no_more_memory(told: dict[str, Any]) -> None:
        run = told["memory"]
        assert (run["state"], run["exit_code"]) == ("failed", -9)
        assert "All its processes together took more than 104,857,600 bytes" in run["error"]["detail"]
        assert "GILSCOPE_TARGET_MEMORY" in run["error"]["remedy"]

    def test_nothing_is_left_in_its_group_and_the_group_is_gone(told: dict[str, Any]) -> None:
        assert [each["left"] for name, each in told.items() if name != "server"] == [[], [], []]


def test_in_a_group_processes_are_counted_there_and_not_beside_the_users() -> None:
    assert limits.of(Limits(processes=50, group="/sys/fs/cgroup/service")) == []


def test_a_group_that_cannot_be_made_costs_a_server_nothing_but_the_group(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(delegated, "_own", lambda: Path("/proc/self"))
    monkeypatch.setattr(delegated, "hindrance", lambda: None)
    delegated.enter()
    assert delegated.folder() is None
    assert "limits of programs are of each process" in caplog.text


def test_a_process_with_others_beside_it_makes_no_groups() -> None:
    assert delegated.folder() is None
    assert delegated.hindrance() is not None
