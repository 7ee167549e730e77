"""What samplers take of a CPU and of their target, beside the floor that none can go below.

One target a round, and for each tool a span in which it is alone with the target, in random order; one more
span without any. All are asked for 1,000 samples a second. What a tool takes is told by the kernel's totals
of its processes, from a while after its start on: until then it reads symbols. What the target loses to it
is told by the target's own count of operations, against the span without.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from app.probe.kernel import procfs
from app.runs.observer import HOME
from bench.counting import counting, operations
from bench.floor import floor
from bench.observation import Observation, of_process

HZ = 1000
_END_S = 10.0  # for a tool to end
FLOOR, OBSERVER, COMMAND = "the floor", "GILScope's observer", "gilscope attach"
_NOTHING = "nothing"
_TARGET = """
import mmap, sys, threading
with open(sys.argv[2], "r+b") as file:
    count = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
def compute():
    while True:
        number = 0
        for step in range(2_000): number = (number * 31 + step) % 1_000_003
        count[0] += 1
for _ in range(int(sys.argv[1])): threading.Thread(target=compute, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"""


class CannotBeHad(Exception):
    """A tool is not here, or does not read this target; its text says why."""


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """So many targets, and with each tool so long."""

    rounds: int
    settle_s: float  # before a span: a tool reads symbols first
    span_s: float


@dataclass(frozen=True, slots=True)
class SamplerTook:
    """What a tool took in one round."""

    share: float  # of one CPU
    floors: float  # times what the floor took of it
    loss: float  # the target's operations a second without the tool, over those with it


def measure(
    python: str, threads: int, plan: PeerPlan, dice: random.Random
) -> tuple[dict[str, list[SamplerTook]], dict[str, str]]:
    """(what each tool took, round by round; why others cannot be had)."""
    taken: dict[str, list[SamplerTook]] = {name: [] for name in _TOOLS}
    refused: dict[str, str] = {}
    for _ in range(plan.rounds):
        for name, found in _round(python, threads, plan, refused, dice).items():
            taken[name].append(found)
    return {name: found for name, found in taken.items() if name not in refused}, refused


def _round(
    python: str, threads: int, plan: PeerPlan, refused: dict[str, str], dice: random.Random
) -> dict[str, SamplerTook]:
    names = [_NOTHING, *(name for name in _TOOLS if name not in refused)]
    shares, rates = {}, {}
    with counting(python, _TARGET, threads) as (pid, count):
        for name in dice.sample(names, len(names)):
            try:
                with _TOOLS.get(name, _nothing)(python, pid) as tool:
                    time.sleep(plan.settle_s)
                    cpu_s, ops, began_s = _cpu_s(tool), operations(count), time.monotonic()
                    time.sleep(plan.span_s)
                    cpu_s, ops = _cpu_s(tool) - cpu_s, operations(count) - ops
                    took_s = time.monotonic() - began_s
            except CannotBeHad as reason:
                refused[name] = str(reason)
                continue
            shares[name], rates[name] = cpu_s / took_s, ops / took_s
    alone, least = rates.pop(_NOTHING), shares[FLOOR]
    return {
        name: SamplerTook(shares[name], shares[name] / least, alone / rate) for name, rate in rates.items()
    }


def _cpu_s(pid: int | None) -> float:
    """What a tool's threads have taken so far, which the kernel tells more finely than for processes."""
    if pid is None:
        return 0.0
    tool = psutil.Process(pid)
    processes = [process.pid for process in (tool, *tool.children(recursive=True))]
    read = (procfs.schedstat(process, tid) for process in processes for tid in procfs.tids(process))
    return sum(on_cpu_us for on_cpu_us, *_ in filter(None, read)) / 1e6


@contextmanager
def _nothing(python: str, pid: int) -> Iterator[None]:
    yield None


@contextmanager
def _floor(python: str, pid: int) -> Iterator[int]:
    with floor(pid, HZ) as loop:
        yield loop


@contextmanager
def _observer(python: str, pid: int) -> Iterator[int]:
    """The observer alone; what it says is read and let go."""
    with Observation(of_process(pid)) as observation:
        reader = threading.Thread(target=lambda: [None for _ in observation.messages()], daemon=True)
        reader.start()
        yield observation.pid
        observation.end()
        reader.join()


@contextmanager
def _program(argv: Callable[[str, int, Path], list[str]], python: str, pid: int) -> Iterator[int]:
    """Another program that samples, given its command by the target's interpreter, its pid and a folder."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        with (folder / "said").open("w+") as said:
            tool = subprocess.Popen(
                argv(python, pid, folder),
                env=os.environ | {"GILSCOPE_DATA_DIR": name},
                cwd=HOME,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            try:
                yield tool.pid
                if tool.poll() is not None:
                    said.seek(0)
                    raise CannotBeHad(f"it ended with status {tool.returncode}: {said.read()[-200:].strip()}")
            finally:
                tool.terminate()  # SIGINT is ignored where this was started in the background
                try:
                    tool.wait(_END_S)
                except subprocess.TimeoutExpired:
                    tool.kill()
                    tool.wait()


def _attach(python: str, pid: int, folder: Path) -> list[str]:
    return [sys.executable, "-m", "app", "attach", str(pid)]


def _py_spy(python: str, pid: int, folder: Path, *only: str) -> list[str]:
    command = _found("py-spy")
    return [
        *(command, "record", *only, "--nonblocking", "--rate", str(HZ), "--pid", str(pid)),
        *("--duration", "unlimited", "--format", "raw", "--output", str(folder / "stacks")),
    ]


def _py_spy_gil(python: str, pid: int, folder: Path) -> list[str]:
    return _py_spy(python, pid, folder, "--gil")


def _profiling(python: str, pid: int, folder: Path) -> list[str]:
    """The sampler of CPython 3.15's library reads a target of its own version alone."""
    if subprocess.run([python, "-c", "import profiling.sampling"], capture_output=True).returncode:
        raise CannotBeHad("the target's interpreter is older than 3.15")
    return [
        *(python, "-m", "profiling.sampling", "attach", "--all-threads", "--sampling-rate", str(HZ)),
        *("--binary", "--output", str(folder / "profile"), str(pid)),
    ]


def _austin(python: str, pid: int, folder: Path) -> list[str]:
    return [_found("austin"), "-i", str(10**6 // HZ), "-p", str(pid), "-o", str(folder / "stacks")]


def _found(name: str) -> str:
    """A program that `make bench` installs beside this Python, or that is on PATH."""
    beside = str(Path(sys.executable).parent)
    command = shutil.which(name, path=f"{beside}:{os.environ['PATH']}")
    if command is None:
        raise CannotBeHad("it is not installed")
    return command


# Each is told the target's interpreter and its pid, and tells the tool's pid.
_TOOLS: dict[str, Callable[[str, int], AbstractContextManager[int]]] = {
    FLOOR: _floor,
    OBSERVER: _observer,
    COMMAND: partial(_program, _attach),
    "py-spy, holder alone": partial(_program, _py_spy_gil),
    "py-spy, all threads": partial(_program, _py_spy),
    "profiling.sampling, to a file": partial(_program, _profiling),
    "austin, all threads": partial(_program, _austin),
}
