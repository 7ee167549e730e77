"""`gilscope record` as a shell sees it: the command behaves as if it had been started without GILScope."""

from __future__ import annotations

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.analysis.ledger import Ledger
from app.model import frames

RECORD = [sys.executable, "-m", "app", "record"]
LIMIT_S = 60
COUNTS_SIGNALS = """
import os, signal, sys, time
got = []
came, wakeup = os.pipe()  # a signal that comes before it is waited for is in the pipe
os.set_blocking(wakeup, False)
signal.set_wakeup_fd(wakeup)
signal.signal(int(sys.argv[1]), lambda number, frame: got.append(number))
print("ready", flush=True)
os.read(came, 1)
time.sleep(0.3)  # long enough for a signal that comes twice
print("got", *got, flush=True)
sys.exit(5)
"""


def record(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RECORD, *words], capture_output=True, text=True, timeout=LIMIT_S, **options)


def python(code: str, *args: str) -> list[str]:
    return ["--", sys.executable, "-c", code, *args]


def test_streams_and_exit_status_are_the_commands() -> None:
    code = "import sys; print(sys.stdin.read().upper()); print('aside', file=sys.stderr); sys.exit(7)"
    done = record(*python(code), input="hello")
    assert (done.returncode, done.stdout) == (7, "HELLO\n")
    assert done.stderr.startswith("aside\n")
    assert "failed after" in done.stderr
    assert "failed: It ended with exit status 7" in done.stderr


def test_with_json_the_summary_has_standard_output_to_itself() -> None:
    done = record("--json", *python("import time; print('said'); time.sleep(0.3)"))
    summary = json.loads(done.stdout)
    assert done.stderr == "said\n"
    assert summary["run"]["exit_code"] == 0
    assert summary["target"]["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 0", 0), ("exit 42", 42), ("kill -KILL $$", 128 + 9), ("kill -TERM $$", 128 + 15)],
)
def test_a_command_that_is_no_python_has_its_own_exit_status_too(command: str, status: int) -> None:
    assert record("--", "sh", "-c", command).returncode == status


def test_a_command_that_cannot_be_started_is_the_targets_failure() -> None:
    done = record("--", "/no/such/program")
    assert (done.returncode, done.stdout) == (1, "")
    assert "/no/such/program could not be started" in done.stderr


def test_a_closed_standard_input_is_an_empty_one() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *RECORD, *python("import sys; print(repr(sys.stdin.read()))")],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert (done.returncode, done.stdout) == (0, "''\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_is_passed_on_once_and_the_command_decides(number: signal.Signals) -> None:
    words = python(COUNTS_SIGNALS, str(int(number)))
    # Whoever started the tests may have it ignored, as nohup does, and what is ignored is not passed on.
    before = signal.signal(number, signal.SIG_DFL)
    # In a session of its own there is no terminal that would send the signal to the command as well.
    process = subprocess.Popen([*RECORD, *words], stdout=-1, stderr=-1, text=True, start_new_session=True)
    signal.signal(number, before)
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
            out, err = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert (process.returncode, out) == (5, f"got {int(number)}\n"), err


def test_after_its_seconds_the_command_is_ended_and_that_is_no_failure() -> None:
    done = record("--seconds", "0.5", "--json", "--", "sleep", "60")
    assert done.returncode == 0
    run = json.loads(done.stdout)["run"]
    assert (run["state"], run["exit_code"]) == ("timed_out", -signal.SIGTERM)


def test_at_a_terminal_the_command_reads_it_and_gets_its_ctrl_c_once() -> None:
    code = "print(input().upper(), flush=True)" + COUNTS_SIGNALS
    pid, terminal = pty.fork()
    if pid == 0:
        words = [*RECORD, *python(code, str(int(signal.SIGINT)))]
        os.execv(words[0], words)
    try:
        os.write(terminal, b"typed\n")
        read_until(terminal, b"TYPED")
        read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        assert read_until(terminal, b"failed after").count(b"got 2\r\n") == 1
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 5


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(terminal, 4096)
    return seen


@pytest.mark.parametrize("name", ["run.jsonl", "run.jsonl.gz"])
def test_the_recording_holds_every_message_and_gives_the_same_summary(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    code = "import threading\nthreading.Thread(target=sum, args=(range(10**7),)).start()"
    done = record("--json", "-o", str(path), *python(code, "--password", "hunter-2"))
    data = path.read_bytes()
    lines = (gzip.decompress(data) if name.endswith("gz") else data).decode().splitlines()
    ledger = Ledger()
    for number, line in enumerate(lines):
        assert json.loads(line)["seq"] == number
        ledger.feed(frames.decode(line))
    assert isinstance(frames.decode(lines[0]), frames.Hello)
    assert ledger.end is not None
    summary = json.loads(done.stdout)
    again = json.loads(json.dumps(ledger.summary()))
    assert {k: v for k, v in again.items() if k != "run"} == {k: v for k, v in summary.items() if k != "run"}
    assert "hunter-2" not in done.stdout + "".join(lines)


def test_a_recording_that_cannot_be_written_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    done = record("-o", "/no/such/folder/x", "--", "touch", str(tmp_path / "touched"))
    assert done.returncode == 2
    assert "/no/such/folder/x cannot be written" in done.stderr
    assert not (tmp_path / "touched").exists()


def test_a_disk_that_is_full_ends_the_recording_and_not_the_command() -> None:
    done = record("-o", "/dev/full", *python("import time; time.sleep(0.3); print('done')"))
    assert (done.returncode, done.stdout) == (1, "done\n")
    assert "The recording /dev/full is not whole" in done.stderr
