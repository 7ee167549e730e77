"""What is told of a process as a whole, and the names of its threads and locks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from app.model.errors import GilscopeError
from app.model.frames import Event, Message, Names, Process
from app.model.states import MEASURES
from app.probe.kernel import cpus
from app.probe.sampling.reader import Reader
from app.probe.sampling.slow import Cost, SlowReads, finished

from .watched import ASK_US, Watched

_ASKED_EACH_SECOND = 4  # processes, which of their libraries have threads of their own


class Announcements:
    """Tells of a process when it is found, refused, renewed or gone, and again when it is found changed."""

    def __init__(self, emit: Callable[[Message], None], slow: SlowReads, stacks: bool) -> None:
        """`stacks`: they are looked at."""
        self._emit, self._slow, self._stacks = emit, slow, stacks
        self.processes = 1  # that share what asking may cost

    def announce(self, watched: Watched) -> None:
        """Tells of a process that may be no CPython, now or ever."""
        if not watched.told:
            self._tell(watched)

    def found(self, watched: Watched, reader: Reader, now_us: int) -> None:
        """Its interpreter is read from now on."""
        watched.announced = self._process(watched, now_us)
        self._tell(watched)
        self.name(reader, now_us, in_full=True)

    def refused(self, watched: Watched, refusal: GilscopeError, now_us: int) -> None:
        """It is not read, and will not be."""
        self._emit(Event(now_us, "unreadable", watched.pid, str(refusal)))
        watched.announced = replace(
            watched.announced, at_us=now_us, why=dict.fromkeys(MEASURES, str(refusal))
        )
        if watched.told:
            self._emit(watched.announced)

    def renewed(self, watched: Watched, now_us: int) -> None:
        """It has called exec."""
        if watched.told:  # else nobody knows what it was before
            self._emit(Event(now_us, "exec", watched.pid, " ".join(watched.command)))
            self._tell(watched)

    def gone(self, watched: Watched, now_us: int) -> None:
        """It has ended."""
        self._emit(Event(now_us, "exited", watched.pid))
        self._emit(replace(watched.announced, at_us=now_us, gone=True))

    def name(self, reader: Reader, now_us: int, in_full: bool = False) -> None:
        """Tells of threads and locks that are new, or have come to Python."""
        threads, gils = reader.take_names(now_us, in_full)
        self._emit(Names(now_us, threads=threads, gils=gils))

    def review(self, watched: Watched, reader: Reader, now_us: int) -> None:
        """Tells again of a process whose switch interval was changed, or its GIL switched on or off.

        Raises AddressSpaceGone.
        """
        reader.sampler.review(now_us)
        if self._process(watched, now_us) != replace(watched.announced, at_us=now_us):
            self.found(watched, reader, now_us)

    def _found_pools(self, watched: Watched, found: list[str] | None, cost: Cost) -> None:
        """Kept for the next review."""
        watched.thread_pools = found or []

    def _tell(self, watched: Watched) -> None:
        watched.told = True
        self._emit(watched.announced)

    def _process(self, watched: Watched, now_us: int) -> Process:
        if watched.reader is None:
            return replace(watched.announced, at_us=now_us)
        if not watched.asked:
            watched.asked, watched.asked_us = True, now_us
            watched.cpus = cpus.cpus(watched.pid)
            watched.thread_pools = finished(cpus.thread_pools(watched.pid))
        elif now_us - watched.asked_us >= ASK_US * max(1, self.processes // _ASKED_EACH_SECOND):
            watched.asked_us = now_us
            watched.cpus = cpus.cpus(watched.pid)
            self._slow.begin(cpus.thread_pools(watched.pid), partial(self._found_pools, watched))
        return Process(
            now_us,
            watched.pid,
            watched.parent,
            watched.command,
            cpus=watched.cpus,
            thread_pools=watched.thread_pools,
            **watched.reader.facts(self._stacks),
        )
