"""The C library's heap as it is read from outside, against its own mallinfo2() and a real malloc_trim(0)."""

from __future__ import annotations

import json
import mmap
import os
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
from support.interpreters import PROMISED, each
from support.targets import standing_by

from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory
from app.probe.libc.chunks import Lists
from app.probe.libc.heap import LibraryReader, LibraryReading
from app.probe.sampling.slow import finished

MIB = 1 << 20
STATES = 50  # of each interpreter
SOME_STATES = 10
BUSY = 25  # readings
ACCOUNTS = 20_000  # that the target keeps of a heap that never stands still: some ten seconds of them

# Takes and frees by a seed, in some threads, so in some arenas; answers with its own account.
TARGET = """
import ctypes, itertools, json, mmap, os, random, struct, sys, threading, time

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
held, objects = [], []
kept = mmap.mmap(int(sys.argv[1]), 0)

def take(dice):
    most = dice.choice([64, 1000, 6000, 40_000, 400_000, 4_000_000])
    for _ in range(dice.randrange(1, max(2, min(4000, 12_000_000 // most)))):
        size = dice.randrange(16, most)
        block = libc.malloc(size)
        if dice.random() < 0.9:
            libc.memset(block, 1, size)
        held.append(block)
        objects.append(bytearray(dice.randrange(400, 3000)))

def give(dice, share):
    for kept in (held, objects):
        dice.shuffle(kept)
        cut = int(len(kept) * share)
        for one in kept[:cut]:
            if kept is held:
                libc.free(one)
        del kept[:cut]

def tell():
    with open("/proc/self/smaps_rollup") as lines:
        rss = next(int(line.split()[1]) << 10 for line in lines if line.startswith("Rss:"))
    info = libc.mallinfo2()
    told = {"free": info.fordblks, "system": info.arena, "mapped": info.hblkhd, "rss": rss}
    print(json.dumps(told), flush=True)

def churn():
    dice, mine = random.Random(), []
    while True:
        size = dice.randrange(2_000, 120_000)
        block = libc.malloc(size)
        libc.memset(block, 1, size)
        mine.append(block)
        if len(mine) > 300:
            libc.free(mine.pop(dice.randrange(len(mine))))

def account():
    for number in itertools.count(1):
        began = time.monotonic_ns()
        free = libc.mallinfo2().fordblks
        struct.pack_into("=3Q", kept, 8 + 24 * (number % ACCOUNTS), began, time.monotonic_ns(), free)
        struct.pack_into("=Q", kept, 0, number)
        time.sleep(0.0005)

READY
tell()
for line in sys.stdin:
    word, seed = line.split()
    dice = random.Random(int(seed))
    if word == "state":
        for _ in range(dice.randrange(1, 5)):
            thread = threading.Thread(target=take, args=(dice,))
            thread.start()
            thread.join()
            while len(os.listdir("/proc/self/task")) > 1:  # at its end it gives back what it kept for itself
                pass
        if dice.random() < 0.5:
            take(dice)
        give(dice, dice.choice([0.1, 0.5, 0.9, 0.99]))
    elif word == "busy":
        for work in (churn, churn, churn, account):
            threading.Thread(target=work, daemon=True).start()
    elif word == "trim":
        libc.malloc_trim(0)
    tell()
"""


def ask(target: Any, word: str, seed: int = 0) -> dict[str, int]:
    """Has it do something; its own account afterwards, once it waits for the next word."""
    target.stdin.write(f"{word} {seed}\n".encode())
    target.stdin.flush()
    answer: dict[str, int] = json.loads(target.stdout.readline())
    syscall = Path(f"/proc/{target.pid}/task/{target.pid}/syscall")
    while not syscall.read_text().startswith("0 0x0 "):  # read(0, ...)
        pass
    return answer


def read(reader: LibraryReader, pause_s: float = 0) -> LibraryReading:
    """One reading, its steps one after the other, or as far from each other as an observer's samples."""
    steps = reader.read()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            reading: LibraryReading = end.value
            return reading
        time.sleep(pause_s)


class Accounts:
    """What the target says was free, about each millisecond: (from, until, bytes), in ns."""

    def __init__(self, kept: mmap.mmap) -> None:
        self._kept = kept

    @property
    def count(self) -> int:
        """How many there were."""
        number: int = struct.unpack_from("=Q", self._kept)[0]
        return number

    def around(self, began_ns: int, ended_ns: int) -> list[int]:
        """Of those that were taken meanwhile, the last before, and the first after: that is waited for."""
        while self._at(self.count)[0] < ended_ns:
            time.sleep(0.001)
        newest = self.count
        told = [self._at(number) for number in range(max(1, newest - ACCOUNTS // 2), newest + 1)]
        before = [each for each in told if each[1] <= began_ns][-1:]
        after = [each for each in told if each[0] >= ended_ns][:1]
        meanwhile = [each for each in told if each[1] > began_ns and each[0] < ended_ns]
        assert before
        return [free for _, _, free in before + meanwhile + after]

    def _at(self, number: int) -> tuple[int, int, int]:
        began, ended, free = struct.unpack_from("=3Q", self._kept, 8 + 24 * (number % ACCOUNTS))
        return began, ended, free


@contextmanager
def heap_of(promised: str, **others: Any) -> Iterator[tuple[Any, LibraryReader, Accounts]]:
    """The target at work, a reader of its heap, and what it says of that itself."""
    with tempfile.TemporaryFile() as file:
        file.write(bytes(8 + 24 * ACCOUNTS))
        file.flush()
        code = TARGET.replace("ACCOUNTS", str(ACCOUNTS))
        options = {"args": [str(file.fileno())], "pass_fds": [file.fileno()], **others}
        with standing_by(promised, code, **options) as target, mmap.mmap(file.fileno(), 0) as kept:
            assert target.stdout
            target.stdout.readline()
            memory = ProcessMemory(target.pid)
            try:
                yield target, LibraryReader(memory), Accounts(kept)
            finally:
                memory.close()


@pytest.mark.parametrize("promised", each(PROMISED))
def test_what_is_free_and_what_a_trim_gives_back(promised: str) -> None:
    with heap_of(promised) as (target, reader, _):
        for seed in range(STATES):
            ask(target, "state", seed)
            told = ask(target, "tell")
            reading = read(reader)
            assert reading.allocator == "glibc"
            assert reading.torn == reading.cut == 0, f"seed {seed}: {reading}"
            assert reading.free is not None
            assert reading.trimmable is not None
            assert reading.system == told["system"], f"seed {seed}"
            assert reading.free == pytest.approx(told["free"], rel=0.005, abs=0.2 * MIB), f"seed {seed}"
            assert reading.mapped == told["mapped"], f"seed {seed}"
            assert read(reader) == reading, f"seed {seed}, read again at rest"
            after = ask(target, "trim")
            given_back = told["rss"] - after["rss"]
            assert given_back == pytest.approx(reading.trimmable, rel=0.05, abs=MIB), f"seed {seed}"


@pytest.mark.parametrize("promised", each(PROMISED))
def test_a_heap_that_is_to_have_huge_pages(promised: str) -> None:
    """Its end goes back by these, where the kernel has them to be asked for: as on aarch64 by itself."""
    environment = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
    with heap_of(promised, env=environment) as (target, reader, _):
        for seed in range(SOME_STATES):
            ask(target, "state", seed)
            told = ask(target, "tell")
            reading = read(reader)
            assert reading.mapped == told["mapped"], f"seed {seed}"
            assert reading.trimmable is not None
            assert read(reader) == reading, f"seed {seed}, read again at rest"
            given_back = told["rss"] - ask(target, "trim")["rss"]
            assert given_back == pytest.approx(reading.trimmable, rel=0.05, abs=MIB), f"seed {seed}"


@pytest.mark.parametrize("promised", each(PROMISED))
def test_lists_that_are_what_they_were_are_not_walked_again(
    promised: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walked(*_: Any) -> Any:
        raise AssertionError("a list was walked again")

    with heap_of(promised) as (target, reader, _):
        for seed in range(5):
            ask(target, "state", seed)
            reading = read(reader)
            assert reading.chunks > 100
            with monkeypatch.context() as patched:
                patched.setattr(Lists, "bin", walked)
                patched.setattr(Lists, "fast_bin", walked)
                assert read(reader) == reading


@pytest.mark.parametrize("promised", each(PROMISED))
def test_a_heap_that_never_stands_still(promised: str) -> None:
    """Each reading is near to what was free at some instant of it: that swings by a third meanwhile.

    And it is within 15 % of the mean of these, or within what it says itself that it may be off.
    """
    with heap_of(promised) as (target, reader, accounts):
        ask(target, "state", 3)
        ask(target, "busy")
        for _ in range(60):  # until the threads hold as much as they ever do
            ask(target, "tell")
        found = told = 0
        near = within = 0
        for _ in range(BUSY):
            began_ns = time.monotonic_ns()
            reading = read(reader, pause_s=0.001)
            free = accounts.around(began_ns, time.monotonic_ns())
            assert reading.free is not None
            assert reading.moved < 0.7 * reading.free
            near += 0.85 * min(free) <= reading.free <= 1.15 * max(free)
            found += reading.free
            mean = sum(free) / len(free)
            told += mean
            within += abs(reading.free - mean) <= max(0.15 * mean, reading.moved)
        assert near >= BUSY - 2
        assert within >= BUSY - 2
        assert found == pytest.approx(told, rel=0.08)


def test_musl_is_named_and_nothing_is_said_of_what_it_has(tmp_path: Path) -> None:
    program = tmp_path / "program"
    source = '#include <stdio.h>\nint main() { puts("ready"); fflush(stdout); getchar(); }'
    subprocess.run(["musl-gcc", "-x", "c", "-", "-o", program], input=source.encode(), check=True)
    with subprocess.Popen([program], stdin=-1, stdout=-1) as target:
        assert target.stdout
        assert target.stdout.readline() == b"ready\n"
        memory = ProcessMemory(target.pid)
        reading = read(LibraryReader(memory))
        memory.close()
        target.kill()
    assert (reading.allocator, reading.free, reading.system) == ("musl", None, None)
    assert reading.why == (
        "musl serves this program; how much of its memory is free cannot be read from outside."
    )


def test_of_one_that_ends_in_the_middle_of_a_reading_nothing_is_told(python: str) -> None:
    """Whichever step it ends at: its map is empty then, and no page is in memory."""
    code = "import sys\nkept = [bytes(3000) for _ in range(3000)][::2]\nREADY\nsys.stdin.read()"
    for ends_at in count():
        with standing_by(python, code) as target:
            memory = ProcessMemory(target.pid)
            steps = LibraryReader(memory).read()
            if len([*islice(steps, ends_at)]) < ends_at:
                break
            target.kill()
            os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
            with pytest.raises(AddressSpaceGone):
                finished(steps)
            memory.close()
    assert ends_at > 1
