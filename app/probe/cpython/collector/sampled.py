"""Pauses before CPython 3.15: `collecting`, looked at on every beat together with the totals beside it.

A pause goes from halfway between the sample before the first that saw it and that one, to halfway between the
last that saw it and the next: right in the mean, for a collection shorter than a period is seen as often as
its length is a part of the period. A collection adds to its generation's totals when it is done, just before
`collecting` falls; totals that move while it stays up tell that one ended and another began.
"""

from __future__ import annotations

import struct
from typing import NamedTuple, Optional

from app.probe.cpython.layouts import Layout
from app.probe.kernel.memory import ProcessMemory

from .totals import GENERATIONS, Check, Stats

Pause = tuple[int, int, Optional[int], Optional[int]]  # start_us, length_us, generation, collected

_STATS = struct.Struct(f"={3 * GENERATIONS}q")
_FLAG = struct.Struct("=i")


class _Ended(NamedTuple):
    """What ended between two samples."""

    at_us: int
    next_us: int  # when what was seen after it began, at the earliest
    generation: int | None  # None where several collections ended, or none
    collected: int | None


class SampledPauses:
    """The pauses of one collector, as samples see them."""

    def __init__(self, memory: ProcessMemory, layout: Layout, gc: int, check: Check) -> None:
        """`gc` is the address of struct _gc_runtime_state. Raises Unmapped, AddressSpaceGone."""
        assert layout.gc_generation_stats.size * GENERATIONS == _STATS.size
        self._memory, self._check = memory, check
        self._at = gc + layout.gc.generation_stats
        self._flag_at = layout.gc.collecting - layout.gc.generation_stats
        self._size = self._flag_at + _FLAG.size
        self._raw = memory.read(self._at, self._size)
        self._seen_us: int | None = None  # the last sample
        self._gap_us: int | None = None  # since then nobody looked until now
        self._began_us: int | None = None  # the pause that is going on
        self._ends: list[_Ended] = []  # since then
        self._done: list[Pause] = []
        self.last: tuple[int, int] | None = None  # from when to when the newest of them lasted

    def sample(self, now_us: int) -> bool:
        """Looks once, and says whether something is new; Unmapped, AddressSpaceGone."""
        raw = self._memory.read(self._at, self._size)
        changed = raw != self._raw or self._seen_us is None
        if changed:
            self._check()
            self._change(raw, now_us)
        self._seen_us, self._gap_us = now_us, None
        return changed

    def is_collecting(self) -> bool:
        """Whether the last sample found it at work."""
        return bool(_FLAG.unpack_from(self._raw, self._flag_at)[0])

    def gap(self, from_us: int) -> None:
        """From then, or from the last sample if that is later, until the next one nobody looked."""
        self._gap_us = from_us if self._seen_us is None else max(from_us, self._seen_us)

    def take(self, now_us: int) -> list[Pause]:
        """The pauses that have ended since the last call."""
        done, self._done = self._done, []
        return done

    def stats(self) -> Stats:
        """The totals of each generation, as the last sample found them."""
        return _stats(self._raw)

    def _change(self, raw: bytes, now_us: int) -> None:
        flag = _FLAG.unpack_from(raw, self._flag_at)[0]
        before, now = _stats(self._raw), _stats(raw)
        moved = [new[0] - old[0] for old, new in zip(before, now)]
        if min(moved) < 0:  # counts never fall: one of the two was read torn
            self._raw = raw
            return
        seen_us = now_us if self._seen_us is None else self._seen_us
        half = ((now_us if self._gap_us is None else self._gap_us) - seen_us) // 2
        ended = _Ended(seen_us + half, now_us - half, None, None)
        if sum(moved):
            collected = sum(new[1] - old[1] for old, new in zip(before, now))
            generation = moved.index(1) if sum(moved) == 1 else None
            ended = ended._replace(generation=generation, collected=collected)
        if self._began_us is None:
            if flag:
                self._began_us, self._ends = ended.next_us, [ended]
        else:
            if sum(moved):
                self._ends.append(ended)
            if not flag:
                self._close(ended.at_us)
        self._raw = raw

    def _close(self, end_us: int) -> None:
        """The pause is over. The first of what ended did so before it began, unless nothing did after."""
        assert self._began_us is not None
        start_us = self._began_us
        self.last = start_us, end_us
        *others, last = self._ends
        for ended in others[1:]:
            self._done.append((start_us, ended.at_us - start_us, ended.generation, ended.collected))
            start_us = ended.next_us
        self._done.append((start_us, end_us - start_us, last.generation, last.collected))
        self._began_us, self._ends = None, []


def _stats(raw: bytes) -> Stats:
    words = _STATS.unpack_from(raw)
    return [(words[i], words[i + 1], words[i + 2]) for i in range(0, len(words), 3)]
