"""When each process is read of what is read seldom, and that what was found is told.

A process is read when it is first seen, and then once in the kind's period, or so much more rarely that one
kind of readings, of all processes together, takes a hundredth of a CPU. Where much changes, it takes four of
them for a while, and none waits longer than three seconds: what is read in the middle of a change is read
again when the change is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from app.model.frames import Message
from app.probe.kernel.memory import AddressSpaceGone, Unmapped
from app.probe.processes.watched import Watchlist
from app.probe.sampling.slow import Cost, SlowReads

from .read import Parts, SeldomRead

_REST = 100  # times the CPU that a reading took, between two,
_PRESSED_REST = 25  # and where much has changed meanwhile,
_LONGEST_PRESSED_REST_US = 3_000_000  # but no more than this
_AT_ONCE = (
    3  # readings of a kind: the first of many processes come one after the other, and not all at the end
)


@dataclass
class _Turn:
    """A kind of reading of a process: the one in hand, or when the next is due."""

    read: SeldomRead
    due_us: int
    pressed_us: int | None = None  # when it is due if it is pressing; not before it was read once
    parts: Parts | None = None  # in hand
    began_us: int = 0
    took_us: int = 0
    cpu_us: int = 0

    def is_due(self, now_us: int) -> bool:
        """Whether the next reading is to begin."""
        return now_us >= self.due_us or self.is_pressed(now_us)

    def is_pressed(self, now_us: int) -> bool:
        """Whether it is to begin, due or not, as much has changed."""
        return self.pressed_us is not None and now_us >= self.pressed_us and self.read.is_pressing()


def _is_up(read: SeldomRead) -> bool:
    """Asked after each reading: one that the process's end has overtaken is of what was left by then.

    Where it cannot be told, what was read may be as wrong.
    """
    try:
        return read.is_up()
    except (AddressSpaceGone, Unmapped):
        return False


class Seldom:
    """The readings of all processes of a run."""

    def __init__(
        self,
        kinds: Sequence[type[SeldomRead]],
        watchlist: Watchlist,
        slow: SlowReads,
        emit: Callable[[Message], None],
    ) -> None:
        self._kinds, self._watchlist = kinds, watchlist
        self._slow, self._emit = slow, emit
        self._turns: dict[tuple[type[SeldomRead], int], _Turn] = {}
        self._rested_us: dict[type[SeldomRead], int] = {}  # of kinds that are spread, when the next may begin

    def read(self, now_us: int, ready: bool = False, kinds: Sequence[type[SeldomRead]] | None = None) -> None:
        """Begins each reading that is due, of all `kinds` unless some are named.

        All of them are `ready` where there is no time to wait.
        """
        known, self._turns = self._turns, {}
        due: dict[type[SeldomRead], list[_Turn]] = {kind: [] for kind in self._kinds}
        for process in self._watchlist:
            for kind in self._kinds:
                turn = known.get((kind, process.pid))
                if turn is None or turn.read.process is not process:
                    turn = _Turn(kind(process), now_us)
                self._turns[kind, process.pid] = turn
                if kinds is not None and kind not in kinds:
                    continue
                if turn.parts is None and turn.is_due(now_us) and (ready or turn.read.is_ready(now_us)):
                    due[kind].append(turn)
        for kind, turns in due.items():
            in_hand = sum(turn.parts is not None for (of, _), turn in self._turns.items() if of is kind)
            turns.sort(key=lambda turn: turn.began_us)  # the one that was read longest ago first
            for turn in turns if ready else self._next(kind, turns, in_hand, now_us):
                turn.parts = turn.read.parts()
                turn.began_us, turn.took_us, turn.cpu_us = now_us, 0, 0
                self._go_on(turn, turn.parts)

    def _next(self, kind: type[SeldomRead], due: list[_Turn], in_hand: int, now_us: int) -> Sequence[_Turn]:
        """Those to begin now, of all that are due."""
        if not kind.is_spread:
            return due[: max(_AT_ONCE - in_hand, 0)]
        if in_hand:
            return ()
        if now_us < self._rested_us.get(kind, 0):
            due = [turn for turn in due if turn.is_pressed(now_us)]
        return due[:1]

    def _go_on(self, turn: _Turn, parts: Parts) -> None:
        part = next(parts, None)
        if part is None:
            turn.parts = None
            cost_us, period_us = turn.cpu_us * len(self._watchlist.pids), turn.read.period_us()
            turn.due_us = turn.began_us + max(period_us, _REST * cost_us)
            pressed_rest_us, kind = _PRESSED_REST * cost_us, type(turn.read)
            if not kind.is_spread:
                pressed_rest_us = min(pressed_rest_us, _LONGEST_PRESSED_REST_US)
            elif turn.began_us >= self._rested_us.get(kind, 0):  # else it was pressed, which is beside these
                self._rested_us[kind] = turn.began_us + _REST * turn.cpu_us
            turn.pressed_us = turn.began_us + max(period_us, pressed_rest_us)
        else:
            steps, message = part
            self._slow.begin(steps, partial(self._ended, turn, parts, message))

    def _ended(
        self,
        turn: _Turn,
        parts: Parts,
        message: Callable[[Any, int, Cost], Message],
        found: Any,
        cost: Cost,
    ) -> None:
        turn.took_us += cost.took_us
        turn.cpu_us += cost.cpu_us
        process = turn.read.process
        if found is None or self._watchlist.get(process.pid) is not process or not _is_up(turn.read):
            parts.close()
        else:
            self._emit(message(found, turn.began_us + turn.took_us, cost))
        self._go_on(turn, parts)
