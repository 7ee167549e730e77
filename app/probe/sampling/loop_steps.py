"""One loop's track: how long it kept a timer waiting, and the steps that took long.

How late a timer would be run that is due at a random moment (its lag) is how long the loop takes from then to
its next look for what is ready. As a sample comes at any moment of an iteration with the same likelihood, the
time since the iteration began is distributed as the time until it ends: so each sample counts that.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.model.states import IO, LOCK, SLEEP, WAITING
from app.probe.cpython.loops.instant import Instant, LoopReader

from .tracks import Lane

LONG_US = 10_000  # a step that takes so long is told
_LOOK_AGAIN_US = 10_000  # of a step that computes; of a long one, so much of its length
_LOOK_AGAIN_PART = 16
_MOST_US = 20_000  # what a sample of an iteration tells of the time before it, if the observer came late
_MISSES = 3  # samples in a row: between two iterations a loop is not in its own function either
_SLACK_US = 2_000  # libuv's clock is in ms
_DETAIL_BITS = 5  # a lag is counted to 1/16 of an octave
_UNSEEN = object()
_BLOCKED = (LOCK, IO, SLEEP)  # of a thread that stays so the stack cannot change

Row = list[Any]


class LoopStep:
    """A callback, or a step of a task, that is running."""

    __slots__ = (
        "blocked",
        "entered",
        "key",
        "look_us",
        "looked_us",
        "stack",
        "stacks",
        "start_us",
        "states",
        "sure",
        "task",
    )

    def __init__(self, key: Any, start_us: int) -> None:
        self.key = key
        self.start_us = start_us
        self.look_us = start_us + LONG_US  # when its stack is to be read next
        self.looked_us = start_us  # up to then the time is ascribed to a stack
        self.entered = -1  # when the thread came into the state in which it was last looked at
        self.blocked = False  # when it was last looked at
        self.sure = False  # a stack has shown that the loop runs
        self.stack: int | None = None
        self.stacks: Counter[int] = Counter()  # us, by the number of the stack
        self.states: Counter[int] = Counter()  # us
        self.task: str | None = None

    def looked(self, stack: int | None, lane: Lane, now_us: int) -> None:
        """The stack was read; None where it could not be named."""
        self._ascribe(stack, now_us - self.looked_us)
        self.stack, self.looked_us, self.entered, self.sure = stack, now_us, lane.entered, True
        self.blocked = lane.state in _BLOCKED
        self.look_us = now_us + max(_LOOK_AGAIN_US, (now_us - self.start_us) // _LOOK_AGAIN_PART)

    def _ascribe(self, stack: int | None, length_us: int) -> None:
        """The time between two looks is the first one's if the thread was blocked, else half of each."""
        if self.stack is not None:
            first_us = length_us if self.blocked else length_us // 2
            self.stacks[self.stack] += first_us
            length_us -= first_us
        if stack is not None:
            self.stacks[stack] += length_us

    def row(self, lane: Lane, until_us: int, over: bool) -> Row:
        """As a loops message lists it."""
        states, stacks = self.states, self.stacks
        if self.stack is not None:
            stacks = stacks + Counter({self.stack: until_us - self.looked_us})
        state = max(states, key=lambda state: states[state]) if states else lane.state
        told = [number for entry in stacks.most_common() for number in entry]
        return [lane.number, self.start_us, until_us - self.start_us, state, self.task, over, told]


class LoopTrack:
    """The loop of one thread."""

    def __init__(self, lane: Lane, reader: LoopReader, state: int, interp: int, now_us: int) -> None:
        self.lane, self.reader = lane, reader
        self.state, self.interp = (
            state,
            interp,
        )  # addresses of the thread state and interpreter that it runs with
        self.idle_syscall: bytes | None = None  # the text of `syscall` with which it was last seen idle
        self.step: LoopStep | None = None
        self._iteration: Any = _UNSEEN
        self._began_us = now_us
        self._other_us: int | None = None  # when it was last seen in another iteration, or idle
        self._seen_us = self._told_us = now_us
        self._longest_us = self._idle_us = 0
        self._lags: Counter[int] = Counter()  # us of time, by lag
        self._ages: list[int] = []  # lag and time of each sample of this iteration: it may prove to be none
        self._steps: list[Row] = []
        self._misses = 0  # in a row

    def missed(self) -> bool:
        """Takes a sample that did not find the loop; whether it has ended."""
        self._misses += 1
        return self._misses >= _MISSES or (self.step is not None and self.step.sure)

    def see(self, instant: Instant, now_us: int, origin_us: int) -> None:
        """Takes a sample; `origin_us` is the run's origin on CLOCK_MONOTONIC."""
        iteration, began_s, key = instant
        self._misses = 0
        lane, dt = self.lane, now_us - self._seen_us
        goes_on = iteration == self._iteration
        if not goes_on:
            dt = min(dt, _MOST_US)
            self._end_iteration()
            self._begin_iteration(iteration, began_s, now_us, origin_us)
        step = self.step
        if step is not None and step.key != (iteration, key):
            self._end_step(step, now_us)
            step = None
        if iteration is None:
            if lane.state == WAITING:  # woken, it cannot look for what is ready without the GIL
                waited_us = now_us - lane.entered
                self._lags[_rounded(waited_us)] += dt
                self._longest_us = max(self._longest_us, waited_us)
            else:
                self._idle_us += dt
        else:
            self._ages += (now_us - self._began_us, dt)
        if step is not None:
            step.states[lane.state] += dt
        elif key is not None:
            between = (self._seen_us + now_us) // 2
            self.step = LoopStep(
                (iteration, key), max(between, self._began_us) if goes_on else self._began_us
            )
        self._seen_us = now_us

    def to_look_at(self, now_us: int) -> LoopStep | None:
        """The step whose stack is to be read now, if it is."""
        step = self.step
        if step is None or now_us < step.look_us:
            return None
        if step.entered == self.lane.entered and self.lane.state in _BLOCKED:
            return None  # it has not run since
        return step

    def proved(self) -> None:
        """The iteration is one: what was seen of it counts."""
        ages, self._ages = self._ages, []
        for at in range(0, len(ages), 2):
            self._lags[_rounded(ages[at])] += ages[at + 1]
        self._longest_us = max(self._longest_us, self._seen_us - self._began_us)

    def lose(self, now_us: int) -> None:
        """The loop does not run: nor did it in what seemed to be a step, unless a stack has shown it."""
        if self.step is not None and self.step.sure:
            self._end_step(self.step, now_us)
            self._end_iteration()
        self.step = None
        self._ages.clear()

    def take(self, now_us: int) -> tuple[Row, list[Row]]:
        """(the row of lags, the rows of steps) of a loops message, since the last call."""
        steps, self._steps = self._steps, []
        step = self.step
        if step is not None and step.sure:
            steps.append(step.row(self.lane, self._seen_us, over=False))
            self.proved()  # a step may last for hours, and each sample of them is kept until then
        lags = [number for entry in sorted(self._lags.items()) for number in entry]
        row = [self.lane.number, self._idle_us, self._longest_us, lags]
        self._lags.clear()
        self._idle_us = self._longest_us = 0
        return row, steps

    def _begin_iteration(self, iteration: Any, began_s: float | None, now_us: int, origin_us: int) -> None:
        self._iteration = iteration
        self._began_us = now_us
        if began_s is not None and abs(began_s) < 1e12:  # what was torn is any number at all
            began_us = int(began_s * 1e6) - origin_us
            earliest = self._other_us if self._other_us is not None else began_us
            self._began_us = min(max(began_us, earliest - _SLACK_US), now_us)

    def _end_iteration(self) -> None:
        if self._iteration is _UNSEEN:
            return
        if self._iteration is not None:
            self.proved()
        self._other_us = self._seen_us

    def _end_step(self, step: LoopStep, now_us: int) -> None:
        self.step = None
        if step.sure:
            self.proved()  # whatever comes of the iteration: its loop may end before the next stack is read
        until_us = (self._seen_us + now_us) // 2
        if until_us - step.start_us >= LONG_US:
            self._steps.append(step.row(self.lane, until_us, over=True))


def _rounded(lag_us: int) -> int:
    shift = max(0, lag_us.bit_length() - _DETAIL_BITS)
    return (lag_us >> shift << shift) + ((1 << shift) >> 1)
