"""Forecasts against measurements: the tables of docs/forecasts.md.

    sudo python tools/forecast_trials.py --free-threaded PATH [--only NAME...] [-o FILE]
    python tools/forecast_trials.py --tables FILE

Each program of tools/forecast_programs, and some workloads of the catalogue, is observed for a few seconds
on two threads, forecast, and then measured: on the same free-threaded build with its GIL on and off, as
processes, with one thread more and with one fewer. What is compared are rates taken in turns: all of them are
started, all but one are stopped (SIGSTOP), and each goes on for a slice of time, round after round, so that a
machine that is now faster and now slower is so for all of them. The steps that each did are counted in shared
memory.

Both CPUs are kept busy meanwhile by programs that take what nobody else wants, and what is measured is run
before all others: else two CPUs that share a core give one program more alone than two side by side, and
other users of the machine take what they want. That needs root. `pair` is what two CPUs gave over one then,
of a plain loop.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Literal

from app.analysis.excerpt import Excerpt
from app.analysis.forecast.choices import forecast
from app.analysis.forecast.observed import Observed
from app.analysis.forecast.speed_up import mend
from app.model import frames
from app.model.spec import SHARED_WORDS
from app.probe.kernel import procfs
from app.probe.program.workload_line import WorkloadLine
from app.runs.recording import read

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = str(ROOT / "tools" / "forecast_programs")
SLICE_S = 0.3
SETTLE_S = 0.05  # at the head of a slice, not counted
OBSERVED_S = 4.0
_ALIKE = 0.03  # what two measurements of one gain differ by
_LONG_S = 3600.0
_WARM_UP_US = 1_000_000  # imports, which are no part of what is measured

Json = dict[str, Any]


@dataclass
class TrialArm:
    """One way of running a program, and what it did in its slices."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Steps in a second."""
        return sum(self.rates) / len(self.rates)


class RunningArm:
    """A program in a session of its own, stopped but for its slices."""

    def __init__(self, arm: TrialArm, folder: str) -> None:
        self.arm = arm
        self._counts = os.path.join(folder, arm.name.replace(" ", "-"))
        with open(self._counts, "wb") as file:
            file.truncate(SHARED_WORDS * 8)
        self._line: WorkloadLine | None = None
        environment = {**os.environ, **arm.environment}
        fds: list[int] = []
        command = arm.command
        if "app.workloads" in command:
            self._line = WorkloadLine()
            environment |= self._line.env
            fds = self._line.fds
        else:
            command = [*command, "--seconds", str(_LONG_S), "--counts", self._counts]
        self.process = subprocess.Popen(
            command,
            env=environment,
            pass_fds=fds,
            preexec_fn=first,  # noqa: PLW1509  there are no threads
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
        )
        if self._line is not None:
            self._line.started()
            until = time.monotonic() + 20
            while not any("ready" in line for line in self._line.receive()):
                if time.monotonic() > until:
                    raise RuntimeError(f"{arm.name} was not ready")
                time.sleep(0.01)
            self._line.go()
        with open(self._counts, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), SHARED_WORDS * 8)
        self._words = memoryview(self._map).cast("q")
        until = time.monotonic() + 20
        while not self.steps:
            if time.monotonic() > until or self.process.poll() is not None:
                raise RuntimeError(f"{arm.name} did not begin")
            time.sleep(0.01)
        self.send(signal.SIGSTOP)

    @property
    def steps(self) -> int:
        return self._line.ops() if self._line is not None else sum(self._words[:64])

    def send(self, number: int) -> None:
        os.killpg(self.process.pid, number)

    def slice(self) -> None:
        """Let it go on for a slice of time."""
        self.send(signal.SIGCONT)
        time.sleep(SETTLE_S)
        before, began = self.steps, time.monotonic()
        time.sleep(SLICE_S)
        after, ended = self.steps, time.monotonic()
        self.send(signal.SIGSTOP)
        self.arm.rates.append((after - before) / (ended - began))

    def end(self) -> None:
        self.send(signal.SIGKILL)
        self.process.wait()
        self._words.release()
        if self._line is not None:
            self._line.close()


def first() -> None:
    """A session of its own, whose programs get a CPU before all that is not measured."""
    os.setsid()
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def last() -> None:
    """A program that takes what nobody else wants."""
    os.setsid()
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


@contextmanager
def busy_cpus() -> Iterator[None]:
    """A program of least priority on each CPU."""
    loop = "import os\nwhile True:\n    pass"
    burners = [
        subprocess.Popen([sys.executable, "-c", loop], preexec_fn=last)  # noqa: PLW1509 for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


def measure(arms: Sequence[TrialArm], rounds: int) -> None:
    """Each arm has a slice in each round, in random order."""
    random = Random(1)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        running = []
        for arm in arms:
            one = RunningArm(arm, folder)
            stack.callback(one.end)
            running.append(one)
        for _ in range(rounds):
            random.shuffle(running)
            for one in running:
                one.slice()


def run(gilscope: str, words: list[str], environment: dict[str, str]) -> None:
    """GILScope, with an observer that comes before its target; of itself it would come after all."""
    with tempfile.TemporaryFile("w+") as said:
        started = subprocess.Popen(
            [gilscope, *words],
            env=environment,
            preexec_fn=first,  # noqa: PLW1509  there are no threads
            stdout=subprocess.DEVNULL,
            stderr=said,
            cwd=ROOT,
        )
        while started.poll() is None:
            for pid in procfs.descendants(started.pid):
                if b"app.probe" in (procfs.read(f"/proc/{pid}/cmdline") or b""):
                    with suppress(OSError):
                        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(2))
            time.sleep(0.05)
        if started.returncode:
            said.seek(0)
            raise RuntimeError(said.read())


def observe(command: list[str], environment: dict[str, str], seconds: float = OBSERVED_S) -> Json:
    """Its summary, its forecast and what to mend first."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "run.jsonl")
        gilscope = str(Path(sys.executable).parent / "gilscope")
        if "app.workloads" in command:  # as a command, by hand: a workload's environment is GILScope's own
            command = [*command[:-1], str(seconds)]
        else:
            command = [*command, "--seconds", str(seconds)]
        asked = ["record", "-o", file, "--", *command]
        run(gilscope, asked, {**os.environ, **environment})
        messages = [frames.decode(line) for line in read(file)]
    end_us = max(message.end_us for message in messages if isinstance(message, frames.Frame))
    excerpt, observed = Excerpt(_WARM_UP_US, end_us), Observed()
    for message in messages:
        excerpt.feed(message)
        if not isinstance(message, frames.Frame) or message.start_us >= _WARM_UP_US:
            observed.feed(message)
    summary = excerpt.summary({"state": "finished", "kind": "command", "name": None})
    return {"summary": summary, "mend": mend(observed)}


PAIR = "loops"


def own(python: str, name: str, *words: str) -> list[str]:
    return [python, PROGRAMS, name, *words]


def workload(python: str, name: str, executor: str, workers: int, params: Json) -> list[str]:
    return [
        *(python, "-m", "app.workloads", "run", name, "--params", json.dumps(params)),
        *("--executor", executor, "--workers", str(workers), "--seconds", str(_LONG_S)),
    ]


@dataclass(frozen=True)
class TrialSubject:
    """A program or a workload to be forecast."""

    name: str
    params: Json | None = None  # of a workload; None is a program of our own

    @property
    def title(self) -> str:
        return self.name + "".join(f" {value}" for value in (self.params or {}).values())

    def command(self, python: str, workers: int, processes: bool = False) -> list[str]:
        if self.params is None:
            words = ["--workers", str(workers), *(["--processes"] if processes else [])]
            return own(python, self.name, *words)
        return workload(python, self.name, "processes" if processes else "threads", workers, self.params)


_NAMES = (
    *("objects", "json", "hashes", "compress", "waits", "busy", "locked", "sorts", "calls"),
    *("shares", "tables", "source"),
)
SUBJECTS = (
    *(TrialSubject(name) for name in _NAMES),
    TrialSubject("cpu-bound", {"kind": "primes"}),
    TrialSubject("io-bound", {"kind": "sleep"}),
)
# What of each can be made twice as fast.
FUNCTIONS = {
    "loops": ("small", "middle", "large"),
    "objects": ("build", "join"),
    "json": ("dump", "search"),
    "hashes": ("digest", "count"),
    "compress": ("pack", "score"),
    "locked": ("guarded", "free"),
    "sorts": ("order", "fold"),
    "calls": ("fib", "walk"),
    "shares": ("tally", "alone"),
    "tables": ("load", "total"),
    "source": ("parse", "tokens"),
}


def speed_ups_of(name: str, python: str, workers: int, rounds: int, observations: int) -> Json:
    """One program: each function foretold at half its length, and measured with half its work."""
    on = {"PYTHON_GIL": "1"}
    command = own(python, name, "--workers", str(workers))
    seen = [observe(command, on)["mend"] for _ in range(observations)]
    observed = TrialArm("observed", command, on)
    arms = {fast: TrialArm(fast, [*command, "--fast", fast], on) for fast in FUNCTIONS[name]}
    measure([observed, *arms.values()], rounds)
    foretold: dict[str, list[float]] = {fast: [] for fast in arms}
    for each in seen:
        for row in each["rows"]:
            fast = row["function"].rpartition(".")[2]
            if fast in foretold:
                foretold[fast].append(row["throughput"])
    return {
        "program": name,
        "replay_error": median(each["replay_error"] for each in seen),
        "rows": [
            {
                "function": fast,
                "forecast": median(foretold[fast]) if foretold[fast] else None,
                "measured": ratio(arms[fast], observed),
            }
            for fast in arms
        ],
    }


def ratio(arm: TrialArm, base: TrialArm) -> float:
    """Of their rates, round by round, the median."""
    return median(one / other for one, other in zip(arm.rates, base.rates, strict=True) if other)


WAYS = ("free-threading", "processes", "thread-more", "thread-fewer")


def banded(summaries: Sequence[Any], pair: float, choice: str) -> dict[str, float] | None:
    """The forecast of a way, the median of some observations; None where there is none."""
    bands = [
        row["throughput"]
        for summary in summaries
        for row in forecast(summary, pair - 1)["rows"]
        if row["choice"] == choice and row["throughput"]
    ]
    ends: tuple[Literal["low", "middle", "high"], ...] = ("low", "middle", "high")
    return {end: median(band[end] for band in bands) for end in ends} if bands else None


def choices_of(subject: TrialSubject, python: str, workers: int, rounds: int, observations: int) -> Json:
    """One program: forecast, and measured."""
    on, off = {"PYTHON_GIL": "1"}, {"PYTHON_GIL": "0"}
    seen = [observe(subject.command(python, workers), on) for _ in range(observations)]
    arms = {
        "observed": TrialArm("observed", subject.command(python, workers), on),
        "free-threading": TrialArm("free-threading", subject.command(python, workers), off),
        "processes": TrialArm("processes", subject.command(python, workers, True), on),
        "thread-more": TrialArm("thread-more", subject.command(python, workers + 1), on),
        "thread-fewer": TrialArm("thread-fewer", subject.command(python, workers - 1), on),
        "one": TrialArm("one", own(python, PAIR, "--workers", "1"), on),
        "two": TrialArm("two", own(python, PAIR, "--workers", "2", "--processes"), on),
    }
    measure(list(arms.values()), rounds)
    pair = ratio(arms["two"], arms["one"])
    summaries = [each["summary"] for each in seen]
    rows = []
    for choice in WAYS:
        band = banded(summaries, pair, choice)
        if band is not None:
            rows.append(
                {"choice": choice, "forecast": band, "measured": ratio(arms[choice], arms["observed"])}
            )
    return {
        "program": subject.title,
        "pair": pair,
        "rates": {name: arm.rate for name, arm in arms.items()},
        "rows": rows,
        "seen": summaries,
    }


def keep(row: Json, output: str | None) -> None:
    """As a line of JSON."""
    print(json.dumps({name: value for name, value in row.items() if name != "seen"}), flush=True)
    if output:
        with open(output, "a") as file:
            file.write(json.dumps(row) + "\n")


def tables(rows: Sequence[Json]) -> str:
    """Both tables, as docs/forecasts.md has them, and a line under each that counts.

    Forecasts are made anew of the summaries that were kept.
    """
    ways = ["| program | way | forecast | band | measured | off | in the band |", "| --- " * 7 + "|"]
    off, within = [], 0
    for each in rows:
        for row in each["rows"] if "pair" in each else ():
            band = banded(each["seen"], each["pair"], row["choice"]) or row["forecast"]
            found = row["measured"]
            missed, inside = band["middle"] / found - 1, band["low"] <= found <= band["high"]
            off.append(abs(missed))
            within += inside
            ways.append(
                f"| {each['program']} | {row['choice']} | {band['middle']:.2f} | "
                f"{band['low']:.2f} to {band['high']:.2f} | {found:.2f} | {missed:+.0%} | "
                f"{'yes' if inside else '**no**'} |"
            )
    ways += ["", f"In the band: {within} of {len(off)}. Median error of the middle: {median(off):.1%}."]
    speed = [
        "| program | function | forecast | measured | the first is right | replay off by |",
        "| --- " * 6 + "|",
    ]
    ranked, programs = 0, 0
    for each in rows:
        if "pair" in each:
            continue
        rows_of: list[Json] = each["rows"]
        first = max(rows_of, key=lambda row: row["forecast"] or 0.0)
        right = first["measured"] >= max(row["measured"] for row in rows_of) - _ALIKE
        programs += 1
        ranked += right
        for row in sorted(each["rows"], key=lambda row: -row["measured"]):
            said = "not seen" if row["forecast"] is None else f"{row['forecast']:.2f}"
            speed.append(
                f"| {each['program']} | {row['function']} | {said} | {row['measured']:.2f} | "
                f"{'yes' if right else '**no**'} | {each['replay_error']:.1%} |"
            )
    speed += [
        "",
        f"The one ranked first gained most, or within {_ALIKE} of it, in {ranked} of {programs} programs.",
    ]
    return "\n".join([*ways, "", *speed])


def main() -> None:
    """Run the trials, one line of JSON each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--free-threaded", metavar="PATH", help="a free-threaded build of 3.13 or later")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--what", choices=("ways", "functions", "both"), default="both")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--observations", type=int, default=2)
    parser.add_argument("-o", "--output")
    parser.add_argument("--tables", metavar="FILE", help="no trials: print the tables of what -o wrote")
    asked = parser.parse_args()
    if asked.tables:
        with open(asked.tables) as file:
            print(tables([json.loads(line) for line in file]))
        return
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))  # above what it stops and continues
    with busy_cpus():
        for subject in SUBJECTS if asked.what != "functions" else ():
            if asked.only and subject.name not in asked.only:
                continue
            row = choices_of(subject, asked.free_threaded, asked.workers, asked.rounds, asked.observations)
            keep(row, asked.output)
        for name in FUNCTIONS if asked.what != "ways" else ():
            if not asked.only or name in asked.only:
                row = speed_ups_of(name, asked.free_threaded, asked.workers, asked.rounds, asked.observations)
                keep(row, asked.output)


if __name__ == "__main__":
    main()
