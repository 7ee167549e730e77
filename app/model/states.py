"""Thread states, and how far a measure can be trusted.

A thread is in one state at a time; a state's place in STATES is its number in frames.
"""

from __future__ import annotations

from typing import Final, Literal

RUNNING = 0  # holds the GIL (free-threaded: attached) and is runnable
STALLED = 1  # holds the GIL and is blocked in the kernel
WAITING = 2  # wants the GIL: in take_gil, or made to let go (free-threaded: suspended by a stop-the-world)
NATIVE = 3  # runnable without the GIL
LOCK = 4  # blocked without the GIL: a futex that is not the GIL's
IO = 5  # blocked without the GIL: any other system call
SLEEP = 6  # blocked without the GIL: nanosleep and the like
UNKNOWN = 7  # could not be read

State = Literal["running", "stalled", "waiting", "native", "lock", "io", "sleep", "unknown"]
STATES: tuple[State, ...] = ("running", "stalled", "waiting", "native", "lock", "io", "sleep", "unknown")

# In a GIL's track, the lane of its holder; these two stand for no lane.
HOLDER_NONE = -1  # nobody holds it
HOLDER_UNKNOWN = -2  # it could not be read, or its holder is in no lane

Level = Literal["exact", "inferred", "unavailable"]
EXACT: Final = "exact"
INFERRED: Final = "inferred"
UNAVAILABLE: Final = "unavailable"

# The measures that `capabilities` speaks of, in the order in which they are shown.
Measure = Literal["gil", "gil_wait", "threads", "heap", "types", "gc", "stacks"]
MEASURES: tuple[Measure, ...] = ("gil", "gil_wait", "threads", "heap", "types", "gc", "stacks")
