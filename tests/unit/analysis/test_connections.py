"""The rule on threads that wait for a connection, on rows of which only the part that it reads is there."""

from __future__ import annotations

from typing import Any

import pytest

from app.analysis.findings import connections

SITE = "/usr/lib/python3.12/site-packages"
QUEUE = ["Queue.get", f"{SITE}/sqlalchemy/util/queue.py", 199]
TAKES = ["QueuePool._do_get", f"{SITE}/sqlalchemy/pool/impl.py", 155]
PACKAGE = ["Engine.connect", f"{SITE}/sqlalchemy/engine/base.py", 3279]
OWN = ["handle", "/srv/shop.py", 8]


def row(total_s: float, *callers: list[Any], state: str = "lock") -> dict[str, Any]:
    named = {"function": "Condition.wait", "file": "/usr/lib/python3.12/threading.py", "line": 355}
    return {"state": state, "total_s": total_s, "callers": list(callers), **named}


def thread(tid: int, *rows: dict[str, Any], pid: int = 1, coverage: float = 1.0) -> dict[str, Any]:
    return {"pid": pid, "tid": tid, "observed_s": 10.0, "coverage": coverage, "blocked": list(rows)}


def found(*threads: dict[str, Any]) -> Any:
    return connections.in_line({"threads": list(threads)})  # type: ignore[typeddict-item]


def test_threads_in_line_are_counted_with_the_function_that_asks() -> None:
    other = ["report", "/srv/report.py", 3]
    threads = [thread(n, row(7.0, QUEUE, TAKES, PACKAGE, OWN), row(1.0, TAKES, other)) for n in range(3)]
    told = found(*threads, thread(9, row(9.0, QUEUE, OWN)))
    assert told.severity == "warning"
    assert told.title == "Threads wait for a connection of SQLAlchemy's pool"
    assert told.evidence["threads"] == 3
    assert told.evidence["in_line"] == pytest.approx(2.4)
    assert told.evidence["in_line_share"] == pytest.approx(0.8)
    assert told.evidence["function"] == "handle"
    assert "most of it in handle: 2.4 of them at a time" in told.detail
    assert "`pool_size`" in told.advice


def test_what_is_not_seen_is_no_reason_to_be_silent() -> None:
    assert found(*(thread(n, row(5.0, TAKES, OWN), coverage=0.6) for n in range(2)))


@pytest.mark.parametrize(
    "threads",
    [
        [thread(1, row(9.9, TAKES, OWN))],  # less than one at a time
        [thread(n, row(1.9, TAKES, OWN)) for n in range(9)],  # each for less than a fifth of its time
        [thread(n, row(9.0, TAKES, OWN, state="io")) for n in range(9)],  # it connects
        [thread(n, row(9.0, ["QueuePool._do_get", "/srv/pool.py", 1], OWN)) for n in range(9)],
        [thread(n, row(9.0, TAKES, OWN), pid=n) for n in range(9)],  # each process has a pool of its own
        [thread(n, row(4.0, TAKES, OWN), coverage=0.4) for n in range(9)],  # too little was seen
        [],
    ],
)
def test_nothing_is_told_of(threads: list[dict[str, Any]]) -> None:
    assert found(*threads) is None


def test_most_of_it_is_of_all_threads_together_and_more_than_half() -> None:
    once = ["start", "/srv/shop.py", 1]
    longest = thread(9, row(9.0, TAKES, once))
    assert (
        found(longest, *(thread(n, row(8.0, TAKES, OWN)) for n in range(2))).evidence["function"] == "handle"
    )
    spread = [thread(n, row(9.0, TAKES, [f"of_{n}", "/srv/shop.py", n])) for n in range(4)]
    assert found(*spread).evidence["function"] is None
    assert "most of it" not in found(*spread).detail


def test_without_a_function_of_the_program_none_is_named() -> None:
    told = found(*(thread(n, row(9.0, QUEUE, TAKES, PACKAGE)) for n in range(3)))
    assert told.evidence["function"] is None
    assert "most of it" not in told.detail
