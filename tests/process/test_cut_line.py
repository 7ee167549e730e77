"""A line of `--via` that is cut: it is had again, nothing is lost that could be kept, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.analysis.ledger import Ledger
from app.analysis.summary import summarise
from app.model import frames
from app.model.commands import Command, Signal, Stop, encode
from app.model.spec import ObserverSpec, Start
from app.runs import line
from app.runs.observer import HOME, own_environment

GILSCOPE = [sys.executable, "-m", "app"]
SPINS = """
import sys, threading
def spin():
    while True: sum(range(1000))
for _ in range(3): threading.Thread(target=spin, name="spins", daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""
# The oldest that may be there.
OLDEST = next(map(str, sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python"))), sys.executable)
LIMIT_S = 60.0  # for what takes a second or two on a machine of its own

Json = dict[str, Any]


def until(is_so: Callable[[], object], what: str = "") -> None:
    """Wait for it; a deadline says what did not come."""
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline, what or is_so
        time.sleep(0.02)


@contextmanager
def spinning(python: str = sys.executable) -> Iterator[int]:
    """A target with three threads that compute."""
    with subprocess.Popen([python, "-c", SPINS], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield process.pid
            assert process.poll() is None, "it was to live on"
        finally:
            process.kill()


class Side:
    """The near side, started as a server starts it, and what it tells."""

    def __init__(self, command: list[str], spec: ObserverSpec) -> None:
        self.messages: list[Json] = []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=HOME,
            env=own_environment(),
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.write(spec.to_line())

    def _read(self) -> None:
        assert self.process.stdout
        for told in self.process.stdout:
            self.messages.append(json.loads(told))

    def write(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, command: Command) -> None:
        self.write(encode(command))

    def of(self, kind: str) -> list[Json]:
        return [message for message in list(self.messages) if message["type"] == kind]

    def states(self) -> list[str]:
        return [message["state"] for message in self.of("line")]

    def frames_after(self, number: int) -> bool:
        return len(self.of("frame")) > number

    def ended(self) -> list[Json]:
        """All that it told, once it has ended."""
        self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return self.messages

    def said(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read().decode()


@contextmanager
def observing(
    via: str, spec: ObserverSpec, keep_s: float = 30.0, keep_bytes: int = 16 << 20
) -> Iterator[Side]:
    side = Side(line.command(via, keep_s, keep_bytes), spec)
    try:
        yield side
    finally:
        if side.process.poll() is None:
            side.process.kill()
        side.process.wait()
        for stream in (side.process.stdin, side.process.stdout, side.process.stderr):
            assert stream
            stream.close()


def attaching(pid: int) -> ObserverSpec:
    return ObserverSpec({"id": "r", "kind": "attach", "name": "n", "params": {}}, attach_pid=pid)


def starting(code: str) -> ObserverSpec:
    program = Start([sys.executable, "-c", code], None, whole_output=True)
    return ObserverSpec({"id": "r", "kind": "command", "name": "n", "params": {}}, start=program)


def far_processes(mark: str) -> list[psutil.Process]:
    """Those on the far side: started by a line that has that in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def cut(side: Side) -> None:
    """Kill the command that the line is, at the near side."""
    (way,) = psutil.Process(side.process.pid).children()
    way.kill()


def tells_all(messages: list[Json]) -> None:
    """Numbered without a gap, and every slice begins where the one before it ended."""
    assert [message["seq"] for message in messages] == list(range(len(messages)))
    slices = [message for message in messages if message["type"] == "frame"]
    assert all(one["end_us"] == two["start_us"] for one, two in pairwise(slices))


def test_a_line_that_is_cut_is_had_again_and_nothing_is_lost(any_python: str, tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(OLDEST)
    via = f"env PATH={tmp_path}:{os.environ['PATH']} MARK={tmp_path.name}"
    with spinning(any_python) as pid, observing(via, attaching(pid)) as side:
        for times in (1, 2):
            seen = len(side.of("frame"))
            until(lambda: side.frames_after(seen + 10))  # noqa: B023
            cut(side)
            until(lambda: side.states().count("back") == times)  # noqa: B023
            seen = len(side.of("frame"))
            until(lambda: side.frames_after(seen + 5))  # noqa: B023
        side.ask(Stop("stopped"))
        messages = side.ended()
        assert side.process.returncode == 0
    tells_all(messages)
    assert messages[0]["type"] == "hello"
    assert messages[-1]["type"] == "end"
    assert messages[-1]["state"] == "stopped"
    (first, second) = [message for message in messages if message.get("state") == "back"]
    assert first["messages"] == second["messages"] == 0
    assert 0 < first["length_us"] < LIMIT_S * 1e6
    told = next(message for message in messages if message.get("state") == "cut")
    assert "ended with status -9" in told["detail"]
    until(lambda: not far_processes(tmp_path.name), "something is left there")


def test_what_is_asked_for_while_the_line_is_cut_gets_there(tmp_path: Path) -> None:
    code = "import signal, sys; signal.signal(10, lambda *_: sys.exit(7)); print('ready', flush=True)\n"
    flag = tmp_path / "closed"
    # The way there is closed while that file is there.
    via = f"env MARK={tmp_path.name} sh -c 'test ! -e {flag} && exec sh'"
    with observing(via, starting(code + "while True: signal.pause()")) as side:
        until(lambda: any("ready" in report["data"].get("output", "") for report in side.of("report")))
        flag.touch()
        cut(side)
        until(lambda: side.states().count("cut") > 1, "it is not tried again")
        side.ask(Signal(signal.SIGUSR1))
        flag.unlink()
        messages = side.ended()
    tells_all(messages)
    assert messages[-1]["exit_code"] == 7
    assert side.process.returncode == 0


def test_what_could_not_be_kept_is_a_gap_and_counted(any_python: str, tmp_path: Path) -> None:
    flag = tmp_path / "closed"
    via = f"env MARK={tmp_path.name} sh -c 'test ! -e {flag} && exec sh'"
    with spinning(any_python) as pid, observing(via, attaching(pid), keep_bytes=60_000) as side:
        until(lambda: side.frames_after(5))
        flag.touch()
        cut(side)
        until(lambda: side.states().count("cut") >= 5)  # four seconds, and 60 kB are some two of this target
        flag.unlink()
        until(lambda: "gap" in side.states())
        seen = len(side.of("frame"))
        until(lambda: side.frames_after(seen + 20))
        side.ask(Stop("stopped"))
        messages = side.ended()
    assert [message["seq"] for message in messages] == list(range(len(messages)))
    (back,) = [message for message in messages if message.get("state") == "back"]
    (gap,) = [message for message in messages if message.get("state") == "gap"]
    assert back["messages"] > 10
    slices = [message for message in messages if message["type"] == "frame"]
    holes = [
        (one["end_us"], two["start_us"]) for one, two in pairwise(slices) if one["end_us"] != two["start_us"]
    ]
    assert holes == [(gap["at_us"] - gap["length_us"], gap["at_us"])]
    ledger = Ledger()
    for message in messages:
        ledger.feed(frames.from_json(message))
    summary = summarise(ledger)
    assert summary["line"] is not None
    assert summary["line"]["dropped"] == back["messages"]
    assert summary["line"]["gap_s"] == gap["length_us"] / 1e6
    measured_us = ledger.measured_us
    assert summary["gils"][0]["coverage"] <= 1 - gap["length_us"] / measured_us + 0.001, "drawn as unknown"


def test_a_keeper_to_whom_nobody_comes_back_ends_and_all_with_it(tmp_path: Path) -> None:
    code = "print('ready', flush=True)\nimport signal\nwhile True: signal.pause()"
    with observing(f"env MARK={tmp_path.name}", starting(code), keep_s=2.0) as side:
        until(lambda: any("ready" in report["data"].get("output", "") for report in side.of("report")))
        assert len(far_processes(tmp_path.name)) == 4, "relay, keeper, observer and program"
        way = psutil.Process(side.process.pid).children()
        side.process.kill()
        for each in way:
            each.kill()
        killed_s = time.monotonic()
        until(lambda: not far_processes(tmp_path.name), "something is left there")
        assert time.monotonic() - killed_s > 0.5, "it did not wait for anybody"


def test_nothing_is_left_where_the_near_side_is_told_to_end(tmp_path: Path) -> None:
    code = "print('ready', flush=True)\nimport signal\nwhile True: signal.pause()"
    with observing(f"env MARK={tmp_path.name}", starting(code), keep_s=600.0) as side:
        until(lambda: any("ready" in report["data"].get("output", "") for report in side.of("report")))
        side.process.terminate()
        side.ended()
        until(lambda: not far_processes(tmp_path.name), "something is left there")


def test_a_run_that_is_stopped_while_the_line_is_cut_ends_here(any_python: str, tmp_path: Path) -> None:
    flag = tmp_path / "closed"
    via = f"env MARK={tmp_path.name} sh -c 'test ! -e {flag} && exec sh'"
    with spinning(any_python) as pid, observing(via, attaching(pid), keep_s=8.0) as side:
        until(lambda: side.frames_after(5))
        flag.touch()
        cut(side)
        until(lambda: "cut" in side.states())
        side.ask(Stop("stopped"))
        messages = side.ended()
        assert side.process.returncode == 0
        assert messages[-1]["state"] == "stopped"
        assert messages[-2]["state"] == "gone"
        assert "let go of" in messages[-2]["detail"]
        tells_all(messages)
        until(lambda: not far_processes(tmp_path.name), "something is left there")


def test_a_far_side_that_has_gone_ends_the_run_at_once(any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid, observing(f"env MARK={tmp_path.name}", attaching(pid)) as side:
        until(lambda: side.frames_after(5))
        for each in far_processes(tmp_path.name):
            each.kill()
        messages = side.ended()
    assert messages[-1]["state"] == "failed"
    assert "nothing is kept there any more" in messages[-1]["error"]["detail"]
    tells_all(messages)


def test_the_clock_there_is_set_beside_the_one_here(any_python: str, tmp_path: Path) -> None:
    """There the wall says an hour less, and the monotonic clock a hundred seconds more."""
    (tmp_path / "python3").write_text(
        f"#!{OLDEST}\n"
        "import sys, time\n"
        "wall, monotonic = time.time, time.monotonic_ns\n"
        "time.time = lambda: wall() - 3600\n"
        "time.monotonic_ns = lambda: monotonic() + 100_000_000_000\n"
        "code = sys.argv[3]\n"
        "sys.argv[:] = ['-c', *sys.argv[4:]]\n"
        "exec(code)\n"
    )
    (tmp_path / "python3").chmod(0o755)
    via = f"env PATH={tmp_path}:{os.environ['PATH']} MARK={tmp_path.name}"
    began_s = time.time()
    with spinning(any_python) as pid, observing(via, attaching(pid)) as side:
        until(lambda: side.frames_after(5))
        side.ask(Stop("stopped"))
        messages = side.ended()
    ahead_us, off_us = messages[1]["clock"]
    assert messages[1]["type"] == "line"
    assert abs(ahead_us - 100_000_000) <= off_us
    assert 0 < off_us < 1_000_000
    assert began_s < messages[0]["started_at"] < time.time()


@pytest.mark.root
def test_a_client_of_ssh_that_is_killed(host: str, any_python: str, tmp_path: Path) -> None:
    with spinning(any_python) as pid, observing(host, attaching(pid)) as side:
        until(lambda: side.frames_after(10))
        cut(side)
        until(lambda: "back" in side.states())
        seen = len(side.of("frame"))
        until(lambda: side.frames_after(seen + 5))
        side.ask(Stop("stopped"))
        messages = side.ended()
    tells_all(messages)
    assert messages[-1]["state"] == "stopped"


@pytest.mark.root
def test_a_network_that_is_down_for_a_while(host: str, any_python: str, tmp_path: Path) -> None:
    """ssh notices by itself, and cannot connect until the link is up; nothing is lost."""
    name = re.search(r"netns exec (\S+)", host)
    assert name is not None
    via = host.replace(
        "ssh ", "ssh -o ServerAliveInterval=1 -o ServerAliveCountMax=2 -o ConnectTimeout=2 ", 1
    )
    ip = host.split()[0]

    def turn(link: str) -> None:
        subprocess.run([ip, "-n", name[1], "link", "set", "lo", link], check=True)

    with spinning(any_python) as pid, observing(via, attaching(pid), keep_s=60.0) as side:
        until(lambda: side.frames_after(10))
        turn("down")
        try:
            until(lambda: side.states().count("cut") > 1)
        finally:
            turn("up")
        until(lambda: "back" in side.states())
        seen = len(side.of("frame"))
        until(lambda: side.frames_after(seen + 5))
        side.ask(Stop("stopped"))
        messages = side.ended()
    tells_all(messages)
    (back,) = [message for message in messages if message.get("state") == "back"]
    assert back["messages"] == 0
    assert back["length_us"] > 0


def test_what_a_command_there_writes_comes_whole_over_a_cut_that_is_told(tmp_path: Path) -> None:
    code = "import time\nfor number in range(40): print(number, flush=True); time.sleep(0.1)"
    via = f"env MARK={tmp_path.name}"
    command = [*GILSCOPE, "record", "--via", via, "--", sys.executable, "-c", code]
    environment = os.environ | {"GILSCOPE_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert run.stdout
        first = [run.stdout.readline() for _ in range(5)]
        (near,) = (
            each
            for each in psutil.Process(run.pid).children(recursive=True)
            if "app.runs.line" in each.cmdline()
        )
        (way,) = near.children()
        way.kill()
        rest, said = run.communicate(timeout=LIMIT_S)
        assert run.returncode == 0, said
    assert ("".join(first) + rest).split() == [str(number) for number in range(40)]
    assert "gilscope: the line is cut, trying again: " in said
    assert "; nothing was lost." in said
    assert "the line was cut once, for " in said
    assert re.search(r"the clock there is .* the one here, ± ", said)
    until(lambda: not far_processes(tmp_path.name), "something is left there")
