"""The floor: the least that any observer of a process does, a bare loop that wakes and reads.

At each beat it reads the GIL three times and once what a thread waits for, and does nothing with it. Where a
C compiler is, that is floor.c; else `python -m bench.floor HZ PID TID ADDRESS SIZE`, the same loop in Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from app.probe.cpython.runtime import locate
from app.probe.cpython.survey import survey
from app.probe.kernel.timing import tighten_timer
from app.runs.observer import HOME

_SOURCE = Path(__file__).with_name("floor.c")
_READ = 40  # bytes: the fields of a GIL that an observer reads
_TEXT = 256  # what /proc/PID/task/TID/syscall tells is shorter


@cache
def compiler() -> str | None:
    """The C compiler that is there."""
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def language() -> str:
    """What the loop is written in here."""
    return "Python, as no C compiler is here" if compiler() is None else "C"


@contextmanager
def floor(pid: int, hz: int) -> Iterator[int]:
    """The loop, on `pid` until the end of the block; its own pid."""
    with TemporaryDirectory() as folder:
        loop = subprocess.Popen([*_program(Path(folder)), *_arguments(pid, hz)], cwd=HOME)
        try:
            yield loop.pid
            if loop.poll() is not None:
                raise RuntimeError(f"The floor ended early, with status {loop.returncode}")
        finally:
            loop.terminate()
            loop.wait()


def _program(folder: Path) -> list[str]:
    found = compiler()
    if found is None:
        return [sys.executable, "-m", "bench.floor"]
    program = folder / "floor"
    subprocess.run([found, "-O2", "-o", program, _SOURCE], check=True)
    return [str(program)]


def _arguments(pid: int, hz: int) -> list[str]:
    """Where in `pid` a GIL lies, and a thread of it that is not its main one."""
    runtime = locate(pid)
    try:
        seen = survey(runtime.memory, runtime.address, runtime.layout)
    finally:
        runtime.memory.close()
    tid = next(thread.tid for thread in seen.threads if thread.tid != pid)
    return [str(hz), str(pid), str(tid), hex(seen.gils[0].address), str(_READ)]


def main(hz: int, pid: int, tid: int, address: int, size: int) -> None:
    """Beats until the process has ended; a read that fails says so."""
    tighten_timer()
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    call = os.open(f"/proc/{pid}/task/{tid}/syscall", os.O_RDONLY)
    period_ns = 10**9 // hz
    due_ns = time.monotonic_ns()
    with suppress(ProcessLookupError):
        while True:
            due_ns += period_ns
            time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
            for _ in range(3):
                if not os.pread(memory, size, address):
                    return
            os.pread(call, _TEXT, 0)


if __name__ == "__main__":
    main(*(int(word, 0) for word in sys.argv[1:]))
