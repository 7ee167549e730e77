"""What a blocked thread waits for, told from the system call that it sits in.

/proc/PID/task/TID/syscall reads `running`, or `NUMBER ARG ARG ... SP PC` (numbers differ by machine), or
`-1 SP PC` for a thread blocked outside any system call: a page fault, a stop, an exit.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.model.states import IO, LOCK, SLEEP, UNKNOWN, WAITING

from .machine import HERE, Abi

_PRIVATE = 0x80  # FUTEX_PRIVATE_FLAG: of no other process
_STOPPED = b"-1"

Ranges = Sequence[tuple[int, int, int]]  # (start, end, index of the GIL) of each GIL's condition variables


def classify(text: bytes, gils: Ranges, machine: Abi = HERE) -> tuple[int, int | None]:
    """(state, index of the GIL waited for) of a thread that is not running.

    A thread in take_gil sleeps on a futex inside the GIL's own condition variable. One that hands the lock
    over sleeps in the same structure, on switch_cond, and counts as waiting too. A select with no descriptor
    to watch is a sleep, as time.sleep was before 3.11.
    """
    number, _, rest = text.partition(b" ")
    if number == machine.futex:
        address = int(rest.split(b" ", 1)[0], 16)
        for start, end, index in gils:
            if start <= address < end:
                return WAITING, index
        return LOCK, None
    if number in machine.sleeps or (number in machine.selects and rest.startswith(b"0x0 ")):
        return SLEEP, None
    if number == machine.futex_waitv:
        return LOCK, None
    if number == _STOPPED:
        return (IO, None) if not text.startswith(b"-1 0x0 0x0") else (UNKNOWN, None)
    return IO, None


def ends_from_within(text: bytes, machine: Abi = HERE) -> bool:
    """Whether a thread sleeps on a futex until another thread of its own process wakes it.

    Not so where the wait has a timeout, or where the futex lies in memory that processes share, as that of a
    multiprocessing.Lock does: there another process may let go of it.
    """
    fields = text.split()  # number, address, operation, value, timeout
    if len(fields) < 5 or fields[0] != machine.futex:
        return False
    return bool(int(fields[2], 16) & _PRIVATE) and not int(fields[4], 16)
