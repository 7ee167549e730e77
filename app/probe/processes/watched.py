"""Which processes the run has, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Union

from app.model.errors import GilscopeError
from app.model.frames import Process
from app.probe.cpython.runtime import NoInterpreter, NotYet
from app.probe.kernel import procfs
from app.probe.sampling.reader import Reader

ASK_US = 1_000_000  # how often the CPUs that a process may use are asked, and the libraries that it has

Why = Union[GilscopeError, NotYet, None]  # a process is not read


@dataclass
class Watched:
    """A process of the run. `reader` is None while it is not, or not yet, a CPython that can be read."""

    pid: int
    parent: int | None
    since_us: int
    command: list[str] = field(init=False)
    program: str | None = field(init=False)  # the file that it runs
    start_ticks: int | None = field(init=False)  # tells it from a later process of the same pid
    reader: Reader | None = None
    refusal: GilscopeError | None = None  # why it is not read, and will not be unless it calls exec
    why: Why = None  # it has not been read so far
    look_at_us: int = 0  # when to try again to find its interpreter
    lost: bool = False  # its address space went away: it is ending, or becoming another program
    announced: Process = field(init=False)  # what was last told of it, or would be
    told: bool = False  # the server has heard of it
    cpus: float | None = None  # as last asked, see cpus.py
    thread_pools: list[str] = field(default_factory=list)
    minor_faults: int = 0  # as last counted
    faults_below: int = 0  # of its children: what they copy is its own from then on
    own: int = 0  # bytes that it has to itself, as last summed up
    asked: bool = False
    asked_us: int = 0

    def __post_init__(self) -> None:
        now = procfs.stat(self.pid)
        self.start_ticks = now.start_ticks if now else None
        self.program = procfs.program(self.pid)
        self.command = procfs.command(self.pid)
        self.announced = Process(self.since_us, self.pid, self.parent, self.command)

    @property
    def faults(self) -> int:
        """Those that may have changed what it has to itself."""
        return self.minor_faults + self.faults_below

    def count_faults(self, minor: int, parent: Watched | None) -> None:
        """Takes the kernel's count; `parent` is the process that started it."""
        if parent is not None:
            parent.faults_below += minor - self.minor_faults
        self.minor_faults = minor

    @property
    def ended(self) -> bool:
        """It is there no more, or but as a zombie."""
        now = procfs.stat(self.pid)
        return now is None or now.state in "ZX" or now.start_ticks != self.start_ticks

    def renewed(self, now_us: int) -> None:
        """It is another program since just now."""
        self.lost, self.refusal, self.why = False, None, None
        self.since_us = self.look_at_us = now_us
        self.program, self.command = procfs.program(self.pid), procfs.command(self.pid)
        self.announced = Process(now_us, self.pid, self.parent, self.command)


class Watchlist:
    """The processes of the run, by pid."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}

    def __contains__(self, pid: int) -> bool:
        return pid in self._watched

    def __iter__(self) -> Iterator[Watched]:
        """Each process; the list may change while this goes on."""
        return iter(list(self._watched.values()))

    def add(self, watched: Watched) -> None:
        """Follows a process from now on."""
        self._watched[watched.pid] = watched

    def get(self, pid: int) -> Watched | None:
        """That process, if the run has it."""
        return self._watched.get(pid)

    def remove(self, pid: int) -> None:
        """The process is gone."""
        del self._watched[pid]

    def read(self) -> Iterator[tuple[Watched, Reader]]:
        """Those that are read; one may cease to be while this goes on."""
        for watched in self:
            if watched.reader is not None:
                yield watched, watched.reader

    @property
    def pids(self) -> list[int]:
        """All of them, in the order in which they were found."""
        return list(self._watched)

    @property
    def pending(self) -> list[int]:
        """The pids that are neither sampled nor refused."""
        return [watched.pid for watched in self if watched.reader is None and watched.refusal is None]

    @property
    def reads_any(self) -> bool:
        """Whether there is a CPython that is read."""
        return any(watched.reader is not None for watched in self._watched.values())

    @property
    def starting(self) -> bool:
        """Whether there is an interpreter that cannot be read yet."""
        return any(isinstance(watched.why, NotYet) for watched in self)

    @property
    def refusals(self) -> list[GilscopeError]:
        """Why those are not read that are CPythons, or may be."""
        whys = (watched.why for watched in self)
        return [why for why in whys if isinstance(why, GilscopeError) and not isinstance(why, NoInterpreter)]

    def refusal(self, pid: int) -> GilscopeError | None:
        """Why `pid` is not read, and will not be; None while it is, or may yet be."""
        watched = self._watched.get(pid)
        return watched.refusal if watched else None

    def why_not(self, pid: int) -> Why:
        """Why `pid` is not read, or not yet; None where it is, or was not looked at."""
        watched = self._watched.get(pid)
        return watched.why if watched and watched.reader is None else None
