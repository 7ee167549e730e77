"""The first process of the machine that tools/aarch64.py boots: observes, compares, says it, switches off.

Each result is a line of JSON on the console, behind "@@ ":

    {"here": text}                                                          where it runs
    {"python", "figure", "target", "gilscope", "allowed", "holds": bool}    what both say, as text
    {"end": true}
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ROOT = Path("/gilscope")
KEEPING_S, DOING_S = 8.0, 8.0
GIL_HZ, STACKS_HZ = 100.0, 10.0  # an emulated CPU does a twentieth of a real one's work

# One thread keeps the GIL in a sleep of 30 ms that does not let go of it, and lets go for 20 ms; another
# sleeps 10 ms at a time without it, and what such a sleep takes longer than that it has waited for the GIL.
KEEPING = """
import ctypes, json, sys, threading, time
keeping, free = ctypes.PyDLL(None).usleep, ctypes.CDLL(None).usleep
spans, waits = [], []

def keep():
    while time.monotonic() < end:
        begin = time.monotonic_ns()
        keeping(30_000)
        spans.append((begin, time.monotonic_ns()))
        free(20_000)

def ask():
    while time.monotonic() < end:
        begin = time.monotonic_ns()
        free(10_000)
        waits.append(time.monotonic_ns() - begin - 10_000_000)

began, end = time.monotonic(), time.monotonic() + float(sys.argv[1])
threads = [threading.Thread(target=work, name=work.__name__) for work in (keep, ask)]
for thread in threads: thread.start()
for thread in threads: thread.join()
lived = time.monotonic() - began
with open(sys.argv[2], "w") as file:
    json.dump({"held": sum(until - since for since, until in spans) / 1e9 / lived,
               "waited": sum(waits) / 1e9 / lived}, file)
"""

# Each thread is blocked in one way, whose state is known. None computes: beside one the observer, which has
# as much CPU as an emulator gives, comes too late to see how long that was.
DOING = """
import select, socket, sys, threading, time
kept, (ours, theirs), poll = threading.Lock(), socket.socketpair(), select.epoll()
kept.acquire()
poll.register(ours, select.EPOLLIN)

def doze():
    while time.monotonic() < end: time.sleep(1)

def select_nothing():
    while time.monotonic() < end: select.select([], [], [], 1)

def stand_in_line():
    kept.acquire()

def receive():
    ours.recv(1)

def poll_for():
    poll.poll()

end = time.monotonic() + float(sys.argv[1])
for work in (doze, select_nothing, stand_in_line, receive, poll_for):
    threading.Thread(target=work, name=work.__name__, daemon=True).start()
time.sleep(float(sys.argv[1]))
"""
STATES = {
    "doze": "sleep",
    "select_nothing": "sleep",
    "stand_in_line": "lock",
    "receive": "io",
    "poll_for": "io",
}

# Some arenas of the C library with free chunks of every kind, then nothing more.
FREEING = """
import ctypes, json, random, sys, threading

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
        "fordblks", "keepcost")]

libc = ctypes.CDLL(None)
libc.mallinfo2.restype = Info
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
held, done = [], threading.Event()

def take(seed, ready):
    dice = random.Random(seed)
    for most in (64, 1_000, 40_000, 400_000):
        for _ in range(min(1_500, 6_000_000 // most)):
            size = dice.randrange(16, most)
            block = libc.malloc(size)
            libc.memset(block, 1, size)
            held.append(block)
    ready.set()
    done.wait()

def say():
    with open("/proc/self/smaps_rollup") as lines:
        rss = next(int(line.split()[1]) << 10 for line in lines if line.startswith("Rss:"))
    info = libc.mallinfo2()
    print(json.dumps({"free": info.fordblks, "system": info.arena, "mapped": info.hblkhd, "rss": rss}),
          flush=True)

threading.stack_size(1 << 20)
for seed in range(3):
    ready = threading.Event()
    threading.Thread(target=take, args=(seed, ready), daemon=True).start()
    ready.wait()
random.Random(9).shuffle(held)
for block in held[: len(held) * 2 // 3]:
    libc.free(block)
READY
say()
for line in sys.stdin:
    if line == "trim\\n":
        libc.malloc_trim(0)
    say()
"""

# A library that knows nothing of Python has forked: the child's thread states bear ids of the parent.
FORKED = """
import ctypes, os, sys, threading
threading.Thread(target=threading.Event().wait, daemon=True).start()
child = ctypes.PyDLL(None).fork()
if not child:
    while True: sum(range(2000))
print(child, flush=True)
sys.stdin.readline()
"""


def say(**row: Any) -> None:
    """A line for the other side."""
    print("@@ " + json.dumps(row), flush=True)


def _text(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1f}{unit}" if unit else f"{value:,}"


def mount() -> None:
    """What the kernel leaves to the first process."""
    libc = ctypes.CDLL(None, use_errno=True)
    for kind, place in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev"), ("tmpfs", "/tmp")):
        if libc.mount(kind.encode(), place.encode(), kind.encode(), 0, None):
            raise OSError(ctypes.get_errno(), f"{place} cannot be mounted")


class Figures:
    """The figures of one interpreter."""

    def __init__(self, python: str) -> None:
        self._python = python
        self._name = python

    def _compare(
        self,
        figure: str,
        target: float | str,
        gilscope: float | str | None,
        allowed: float = 0,
        unit: str = "",
    ) -> None:
        """Says both. A figure that GILScope does not tell does not hold."""
        if gilscope is None:
            holds = False
        elif isinstance(target, str) or isinstance(gilscope, str):
            holds = target == gilscope
        else:
            holds = abs(target - gilscope) <= allowed
        say(
            python=self._name,
            figure=figure,
            target=_text(target, unit),
            gilscope="not told" if gilscope is None else _text(gilscope, unit),
            allowed=f"{allowed:g}{unit}" if allowed else "equal",
            holds=holds,
        )

    def run(self) -> None:
        """All of them; what fails otherwise than by a figure says so as one."""
        for part in (self._offsets, self._heap, self._library, self._gil, self._states, self._fork):
            try:
                part()
            except Exception:
                logging.exception("no comparison")
                self._compare(part.__name__.strip("_"), "a comparison", "an exception")

    def _offsets(self) -> None:
        from support.targets import standing_by

        from app.probe.cpython.layouts import debug_offsets, known
        from app.probe.cpython.runtime import locate
        from app.probe.doctor import examine

        with standing_by(self._python, "READY\nimport sys\nprint(sys.version.split()[0], flush=True)\n"
                         "sys.stdin.readline()") as target:  # fmt: skip
            version = target.stdout.readline().decode().strip()
            self._name = version
            report = examine(target.pid)
            self._compare("version", version, str(report["process"]["python"]))
            system = next(check for check in report["checks"] if check["name"] == "system")
            self._compare("what the doctor says of the system", "ok", system["status"])
            runtime = locate(target.pid)
            try:
                table = known()[(*runtime.layout.version, False)]
                if table.debug_fields:
                    published = debug_offsets.read(runtime.memory, runtime.address, table.debug_fields)
                    same = debug_offsets.overlay(table, published) == table
                    self._compare("offsets that it publishes", "those of the table", "those of the table"
                                  if same else "others")  # fmt: skip
                    self._compare(
                        "offset of its first GIL",
                        published["interpreter_state.ceval_gil"],
                        table.interpreter_state.ceval_gil or 0,
                    )
            finally:
                runtime.memory.close()

    def _heap(self) -> None:
        from support.observing import observing
        from support.quiescent import classes_of, number_in, quiescent

        from app.model.commands import Stop
        from app.model.frames import Heap

        with (
            quiescent(self._python, Path("/tmp")) as (pid, _, stats),
            observing(pid=pid, gil_hz=GIL_HZ, stacks_hz=STACKS_HZ) as observation,
        ):
            heap = observation.until(Heap)
            observation.send(Stop())
            observation.finish()
        there = [row for row in heap.classes if row[1]]
        told = classes_of(stats)
        self._compare("size classes in use", len(told), len(there))
        self._compare(
            "pools in use, their blocks and room, each class", "equal", "equal" if told == there else "other"
        )
        self._compare("pools in use", sum(row[1] for row in told), sum(row[1] for row in there))
        self._compare("blocks in use", sum(row[2] for row in told), sum(row[2] for row in there))
        arenas = number_in(stats, r"^# arenas allocated current += +([\d,]+)$")
        self._compare("arenas", arenas, heap.arenas)
        self._compare("pools not in use", number_in(stats, r"^(\d+) unused pools \*"), heap.pools_free)

    def _library(self) -> None:
        from support.targets import standing_by

        from app.probe.kernel.memory import ProcessMemory
        from app.probe.libc.heap import LibraryReader
        from app.probe.sampling.slow import finished

        with standing_by(self._python, FREEING) as target:
            told = json.loads(target.stdout.readline())
            memory = ProcessMemory(target.pid)
            reading = finished(LibraryReader(memory).read())
            self._compare("C library: bytes of its arenas", told["system"], reading.system)
            self._compare("C library: bytes free", told["free"], reading.free, allowed=told["free"] // 200)
            self._compare("C library: bytes of blocks that are mappings", told["mapped"], reading.mapped)
            self._compare("C library: lists that contradict themselves", 0, reading.torn)
            target.stdin.write(b"trim\n")
            target.stdin.flush()
            after = json.loads(target.stdout.readline())
            self._compare("C library: bytes that malloc_trim gives back", told["rss"] - after["rss"],
                          reading.trimmable, allowed=1 << 20)  # fmt: skip
            memory.close()

    def _gil(self) -> None:
        said = Path("/tmp/said")
        rows = self._observed(KEEPING, KEEPING_S, str(said))
        told = json.loads(said.read_text())
        keep, ask = rows["keep"], rows["ask"]
        held = keep["shares"]["running"] + keep["shares"]["stalled"]
        self._compare("share of the time that the GIL is held", 100 * told["held"], 100 * held, 3, " %")
        self._compare("share of a thread's time that it waits for it", 100 * told["waited"],
                      100 * ask["shares"]["waiting"], 3, " %")  # fmt: skip

    def _states(self) -> None:
        rows = self._observed(DOING, DOING_S)
        for name, state in STATES.items():
            seen = rows[name]["shares"][state] or 0
            what = f"share of {state} in a thread that does {name}"
            self._compare(what, 100.0, 100 * seen, 5, " %")

    def _observed(self, code: str, seconds: float, *args: str) -> dict[str, Any]:
        from support.observing import observing, program

        with observing(
            program(self._python, code, str(seconds), *args), gil_hz=GIL_HZ, stacks_hz=STACKS_HZ
        ) as observation:
            end = observation.finish()
        if end.error is not None:
            print(end.error)
        summary = observation.summary()
        return {row["name"]: row for row in summary["threads"]}

    def _fork(self) -> None:
        from support.targets import standing_by

        from app.probe.cpython.runtime import locate
        from app.probe.kernel import procfs

        with standing_by(self._python, "READY\n" + FORKED) as parent:
            child = int(parent.stdout.readline())
            try:
                while procfs.age_s(child) < 0.2:  # before that it may yet put its house in order
                    time.sleep(0.05)
                runtime = locate(child)
                runtime.memory.close()
                self._compare("a child of a bare fork", "found", "found" if runtime.address else "not found")
            finally:
                os.kill(child, signal.SIGKILL)


def main() -> None:
    """All interpreters of this machine."""
    from support import observing

    observing.TIME_LIMIT_S = 600.0
    system = os.uname()
    with open("/proc/cpuinfo") as file:
        cpus = file.read().count("processor\t")
    say(here=f"Linux {system.release} {system.machine}, pages of {os.sysconf('SC_PAGE_SIZE') >> 10} KiB, "
             f"{cpus} CPUs, glibc {os.confstr('CS_GNU_LIBC_VERSION')}, "
             f"observer on CPython {sys.version.split()[0]}")  # fmt: skip
    for name in Path("/pythons").read_text().split():
        Figures(f"/usr/bin/{name}").run()
    say(end=True)


if __name__ == "__main__":
    try:
        mount()
        os.environ["PATH"] = "/usr/bin:/usr/sbin"
        os.environ["PYTHONPATH"] = str(ROOT)
        sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
        os.chdir("/")
        main()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os.sync()
        ctypes.CDLL(None).reboot(0x4321FEDC)  # RB_POWER_OFF
