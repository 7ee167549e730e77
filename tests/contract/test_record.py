"""`gilscope record` as a shell sees it: the command behaves as if it had been started without GILScope."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
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
    pid, terminal = at_a_terminal()
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


def at_a_terminal() -> tuple[int, int]:
    """As pty.fork, but for what the tests were started with: nohup and a shell's `&` have Ctrl-C ignored."""
    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return pid, terminal


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
    again = json.loads(json.dumps(summarise(ledger)))
    assert {k: v for k, v in again.items() if k != "run"} == {k: v for k, v in summary.items() if k != "run"}
    assert "hunter-2" not in done.stdout + "".join(lines)


def test_a_recording_that_cannot_be_written_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    done = record("-o", "/no/such/folder/x", "--", "touch", str(tmp_path / "touched"))
    assert done.returncode == 2
    assert "/no/such/folder/x cannot be written" in done.stderr
    assert not (tmp_path / "touched").exists()


def test_a_disk_that_is_full_loses_neither_the_result_nor_the_exit_status() -> None:
    done = record("-o", "/dev/full", *python("import time; time.sleep(0.3); print('done')"))
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "finished after" in done.stderr
    assert "The recording /dev/full is not whole: No space left on device" in done.stderr
    done = record("--json", "-o", "/dev/full", *python("raise SystemExit(9)"))
    assert done.returncode == 9
    assert json.loads(done.stdout)["run"]["exit_code"] == 9


def test_a_file_that_may_not_grow_loses_neither(tmp_path: Path) -> None:
    """Such as by `ulimit -f`: the kernel would also send a signal, SIGXFSZ."""
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, -1)); "
    words = [
        *RECORD,
        "-o",
        str(tmp_path / "run"),
        *python("import time; time.sleep(0.3); raise SystemExit(6)"),
    ]
    code = f"{limit} os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 6
    assert "failed after" in done.stderr
    assert "is not whole: File too large" in done.stderr


def test_a_result_that_cannot_be_written_does_not_lose_the_exit_status() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*RECORD, *python("raise SystemExit(6)")], stderr=full, timeout=LIMIT_S)
        assert done.returncode == 6
        words = [*RECORD, "--json", *python("raise SystemExit(6)")]
        done = subprocess.run(words, stdout=full, stderr=-1, timeout=LIMIT_S)
    assert done.returncode == 6
    assert b"The result could not be written: No space left on device" in done.stderr


WAITS = """
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda number, frame: os._exit(9))
print(os.getpid(), flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSEGV])
def test_the_command_outlives_its_observer_and_its_exit_status_is_passed_on(fault: signal.Signals) -> None:
    with subprocess.Popen([*RECORD, *python(WAITS)], stdout=-1, stderr=-1, text=True) as process:
        try:
            assert process.stdout is not None
            command = psutil.Process(int(process.stdout.readline()))
            observer = command.parent()
            assert observer is not None
            assert observer.ppid() == process.pid
            observer.send_signal(fault)
            while command.ppid() != process.pid:  # taken in
                assert command.is_running()
            process.send_signal(signal.SIGUSR1)
            _, err = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    assert process.returncode == 9
    assert f"The observer ended without a last word, by signal {int(fault)}" in err
    assert "failed after" in err


def test_what_else_the_command_was_given_it_has(tmp_path: Path) -> None:
    """A shell's process substitution, which is a further descriptor, and whose end is the command's."""
    code = "import sys; print(open(sys.argv[1]).read().upper()); open(sys.argv[2], 'w').write('written')"
    words = " ".join(map(shlex.quote, [*RECORD, *python(code)]))
    done = subprocess.run(
        ["bash", "-c", f"{words} <(echo read) >(tr a-z A-Z >{tmp_path}/out; echo end >&2)"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert (done.returncode, done.stdout) == (0, "READ\n\n")
    assert "end\n" in done.stderr
    assert (tmp_path / "out").read_text() == "WRITTEN"


def test_a_reader_sees_the_end_of_what_the_command_writes_when_the_command_closes_it() -> None:
    closes = "import os, sys; os.close(1); sys.stdin.read()"
    with subprocess.Popen([*RECORD, *python(closes)], stdin=-1, stdout=-1, stderr=-1) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.read() == b""  # while it waits for the end of its input
            assert process.poll() is None
            assert process.stdin is not None
            process.stdin.close()
        finally:
            process.wait(LIMIT_S)


def test_the_command_has_the_limits_signals_and_timers_of_any_other() -> None:
    code = (
        "import os, re; status = open('/proc/self/status').read();"
        "print(re.findall('Sig(?:Ign|Blk|Cgt):.*', status), open('/proc/self/timerslack_ns').read(),"
        "open('/proc/self/limits').read(), os.getpriority(0, 0), os.getcwd(),"
        "sorted(os.listdir('/proc/self/fd')),"
        "sorted(name for name in os.environ if name != '_' and not name.startswith('GILSCOPE_')))"
    )
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert record(*python(code)).stdout == plain.stdout


@pytest.mark.parametrize("launcher", [["timeout", "60"], ["bash", "-c", '"$@"; exit $?', "bash"]])
def test_ctrl_c_reaches_a_program_behind_a_launcher_once(launcher: list[str]) -> None:
    """`timeout` makes a process group of its own, which is then not the terminal's."""
    pid, terminal = at_a_terminal()
    if pid == 0:
        words = [*RECORD, "--", *launcher, sys.executable, "-c", COUNTS_SIGNALS, str(int(signal.SIGINT))]
        os.execv(words[0], words)
    try:
        read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        seen = read_until(terminal, b"failed after")
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    # `timeout` passes a signal on to its child, and then to the child's group as well.
    assert re.search(rb"got 2( 2)?\r\n" if launcher[0] == "timeout" else rb"got 2\r\n", seen)
    assert os.waitstatus_to_exitcode(status) in (5, 128 + signal.SIGINT)  # bash ends itself by the signal


def test_a_daemon_that_the_command_leaves_running_goes_on(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    sleeps = f"nohup setsid sh -c 'echo $$ >{noted}; exec sleep 60' >/dev/null 2>&1 &"
    daemon = f"{sleeps} until [ -s {noted} ]; do :; done"
    done = record("--", "sh", "-c", daemon)
    assert done.returncode == 0, done.stderr
    left = psutil.Process(int(noted.read_text()))
    assert left.cmdline() == ["sleep", "60"]
    left.kill()
