"""Use a server for an hour as a group of people would, and see that it stays as it is.

    python tools/server_soak.py [--minutes 62] [--out DIR] [--workers 8] [--hz 100] [--viewers 5]

A server in a data directory of its own observes one busy run all the while, whose threads compute a little
and sleep a little: they change their state often, want the lock at once, and take little of the machine.
Viewers come, read for a while and go; short runs come and go; pages, the history, figures of spans, messages
and each export are asked for in turn. Every ten seconds the memory, the descriptors and the threads of the
server and of the busy run's observer are noted.

Writes DIR/server-soak.csv and DIR/server-soak.svg, prints for each figure how it went by its robust slope
(that of Theil and Sen: the median of those between any two samples), and ends with status 1 where one was
not flat, where a message was lost, or where something asked for was refused.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
from lab import ROOT, Lab, lab
from plot import Curve, plot
from soak import GROWTH, PATIENCE_S, Stream, noted, observer_of
from websockets.sync.client import connect

from app.exporters import FORMATS
from bench.spread import robust_slope

EVERY_S = 10.0
SETTLED = 1 / 6  # of the time: caches, pools of threads and allocators fill up before anything is growth
STAY_S = (2.0, 40.0)  # how long a viewer reads
ASK_EVERY_S = 5.0
SPAN_S = 20.0  # of the busy run, back from now
ASKED = (
    "/runs/{run}",
    "/api/v1/runs?limit=50",
    "/api/v1/runs?text=convoy",
    "/api/v1/runs/{run}/timeline",
    "/api/v1/runs/{run}/figures?from_us={then_us}&to_us={now_us}",
    "/api/v1/runs/{run}/messages?from_us={then_us}&to_us={now_us}",
    "/api/v1/runs/{run}/summary",
    "/history",
    "/metrics",
)
# A workload would end after an hour.
BUSY = """
import threading, time

def work():
    while True:
        sum(range(10_000))
        time.sleep(0.02)

for _ in range({workers}):
    threading.Thread(target=work).start()
"""
SHORT_RUN = {"workload": "convoy", "seconds": 3}
SHORT_RUN_EVERY_S = 60.0
STEADY = 1.0  # descriptors or threads: by how much these may differ over all the time


@dataclass(frozen=True, slots=True)
class ServerSample:
    """One look at both processes; sizes in bytes. `asked` and `viewers` are counts since the beginning."""

    at_s: float
    server_rss: int
    server_pss: int
    server_uss: int
    server_fds: int
    server_threads: int
    observer_rss: int
    observer_pss: int
    observer_uss: int
    observer_fds: int
    observer_threads: int
    viewers: int
    runs: int
    asked: int
    refused: int
    messages: int
    lost: int
    load: float


MEASURED = [field.name for field in fields(ServerSample) if field.name.startswith(("server_", "observer_"))]


class Use:
    """What people do with a server: threads that go on until `end`."""

    def __init__(self, here: Lab, watched: str, viewers: int) -> None:
        self.viewers = self.runs = self.asked = 0
        self.refused: Counter[str] = Counter()
        self._here = here
        self._watched = watched
        self._ended = threading.Event()
        self._latest = ""  # a run that has ended
        self.failures: list[BaseException] = []
        parts = [*[self._view] * viewers, self._ask, self._start_runs]
        self._threads = [threading.Thread(target=self._go_on, args=[part]) for part in parts]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Let each finish what it is at."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, part: Callable[[], None]) -> None:
        try:
            part()
        except (Exception, SystemExit) as error:  # noqa: BLE001  whoever watches raises it
            self.failures.append(error)

    def _view(self) -> None:
        url = f"ws://{self._here.host}/api/v1/runs/{self._watched}/stream"
        while not self._ended.is_set():
            with connect(
                url,
                additional_headers=self._here.bearer,
                max_size=None,
                proxy=None,
                open_timeout=PATIENCE_S,
            ) as socket:
                self.viewers += 1
                until_s = time.monotonic() + random.uniform(*STAY_S)
                while time.monotonic() < until_s and not self._ended.is_set():
                    socket.recv(PATIENCE_S)

    def _ask(self) -> None:
        """One thing every few seconds, in turn."""
        for path, export in zip(cycle(ASKED), cycle(FORMATS), strict=False):
            if self._ended.wait(ASK_EVERY_S):
                return
            now_s = self._here.ask(f"runs/{self._watched}")["duration_s"]
            then_us, now_us = (int(at_s * 1e6) for at_s in (max(0.0, now_s - SPAN_S), now_s))
            self._get(path.format(run=self._watched, then_us=then_us, now_us=now_us))
            if self._latest:
                self._get(f"/api/v1/runs/{self._latest}/export?format={export}")

    def _get(self, path: str) -> None:
        self.asked += 1
        try:
            with urlopen(Request(f"http://{self._here.host}{path}", headers=self._here.bearer)) as answer:
                while answer.read(1 << 16):
                    pass
        except HTTPError as error:
            self.refused[f"{error.code} {path}"] += 1

    def _start_runs(self) -> None:
        while not self._ended.is_set():
            run = self._here.ask("runs", SHORT_RUN)["id"]
            stream = Stream(self._here, run)
            stream.join()
            self.runs += 1
            self._latest = run
            self._ended.wait(SHORT_RUN_EVERY_S)


def soak(
    chosen: argparse.Namespace, note: Callable[[ServerSample], object]
) -> tuple[list[ServerSample], Counter[str]]:
    """The samples, each noted as it is taken, and what was refused."""
    seconds = chosen.minutes * 60
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        here = stack.enter_context(lab(GILSCOPE_DATA_DIR=folder))
        script = BUSY.format(workers=chosen.workers)
        run = here.ask("runs", {"script": script, "name": "busy", "sampling": {"gil_hz": chosen.hz}})["id"]
        observer = observer_of(here)
        stream = Stream(here, run)
        use = Use(here, run, chosen.viewers)
        stack.callback(use.end)  # also where this is stopped: else its threads would go on
        samples = []
        for sample in watch(psutil.Process(here.pid), observer, use, stream, seconds):
            samples.append(sample)
            note(sample)
        use.end()
        here.ask(f"runs/{run}/stop", {})
        stream.join()
        return samples, use.refused


def watch(
    server: psutil.Process, observer: psutil.Process, use: Use, stream: Stream, seconds: float
) -> Iterator[ServerSample]:
    """A sample every EVERY_S, for so long."""
    began = due = time.monotonic()
    while due - began <= seconds:
        if use.failures:
            raise use.failures[0]
        yield ServerSample(
            round(time.monotonic() - began, 1),
            *sizes(server),
            *sizes(observer),
            use.viewers,
            use.runs,
            use.asked,
            use.refused.total(),
            stream.messages,
            stream.lost,
            os.getloadavg()[0],
        )
        due += EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))


def sizes(process: psutil.Process) -> tuple[int, int, int, int, int]:
    """RSS, PSS, USS, descriptors and threads."""
    memory = process.memory_full_info()
    return memory.rss, memory.pss, memory.uss, process.num_fds(), process.num_threads()


@dataclass(frozen=True, slots=True)
class FigureCourse:
    """How a figure went once the server had settled: the first tenth, the last, and the slope between."""

    name: str
    first: float  # median
    last: float  # median
    most: float
    per_hour: float
    hours: float

    @property
    def flat(self) -> bool:
        """Whether what its slope comes to over all the time is within what is allowed."""
        counted = self.name.endswith(("_fds", "_threads"))
        return abs(self.per_hour * self.hours) <= STEADY if counted else self.rise <= GROWTH

    @property
    def rise(self) -> float:
        """What the slope comes to, as a part of the first tenth."""
        return self.per_hour * self.hours / self.first

    def __str__(self) -> str:
        counted = self.name.endswith(("_fds", "_threads"))
        unit, digits, what = (1, 0, "") if counted else (2**20, 1, " MiB")
        return (
            f"{self.name:17} {self.first / unit:6.{digits}f} to {self.last / unit:6.{digits}f}{what}, "
            f"at the most {self.most / unit:.{digits}f}, {self.per_hour / unit:+.2f}{what} an hour: "
            f"{'flat' if self.flat else 'NOT FLAT'}"
        )


def courses(samples: Sequence[ServerSample]) -> list[FigureCourse]:
    """That of each figure."""
    settled = [sample for sample in samples if sample.at_s >= samples[-1].at_s * SETTLED]
    at_h = [sample.at_s / 3600 for sample in settled]
    tenth = max(1, len(settled) // 10)
    found = []
    for name in MEASURED:
        values: list[float] = [getattr(sample, name) for sample in settled]
        first, last = statistics.median(values[:tenth]), statistics.median(values[-tenth:])
        per_hour = robust_slope(list(zip(at_h, values, strict=True)))
        found.append(FigureCourse(name, first, last, max(values), per_hour, at_h[-1] - at_h[0]))
    return found


def read(path: Path) -> list[ServerSample]:
    """The samples of a soak again."""
    kinds: dict[str, Callable[[str], Any]] = {
        field.name: float if field.type == "float" else int for field in fields(ServerSample)
    }
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    return [
        ServerSample(**{name: kinds[name](text) for name, text in zip(head, row, strict=True)})
        for row in rows
    ]


def report(samples: Sequence[ServerSample]) -> bool:
    """Prints how each figure went; whether all were flat, nothing was lost and nothing refused."""
    last, loads = samples[-1], [sample.load for sample in samples]
    print(
        f"{last.at_s / 60:.1f} minutes: {last.viewers} viewers came and went, {last.runs} runs; "
        f"{last.asked} things asked for, {last.refused} refused; {last.messages} messages, {last.lost} lost; "
        f"load {min(loads):.2f} to {max(loads):.2f}"
    )
    found = courses(samples)
    for course in found:
        print(course)
    return all(course.flat for course in found) and not last.lost and not last.refused


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=62.0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--workers", type=int, default=8, help="threads of the busy run (8)")
    parser.add_argument("--hz", type=float, default=100.0, help="samples a second of the busy run (100)")
    parser.add_argument("--viewers", type=int, default=5, help="at once (5)")
    parser.add_argument("--read", type=Path, metavar="CSV", help="report on samples that were written")
    chosen = parser.parse_args()
    if chosen.read:
        return 0 if report(read(chosen.read)) else 1
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended
    chosen.out.mkdir(parents=True, exist_ok=True)
    with noted(chosen.out / "server-soak.csv", ServerSample) as note:
        samples, refused = soak(chosen, note)
    lines = [
        Curve(name.replace("_", " "), [(s.at_s / 60, getattr(s, name) / 2**20) for s in samples])
        for name in ("server_rss", "server_uss", "observer_rss", "observer_uss")
    ]
    (chosen.out / "server-soak.svg").write_text(plot(lines, "minutes", "MiB"))
    flat = report(samples)
    if refused:
        print(json.dumps(refused, indent=1))
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
