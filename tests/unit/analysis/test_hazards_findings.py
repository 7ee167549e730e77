"""The rules on hazards, on summaries of which only the part that they read is there."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.findings import hazards
from app.model.states import STATES


def thread(name: str, lock: float, run_delay_s: float = 0.0, unknown: float = 0.0) -> dict[str, Any]:
    """A thread that was blocked on a lock for this share of ten seconds, and asleep for the rest."""
    shares = {**dict.fromkeys(STATES, 0.0), "lock": lock, "unknown": unknown}
    shares["sleep"] = 1 - lock - unknown
    seen = {"shares": shares, "coverage": 1 - unknown, "observed_s": 10.0}
    rest = {"counted_s": 10.0, "run_delay_s": run_delay_s, "voluntary_switches": 50, "blocked": []}
    return {"pid": 1, "tid": 1, "name": name, **seen, **rest}


def blocked(
    function: str | None,
    total_s: float,
    *callers: str,
    state: str = "lock",
    line: int = 1,
    file: str = "/lib/logging.py",
) -> dict[str, Any]:
    """A row of where a thread was blocked; without a function no Python ran there."""
    named = {"function": function, "file": file, "line": line, "total_s": total_s, "count": 9}
    named |= {"takes_lock": function is not None, "longest_s": total_s / 9}
    return {"state": state, **named, "callers": [[caller, "/app.py", 1] for caller in callers]}


def contended(*threads: dict[str, Any], **workload: Any) -> bool:
    summary = {"threads": list(threads), "workload": workload or None}
    found = hazards.lock_contention(summary)
    return found is not None and found.code == "lock-contention"


def test_threads_that_take_turns_contend() -> None:
    assert contended(*(thread(f"t{n}", 0.75) for n in range(4)), thread("main", 1.0))


def test_contention_names_the_place_of_most_of_it() -> None:
    places = [
        blocked("Handler.acquire", 1.0, "Handler.handle", line=1),
        blocked("Handler.acquire", 1.0, "Handler.handle", line=2),
        blocked("other", 1.5),
        blocked("asleep", 9.0, state="sleep"),
        blocked("", 5.0),
    ]
    threads = [{**thread(f"t{n}", 0.75), "blocked": places} for n in range(4)]
    found = hazards.lock_contention({"threads": threads, "workload": None})
    assert found is not None
    assert found.detail.endswith("Most of it was in Handler.acquire, called by Handler.handle.")
    assert found.evidence["place"]["total_s"] == 8.0


@pytest.mark.parametrize(
    "threads",
    [
        [thread(f"idle{n}", 1.0) for n in range(8)],
        [thread("main", 0.0), *(thread(f"idle{n}", 0.99) for n in range(8))],
        [thread(f"hardly fed{n}", 0.9) for n in range(4)],
        [thread(f"well fed{n}", 0.45) for n in range(4)],
        [thread(f"two{n}", 0.5) for n in range(2)],
        [thread(f"free{n}", 0.05) for n in range(4)],
        [{**thread("never observed", 0.0), "shares": dict.fromkeys(STATES), "coverage": None}] * 4,
    ],
    ids=lambda threads: str(threads[-1]["name"]).rstrip("0123456789"),
)
def test_what_only_resembles_it_does_not(threads: list[dict[str, Any]]) -> None:
    assert not contended(*threads)


def test_threads_that_lived_one_after_the_other_do_not_take_turns() -> None:
    """Each was at work for 6 % of a tenth of the time: that is no thread's work, together."""
    always, brief = thread("always", 0.94), {**thread("brief", 0.94), "observed_s": 1.0}
    assert contended(*[always] * 13)
    assert not contended(always, *[brief] * 12)


def test_of_threads_that_were_never_looked_at_nothing_is_taken_for_granted() -> None:
    idle = [blocked("Condition.wait", 5.0, "Event.wait", "Timer.run")]
    threads = [thread(f"t{n}", 0.75) for n in range(4)]
    assert contended(*threads), "nothing was looked at"
    assert not contended({**threads[0], "blocked": idle}, *threads[1:])


def test_threads_of_a_package_s_pool_that_wait_for_its_queue_do_not_contend() -> None:
    waits = [blocked("Condition.wait", 5.0, "Queue.get", "WorkerThread.run")]
    assert not contended(*({**thread(f"AnyIO {n}", 0.7), "blocked": waits} for n in range(4)))
    bound = [blocked("Condition.wait", 5.0, "Semaphore.acquire", "fetch")]
    assert contended(*({**thread(f"t{n}", 0.7), "blocked": bound} for n in range(4)))


def test_who_hardly_gets_a_lock_is_told_though_it_never_works() -> None:
    """One thread holds it while it sleeps and takes it again at once; another is woken each time, in vain."""
    victim = {**thread("victim", 0.99), "blocked": [blocked("settle", 9.9, file="/app.py")]}
    found = hazards.lock_contention({"threads": [thread("hog", 0.0), victim], "workload": None})
    assert found is not None
    assert found.title == "Threads hardly get a lock"
    assert "victim of process 1 waited for a lock for 99% of the time, most of it in settle" in found.detail
    assert "woke them at least 9 times" in found.detail
    assert not contended({**victim, "voluntary_switches": 3}), "it is never let go of"
    one_wait = {**victim["blocked"][0], "longest_s": 9.8}
    assert not contended({**victim, "blocked": [one_wait]}), "what woke it came before that wait"
    waits = [blocked("Condition.wait", 9.9, file="/usr/lib/python3.13/threading.py")]
    assert not contended({**victim, "blocked": waits}), "it waits for work"
    assert not contended({**victim, "blocked": [blocked(None, 9.9)]}), "none of its waits was looked at"


def test_time_without_a_cpu_is_not_held_against_the_lock() -> None:
    assert not contended(*(thread(f"t{n}", 0.6) for n in range(4)))
    assert contended(*(thread(f"t{n}", 0.6, run_delay_s=1.5) for n in range(4)))


def test_idle_threads_of_a_host_in_c_do_not_contend() -> None:
    idle = [{**thread(f"uWSGIWorker1Core{n}", 0.75), "blocked": [blocked(None, 7.5)]} for n in range(4)]
    assert not contended(*idle)
    mixed = [{**row, "blocked": [blocked(None, 2.0), blocked("take", 5.5)]} for row in idle]
    assert contended(*mixed)


def test_idle_threads_of_a_pool_do_not_contend_but_those_that_log_do() -> None:
    library = "/usr/lib/python3.13"
    idle = blocked("_worker", 7.5) | {
        "file": f"{library}/concurrent/futures/thread.py",
        "callers": [["Thread.run", f"{library}/threading.py", 1]],
    }
    logs = blocked("Handler.acquire", 7.5, "serve") | {"file": f"{library}/logging/__init__.py"}
    assert not contended(*({**thread(f"pool_{n}", 0.75), "blocked": [idle]} for n in range(4)))
    assert contended(*({**thread(f"pool_{n}", 0.75), "blocked": [logs]} for n in range(4)))


def test_threads_of_different_processes_share_no_lock() -> None:
    assert not contended(*({**thread(f"t{n}", 0.75), "pid": n} for n in range(4)))


def test_a_workloads_own_account_beats_what_is_seen_from_outside() -> None:
    threads = [thread(f"t{n}", 0.75) for n in range(4)]
    assert not contended(*threads, lock_wait_share=0.05)
    assert contended(lock_wait_share=0.7)


def workload(**fields: Any) -> dict[str, Any]:
    return {"threads": [], "workload": {"seconds": 2.0, "workers": 4, **fields}}


def test_few_attempts_are_a_slow_start() -> None:
    assert hazards.livelock(workload(attempts=99, progress=0)) is None
    assert hazards.livelock(workload(attempts=5_000, progress=1)) is None
    assert hazards.livelock(workload(attempts=5_000, progress=0)) is not None


def test_a_tenth_of_what_the_others_get_is_starvation() -> None:
    def starved(readers: float, writers: float) -> str | None:
        each = {"reader": readers, "writer": writers}
        jain = (readers + writers) ** 2 / (2 * (readers**2 + writers**2)) if readers or writers else None
        found = hazards.starvation(workload(fairness={"jain": jain, "by_role": each}))
        return found.title if found else None

    assert starved(500, 30) == "The writer starves"
    assert starved(0, 500) == "The reader starves"
    assert starved(500, 200) is None
    assert starved(0, 0) is None


def test_the_share_of_lost_updates_is_part_of_the_evidence() -> None:
    lost = hazards.lost_updates(workload(counts={"expected": 200, "actual": 150, "lost": 50}))
    assert lost is not None
    assert lost.evidence["lost_share"] == 0.25
    assert hazards.lost_updates(workload(counts={"expected": 200, "actual": 200, "lost": 0})) is None


def test_of_a_run_that_says_nothing_nothing_is_said() -> None:
    for summary in ({"threads": [], "workload": None}, workload()):
        assert [rule(summary) for rule in hazards.RULES] == [None] * len(hazards.RULES)


def test_who_is_blocked_for_ever_does_not_contend() -> None:
    threads = [thread(f"t{n}", 0.75) for n in range(4)]
    told = {"cycle": ["t0", "a", "t1", "b"], "at_s": 1.0, "found_after_s": 0.2}
    assert contended(*threads, deadlock=None)
    assert not contended(*threads, deadlock=told)
    assert not contended(*threads, blocked_workers=4, raised_at_s=1.0, workers=4)


def test_without_a_gil_it_may_be_the_lock_of_a_shared_object() -> None:
    place = {**blocked("count", 7.5, line=5, file="/srv/app.py"), "takes_lock": False}
    threads = [{**thread(f"t{n}", 0.75), "blocked": [place]} for n in range(4)]
    free = {"threads": threads, "workload": None, "processes": [{"pid": 1, "gil_enabled": False}]}
    found = hazards.lock_contention(free)
    assert found is not None
    assert found.title == "Threads take turns at a lock, which may be that of an object that they share"
    assert "Most of it was in count, in a line of which it is not known that it takes a lock" in found.detail
    assert found.advice.startswith("If that line changes a dict, list or set that they share, give each")
    place["takes_lock"] = True
    found = hazards.lock_contention(free)
    assert found is not None
    assert found.title == "Threads take turns at a lock"
    place["takes_lock"], free["processes"] = False, [{"pid": 1, "gil_enabled": True}]
    found = hazards.lock_contention(free)
    assert found is not None
    assert found.title == "Threads take turns at a lock"


def test_in_a_line_that_takes_no_lock_it_may_be_the_one_of_a_pool_of_openblas() -> None:
    place = {**blocked("multiply", 7.5, line=5, file="/srv/app.py"), "takes_lock": False}
    threads = [{**thread(f"t{n}", 0.75), "blocked": [place]} for n in range(4)]
    process = {"pid": 1, "gil_enabled": True, "thread_pools": ["OpenBLAS"]}
    told = {"threads": threads, "workload": None, "processes": [process]}
    found = hazards.lock_contention(told)
    assert found is not None
    assert "may be one inside OpenBLAS" in found.detail
    assert "OPENBLAS_NUM_THREADS=1" in found.advice
    place["takes_lock"] = True
    found = hazards.lock_contention(told)
    assert found is not None
    assert "OpenBLAS" not in found.detail + found.advice


def test_two_connections_that_wait_for_a_cpu_are_no_single_lock() -> None:
    """On a busy machine eight threads at a semaphore of two: two are at work, and stand in the run queue."""
    waits = blocked("Condition.wait", 7.5, "Semaphore.acquire", "query", file="/lib/threading.py")
    threads = [{**thread(f"t{n}", 0.75, run_delay_s=1.0), "blocked": [waits]} for n in range(8)]
    assert not contended(*threads)
    one = [{**thread(f"t{n}", 0.87), "blocked": [waits]} for n in range(8)]
    assert contended(*one)


def test_one_short_wait_at_a_semaphore_hides_no_contention_at_a_lock() -> None:
    """On a busy machine: they stand in the run queue for a part of the time in which they do not wait."""
    locks = blocked("Handler.acquire", 7.49, "emit")
    brief = blocked("Condition.wait", 0.01, "Semaphore.acquire", "query", file="/lib/threading.py")
    for rows in ([locks], [locks, brief]):
        threads = [{**thread(f"t{n}", 0.75, run_delay_s=1.0), "blocked": rows} for n in range(8)]
        assert contended(*threads)


def test_a_semaphore_that_some_threads_always_get_through_is_judged_by_all_that_wait_there() -> None:
    waits = blocked("Condition.wait", 7.5, "Semaphore.acquire", "query", file="/lib/threading.py")
    turns = [{**thread(f"t{n}", 0.75), "blocked": [waits]} for n in range(3)]
    assert contended(*turns)
    fed = [{**thread(f"fed {n}", 0.25), "blocked": [waits]} for n in range(2)]
    assert not contended(*turns, *fed)
