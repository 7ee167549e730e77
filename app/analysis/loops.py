"""Event loops: how late they were, and what kept them.

A row is a LoopRow of app/model/summary.py. The *lag* at a moment is how late a timer would be run that is due
just then: the time until the loop next looks for what is ready. A loop that waits has none; in an iteration
of length L it falls from L to 0. The quantiles are over time: with a p99 of 0.1 s, a timer due at a random
moment is more than 0.1 s late once in a hundred times. `max` is the longest iteration, or wait for the GIL
before one.

A step is a callback, or a step of a task; where `steps` is inferred, all that the loop did between two looks
for what is ready. `longest` has the KEPT longest of those of 10 ms or more; `blocks` has all of these, summed
up by function, the most time first. `function` is the one to blame, see sources.py: in which of the user's
own functions most of the step was spent, null where nothing but the loop itself was seen; `line` is where it
stood. `state` is what the thread did for most of the step, `task` the name of the task that ran, null for a
plain callback; of a block null where several did.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.analysis.functions import Functions, Place
from app.analysis.thread import Thread
from app.analysis.threads import Threads
from app.model.frames import Loops
from app.model.states import EXACT, INFERRED, STATES
from app.model.summary import At, BlockRow, Lag, LoopRow, StepRow
from app.model.tracks import loop_lags, loop_names, loop_steps, pairs

KEPT = 10
_BLOCKS = 200  # functions that are summed up: what blocks is rarely more than a few
_ROWS = 100


@dataclass(frozen=True, slots=True)
class Step:
    """A step that took long."""

    start_us: int
    length_us: int
    state_in: int  # what its thread was in most
    task: str | None
    place: Place | None
    importing: bool

    @property
    def rank(self) -> tuple[int, int]:
        """Lower is longer; of equals, earlier."""
        return -self.length_us, self.start_us

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [self.start_us, self.length_us, self.state_in, self.task, self.place, self.importing]

    @classmethod
    def of_state(cls, state: list[Any]) -> Step:
        """The same, read."""
        start_us, length_us, state_in, task, place, importing = state
        return cls(start_us, length_us, state_in, task, _place(place), importing)

    def to_json(self, functions: Functions) -> StepRow:
        """The row."""
        return {
            "at_s": self.start_us / 1e6,
            "length_s": self.length_us / 1e6,
            "state": STATES[self.state_in],
            "task": self.task,
            **_where(self.place, functions),
        }


@dataclass(slots=True)
class _Block:
    """All long steps of one function."""

    place: Place | None
    importing: bool
    tasks: set[str | None] = field(default_factory=set)  # two at the most: one, or more than one
    count: int = 0
    total_us: int = 0
    longest_us: int = 0
    states: Counter[int] = field(default_factory=Counter)

    def add(self, step: Step) -> None:
        self.place = step.place
        if len(self.tasks) < 2:
            self.tasks.add(step.task)
        self.count += 1
        self.total_us += step.length_us
        self.longest_us = max(self.longest_us, step.length_us)
        self.states[step.state_in] += step.length_us

    def state(self) -> list[Any]:
        sums = [self.count, self.total_us, self.longest_us]
        return [self.place, self.importing, list(self.tasks), *sums, list(self.states.items())]

    def absorb(self, state: list[Any]) -> None:
        place, _, tasks, count, total_us, longest_us, states = state
        self.place = _place(place)
        self.tasks = set([*self.tasks | set(tasks)][:2])
        self.count += count
        self.total_us += total_us
        self.longest_us = max(self.longest_us, longest_us)
        self.states.update(dict(states))

    def to_json(self, functions: Functions) -> BlockRow:
        return {
            **_where(self.place, functions),
            "task": next(iter(self.tasks)) if len(self.tasks) == 1 else None,
            "state": STATES[max(self.states, key=lambda state: self.states[state])],
            "importing": self.importing,
            "count": self.count,
            "total_s": self.total_us / 1e6,
            "longest_s": self.longest_us / 1e6,
        }


class LoopUse:
    """The loops that one thread ran."""

    def __init__(self, thread: Thread) -> None:
        self.thread = thread
        self.kind = ""
        self.steps_exact = self.tasks_exact = False
        self.longest_us = 0
        self._lags: Counter[int] = Counter()  # us of time, by lag in us
        self._longest: list[Step] = []
        self._blocks: dict[tuple[int | None, bool], _Block] = {}
        self._running: Step | None = None

    def lag(self, idle_us: int, longest_us: int, lags: list[int]) -> None:
        """Take a row of lags."""
        self._lags[0] += idle_us
        self.longest_us = max(self.longest_us, longest_us)
        for lag_us, length_us in pairs(lags):
            self._lags[lag_us] += length_us

    def step(self, step: Step, over: bool) -> None:
        """Take a step; one that goes on takes the place of what was told of it before."""
        if not over:
            self._running = step
            return
        self._running = None
        self._offer(step)
        block = _block(self._blocks, step.place, step.importing)
        if block is not None:
            block.add(step)

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [
            *(self.thread.lane, self.kind, self.steps_exact, self.tasks_exact, self.longest_us),
            *(list(self._lags.items()), [step.state() for step in self._longest]),
            *([block.state() for block in self._blocks.values()], self._running and self._running.state()),
        ]

    def absorb(self, state: list[Any]) -> None:
        """Add the piece that follows."""
        _, self.kind, self.steps_exact, self.tasks_exact, longest_us, lags, longest, blocks, running = state
        self.longest_us = max(self.longest_us, longest_us)
        self._lags.update(dict(lags))
        for step in longest:
            self._offer(Step.of_state(step))
        for told in blocks:
            block = _block(self._blocks, _place(told[0]), told[1])
            if block is not None:
                block.absorb(told)
        if running is not None or longest or blocks:
            self._running = running and Step.of_state(running)

    @property
    def observed_us(self) -> int:
        """The time over which the lag is taken."""
        return sum(self._lags.values())

    def to_json(self, functions: Functions) -> LoopRow:
        """The row; a step that goes on counts with its length so far."""
        running = [self._running] if self._running else []
        longest = sorted([*self._longest, *running], key=lambda step: step.rank)[:KEPT]
        return {
            "pid": self.thread.pid,
            "tid": self.thread.tid,
            "name": self.thread.name,
            "kind": self.kind,
            "steps": EXACT if self.steps_exact else INFERRED,
            "tasks": EXACT if self.tasks_exact else INFERRED,
            "observed_s": self.observed_us / 1e6,
            "lag_s": self._lag(),
            "longest": [step.to_json(functions) for step in longest],
            "blocks": [block.to_json(functions) for block in self._summed(running)],
        }

    def _offer(self, step: Step) -> None:
        insort(self._longest, step, key=lambda kept: kept.rank)
        del self._longest[KEPT:]

    def _lag(self) -> Lag:
        if not self.observed_us:
            return {"p50": None, "p99": None, "max": None}
        longest_us = max(self.longest_us, self._running.length_us if self._running else 0)
        p50_us, p99_us = (min(self._quantile(fraction), longest_us) for fraction in (0.50, 0.99))
        return {"p50": p50_us / 1e6, "p99": p99_us / 1e6, "max": longest_us / 1e6}

    def _quantile(self, fraction: float) -> int:
        """The lag that was not exceeded for so much of the time."""
        up_to_us, enough_us = 0, fraction * self.observed_us
        for lag_us in sorted(self._lags):
            up_to_us += self._lags[lag_us]
            if up_to_us >= enough_us:
                break
        return lag_us

    def _summed(self, running: list[Step]) -> list[_Block]:
        blocks = self._blocks
        for step in running:
            key = _key(step.place, step.importing)
            before = blocks.get(key) or _Block(step.place, step.importing)
            block = _Block(**{name: getattr(before, name) for name in _Block.__slots__})
            block.states, block.tasks = Counter(before.states), set(before.tasks)
            block.add(step)
            blocks = {**blocks, key: block}
        return sorted(blocks.values(), key=lambda block: -block.total_us)[:KEPT]


class LoopUses:
    """All event loops of a run."""

    def __init__(self) -> None:
        self._loops: dict[int, LoopUse] = {}  # by lane

    def __iter__(self) -> Iterator[LoopUse]:
        return iter(self._loops.values())

    def feed(self, message: Loops, threads: Threads, functions: Functions, until_us: int | None) -> None:
        """Take a message. What lies after `until_us`, the end of the measured time, is left out."""
        for lane, kind, steps_exact, tasks_exact in loop_names(message):
            loop = self._loops.setdefault(lane, LoopUse(threads[lane]))
            loop.kind, loop.steps_exact, loop.tasks_exact = kind, steps_exact, tasks_exact
        if until_us is None or message.at_us <= until_us:
            for lane, idle_us, longest_us, lags in loop_lags(message):
                self._loops[lane].lag(idle_us, longest_us, lags)
        for lane, start_us, length_us, state, task, over, stacks in loop_steps(message):
            if until_us is not None:
                length_us = min(length_us, until_us - start_us)
            if length_us > 0:
                place, importing = _blame(stacks, functions)
                self._loops[lane].step(Step(start_us, length_us, state, task, place, importing), over)

    def copy_names(self, other: LoopUses, threads: Threads) -> None:
        """Know the loops that another knows."""
        for known in other:
            thread = threads.get(known.thread.lane)
            if thread is not None:
                loop = self._loops[thread.lane] = LoopUse(thread)
                loop.kind, loop.steps_exact, loop.tasks_exact = (
                    known.kind,
                    known.steps_exact,
                    known.tasks_exact,
                )

    def state(self) -> list[Any]:
        """All of it, to be stored."""
        return [loop.state() for loop in self]

    def absorb(self, state: list[Any], threads: Threads) -> None:
        """Add the piece that follows."""
        for told in state:
            if told[0] not in self._loops:
                self._loops[told[0]] = LoopUse(threads.spoken_for(told[0]))
            self._loops[told[0]].absorb(told)

    def rows(self, functions: Functions) -> list[LoopRow]:
        """The rows, the latest loop first."""
        rows = [loop.to_json(functions) for loop in self if loop.observed_us]
        rows.sort(key=lambda row: -(row["lag_s"]["p99"] or 0))
        return rows[:_ROWS]


def _blame(stacks: list[int], functions: Functions) -> tuple[Place | None, bool]:
    """(the line of the function in which most of a step was spent, whether that was an import)"""
    spent: Counter[int | None] = Counter()
    lines: dict[int | None, tuple[Place | None, bool]] = {}
    for stack, length_us in pairs(stacks):  # the longest first
        place = functions.blamed(stack)
        function = place.function if place else None
        spent[function] += length_us
        lines.setdefault(function, (place, functions.importing(stack)))
    return lines[max(spent, key=lambda function: spent[function])] if spent else (None, False)


def _key(place: Place | None, importing: bool) -> tuple[int | None, bool]:
    return (place.function if place else None), importing


def _block(
    blocks: dict[tuple[int | None, bool], _Block], place: Place | None, importing: bool
) -> _Block | None:
    """The sums of a function; None where there are too many."""
    key = _key(place, importing)
    if key not in blocks and len(blocks) < _BLOCKS:
        blocks[key] = _Block(place, importing)
    return blocks.get(key)


def _place(state: list[int] | None) -> Place | None:
    return None if state is None else Place(*state)


def _where(place: Place | None, functions: Functions) -> At:
    function = functions[place.function] if place else None
    return {
        "function": function.name if function else None,
        "file": function.file if function else None,
        "line": place.line if place else None,
    }
