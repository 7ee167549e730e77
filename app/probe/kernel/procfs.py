"""Counters that the kernel keeps, from /proc. A field that cannot be read is None, never 0."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Container, Generator, Iterable
from dataclasses import dataclass

from app.model import redaction

_TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ASKED_A_STEP = 16  # threads: some 15 us each
_DELETED = " (deleted)"  # what the kernel adds to the name of a file that is there no more


@dataclass(frozen=True)
class Stat:
    """Of /proc/PID/stat."""

    state: str
    parent: int
    minor_faults: int
    major_faults: int
    cpu_us: int  # user and system, threads that have ended included
    start_ticks: int
    rss: int


def read(path: str) -> bytes | None:
    """What a file of /proc says; None where its process has ended or may not be looked at."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return os.read(fd, 65536)
    except OSError:
        return None
    finally:
        os.close(fd)


def stat(pid: int) -> Stat | None:
    """The process's own counters; None once it is gone."""
    text = read(f"/proc/{pid}/stat")
    if not text:
        return None
    f = text[text.rindex(b")") + 2 :].split()  # f[0] is field 3 of the manual page
    return Stat(
        state=f[0].decode(),
        parent=int(f[1]),
        minor_faults=int(f[7]),
        major_faults=int(f[9]),
        cpu_us=(int(f[11]) + int(f[12])) * _TICK_US,
        start_ticks=int(f[19]),
        rss=int(f[21]) * _PAGE,
    )


def parent(pid: int) -> int | None:
    """The process that started it, or that took it in; None once it is gone."""
    now = stat(pid)
    return now.parent if now else None


def alive(pid: int) -> bool:
    """Whether the process still runs: there, and no zombie."""
    now = stat(pid)
    return now is not None and now.state not in "ZX"


def command(pid: int) -> list[str]:
    """Its command line, what looks secret in it blanked; [] for a zombie or a kernel thread."""
    text = read(f"/proc/{pid}/cmdline")
    if not text:
        return []
    return redaction.command(part.decode("utf-8", "replace") for part in text.rstrip(b"\0").split(b"\0"))


def program(pid: int) -> str | None:
    """The file that it runs; None for a kernel thread, one that has ended, or that may not be looked at."""
    try:
        path = os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return None
    return path[: -len(_DELETED)] if path.endswith(_DELETED) else path


def schedstat(pid: int, tid: int) -> tuple[int, int, int] | None:
    """(us on a CPU, us runnable but not on one, how often it was given one) of a thread."""
    text = read(f"/proc/{pid}/task/{tid}/schedstat")
    if not text:
        return None
    run, delay, times = text.split()
    return int(run) // 1000, int(delay) // 1000, int(times)


def switches(pid: int, tid: int) -> tuple[int, int] | None:
    """(voluntary, involuntary) context switches of a thread."""
    text = read(f"/proc/{pid}/task/{tid}/status")
    if not text:
        return None
    _, _, counts = text.rpartition(b"\nvoluntary_ctxt_switches:")  # the last lines, of some sixty
    voluntary, _, involuntary = counts.partition(b"\nnonvoluntary_ctxt_switches:")
    return int(voluntary or 0), int(involuntary or 0)


def peak_rss(pid: int) -> int | None:
    """The most memory that the process ever had resident, in bytes."""
    text = read(f"/proc/{pid}/status")
    peak = _fields(text, b"VmHWM").get(b"VmHWM") if text else None
    return peak * 1024 if peak is not None else None


def peak_size(pid: int) -> int:
    """The most address space that the process ever had, in bytes; 0 once it has none."""
    text = read(f"/proc/{pid}/status") or b""
    return _fields(text, b"VmPeak").get(b"VmPeak", 0) * 1024


def _fields(text: bytes, *names: bytes) -> dict[bytes, int]:
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        if name in names:
            found[name] = int(value.split()[0])
    return found


def thread_name(pid: int, tid: int) -> str:
    """The OS's name of a thread, at most 15 bytes."""
    text = read(f"/proc/{pid}/task/{tid}/comm")
    return text.decode("utf-8", "replace").rstrip("\n") if text else ""


def nested(pid: int) -> bool:
    """Whether the process is in a pid namespace below this one: a container, as its host sees it."""
    text = read(f"/proc/{pid}/status")
    return text is not None and len(_namespace_ids(text)) > 1


def tids(pid: int) -> list[int]:
    """The threads of a process; [] once it has ended."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:
        return []


def thread_count(pid: int) -> int:
    """How many threads a process has: the links of a directory count its folders. 0 once it has ended."""
    try:
        return max(os.stat(f"/proc/{pid}/task").st_nlink - 2, 0)
    except OSError:
        return 0


def own_tid(pid: int, tid: int) -> int | None:
    """The id by which a thread knows itself, which is another than `tid` where its process is nested.

    None once it has ended.
    """
    text = read(f"/proc/{pid}/task/{tid}/status")
    ids = _namespace_ids(text) if text else []
    return ids[-1] if ids else None


def age_s(pid: int) -> float:
    """Seconds since the process was made; 0 once it is gone."""
    now = stat(pid)
    made_s = now.start_ticks * _TICK_US / 1e6 if now else math.inf
    return max(time.clock_gettime(time.CLOCK_BOOTTIME) - made_s, 0.0)


def _namespace_ids(status: bytes) -> list[int]:
    """The ids of a process or thread in this namespace and in each below, down to its own."""
    start = status.find(b"\nNSpid:") + len(b"\nNSpid:")
    return [int(number) for number in status[start : status.index(b"\n", start)].split()]


def children(pid: int) -> list[int]:
    """The pids that the threads of `pid` started and that have not been reaped."""
    texts = (read(f"/proc/{pid}/task/{tid}/children") for tid in tids(pid))
    return [int(child) for text in texts if text for child in text.split()]


def born_to(parents: Container[int], pids: Iterable[int]) -> list[int]:
    """Those of `pids` that are processes, no threads, below one of `parents` or below each other."""
    found: dict[int, None] = {}
    for pid in pids:
        now = stat(pid)
        if now is not None and (now.parent in parents or now.parent in found) and leads(pid):
            found[pid] = None
    return list(found)


def leads(tid: int) -> bool:
    """Whether that id is a process's, and not only one of its threads'."""
    text = read(f"/proc/{tid}/status") or b""
    return _fields(text, b"Tgid").get(b"Tgid") == tid


def walk_descendants(*pids: int) -> Generator[None, None, list[int]]:
    """A slow read of `descendants`: a step asks some threads for their children, for a quarter of a ms."""
    found = dict.fromkeys(pids)
    todo = list(pids)
    asked = 0
    while todo:
        pid = todo.pop()
        for tid in tids(pid):
            text = read(f"/proc/{pid}/task/{tid}/children")
            below = [int(child) for child in text.split()] if text else []
            todo += [child for child in below if child not in found]
            found.update(dict.fromkeys(below))
            asked += 1
            if asked % _ASKED_A_STEP == 0:
                yield
    return list(found)[len(set(pids)) :]


def descendants(*pids: int) -> list[int]:
    """Every process below those given, parents before their children."""
    found = dict.fromkeys(pids)
    todo = list(pids)
    while todo:
        below = [child for child in children(todo.pop()) if child not in found]
        found.update(dict.fromkeys(below))
        todo += below
    return list(found)[len(set(pids)) :]
