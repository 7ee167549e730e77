"""Threads that are stuck: blocked at one place, without a moment's wake, until they were last seen.

A row is a StuckRow of app/model/summary.py. A thread that is blocked and is not woken keeps the kernel's
count of its context switches. So it is known to have stood still since the first reading of an unchanged
count, `at_s`, over gaps in which nobody looked, to the last, `length_s` later. `from_the_start`: it was so
when it was first seen. `threads_there` is how many threads its process had then. `stack` is leaf first, null
where no look at it could be taken, and `takes_lock` says that the innermost line takes a lock, or waits for a
thread's end, see frames.py. Threads that wait for a lock are listed, which may be one that another hands on
as a signal; those of LEAST_US and more.
"""

from __future__ import annotations

from collections import Counter

from app.analysis.functions import Functions, Place
from app.analysis.thread import Thread
from app.analysis.threads import Threads
from app.model.states import LOCK
from app.model.summary import FrameRow, StuckRow

LEAST_US = 700_000
ROWS = 200
_FIRST_US = 600_000  # two readings of the counters


def rows(threads: Threads, functions: Functions) -> list[StuckRow]:
    """The rows, the longest first."""
    found = [thread for thread in threads if thread.still_in == LOCK and thread.still_us >= LEAST_US]
    found.sort(key=lambda thread: -thread.still_us)
    first = {thread.pid: thread for thread in reversed(found)}  # of each process
    there = Counter(
        thread.pid for thread in threads if thread.pid in first and thread.was_there(first[thread.pid])
    )
    return [_row(thread, functions, there[thread.pid]) for thread in found[:ROWS]]


def _row(thread: Thread, functions: Functions, there: int) -> StuckRow:
    look, since_us = thread.at_lock, thread.still_since_us
    stack = None
    if look is not None and look.at_us > since_us - _FIRST_US / 2:
        stack = look.stack
    return {
        "pid": thread.pid,
        "tid": thread.tid,
        "name": thread.name,
        "interpreter": thread.interpreter,
        "at_s": since_us / 1e6,
        "length_s": thread.still_us / 1e6,
        "from_the_start": since_us - thread.named_us < _FIRST_US,
        "threads_there": there,
        "takes_lock": stack in functions.locks,
        "stack": None if stack is None else [_place(place, functions) for place in functions.stack(stack)],
    }


def _place(place: Place, functions: Functions) -> FrameRow:
    function = functions[place.function]
    return {"function": function.name, "file": function.file, "line": place.line}
