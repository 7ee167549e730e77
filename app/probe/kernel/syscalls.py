"""What a blocked thread waits for, told from the system call that it sits in.

/proc/PID/task/TID/syscall reads `running`, or `NUMBER ARG ARG ... SP PC` (numbers are the kernel's for
x86-64), or `-1 SP PC` for a thread blocked outside any system call: a page fault, a stop, an exit.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.model.states import IO, LOCK, SLEEP, UNKNOWN, WAITING

FUTEX = b"202"
_FUTEX_WAITV = b"449"
_PRIVATE = 0x80  # FUTEX_PRIVATE_FLAG: of no other process
_SLEEPS = {b"35", b"230", b"34"}  # nanosleep, clock_nanosleep, pause
_SELECTS = {
    b"23",
    b"270",
}  # select, pselect6: with no descriptor to watch they are sleeps (time.sleep before 3.11)
_STOPPED = b"-1"

Ranges = Sequence[tuple[int, int, int]]  # (start, end, index of the GIL) of each GIL's condition variables


def classify(text: bytes, gils: Ranges) -> tuple[int, int | None]:
    """(state, index of the GIL waited for) of a thread that is not running.

    A thread in take_gil sleeps on a futex inside the GIL's own condition variable. One that hands the lock
    over sleeps in the same structure, on switch_cond, and counts as waiting too.
    """
    number, _, rest = text.partition(b" ")
    if number == FUTEX:
        address = int(rest.split(b" ", 1)[0], 16)
        for start, end, index in gils:
            if start <= address < end:
                return WAITING, index
        return LOCK, None
    if number in _SLEEPS or (number in _SELECTS and rest.startswith(b"0x0 ")):
        return SLEEP, None
    if number == _FUTEX_WAITV:
        return LOCK, None
    if number == _STOPPED:
        return (IO, None) if not text.startswith(b"-1 0x0 0x0") else (UNKNOWN, None)
    return IO, None


def ends_from_within(text: bytes) -> bool:
    """Whether a thread sleeps on a futex until another thread of its own process wakes it.

    Not so where the wait has a timeout, or where the futex lies in memory that processes share, as that of a
    multiprocessing.Lock does: there another process may let go of it.
    """
    fields = text.split()  # number, address, operation, value, timeout
    if len(fields) < 5 or fields[0] != FUTEX:
        return False
    return bool(int(fields[2], 16) & _PRIVATE) and not int(fields[4], 16)
