"""The benchmark runs through and prints each of its figures; a loaded machine may make them any size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FIGURES = (
    "rate achieved / asked for",
    "late samples / samples",
    "observer's share",
    "observer's µs per sample",
    "share of a CPU",
    "times the floor's",
    "ops/s without / with it",
    "frame bytes/s per thread",
    "unwatched / watched, ops/s",
    "time observed / unobserved",
    "observer's share without",
    "observer's share with",
    "median [quartiles]",
    "p99",
    "CPU ms per GiB",
    "ms per GiB, between samples",
    "late samples, heap not read",
    "not read / read, maps/s",
    "CPU ms a reading",
    "late samples, C library read",
    "the first page",
    "a name that few have",
    "one finding",
    "opened, as a page does",
    "messages of 10 s",
    "figures of 1 s",
    "server's memory, MB",
    "perfetto",
    "html",
)


def test_the_benchmark_prints_every_figure() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--threads", "2"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    for figure in FIGURES:
        assert re.search(rf"^    {re.escape(figure)} +\d", done.stdout, re.MULTILINE), figure
    assert done.stderr == ""
