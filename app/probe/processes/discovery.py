"""Finding the processes of a run, and the interpreter in each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.model.errors import GilscopeError, NoSuchProcess
from app.model.frames import Event, Message
from app.probe.cpython.runtime import Doubtful, NoInterpreter, NotYet, Runtime, locate
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel import procfs
from app.probe.kernel.memory import AddressSpaceGone, Unmapped
from app.probe.sampling.reader import Reader

from .announcements import Announcements
from .reports import Reports
from .rounds import Rounds
from .watched import Watched, Watchlist

# What an interpreter says of itself while it starts makes no sense yet; after so long it is believed, and the
# process given up until it calls exec.
_SETTLE_US = 5_000_000
# Between two tries to find the interpreter of a process: a tenth of the time since it was started or called
# exec, within these bounds. So one that comes at once is found at once, and a shell costs next to nothing.
_LOOK_PART = 10
_LOOK_FIRST_US = 5_000
_LOOK_LAST_US = 250_000

Open = Callable[[int, Runtime, int], Reader]  # a reader of that pid, at that time


class Discovery:
    """Takes processes in, tries to read each, and lets go of those that have ended."""

    def __init__(
        self,
        watchlist: Watchlist,
        announcements: Announcements,
        reports: Reports,
        rounds: Rounds,
        emit: Callable[[Message], None],
        open_reader: Open,
        is_left_out: Callable[[int], bool],
    ) -> None:
        """`is_left_out`: whether a process that comes below the others is none of the run's."""
        self._watchlist, self._announcements, self._reports = watchlist, announcements, reports
        self._rounds, self._emit = rounds, emit
        self._open_reader, self._is_left_out = open_reader, is_left_out

    def watch(self, pid: int, parent: int | None, now_us: int) -> None:
        """Follows `pid` from now on; it is looked for in `look` until it can be read."""
        if pid not in self._watchlist:
            self._watchlist.add(Watched(pid, parent, now_us))

    def look(self, now_us: int) -> None:
        """Tries again to find the interpreter of each process that has none yet."""
        for watched in self._watchlist:
            if watched.reader is not None:
                continue
            if not watched.lost and procfs.program(watched.pid) not in (None, watched.program):
                self._called_exec(watched, now_us)
            if watched.refusal is None and now_us >= watched.look_at_us:
                self._try(watched, now_us)
                wait_us = (now_us - watched.since_us) // _LOOK_PART
                watched.look_at_us = now_us + min(max(wait_us, _LOOK_FIRST_US), _LOOK_LAST_US)

    def take_in(self, pids: Iterable[int], now_us: int) -> None:
        """Takes in those that are not known, parents before their children."""
        for pid in pids:
            if pid in self._watchlist or self._is_left_out(pid):
                continue
            parent = procfs.parent(pid)
            watched = Watched(pid, parent, now_us)
            if watched.ended:  # a zombie that nobody has reaped
                continue
            self._watchlist.add(watched)
            self._emit(Event(now_us, "forked", pid, f"by {parent}"))

    def let_go_of_ended(self, now_us: int) -> None:
        """Lets go of those that have ended. What they started is followed on, and what that starts too."""
        for watched in self._watchlist:
            if watched.ended:
                self._reports.let_go(watched, now_us)
                self._watchlist.remove(watched.pid)
                self._announcements.gone(watched, now_us)

    def _try(self, watched: Watched, now_us: int) -> None:
        if watched.lost and not self._became_another(watched, now_us):
            return
        try:
            runtime = locate(watched.pid)
        except NoSuchProcess:
            return  # let_go_of_ended tells of its end
        except (NotYet, NoInterpreter) as reason:
            watched.why = reason
            return
        except GilscopeError as refusal:
            watched.why = refusal
            if now_us - watched.since_us > _SETTLE_US or not isinstance(refusal, Doubtful):
                watched.refusal = refusal
                self._announcements.refused(watched, refusal, now_us)
            return
        try:
            reader = self._open_reader(watched.pid, runtime, now_us)
        except (AddressSpaceGone, Inconsistent, Unmapped):
            runtime.memory.close()
            watched.why = NotYet(f"process {watched.pid} changes while it is being looked at")
            return
        watched.reader, watched.why, watched.command = reader, None, procfs.command(watched.pid)
        self._announcements.found(watched, reader, now_us)
        self._rounds.sample_one(watched, reader, now_us)

    def _became_another(self, watched: Watched, now_us: int) -> bool:
        """Whether a process that lost its address space has a new one; one that is ending never has."""
        if not procfs.command(watched.pid):
            return False
        self._called_exec(watched, now_us)
        return True

    def _called_exec(self, watched: Watched, now_us: int) -> None:
        watched.renewed(now_us)
        self._announcements.renewed(watched, now_us)
