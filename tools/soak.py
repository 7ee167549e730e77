"""Attach to a busy server for a long time, and see that nothing grows and nothing is lost.

    python tools/soak.py [--minutes 30] [--out DIR]

The target is docs/cases/programs/hello.py under uvicorn, asked 50 times a second by load.py. Once a second
the memory and the descriptors of GILScope's server and of its observer are read, and every message of the
stream is counted by its sequence number. Writes DIR/soak.csv and DIR/soak.svg (docs/images unless told), and
ends with status 1 where a message was lost or a process grew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import psutil
from lab import ROOT, Lab, lab, started
from plot import Curve, plot
from websockets.sync.client import connect

PROGRAMS = ROOT / "docs" / "cases" / "programs"
REQUESTS_PER_S = 50
PATIENCE_S = 120  # other work on the machine is no fault of the server
SETTLED_S = 120  # caches, allocators and the stream's ring fill up before anything can be called growth
# Of the memory after that, from the first tenth of the samples to the last: stacks are kept as they are first
# met, up to a bound, and a server goes on for a long time to show new ones.
GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """One second."""

    at_s: float
    server_rss: int
    server_fds: int
    observer_rss: int
    observer_fds: int
    target_rss: int
    messages: int
    lost: int
    load: float


class Stream:
    """The run's stream, read by a thread: how many messages came, and how many sequence numbers did not."""

    def __init__(self, host: Lab, run_id: str) -> None:
        self.messages = self.lost = 0
        self.summary: dict[str, Any] | None = None
        self._url = f"ws://{host.host}/api/v1/runs/{run_id}/stream"
        self._headers = host.bearer
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        live, expected = False, None
        with connect(
            self._url,
            additional_headers=self._headers,
            max_size=None,
            proxy=None,
            open_timeout=PATIENCE_S,
        ) as socket:
            for text in socket:
                message = json.loads(text)
                if message["type"] == "summary":
                    self.summary = message["summary"]
                # Of the time before this viewer came the tail leaves out what the header has told.
                live = live or message["type"] == "figures"
                number = message.get("seq")
                if number is None or not live:
                    continue
                self.messages += 1
                self.lost += 0 if expected is None else number - expected
                expected = number + 1

    def join(self) -> dict[str, Any]:
        """The summary, once the stream has ended."""
        self._thread.join()
        if self.summary is None:
            raise SystemExit("The stream ended without a summary")
        return self.summary


def soak(minutes: float, note: Callable[[Sample], object]) -> tuple[list[Sample], dict[str, Any]]:
    """The samples, each noted as it is taken, and the run's summary."""
    with ExitStack() as stack:
        server = [sys.executable, "-m", "uvicorn", "hello:app", "--port", "0", "--log-level", "info"]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        target, said = stack.enter_context(
            started([*server, "--no-access-log"], r"http://\S+", cwd=PROGRAMS, env=environment)
        )
        here = stack.enter_context(lab())
        run = here.ask("runs", {"attach": {"pid": target}, "seconds": minutes * 60})
        stream = Stream(here, run["id"])
        urls = [f"{said[0]}/", f"{said[0]}/work"]
        rate = ["--rate", str(REQUESTS_PER_S), "--seconds", str(minutes * 60)]
        load = subprocess.Popen([sys.executable, str(PROGRAMS / "load.py"), *urls, *rate])
        stack.callback(load.wait)
        stack.callback(load.terminate)
        samples = []
        for sample in watch(here, target, stream, minutes * 60):
            samples.append(sample)
            note(sample)
        return samples, stream.join()


def watch(here: Lab, target: int, stream: Stream, seconds: float) -> Iterator[Sample]:
    """A sample a second, for so long."""
    server, observer = psutil.Process(here.pid), observer_of(here)
    served = psutil.Process(target)
    began = due = time.monotonic()
    while due - began < seconds - 2:
        yield Sample(
            round(time.monotonic() - began, 1),
            server.memory_info().rss,
            server.num_fds(),
            observer.memory_info().rss,
            observer.num_fds(),
            served.memory_info().rss,
            stream.messages,
            stream.lost,
            os.getloadavg()[0],
        )
        due += 1
        time.sleep(max(0.0, due - time.monotonic()))


def observer_of(here: Lab) -> psutil.Process:
    """That of the one run of a server."""
    # process_iter leaves out what ends meanwhile: the server has asked interpreters who they are just now.
    [observer] = [
        process
        for process in psutil.process_iter(["ppid", "cmdline"])
        if process.info["ppid"] == here.pid and "app.probe" in (process.info["cmdline"] or ())
    ]
    return observer


@contextmanager
def noted(path: Path, kind: type) -> Iterator[Callable[[Any], object]]:
    """A function that writes one of that dataclass into a file of CSV, at once."""
    with path.open("w", newline="", buffering=1) as file:
        rows = csv.DictWriter(file, [field.name for field in fields(kind)])
        rows.writeheader()
        yield lambda sample: rows.writerow(asdict(sample))


def grown(samples: list[Sample], name: str) -> float:
    """By what part a size grew, from the first tenth of the settled samples to the last."""
    sizes: list[int] = [getattr(sample, name) for sample in samples if sample.at_s >= SETTLED_S] or [1]
    tenth = max(1, len(sizes) // 10)
    return statistics.median(sizes[-tenth:]) / statistics.median(sizes[:tenth]) - 1


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    chosen = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that what was started is ended
    chosen.out.mkdir(parents=True, exist_ok=True)
    with noted(chosen.out / "soak.csv", Sample) as note:
        samples, summary = soak(chosen.minutes, note)
    lines = [
        Curve(name, [(s.at_s / 60, getattr(s, f"{name}_rss") / 2**20) for s in samples])
        for name in ("server", "observer", "target")
    ]
    (chosen.out / "soak.svg").write_text(plot(lines, "minutes", "MiB resident"))
    return report(samples, summary)


def report(samples: list[Sample], summary: dict[str, Any]) -> int:
    """Prints what was found; 1 where it is not as it should be."""
    last = samples[-1]
    print(f"{len(samples)} s, {last.messages} messages, {last.lost} lost")
    for name in ("server", "observer", "target"):
        print(
            f"{name:9} {getattr(last, f'{name}_rss') / 2**20:.1f} MiB, {grown(samples, f'{name}_rss'):+.2%}"
        )
    for name in ("server", "observer"):
        counts = [getattr(sample, f"{name}_fds") for sample in samples]
        print(f"{name:9} {min(counts)} to {max(counts)} descriptors, {counts[-1]} at the end")
    loads = [sample.load for sample in samples]
    print(f"load      {min(loads):.2f} to {max(loads):.2f}")
    print(json.dumps({"sampling": summary["sampling"], "gils": summary["gils"]}, indent=1))
    flat = all(grown(samples, f"{name}_rss") <= GROWTH for name in ("server", "observer"))
    return 0 if flat and not last.lost else 1


if __name__ == "__main__":
    sys.exit(main())
