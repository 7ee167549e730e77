"""When processes are searched for, and when interpreters are looked for where there was none.

Who is new is told by the pids that the kernel has given since. Whatever they tell, the whole tree is walked
as often as counters are told, or so seldom that this takes a hundredth of a CPU: each thread is asked for its
children. Where there are hundreds that takes long, so it is a slow read.

Searches come so far apart, or further where they would take more than a fiftieth of a CPU (a tenth while
nothing is sampled), but never further than a slice, unless that would take more than a twentieth.
"""

from __future__ import annotations

import time

from app.model.frames import SLICE_US

from .kernel import procfs
from .kernel.births import Births
from .run_parts import RunParts
from .sampling.slow import Cost

_SEARCH_US = 5_000
_SEARCH_REST, _SEARCH_REST_IDLE = 50, 10
_SEARCH_REST_LEAST = 20
_WALK_REST = 100


class Search:
    """Holds /proc/loadavg open."""

    def __init__(self, run: RunParts, period_us: int) -> None:
        """`period_us`: between two walks, and between two looks for processes that have ended."""
        self._tree, self._subject, self._clock = run.tree, run.subject, run.clock
        self._slow, self._period_us = run.slow, period_us
        self._births = Births()
        self._search_at_us = self._walk_at_us = self._end_at_us = 0
        self._is_walking = False

    def close(self) -> None:
        """Gives the descriptor back."""
        self._births.close()

    def search_if_due(self, now_us: int) -> None:
        """Takes in who is new, and looks for interpreters where there was none, where it is time."""
        if now_us < self._search_at_us:
            return
        began_ns = time.thread_time_ns()
        born = self._births.new()
        if now_us >= self._end_at_us:
            self._end_at_us = now_us + self._period_us
            self._tree.discovery.let_go_of_ended(now_us)
        if born is None or now_us >= self._walk_at_us:
            self._begin_walk(now_us)
        if born:
            self._tree.discovery.take_in(procfs.born_to(self._known(), born), now_us)
        self._tree.discovery.look(now_us)
        self._pace(now_us, (time.thread_time_ns() - began_ns) // 1000)

    def search(self, now_us: int) -> None:
        """The same at once and in full, while nothing is sampled that would have to wait for it."""
        began_ns = time.thread_time_ns()
        if self._births.new() != () or now_us >= self._walk_at_us:
            self.walk(now_us)
        self._tree.discovery.look(now_us)
        self._pace(now_us, (time.thread_time_ns() - began_ns) // 1000)

    def walk(self, now_us: int) -> None:
        """Walks the whole tree now: takes in who is new, and lets go of who has ended."""
        self._walk_at_us = now_us + self._period_us
        self._tree.discovery.let_go_of_ended(now_us)
        known = self._known()
        self._tree.discovery.take_in((*known, *procfs.descendants(*known)), now_us)

    def _begin_walk(self, now_us: int) -> None:
        """The same, by a slow read."""
        self._walk_at_us = now_us + self._period_us
        if not self._is_walking:
            self._is_walking = True
            self._slow.begin(procfs.walk_descendants(*self._known()), self._walked)

    def _walked(self, found: list[int] | None, cost: Cost) -> None:
        now_us = self._clock.now_us()
        self._is_walking = False
        self._walk_at_us = max(self._walk_at_us, now_us + cost.cpu_us * _WALK_REST)
        self._tree.discovery.take_in((*self._known(), *(found or ())), now_us)

    def _known(self) -> dict[int, None]:
        return dict.fromkeys((*self._subject.roots, *self._tree.watchlist.pids))

    def _pace(self, now_us: int, cost_us: int) -> None:
        rest = _SEARCH_REST if self._tree.watchlist.reads_any else _SEARCH_REST_IDLE
        most_us = max(SLICE_US, cost_us * _SEARCH_REST_LEAST)
        self._search_at_us = now_us + min(max(_SEARCH_US, cost_us * rest), most_us)
