"""`gilscope record -- CMD` as the entry point of a container: pid 1 of its namespace, with no capability."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.observing import ROOT

pytestmark = pytest.mark.root

IN_POD = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
WITHOUT_CAPABILITIES = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
RECORD = [sys.executable, "-m", "app", "record", "--json", "--"]


def started(home: Path, *command: str, **more: object) -> subprocess.Popen[str]:
    """The command, in its pod."""
    words = [*IN_POD, *WITHOUT_CAPABILITIES, *RECORD, *command]
    variables = {"PATH": os.environ["PATH"], "GILSCOPE_DATA_DIR": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(words, env=variables, stderr=-1, stdout=subprocess.DEVNULL, text=True, **more)


@pytest.mark.parametrize(("ends", "status"), [("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)])
def test_its_exit_status_is_the_commands(ends: str, status: int, tmp_path: Path) -> None:
    with started(tmp_path, "sh", "-c", ends) as pod:
        said = pod.communicate(timeout=60)[1]
    assert pod.returncode == status, said


def test_what_loses_its_parent_leaves_no_zombie(tmp_path: Path) -> None:
    # Twenty orphans end; then their number in all states is asked for.
    command = (
        "for i in $(seq 20); do (sleep 0.1 &); done; sleep 2; grep -l '^State:.Z' /proc/[0-9]*/status; exit 0"
    )
    with started(tmp_path, "sh", "-c", command) as pod:
        said = pod.communicate(timeout=60)[1]
    assert pod.returncode == 0, said
    assert "/proc/" not in said


def test_a_signal_for_pid_one_reaches_the_command_which_ends_as_it_likes(tmp_path: Path) -> None:
    command = (
        "import signal, sys; signal.signal(15, lambda *_: sys.exit(5));"
        "print('ready', file=sys.stderr, flush=True); signal.pause()"
    )
    with started(tmp_path, sys.executable, "-c", command) as pod:
        assert pod.stderr
        assert any(line == "ready\n" for line in pod.stderr)
        (one,) = psutil.Process(pod.pid).children()
        one.send_signal(signal.SIGTERM)
        said = pod.communicate(timeout=60)[1]
    assert pod.returncode == 5, said
