"""What /proc/PID/task/TID/syscall says, told apart."""

from __future__ import annotations

import re
import subprocess

import pytest
from support import native

from app.model.states import IO, LOCK, SLEEP, UNKNOWN, WAITING
from app.probe.kernel.machine import AARCH64, BY_UNAME, X86_64
from app.probe.kernel.syscalls import classify, ends_from_within

GIL = (0x7000, 0x70B0, 3)  # [cond, end) of the GIL with index 3


@pytest.mark.parametrize(
    ("text", "state", "gil"),
    [
        (b"202 0x7000 0x189 0x0 0x7f 0x0 0xffffffff 0x7ffd 0x7f1\n", WAITING, 3),
        (b"202 0x7098 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f1\n", WAITING, 3),  # switch_cond: handing it over
        (b"202 0x70b0 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f1\n", LOCK, None),  # just behind it: another's
        (b"202 0x55d0c1 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f1\n", LOCK, None),
        (b"449 0x55d0c1 0x1 0x0 0x0 0x0 0x0 0x7ffd 0x7f1\n", LOCK, None),
        (b"230 0x1 0x1 0x7ffd 0x0 0x0 0x0 0x7ffd 0x7f1\n", SLEEP, None),
        (b"35 0x7ffd 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f1\n", SLEEP, None),
        (b"23 0x0 0x0 0x0 0x0 0x7ffd 0x0 0x7ffd 0x7f1\n", SLEEP, None),  # select of nothing: a sleep
        (b"23 0x5 0x7ffc 0x0 0x0 0x7ffd 0x0 0x7ffd 0x7f1\n", IO, None),
        (b"0 0x3 0x7ffd 0x1000 0x0 0x0 0x0 0x7ffd 0x7f1\n", IO, None),
        (b"232 0x3 0x7ffd 0x1 0xffffffff 0x0 0x8 0x7ffd 0x7f1\n", IO, None),
        (b"-1 0x7ffd 0x7f1\n", IO, None),  # blocked outside a system call: a page fault
        (b"-1 0x0 0x0\n", UNKNOWN, None),  # a zombie
    ],
)
def test_a_blocked_thread(text: bytes, state: int, gil: int | None) -> None:
    assert classify(text, [GIL], X86_64) == (state, gil)


@pytest.mark.parametrize(
    ("text", "state", "gil"),
    [
        (b"98 0x7000 0x189 0x0 0x7f 0x0 0xffffffff 0xffffd 0xffff1\n", WAITING, 3),
        (b"98 0x55d0c1 0x189 0x0 0x0 0x0 0xffffffff 0xffffd 0xffff1\n", LOCK, None),
        (b"449 0x55d0c1 0x1 0x0 0x0 0x0 0x0 0xffffd 0xffff1\n", LOCK, None),
        (b"115 0x1 0x1 0xffffd 0x0 0x0 0x0 0xffffd 0xffff1\n", SLEEP, None),
        (b"101 0xffffd 0x0 0x0 0x0 0x0 0x0 0xffffd 0xffff1\n", SLEEP, None),
        (b"72 0x0 0x0 0x0 0x0 0xffffd 0x0 0xffffd 0xffff1\n", SLEEP, None),  # pselect6 of nothing
        (b"72 0x5 0xffffc 0x0 0x0 0xffffd 0x0 0xffffd 0xffff1\n", IO, None),
        (b"73 0x0 0x0 0x0 0x0 0x8 0x0 0xffffd 0xffff1\n", SLEEP, None),  # ppoll of nothing: pause()
        (b"73 0xffffc 0x1 0x0 0x0 0x8 0x0 0xffffd 0xffff1\n", IO, None),
        (b"63 0x3 0xffffd 0x1000 0x0 0x0 0x0 0xffffd 0xffff1\n", IO, None),
        (b"22 0x3 0xffffd 0x1 0xffffffff 0x0 0x8 0xffffd 0xffff1\n", IO, None),
        (b"202 0x3 0xffffd 0x1 0xffffffff 0x0 0x8 0xffffd 0xffff1\n", IO, None),  # accept
        (b"-1 0xffffd 0xffff1\n", IO, None),
    ],
)
def test_a_blocked_thread_on_aarch64(text: bytes, state: int, gil: int | None) -> None:
    assert classify(text, [GIL], AARCH64) == (state, gil)


def names(header: str) -> dict[str, bytes]:
    """{name: number} of the system calls that a C header defines, as a preprocessor sees them."""
    found = re.findall(r"^#define __NR_(\w+) (\d+)$", header, re.M)
    return {name: number.encode() for name, number in found}


@pytest.mark.parametrize("uname", BY_UNAME)
def test_the_numbers_are_those_of_the_kernels_headers(uname: str) -> None:
    words = [native.compiler(uname), "-E", "-dM", "-include", "asm/unistd.h", "-x", "c", "/dev/null"]
    number = names(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    machine = BY_UNAME[uname]
    assert machine.futex == number["futex"]
    assert machine.futex_waitv == number["futex_waitv"]
    sleeps = ("nanosleep", "clock_nanosleep", "pause")
    assert set(machine.sleeps) == {number[name] for name in sleeps if name in number}
    selects = ("select", "pselect6") if "select" in number else ("pselect6", "ppoll")
    assert set(machine.selects) == {number[name] for name in selects}
    polls = ("epoll_wait", "epoll_pwait", "epoll_pwait2")
    assert set(machine.epoll) == {number[name] for name in polls if name in number}
    assert str(machine.sched_setattr).encode() == number["sched_setattr"]


@pytest.mark.parametrize(
    ("text", "from_within"),
    [
        (b"202 0x55d0c1 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f1\n", True),
        (b"202 0x55d0c1 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f1\n", True),
        (b"202 0x55d0c1 0x189 0x0 0x7f40 0x0 0xffffffff 0x7ffd 0x7f1\n", False),  # acquire(timeout=...)
        (b"202 0x7f20c1 0x109 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f1\n", False),  # a multiprocessing.Lock
        (b"449 0x55d0c1 0x1 0x0 0x0 0x0 0x0 0x7ffd 0x7f1\n", False),
        (b"running\n", False),
    ],
)
def test_who_can_end_a_wait(text: bytes, from_within: bool) -> None:
    assert ends_from_within(text, X86_64) is from_within
