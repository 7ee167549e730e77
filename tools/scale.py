"""How many workers one server can take: what real ones said is said again by many, through all that is real.

    python tools/scale.py DIR [--workers 1,8,64] [--seconds 20] [--repeats 3] [--out FILE]

DIR has what scale_record.py wrote. For each number of workers, in random order, a real Dask scheduler is
started, so many workers in one process that say what recorded ones have said (scale_workers.py), a server
that observes them as `gilscope dask` does (scale_server.py), and one viewer that reads its stream. Measured,
once the run goes on: the CPU and memory of each process; from a slice's end to its arrival at the viewer, and
by how much that grew; bytes a second on each way; and at the end, what of that which the workers said of the
run is in its summary. Writes each measurement as a line of JSON to FILE, and prints the medians with their
spread.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from lab import ROOT, Lab, lab, started
from scale_recorded import Json
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bench.spread import spread

SCHEDULER = (sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
BEGIN_S = 240.0  # for a run with so many to begin
END_S = 240.0  # for it to end, and to be summed up
SETTLE_S = 5.0  # from its beginning on, for what waited since the start to be told
_ENDED = re.compile(r'\{"type":"frame".*?"end_us":(\d+)')


class MeasurementFailed(Exception):
    """A measurement that came to nothing."""


@dataclass(frozen=True, slots=True)
class ScaleMeasured:
    """One measurement. CPU is a share of one CPU, memory bytes, what is on the wire bytes a second."""

    workers: int
    observed_s: float
    began_s: float  # from the start of the observation to the first slice
    scheduler_cpu: float
    joiner_cpu: float  # the process that stands for all observers
    server_cpu: float
    replay_cpu: float
    joiner_needs: float  # CPU for a second of the run: above 1 it cannot keep up, and less where it had less
    server_needs: float
    idle: float  # CPUs of the machine that had nothing to do
    scheduler_rss: int
    joiner_rss: int
    server_rss: int
    delay_s: float  # from a slice's end to the viewer, median
    late_s: float  # the same of one in twenty
    behind_s: float  # by how much it grew in a minute
    figures_s: float  # from the time that figures tell of to the viewer, median
    to_scheduler: float  # deflated lines of all workers
    to_server: float
    to_viewer: float
    skipped: int  # messages that the viewer was not sent, as it was too far behind
    said_late: float  # share of the batches that were said late, since the machine was busy
    seen: int  # workers in the summary
    unseen: int  # workers of which it says that they were not observed
    switches: float  # of those said, the share that the summary has
    held: float  # the same of the time in which a GIL was held
    coverage: float


class TimedViewer:
    """Reads the stream of a run in a thread, until it ends."""

    def __init__(self, host: Lab, run_id: str) -> None:
        self.delays: list[tuple[float, float]] = []  # when it came, and how late
        self.figures: list[tuple[float, float]] = []
        self.bytes = self.skipped = 0
        self.origin_ns: int | None = None
        self.summary: Json | None = None
        self._url = f"ws://{host.host}/api/v1/runs/{run_id}/stream"
        self._headers = host.bearer
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        with connect(self._url, additional_headers=self._headers, max_size=None, proxy=None) as socket:
            try:
                while self.summary is None:
                    text = socket.recv()
                    assert isinstance(text, str)
                    self._take(text, time.monotonic_ns())
            except ConnectionClosed:
                return

    def _take(self, text: str, now_ns: int) -> None:
        self.bytes += len(text)
        kind = text[9 : text.find('"', 9)]
        if kind == "header":
            self.origin_ns = json.loads(text)["hello"]["origin_ns"]
        elif kind == "missed":
            self.skipped += json.loads(text)["count"]
        elif kind == "summary":
            self.summary = json.loads(text)["summary"]
        elif self.origin_ns is not None and kind == "frame":
            ended = _ENDED.match(text)
            assert ended is not None
            self.delays.append((now_ns / 1e9, (now_ns - self.origin_ns) / 1e9 - int(ended[1]) / 1e6))
        elif self.origin_ns is not None and kind == "figures":
            at_s = json.loads(text)["at_us"] / 1e6
            self.figures.append((now_ns / 1e9, (now_ns - self.origin_ns) / 1e9 - at_s))

    def join(self) -> Json:
        """The summary."""
        self._thread.join(END_S)
        if self.summary is None:
            raise MeasurementFailed("The run's stream ended without a summary")
        return self.summary


class WorkersProcess:
    """The process that has them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid
        if self._answer() != "ready":
            raise SystemExit("The workers did not come to be there")

    def told(self, from_ns: int, to_ns: int) -> Json:
        """What they have said of that time."""
        return self._ask(f"{from_ns} {to_ns}")

    def sent(self) -> Json:
        """How much they have said so far."""
        return self._ask("")

    def _ask(self, line: str) -> Json:
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return dict(json.loads(self._answer()))

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def workers(scheduler: str, number: int, seed: int, recorded: Sequence[Path]) -> Any:
    """So many of them, registered."""
    words = [sys.executable, str(ROOT / "tools" / "scale_workers.py"), scheduler, str(number), str(seed)]
    with subprocess.Popen(
        [*words, *map(str, recorded)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield WorkersProcess(process)
        finally:
            process.kill()


def measure(
    recorded: Sequence[Path], number: int, seconds: float, settle_s: float = SETTLE_S, seed: int = 0
) -> ScaleMeasured:
    """A run of so many workers, measured for so long once it has settled."""
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        environment = os.environ | {"DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "10s"}
        scheduler, said = stack.enter_context(
            started([*SCHEDULER, "--no-dashboard"], r"Scheduler at:\s+(tcp://\S+)", env=environment)
        )
        many = stack.enter_context(workers(said[1], number, seed, recorded))
        words = (str(ROOT / "tools" / "scale_server.py"), said[1])
        here = stack.enter_context(lab(words, GILSCOPE_DATA_DIR=home))
        asked_s = time.monotonic()
        run = _begun(here)
        viewer = TimedViewer(here, run)
        processes = {
            "scheduler": psutil.Process(scheduler),
            "joiner": _joiner(here),
            "server": psutil.Process(here.pid),
            "replay": psutil.Process(many.pid),
        }
        _until(lambda: viewer.delays, BEGIN_S, "no slice came to the viewer")
        began_s = viewer.delays[0][0] - asked_s
        time.sleep(settle_s)
        span = _Span(processes, viewer, many)
        time.sleep(seconds)
        if viewer.summary is not None:
            raise MeasurementFailed(f"The run has ended: {viewer.summary['run']['error']}")
        figures = span.figures()
        here.ask(f"runs/{run}/stop", {})
        summary = viewer.join()
        assert viewer.origin_ns is not None
        origin_ns, length_s = viewer.origin_ns, summary["run"]["duration_s"]
        told = many.told(origin_ns, origin_ns + int(length_s * 1e9))
    return ScaleMeasured(
        workers=number,
        observed_s=length_s,
        began_s=began_s,
        **figures,
        skipped=viewer.skipped,
        seen=sum(row["worker"] is not None for row in summary["processes"]),
        unseen=len(summary["unseen_workers"]),
        switches=sum(row["switches"] for row in summary["gils"]) / told["switches"],
        held=sum(row["held_s"] for row in summary["gils"]) * 1e6 / told["held_us"],
        coverage=summary["sampling"]["coverage"],
    )


class _Span:
    """What processes and viewer do from now on."""

    def __init__(
        self, processes: dict[str, psutil.Process], viewer: TimedViewer, many: WorkersProcess
    ) -> None:
        self._processes, self._viewer, self._many = processes, viewer, many
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        """Seconds and bytes since each began."""
        cpu = {name: sum(each.cpu_times()[:2]) for name, each in self._processes.items()}
        return {
            **cpu,
            **{name: float(value) for name, value in self._many.sent().items()},
            "to_server": self._processes["joiner"].io_counters().write_chars,
            "to_viewer": self._viewer.bytes,
            "now": time.monotonic(),
            "idle": psutil.cpu_times().idle,
        }

    def figures(self) -> Json:
        """Fields of ScaleMeasured."""
        after = self._read()
        took_s = after["now"] - self._before["now"]
        each = {name: (after[name] - before) / took_s for name, before in self._before.items()}
        delays = _within(self._viewer.delays, self._before["now"])
        third = max(1, len(delays) // 3)
        grown_s = statistics.median(delays[-third:]) - statistics.median(delays[:third])
        return {
            **{f"{name}_cpu": each[name] for name in self._processes},
            "joiner_needs": each["joiner"] / _told(self._viewer.delays, self._before["now"], took_s),
            "server_needs": each["server"] / _told(self._viewer.figures, self._before["now"], took_s),
            **{
                f"{name}_rss": self._processes[name].memory_info().rss
                for name in ("scheduler", "joiner", "server")
            },
            "idle": each["idle"],
            "delay_s": statistics.median(delays),
            "late_s": sorted(delays)[len(delays) * 19 // 20],
            "behind_s": grown_s / (took_s * 2 / 3) * 60,
            "figures_s": statistics.median(_within(self._viewer.figures, self._before["now"])),
            "said_late": each["late"] / each["batches"],
            "to_scheduler": each["bytes"],
            "to_server": each["to_server"],
            "to_viewer": each["to_viewer"],
        }


def _within(course: Sequence[tuple[float, float]], since_s: float) -> list[float]:
    """Of what came since; NaN where nothing did."""
    return [late_s for came_s, late_s in course if came_s >= since_s] or [float("nan")]


def _told(course: Sequence[tuple[float, float]], since_s: float, took_s: float) -> float:
    """How much time of the run was told of in a second; NaN where nothing was."""
    told = [came_s - late_s for came_s, late_s in course if came_s >= since_s]
    return (told[-1] - told[0]) / took_s if len(told) > 1 else float("nan")


def _begun(here: Lab) -> str:
    found: list[str] = []

    def is_running() -> bool:
        if not psutil.pid_exists(here.pid) or psutil.Process(here.pid).status() == psutil.STATUS_ZOMBIE:
            raise MeasurementFailed("The cluster cannot be observed: see above")
        found[:] = [run["id"] for run in here.ask("runs")["runs"] if run["state"] == "running"]
        return bool(found)

    _until(is_running, BEGIN_S, "the run did not begin")
    return found[0]


def _joiner(here: Lab) -> psutil.Process:
    """The process beside the server that stands for all observers."""
    return next(each for each in psutil.Process(here.pid).children() if "app.runs.cluster" in each.cmdline())


def _until(holds: Any, within_s: float, problem: str) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            raise MeasurementFailed(f"In {within_s:g} s {problem}")
        time.sleep(0.2)


SHOWN = (  # name, unit, factor, form
    ("began_s", "s", 1.0, "{:.1f}"),
    ("scheduler_cpu", "%", 100.0, "{:.0f}"),
    ("joiner_cpu", "%", 100.0, "{:.0f}"),
    ("server_cpu", "%", 100.0, "{:.0f}"),
    ("replay_cpu", "%", 100.0, "{:.0f}"),
    ("joiner_needs", "%", 100.0, "{:.0f}"),
    ("server_needs", "%", 100.0, "{:.0f}"),
    ("idle", "%", 100.0, "{:.0f}"),
    ("scheduler_rss", "MiB", 2**-20, "{:.0f}"),
    ("joiner_rss", "MiB", 2**-20, "{:.0f}"),
    ("server_rss", "MiB", 2**-20, "{:.0f}"),
    ("delay_s", "s", 1.0, "{:.2f}"),
    ("late_s", "s", 1.0, "{:.2f}"),
    ("behind_s", "s/min", 1.0, "{:+.1f}"),
    ("figures_s", "s", 1.0, "{:.2f}"),
    ("to_scheduler", "kB/s", 1e-3, "{:.0f}"),
    ("to_server", "kB/s", 1e-3, "{:.0f}"),
    ("to_viewer", "kB/s", 1e-3, "{:.0f}"),
    ("skipped", "", 1.0, "{:.0f}"),
    ("said_late", "%", 100.0, "{:.1f}"),
    ("seen", "", 1.0, "{:.0f}"),
    ("unseen", "", 1.0, "{:.0f}"),
    ("switches", "%", 100.0, "{:.1f}"),
    ("held", "%", 100.0, "{:.1f}"),
    ("coverage", "%", 100.0, "{:.1f}"),
)


def report(measured: Sequence[ScaleMeasured]) -> str:
    """The medians and quartiles, a column for each number of workers."""
    numbers = sorted({each.workers for each in measured})
    rows = [["workers", *map(str, numbers)]]
    rows.append(["measurements", *(str(sum(each.workers == at for each in measured)) for at in numbers)])
    for name, unit, factor, form in SHOWN:
        cells = [
            spread([getattr(each, name) * factor for each in measured if each.workers == at]).text(form)
            for at in numbers
        ]
        rows.append([f"{name}, {unit}" if unit else name, *cells])
    widths = [max(len(row[at]) for row in rows) for at in range(len(numbers) + 1)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", default="1,8,64")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--settle", type=float, default=SETTLE_S)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path, nargs="*", help="report on what was measured before")
    asked: Any = parser.parse_args()
    if asked.read:
        lines = [line for path in asked.read for line in path.read_text().splitlines()]
        print(report([ScaleMeasured(**json.loads(line)) for line in lines]))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended
    # A connection and a listener for each worker, in the scheduler too.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    recorded = sorted(asked.folder.glob("*.gz"))
    if not recorded:
        raise SystemExit(f"{asked.folder} holds no recordings: make some by tools/scale_record.py")
    numbers = [int(number) for number in asked.workers.split(",")] * asked.repeats
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}", flush=True)
    found = []
    for seed, number in enumerate(random.sample(numbers, len(numbers))):
        try:
            found.append(measure(recorded, number, asked.seconds, asked.settle, seed))
        except MeasurementFailed as problem:
            print(f"{number} workers: {problem}", flush=True)
            continue
        line = json.dumps(asdict(found[-1]))
        print(line, flush=True)
        if asked.out:
            with asked.out.open("a") as file:
                file.write(line + "\n")
    if found:
        print(report(found))


if __name__ == "__main__":
    main()
