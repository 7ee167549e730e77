"""The benchmark runs through and prints each of its figures; a loaded machine may make them any size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import PARTS

# Of each part, what it prints.
FIGURES = {
    "blanking": (),
    "cost": (
        "rate achieved / asked for",
        "late samples / samples",
        "observer's share",
        "observer's µs per sample",
        "frame bytes/s per thread",
    ),
    "peers": ("share of a CPU", "times the floor's", "ops/s without / with it"),
    "slowdown": ("unwatched / watched, ops/s",),
    "tests": ("time observed / unobserved",),
    "looks": ("observer's share without", "observer's share with"),
    "arrival": ("median [quartiles]", "p99"),
    "viewers": ("median [quartiles]", "p99", "server's memory, MB"),
    "heap": (
        "CPU ms per GiB",
        "ms per GiB, between samples",
        "late samples, heap not read",
        "not read / read, maps/s",
    ),
    "c-library": ("CPU ms a reading", "late samples, C library read"),
    "types": ("CPU ms a reading", "late samples, objects read"),
    "history": ("the first page", "a name that few have", "one finding"),
    "long-runs": (
        "opened, as a page does",
        "messages of 10 s",
        "figures of 1 s",
        "server's memory, MB",
        "perfetto",
        "html",
    ),
}


def test_each_part_is_here() -> None:
    assert tuple(FIGURES) == PARTS


@pytest.mark.parametrize("part", FIGURES)
def test_a_part_of_the_benchmark_prints_its_figures(part: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--threads", "2", "--only", part],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for figure in FIGURES[part]:
        assert re.search(rf"^    {re.escape(figure)} +\d", done.stdout, re.MULTILINE), figure
    assert done.stderr == ""
