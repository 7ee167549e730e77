"""A process that fills its heap, says what that is, and stands still."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Allocates blocks of every size class and frees a part; says what its heap is, and changes nothing any more.
QUIESCENT = """
import os, random, sys, time

def hold(blocks, seed):
    dice = random.Random(seed)
    held = [bytes(dice.randrange(500)) for _ in range(blocks)]
    for place in range(0, blocks, 3):
        held[place] = None
    tell = getattr(sys, "_debugmallocstats", None)
    os.write(1, b"%d\\n" % sys.getallocatedblocks())
    if tell:
        tell()
    os.write(1, b"ready\\n")
    time.sleep(600)

hold(int(sys.argv[1]), 7)
"""
BLOCKS = 130_000  # some 30 MB


@contextmanager
def quiescent(python: str, folder: Path, **environment: str) -> Iterator[tuple[int, int, str]]:
    """A process that stands still: its pid, its sys.getallocatedblocks(), its sys._debugmallocstats()."""
    said = folder / "stats"
    with (
        said.open("wb") as errors,
        subprocess.Popen(
            [python, "-c", QUIESCENT, str(BLOCKS)], stdout=-1, stderr=errors, env=os.environ | environment
        ) as child,
    ):
        try:
            assert child.stdout
            blocks = int(child.stdout.readline())
            assert child.stdout.readline() == b"ready\n"
            yield child.pid, blocks, said.read_text()
        finally:
            child.kill()


def classes_of(stats: str) -> list[list[int]]:
    """[size, pools, blocks in use, blocks free] of each class in use, of sys._debugmallocstats()."""
    rows = re.findall(r"^ +\d+ +(\d+) +(\d+) +(\d+) +(\d+)$", stats, re.M)
    return [[int(number) for number in row] for row in rows]


def number_in(stats: str, line: str) -> int:
    """The number in a line of sys._debugmallocstats()."""
    found = re.search(line, stats, re.M)
    assert found, f"no {line} in {stats}"
    return int(found[1].replace(",", ""))
