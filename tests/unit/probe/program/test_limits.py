"""What a program is started with is what it was given, never more than this process has."""

from __future__ import annotations

import resource
import subprocess

from support.targets import unprivileged

from app.model.spec import Limits
from app.probe.program import limits


def test_what_is_not_limited_is_left_as_it_is():
    assert limits.of(Limits()) == []


def test_a_limit_is_never_above_the_hard_one_of_this_process():
    assert dict(limits.of(Limits(memory_bytes=1 << 62, file_bytes=10))) == {
        resource.RLIMIT_DATA: bound(resource.RLIMIT_DATA, 1 << 62),
        resource.RLIMIT_FSIZE: bound(resource.RLIMIT_FSIZE, 10),
    }


def bound(which: int, wanted: int) -> int:
    _, hard = resource.getrlimit(which)
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def test_processes_are_counted_beside_those_that_the_user_has():
    [(which, most)] = limits.of(Limits(processes=50))
    assert which == resource.RLIMIT_NPROC
    assert most > 50 or most == bound(which, most)


def test_a_user_who_is_not_root_starts_no_more_processes():
    done = subprocess.run(
        ["sh", "-c", "(true); echo started"],
        capture_output=True,
        text=True,
        preexec_fn=lambda: limits.apply([(resource.RLIMIT_NPROC, 1)]),
        **unprivileged(),
    )
    assert done.stdout == ""
    assert "fork" in done.stderr
