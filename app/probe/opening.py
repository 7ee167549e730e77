"""The beginning of a run: the program is started or attached to, and looked at until it can be sampled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict

from app.model.errors import GilscopeError, NotReadable, TargetFailed
from app.model.frames import Hello
from app.model.spec import ObserverSpec

from . import launcher
from .cpython.runtime import NoInterpreter, NotYet
from .dialogue import Dialogue
from .kernel import access, descriptors, procfs
from .processes.watched import Why
from .run_parts import RunParts
from .search import Search

POLL_S = 0.002  # while a target starts
_START_LIMIT_S = 30.0  # for a workload to import what it needs and to start its workers
_LOCATE_LIMIT_S = 5.0  # for a process that is asked for to become readable
_ATTACH_LIMIT_S = 0.25  # for an attached one, which has long been what it is
_FIRST_LIMIT_S = 0.25  # for a command to become a CPython before the run begins without one


class Opening:
    """Ends with the processes that the first sample is of, or with `ending.state` set, or by an error."""

    def __init__(self, spec: ObserverSpec, run: RunParts, search: Search, dialogue: Dialogue) -> None:
        self._spec, self._link, self._clock = spec, run.link, run.clock
        self._subject, self._ending, self._tree = run.subject, run.ending, run.tree
        self._search, self._dialogue = search, dialogue

    def begin(self) -> None:
        """Starts or attaches, and says hello; GilscopeError where that fails."""
        if self._subject.is_workload:
            self._start_workload()
        elif self._subject.is_command:
            self._start_command()
        else:
            self._attach()

    def _hello(self) -> None:
        self._clock.begin()
        spec, origin_ns = self._spec, self._clock.origin_ns
        self._link.emit(Hello(origin_ns, time.time(), spec.run, asdict(spec.sampling), spec.slice_us))

    def _watch(self, pid: int, parent: int | None = None, now_us: int | None = None) -> None:
        self._tree.discovery.watch(pid, parent, self._clock.now_us() if now_us is None else now_us)

    def _announce_root(self) -> None:
        watched = self._tree.watchlist.get(self._subject.root)
        if watched is not None:
            self._tree.announcements.announce(watched)

    # ---- attach

    def _attach(self) -> None:
        """The process, or those below one that is no CPython itself: a launcher, such as a shell."""
        root, watchlist = self._subject.root, self._tree.watchlist
        descriptors.allow_many()
        self._hello()
        if not procfs.alive(root):
            raise access.never_seen(root)
        self._watch(root)
        self._await_attached(lambda why: why is None or isinstance(why, NoInterpreter))
        # Their totals, too, count from now, not from their birth.
        for pid in procfs.descendants(root):
            if not self._subject.leaves_out(pid):
                self._watch(pid, procfs.parent(pid))
        self._await_attached(lambda why: watchlist.reads_any)
        if watchlist.reads_any:
            self._announce_root()  # not before: the first that is told of has been admitted

    def _await_attached(self, is_enough: Callable[[Why], bool]) -> None:
        """Looks until it is enough, judged by why the process is not read; else raises that."""
        root, watchlist = self._subject.root, self._tree.watchlist
        began = time.monotonic()
        while True:
            self._tree.discovery.look(self._clock.now_us())
            why = watchlist.why_not(root)
            if is_enough(why):
                return
            if self._hears_the_end():
                return
            starting = isinstance(why, NotYet) or watchlist.starting
            limit_s = _LOCATE_LIMIT_S if starting else _ATTACH_LIMIT_S
            if watchlist.refusal(root) or time.monotonic() - began > limit_s:
                raise self._refusal(why)
            time.sleep(POLL_S)

    def _refusal(self, why: Why) -> GilscopeError:
        """Why it cannot be attached to."""
        if isinstance(why, NoInterpreter):
            return launcher.refusal(why, self._subject.root, self._tree.watchlist.refusals)
        if isinstance(why, GilscopeError):
            return why
        root = self._subject.root
        return NotReadable(f"Process {root} could not be read within {_LOCATE_LIMIT_S:g} s: {why}")

    # ---- a workload

    def _start_workload(self) -> None:
        self._subject.start()
        descriptors.allow_many()
        pids = self._await_ready()
        root = self._subject.root
        self._hello()
        for pid in pids:
            self._watch(pid, None if pid == root else root, 0)
        self._watch(root)
        if self._ending.state is None:
            self._await_readable()

    def _await_ready(self) -> list[int]:
        """The pids that the workload names once all its workers stand at the gate."""
        subject = self._subject
        deadline = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < deadline:
            for message in subject.reports():
                if "ready" in message:
                    return [int(pid) for pid in message["ready"]["pids"]]
            self._dialogue.obey()
            subject.drain()
            if self._ending.state is not None:
                return []
            if subject.has_ended():
                raise subject.failure()
            time.sleep(POLL_S)
        assert subject.target is not None
        raise TargetFailed(
            f"The workload was not ready after {_START_LIMIT_S:g} s", subject.target.stderr_tail
        )

    def _await_readable(self) -> None:
        """Looks until every process of a workload is sampled, or refused, or the workload has ended."""
        deadline = time.monotonic() + _LOCATE_LIMIT_S
        while True:
            self._tree.discovery.look(self._clock.now_us())
            if not self._tree.watchlist.pending:
                return
            if self._hears_the_end():
                return
            if time.monotonic() > deadline:
                why = self._tree.watchlist.why_not(self._subject.root)
                if why is None:
                    return  # a worker that is none: what it uses is counted all the same
                raise self._refusal(why)
            time.sleep(POLL_S)

    # ---- a command

    def _start_command(self) -> None:
        self._hello()
        self._subject.start()
        descriptors.allow_many()
        self._watch(self._subject.root)
        self._announce_root()  # it may be no CPython, now or ever
        self._await_first()

    def _await_first(self) -> None:
        """Looks for a while until the command, or a process below it, is sampled: most are CPythons.

        Whatever else it is, it runs on: the loop goes on looking.
        """
        deadline = time.monotonic() + _FIRST_LIMIT_S
        while not self._tree.watchlist.reads_any and time.monotonic() < deadline:
            self._search.search(self._clock.now_us())
            if self._hears_the_end():
                return
            time.sleep(POLL_S)

    def _hears_the_end(self) -> bool:
        self._dialogue.hear(self._clock.now_us())
        return self._ending.state is not None or self._subject.has_ended()
