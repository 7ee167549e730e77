"""What `gilscope exporter` takes beside a process, and what a scraper gets of it: for docs/scale.md.

    python tools/scale_metrics.py [--processes 1,8] [--hz 1000,100,10] [--seconds 15]

The processes compute and sleep by turns in four threads. For each number of them one exporter observes all;
told are its own memory and CPU and those of its observers, and the size, the series and the time of a scrape.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.request import urlopen

import psutil
from lab import started

BUSY = """
import threading, time

def work():
    while True:
        sum(range(50_000))
        time.sleep(0.005)

for _ in range(4):
    threading.Thread(target=work).start()
print("ready", flush=True)
"""
SETTLE_S = 5.0
SCRAPES = 20


@contextmanager
def busy() -> Iterator[int]:
    """The pid of such a process."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


def measure(number: int, hz: float, seconds: float) -> None:
    """Print what an exporter of so many takes."""
    with ExitStack() as stack:
        pids = [str(stack.enter_context(busy())) for _ in range(number)]
        words = ["exporter", *pids, "--listen", "127.0.0.1:0", "--hz", f"{hz:g}"]
        command = [sys.executable, "-m", "app", *words]
        exporter, said = stack.enter_context(started(command, r"http://\S+/metrics"))
        time.sleep(SETTLE_S)
        own = psutil.Process(exporter)
        observers = [each for each in own.children() if "app.probe" in each.cmdline()]
        before, begun_s = [_cpu_s(each) for each in (own, *observers)], time.monotonic()
        time.sleep(seconds)
        took_s = time.monotonic() - begun_s
        used = [(_cpu_s(each) - was) / took_s for each, was in zip((own, *observers), before, strict=True)]
        took: list[float] = []
        for _ in range(SCRAPES):
            asked_s = time.monotonic()
            with urlopen(said[0]) as answer:
                text = answer.read()
            took.append(time.monotonic() - asked_s)
        series = len(re.findall(rb"^[a-z]", text, re.MULTILINE))
        rss = [each.memory_full_info() for each in (own, *observers)]
        print(
            f"{number} processes at {hz:g} Hz: exporter {used[0]:.1%} of a CPU, {rss[0].rss / 2**20:.1f} MiB "
            f"(USS {rss[0].uss / 2**20:.1f}); an observer {statistics.median(used[1:]):.1%}, "
            f"{statistics.median(each.rss for each in rss[1:]) / 2**20:.1f} MiB "
            f"(USS {statistics.median(each.uss for each in rss[1:]) / 2**20:.1f}); "
            f"a scrape {len(text)} bytes, {len(gzip.compress(text))} deflated, {series} series, "
            f"{statistics.median(took) * 1e3:.1f} ms [{min(took) * 1e3:.1f} to {max(took) * 1e3:.1f}]",
            flush=True,
        )


def _cpu_s(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", default="1,8")
    parser.add_argument("--hz", default="1000,100,10")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--repeats", type=int, default=3)
    asked: Any = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}", flush=True)
    for _ in range(asked.repeats):
        for number in asked.processes.split(","):
            for hz in asked.hz.split(","):
                measure(int(number), float(hz), asked.seconds)


if __name__ == "__main__":
    main()
