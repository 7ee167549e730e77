"""The place among those that want a CPU, asked for in processes of their own: it is for good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.machine import NICENESS, may_come_first

from app.model.priority import FIRST

COME_FIRST = """
import os, threading
from app.model.priority import come_first
{before}
def tell():
    print(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), flush=True)
print(come_first(), flush=True)
tell()
thread = threading.Thread(target=tell)
thread.start()
thread.join()
if os.fork() == 0:
    tell()
    os._exit(0)
os.wait()
session = "/proc/self/autogroup"
print((open(session).read().split() or [None])[-1] if os.path.exists(session) else None)
"""
SESSION = Path("/proc/self/autogroup")  # empty in the session of the machine's first process
MAY = may_come_first()


def come_first(before: str = "", new_session: bool = True) -> list[str]:
    """Whether it may; the niceness of the main thread, of another, of a child, of the session."""
    done = subprocess.run(
        [sys.executable, "-c", COME_FIRST.format(before=before)],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=new_session,
    )
    return done.stdout.split()


def in_session(niceness: int) -> str:
    return str(niceness) if SESSION.exists() else "None"


def test_who_may_comes_first_and_neither_its_threads_nor_what_it_starts_do() -> None:
    own = FIRST if MAY else NICENESS
    assert come_first() == [str(MAY), str(own), str(NICENESS), str(NICENESS), in_session(FIRST if MAY else 0)]


def test_who_may_not_goes_on_as_before() -> None:
    assert come_first(f"if {MAY}: os.setuid(65534)") == ["False", *[str(NICENESS)] * 3, in_session(0)]


def test_a_niceness_that_was_chosen_stays() -> None:
    assert come_first("os.nice(5)") == ["False", *[str(NICENESS + 5)] * 3, in_session(0)]


def test_a_session_that_is_anothers_stays_as_it_is() -> None:
    before = (SESSION.read_text().split() or ["None"])[-1] if SESSION.exists() else "None"
    assert come_first(new_session=False)[-1] == before


def test_a_policy_that_was_chosen_stays() -> None:
    chosen = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert come_first(chosen)[:2] == ["False", str(NICENESS)]
    assert (
        come_first(f"{chosen}\nimport atexit; atexit.register(lambda: print(os.sched_getscheduler(0)))")[-1]
        == "3"
    )


def test_what_the_session_is_refused_leaves_the_rest_as_it_is() -> None:
    """A kernel takes a few words a second from who has not all rights."""
    refused = "import app.model.priority as priority; priority._SESSION = '/proc/self/no/such'"
    assert come_first(refused)[:2] == [str(MAY), str(FIRST if MAY else NICENESS)]
