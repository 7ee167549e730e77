"""`--via`: the observer is sent to where the process runs, and what it sees there comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

GILSCOPE = [sys.executable, "-m", "app"]
SPINS = """
import sys, threading
def spin():
    while True: sum(range(1000))
for _ in range(3): threading.Thread(target=spin, name="spins", daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""
TO_NAMESPACE = ["unshare", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child"]


@contextmanager
def spinning(python: str, *before: str) -> Iterator[int]:
    """A target with three threads that compute; the pid of what was started."""
    with subprocess.Popen([*before, python, "-c", SPINS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
            assert process.poll() is None, "it was to live on"
        finally:
            process.kill()


def gilscope(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(home)}
    return subprocess.run([*GILSCOPE, *words], capture_output=True, text=True, timeout=60, env=environment)


def marked(process: psutil.Process, name: str, value: str) -> bool:
    """Whether it was started with that variable."""
    try:
        return process.environ().get(name) == value
    except psutil.Error:
        return False


def attached(home: Path, pid: int, via: str) -> dict:
    done = gilscope(home, "attach", str(pid), "--via", via, "--seconds", "2", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def saw_it(summary: dict, pid: int) -> None:
    """That it was three threads that compute, taking turns."""
    assert summary["target"]["pid"] == pid
    spins = [row for row in summary["threads"] if row["name"].startswith("spins")]
    assert len(spins) == 3
    assert summary["gils"][0]["held_share"] > 0.9
    assert any(row["function"] == "spin" for row in summary["hot"])


def test_what_is_seen_through_a_shell_is_what_is_seen_here(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid:
        there = attached(tmp_path, pid, "sh -c")
        here = json.loads(gilscope(tmp_path, "attach", str(pid), "--seconds", "2", "--json").stdout)
    assert there["run"]["name"] == f"pid {pid} via sh -c"
    assert there["target"] == here["target"]
    assert {row["name"] for row in there["threads"]} == {row["name"] for row in here["threads"]}


def test_the_far_side_may_have_another_python(python: str, any_python: str, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(python)
    (folder / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    with spinning(any_python) as pid:
        summary = attached(tmp_path, pid, f"env PATH={folder} sh -c")
    assert summary["target"]["pid"] == pid


@pytest.mark.root
def test_a_process_in_another_pid_and_mount_namespace(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python, *TO_NAMESPACE) as outer:
        (inner,) = psutil.Process(outer).children()
        via = f"nsenter --target {inner.pid} --pid --mount"
        saw_it(attached(tmp_path, 1, via), 1)
        listed = json.loads(gilscope(tmp_path, "ps", "--via", via, "--json").stdout)
        examined = json.loads(gilscope(tmp_path, "doctor", "1", "--via", via, "--json").stdout)
    assert examined["process"]["pid"] == 1
    assert examined["process"]["readable"]
    assert examined["process"]["error"] is None
    assert "limits of programs" not in {check["name"] for check in examined["checks"]}, "of a server here"
    assert [row["pid"] for row in listed["processes"]][:1] == [1]
    assert outer not in [row["pid"] for row in listed["processes"]]


@pytest.mark.root
def test_a_process_on_a_host_that_ssh_reaches(host: str, any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid:
        saw_it(attached(tmp_path, pid, host), pid)
        memory = gilscope(tmp_path, "memory", str(pid), "--via", host, "--json")
    assert json.loads(memory.stdout)["memory"][0]["pid"] == pid


def test_a_far_side_that_is_killed_ends_the_run_and_keeps_what_was_seen(
    any_python: str, tmp_path: Path
) -> None:
    recording = tmp_path / "cut.jsonl"
    with spinning(any_python) as pid:
        words = ["attach", str(pid), "--via", "env SIDE=far sh -c", "-o", str(recording)]
        environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
        with subprocess.Popen([*GILSCOPE, *words], stderr=subprocess.PIPE, text=True, env=environment) as run:
            assert run.stderr
            assert any("held" in line for line in run.stderr)
            far = [
                each
                for each in psutil.Process(run.pid).children(recursive=True)
                if marked(each, "SIDE", "far")
            ]
            assert far
            for each in far:
                each.send_signal(signal.SIGKILL)
            said = run.stderr.read()
            assert run.wait(30) == 1
        assert "`env SIDE=far sh -c` ended with status -9" in said
        assert "Try the command by hand" in said
    kinds = [json.loads(line)["type"] for line in recording.read_text().splitlines()]
    assert kinds[0] == "hello"
    assert kinds.count("frame") > 5
    assert kinds[-1] == "end"


def test_what_a_profile_says_is_passed_over(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid:
        saw_it(attached(tmp_path, pid, "sh -c 'echo welcome; exec sh'"), pid)


def test_nothing_of_the_folder_there_is_imported(any_python: str, tmp_path: Path) -> None:
    (tmp_path / "base64.py").write_text("raise SystemExit('theirs')")
    with spinning(any_python) as pid:
        saw_it(attached(tmp_path, pid, f"env PYTHONPATH={tmp_path} sh -c 'cd {tmp_path}; exec sh'"), pid)


def test_a_secret_in_the_command_is_not_told(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid:
        summary = attached(tmp_path, pid, "env API_TOKEN=hunter2 sh -c")
    assert summary["run"]["name"].startswith(f"pid {pid} via env ")
    assert "hunter2" not in json.dumps(summary)


def test_nothing_is_left_there(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid:
        attached(tmp_path, pid, f"env MARK={tmp_path.name} TMPDIR={tmp_path} sh -c")
        deadline = time.monotonic() + 10
        while left := [each for each in psutil.process_iter() if marked(each, "MARK", tmp_path.name)]:
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".zip", ".py", ".pyz")]


def recorded(home: Path, via: str, *words: str, code: str) -> list[str]:
    """The command that records a program there."""
    return [*GILSCOPE, "record", "--via", via, *words, "--", sys.executable, "-c", code]


def test_a_command_there_is_recorded_and_its_output_and_status_come_here(tmp_path: Path) -> None:
    code = (
        "import os, sys, time\n"
        "print(os.environ['SIDE'], os.getcwd(), repr(sys.stdin.read()), flush=True)\n"
        "print('an error', file=sys.stderr)\n"
        "while time.process_time() < 0.5: sum(range(1000))\n"
        "sys.exit(3)\n"
    )
    command = recorded(tmp_path, f"env SIDE=far sh -c 'cd {tmp_path}; exec sh'", "--json", code=code)
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path), "ONLY_HERE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 3, done.stderr
    assert f"far {tmp_path} ''\n" in done.stderr
    assert "an error\n" in done.stderr
    summary = json.loads(done.stdout)
    assert summary["run"]["exit_code"] == 3
    assert " via env SIDE=far sh -c" in summary["run"]["name"]
    assert summary["run"]["environment"] is None, "what it had there is not known here"
    assert summary["run"]["cpu_s"] > 0.5


def test_much_output_of_a_command_there_comes_whole(tmp_path: Path) -> None:
    code = "for number in range(60_000): print(f'{number:07}')"
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        recorded(tmp_path, "sh -c", code=code), capture_output=True, text=True, timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [f"{number:07}" for number in range(60_000)]
    assert "left out" not in done.stderr


def test_a_command_there_runs_on_where_what_it_writes_cannot_be_shown(tmp_path: Path) -> None:
    code = "import time; print('\\u20ac', flush=True); time.sleep(0.5); open('done', 'w'); print('x')"
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    command = recorded(tmp_path, f"sh -c 'cd {tmp_path}; PYTHONIOENCODING=utf-8 exec sh'", code=code)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment
        )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "done").exists()
    assert done.stderr.count("is not shown any more: No space left on device") == 1
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert shown.stdout == "?\nx\n"


def test_a_signal_goes_to_the_command_there(tmp_path: Path) -> None:
    code = "import signal; print('ready', flush=True); signal.pause()"
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
    command = recorded(tmp_path, "sh -c", code=code)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as run:
        assert run.stdout
        assert run.stdout.readline() == b"ready\n"
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=30)
        assert run.returncode == 128 + signal.SIGTERM


def test_a_command_there_ends_with_the_line(tmp_path: Path) -> None:
    code = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
    command = recorded(tmp_path, f"env LINE={tmp_path.name} sh -c", code=code)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert run.stdout
        program = psutil.Process(int(run.stdout.readline()))
        observer = program.parent()
        assert observer
        assert marked(observer, "LINE", tmp_path.name)
        observer.kill()
        gone, alive = psutil.wait_procs([program], timeout=20)
        assert gone, alive
        _, said = run.communicate(timeout=30)
        assert run.returncode == 1
        assert "Try the command by hand" in said


@pytest.mark.parametrize(
    ("via", "said"),
    [
        ("nosuch-command here", "nosuch-command could not be started: No such file or directory"),
        ("false", "`false` gave no shell that starts Python, and ended with status 1"),
        ("env PATH=/nonexistent /bin/sh -c 'exec /bin/sh'", "there is no python3 on PATH"),
        ("sh 'c", "has no words: No closing quotation"),
        (" ", "--via names no command"),
    ],
)
def test_why_it_cannot_be_had_is_said(via: str, said: str, tmp_path: Path) -> None:
    for words in (("attach", str(os.getpid()), "--seconds", "1"), ("ps",)):
        done = gilscope(tmp_path, *words, "--via", via)
        assert done.returncode != 0
        assert said in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
