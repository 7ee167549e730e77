"""When the processes of a run are searched for, and when interpreters are looked for where there was none.

They come so far apart, or further where they would take more than a fiftieth of a CPU (a tenth while nothing
is sampled), but never further than a slice, unless that would take more than a twentieth.
"""

from __future__ import annotations

import time

from app.model.frames import SLICE_US

from .kernel import procfs
from .kernel.births import Births
from .processes.tree import ProcessTree
from .subject import Subject

_SEARCH_US = 5_000
_SEARCH_REST, _SEARCH_REST_IDLE = 50, 10
_SEARCH_REST_LEAST = 20


class Search:
    """Holds /proc/loadavg open."""

    def __init__(self, tree: ProcessTree, subject: Subject, follow_period_us: int) -> None:
        """Whatever the kernel tells of births, the tree is walked once in so long."""
        self._tree, self._subject, self._follow_period_us = tree, subject, follow_period_us
        self._births = Births()
        self._search_at_us = self._follow_at_us = 0

    def close(self) -> None:
        """Gives the descriptor back."""
        self._births.close()

    def search_if_due(self, now_us: int) -> None:
        """Searches where it is time."""
        if now_us >= self._search_at_us:
            self.search(now_us)

    def search(self, now_us: int) -> None:
        """Takes in processes that were started since, and looks for interpreters where there was none."""
        began_ns = time.thread_time_ns()
        if self._births.any() or now_us >= self._follow_at_us:
            self.follow(now_us)
        self._tree.discovery.look(now_us)
        cost_us = (time.thread_time_ns() - began_ns) // 1000
        rest = _SEARCH_REST if self._tree.watchlist.reads_any else _SEARCH_REST_IDLE
        most_us = max(SLICE_US, cost_us * _SEARCH_REST_LEAST)
        self._search_at_us = now_us + min(max(_SEARCH_US, cost_us * rest), most_us)

    def follow(self, now_us: int) -> None:
        """Walks the tree: takes in who is new, and lets go of who has ended."""
        self._tree.discovery.let_go_of_ended(now_us)
        known = dict.fromkeys((*self._subject.roots, *self._tree.watchlist.pids))
        self._tree.discovery.take_in((*known, *procfs.descendants(*known)), now_us)
        self._follow_at_us = now_us + self._follow_period_us
