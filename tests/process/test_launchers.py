"""Programs that are no CPython and start some: followed from the first moment, and never ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from support.observing import observing
from support.versions import with_version

from app.model.commands import Stop
from app.model.frames import Event, Frame, Process
from app.model.spec import Start

LAUNCHERS = {
    "bash": ["bash", "-c", '"$@"; exit $?', "bash"],
    "bash that calls exec": ["bash", "-c", 'sleep 0.4; exec "$@"', "bash"],
    "env": ["env", "X=1"],
    "timeout": ["timeout", "60"],
    "nohup": ["nohup"],
    "setsid": ["setsid", "--wait"],
    "two, one in the other": ["timeout", "60", "sh", "-c", '"$@"; true', "sh"],
}
# It says when it began, and ends with the second file.
SAYS_WHEN = """
import os, sys, time
print(time.monotonic_ns(), file=open(sys.argv[1], "w"))
while not os.path.exists(sys.argv[2]):
    time.sleep(0.01)
raise SystemExit(int(sys.argv[3]))
"""
SLOW_LAUNCHER = """
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
int main(int count, char **words) {
    sleep(atoi(words[1]));
    if (fork() == 0) { execv(words[2], words + 2); _exit(127); }
    int status;
    wait(&status);
    puts("survived");
    return WEXITSTATUS(status);
}
"""
SLOW_SHELL = '#!/bin/sh\nsleep "$1"; shift; "$@"; status=$?; echo survived; exit $status\n'


@pytest.fixture(scope="module")
def slow_launcher(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program that sleeps, then starts another: a static one where there is a compiler, else a shell."""
    path = tmp_path_factory.mktemp("launcher") / "launcher"
    compiler = shutil.which("gcc")
    if compiler is None:
        path.write_text(SLOW_SHELL)
        path.chmod(0o755)
    else:
        words = [compiler, "-static", "-O1", "-x", "c", "-", "-o", str(path)]
        subprocess.run(words, input=SLOW_LAUNCHER, text=True, check=True)
    return str(path)


def start(*words: str) -> Start:
    return Start(list(words), {"PATH": os.environ["PATH"]})


@pytest.mark.parametrize("launcher", LAUNCHERS.values(), ids=LAUNCHERS)
def test_what_a_launcher_starts_is_observed_at_once(
    any_python: str, launcher: Sequence[str], tmp_path: Path
) -> None:
    said, ending = tmp_path / "when", tmp_path / "end"
    with observing(start(*launcher, any_python, "-c", SAYS_WHEN, str(said), str(ending), "0")) as observation:
        observation.see_threads_for(0.4)
        ending.touch()
        end = observation.finish()
    assert (end.state, end.exit_code, end.error) == ("finished", 0, None)
    origin_ns = observation.messages[0].origin_ns
    seen = min(message.at_us for message in observation.of(Process) if message.python)
    began_us = (int(said.read_text()) - origin_ns) // 1000
    assert seen - began_us < 50_000  # commonly it is seen before its first line: see docs/architecture.md
    assert observation.summary()["target"]["python"]


def test_a_program_that_stays_no_python_for_long_is_followed_and_never_ended(
    slow_launcher: str, any_python: str, tmp_path: Path
) -> None:
    said, ending = tmp_path / "when", tmp_path / "end"
    words = (slow_launcher, "6", any_python, "-c", SAYS_WHEN, str(said), str(ending), "7")
    with observing(start(*words)) as observation:
        observation.see_threads_for(0.3)
        ending.touch()
        end = observation.finish()
    assert end.exit_code == 7
    outputs = [message.data["output"] for message in observation.messages if message.type == "report"]
    assert "".join(outputs) == "survived\n"
    assert not [event for event in observation.of(Event) if event.kind == "unreadable"]


def test_an_interpreter_that_cannot_be_read_runs_to_its_end_and_the_reason_is_told(tmp_path: Path) -> None:
    system = Path("/usr/bin/python3").resolve()
    unknown = tmp_path / "python3"
    unknown.write_bytes(with_version(system, 0x031003F0))
    unknown.chmod(0o755)
    code = "import time; time.sleep(0.5); print('survived')"
    command = Start(["sh", "-c", '"$@"', "sh", str(unknown), "-c", code], {"PYTHONHOME": "/usr"})
    with observing(command) as observation:
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)
    assert "CPython 3.16.3" in observation.summary()["capabilities"]["why"]["gil"]


@contextmanager
def shell(code: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A shell that runs some code, ended with the block together with what it started."""
    with subprocess.Popen(["bash", "-c", code, "bash", *words], stdin=-1, stdout=-1) as process:
        try:
            yield process
        finally:
            for child in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):  # it has ended with the one before it in a pipe
                    child.kill()
            process.kill()


def test_to_attach_to_a_shell_is_to_observe_the_python_below_it(python: str) -> None:
    code = "print('ready', flush=True)\nimport threading, time\nwhile True: time.sleep(0.01)"
    with shell('"$@"; true', python, "-c", code) as bash:
        assert bash.stdout
        assert bash.stdout.readline() == b"ready\n"
        (child,) = psutil.Process(bash.pid).children()
        with observing(pid=bash.pid) as observation:
            assert observation.until(Process).pid == child.pid, "what is told of first has been admitted"
            for _ in range(5):
                observation.until(Frame)
            observation.send(Stop("finished"))
            end = observation.finish()
        assert (end.state, end.error) == ("finished", None)
        summary = observation.summary()
        assert (summary["target"]["pid"], bool(summary["target"]["python"])) == (child.pid, True)
        assert {thread["pid"] for thread in summary["threads"]} == {child.pid}
        assert {p.pid: p.parent for p in observation.of(Process)} == {bash.pid: None, child.pid: bash.pid}
        assert bash.poll() is None
        assert child.is_running()


def test_what_an_attached_shell_starts_later_is_followed_even_once_its_parent_has_ended(
    any_python: str,
) -> None:
    code = "print('ready', flush=True)\nimport time\nwhile True: time.sleep(0.01)"
    # The second one comes when the shell is told, and is nobody's child soon after.
    with shell('"$@" & read; (setsid "$@" & sleep 0.5); read', any_python, "-c", code) as bash:
        assert bash.stdout
        assert bash.stdin
        assert bash.stdout.readline() == b"ready\n"
        with observing(pid=bash.pid) as observation:
            observation.until(Frame)
            bash.stdin.write(b"\n")
            bash.stdin.flush()
            assert bash.stdout.readline() == b"ready\n"
            later = observation.until(Process)
            while not later.python:  # the shell itself
                later = observation.until(Process)
            while psutil.pid_exists(later.parent):
                observation.until(Frame)
            for _ in range(10):
                observation.until(Frame)
            observation.send(Stop("finished"))
            observation.finish()
        try:
            rows = [row for row in observation.summary()["threads"] if row["pid"] == later.pid]
            assert rows
            assert later.pid not in [e.pid for e in observation.of(Event) if e.kind == "exited"]
        finally:
            os.kill(later.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("code", "also"),
    [("read", ""), ("sleep 60", "Nor is the process below it"), ("cat | cat", "any of the 2")],
)
def test_a_shell_that_runs_no_python_is_refused_with_what_it_is(code: str, also: str) -> None:
    with shell(f"{code}; true") as bash:
        deadline = time.monotonic() + 5
        while code != "read" and not psutil.Process(bash.pid).children():
            assert time.monotonic() < deadline
        with observing(pid=bash.pid) as observation:
            end = observation.finish()
        assert end.state == "failed"
        assert end.error
        assert end.error["code"] == "not-readable"
        assert "is no CPython" in end.error["detail"]
        assert "bash" in end.error["detail"]
        assert also in end.error["detail"]
        assert not observation.of(Process)
        assert bash.poll() is None


def test_a_program_that_becomes_a_daemon_is_followed_and_ends_with_the_run(
    any_python: str, tmp_path: Path
) -> None:
    daemon = "import os, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n  time.sleep(60)"
    ending = tmp_path / "end"
    lasts = f'"$@"; until [ -e {ending} ]; do sleep 0.05; done'
    with observing(start("sh", "-c", lasts, "sh", any_python, "-c", daemon)) as observation:
        observation.see_threads_for(0.8)  # the daemon: all else has ended at once
        ending.touch()
        end = observation.finish()
    assert (end.state, end.exit_code) == ("finished", 0)
    pids = {process.pid for process in observation.of(Process) if process.python}
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_shell_s_own_children_without_end_do_not_hold_up_the_samples(any_python: str) -> None:
    code = "import time\nend = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
    busy = 'while :; do /bin/true; done & "$@"; kill $!'
    with observing(start("bash", "-c", busy, "bash", any_python, "-c", code)) as observation:
        observation.finish()
    sampling = observation.summary()["sampling"]
    assert sampling["observer_cpu_share"] < 0.5, sampling
    assert sampling["samples"] > 100, sampling
