"""What differs between the machines that GILScope runs on: numbers of files and of system calls.

Names are the kernel's own (uname -m). A process is read on the machine that it runs on, so one table counts
at a time; another's is for tests, and for files of another machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Abi:
    """A machine. Numbers of system calls as /proc/PID/syscall prints them; () where it has no such call."""

    name: str
    elf: int  # e_machine
    relative: int  # the relocation R_*_RELATIVE
    futex: bytes
    futex_waitv: bytes
    sleeps: tuple[bytes, ...]  # nanosleep, clock_nanosleep, pause
    selects: tuple[bytes, ...]  # select, pselect6; ppoll where it stands for pause too
    epoll: tuple[bytes, ...]  # epoll_wait, epoll_pwait, epoll_pwait2
    sched_setattr: int
    user_end: int  # the addresses of a process lie below


X86_64 = Abi(
    name="x86-64",
    elf=62,
    relative=8,
    futex=b"202",
    futex_waitv=b"449",
    sleeps=(b"35", b"230", b"34"),
    selects=(b"23", b"270"),
    epoll=(b"232", b"281", b"441"),
    sched_setattr=314,
    user_end=1 << 47,
)
# What is left out here the C library does by another call: select by pselect6, epoll_wait by epoll_pwait,
# and pause by a ppoll of nothing.
AARCH64 = Abi(
    name="aarch64",
    elf=183,
    relative=1027,
    futex=b"98",
    futex_waitv=b"449",
    sleeps=(b"101", b"115"),
    selects=(b"72", b"73"),
    epoll=(b"22", b"441"),
    sched_setattr=274,
    user_end=1 << 48,
)

BY_UNAME = {"x86_64": X86_64, "aarch64": AARCH64}
SPOKEN = "x86-64 or aarch64"

# None on any other: nothing is read there, and the doctor says so.
KNOWN = BY_UNAME.get(os.uname().machine)
HERE = KNOWN or X86_64


def by_elf(number: int) -> Abi | None:
    """The machine whose files have that e_machine; None of any other."""
    return next((each for each in BY_UNAME.values() if each.elf == number), None)
