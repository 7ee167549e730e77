"""Programs on which forecasts are tried.

    python tools/forecast_programs NAME [--workers N] [--processes] [--fast FUNCTION] [--seconds S]
                                        [--counts FILE]

Each worker, a thread unless --processes is given, repeats the program's step. With --fast FUNCTION that one
function has half the work, which is what makes it twice as fast. FILE holds a 64-bit word for each worker, in
which it counts its steps, so that whoever stops and continues the program knows how many it did meanwhile.
"""

from __future__ import annotations

import argparse
import mmap
import multiprocessing
import threading
import time

from programs import PROGRAMS

MOST_WORKERS = 64
_WORD = 8


def _work(name: str, worker: int, seconds: float, fast: str | None, counts: mmap.mmap) -> None:
    program = PROGRAMS[name](fast)
    words = memoryview(counts).cast("q")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        program.step()
        words[worker] += 1


def main() -> None:
    """Run one program, and print how many steps it did."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=PROGRAMS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--processes", action="store_true")
    parser.add_argument("--fast")
    parser.add_argument("--counts")
    asked = parser.parse_args()
    if asked.counts:
        with open(asked.counts, "r+b") as file:
            counts = mmap.mmap(file.fileno(), MOST_WORKERS * _WORD)
    else:
        counts = mmap.mmap(-1, MOST_WORKERS * _WORD)
    make = multiprocessing.get_context("fork").Process if asked.processes else threading.Thread
    workers = [
        make(
            target=_work,
            args=(asked.name, number, asked.seconds, asked.fast, counts),
            name=f"worker-{number}",
        )
        for number in range(asked.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(sum(memoryview(counts).cast("q")))


if __name__ == "__main__":
    main()
