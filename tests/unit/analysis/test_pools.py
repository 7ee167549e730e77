"""Pools of threads: what looks at them add up to, in pieces too, and when a full one is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.analysis.findings.pools import pool_full
from app.analysis.ledger import Ledger
from app.analysis.pools import PoolUses
from app.analysis.summary import summarise
from app.model.frames import Pools
from app.model.states import IO, LOCK, NATIVE, RUNNING, SLEEP, STATES, WAITING

S = 1_000_000
PID = 7
QUARTER_US = S // 4


def told(looks: list[list[Any]], pool: int = 1, name: str = "asyncio", kind: str = "executor") -> Pools:
    return Pools(looks[-1][0], [[pool, PID, kind, name]], looks)


def looks(
    count: int,
    waiting: Any = lambda n: 10,
    states: tuple[int, ...] = (SLEEP, 4),
    busy: int = 4,
    pool: int = 1,
) -> list[list[Any]]:
    """Looks at a pool of four, a quarter of a second apart; two tasks are begun between two of them."""
    return [[n * QUARTER_US, pool, 4, busy, waiting(n), 2 if n else 0, list(states)] for n in range(count)]


def row_of(*messages: Pools, until_us: int | None = None) -> dict[str, Any]:
    uses = PoolUses()
    for message in messages:
        uses.feed(message, until_us)
    [row] = uses.rows()
    return dict(row)


def test_a_row_is_of_all_looks() -> None:
    row = row_of(told([*looks(6), *[[6 * QUARTER_US, 1, 5, 1, 40, 1, [RUNNING, 1]]]]))
    assert row["workers"] == 5
    assert row["full_share"] == pytest.approx(6 / 7)
    assert row["busy_share"] == pytest.approx(25 / 29)
    assert row["waiting"]["p50"], row["waiting"]["max"] == (10, 40)
    assert row["begun_per_s"] == pytest.approx(11 / 1.5)
    assert row["states"] == {"running": pytest.approx(1 / 25), "sleep": pytest.approx(24 / 25)}


def test_the_line_of_tasks_grows_by_its_slope() -> None:
    row = row_of(told(looks(40, lambda n: 100 + 15 * n + n % 2)))
    assert row["waiting"]["growth_per_s"] == pytest.approx(60, rel=0.01)
    assert row_of(told(looks(1)))["waiting"]["growth_per_s"] is None


def test_what_waits_is_null_where_nobody_could_read_it() -> None:
    assert row_of(told(looks(8, lambda n: None)))["waiting"] == dict.fromkeys(("p50", "max", "growth_per_s"))


def test_what_lies_after_the_measured_time_is_left_out() -> None:
    assert row_of(told(looks(8)), until_us=S)["looks"] == 5


def test_pieces_add_up_to_the_whole() -> None:
    seen = looks(40, lambda n: None if n % 7 == 0 else 3 * n * n)
    whole, joined = PoolUses(), PoolUses()
    whole.feed(told(seen), None)
    for at in range(0, 40, 8):
        piece = PoolUses()
        piece.feed(told(seen[at : at + 8]), None)
        joined.absorb(json.loads(json.dumps(piece.state())))
    assert joined.rows() == whole.rows()


def test_a_pool_without_looks_has_no_row() -> None:
    uses = PoolUses()
    uses.feed(Pools(0, [[1, PID, "executor", "asyncio"]]), None)
    other = PoolUses()
    other.absorb(json.loads(json.dumps(uses.state())))
    assert other.rows() == []


def summary(*messages: Pools, threads: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    ledger = Ledger()
    for message in messages:
        ledger.feed(message)
    return {**summarise(ledger), "threads": list(threads)}


def sleeps(name: str) -> dict[str, Any]:
    """A thread that sleeps, and comes back often."""
    none = {"count": 0, "cut": 0, "cut_longest_s": None, "histogram": []}
    none = {**none, **dict.fromkeys(("p50_s", "p95_s", "p99_s", "max_s"))}
    blocked = {"state": "sleep", "function": f"{name}()", "file": "a.py", "callers": [], "total_s": 3.0}
    return {
        **{"pid": PID, "tid": 1, "name": name, "interpreter": 0, "observed_s": 4.0, "coverage": 1.0},
        **{"shares": {**dict.fromkeys(STATES, 0.0), "sleep": 0.99, "running": 0.01}, "counted_s": 4.0},
        **{"cpu_s": 0.0, "run_delay_s": 0.0, "voluntary_switches": 400, "involuntary_switches": 0},
        **{"gil_wait": none, "gil_hold": none, "gil_kept": none, "blocked": [blocked]},
    }


def test_a_full_pool_is_told_with_its_numbers() -> None:
    made = summary(told(looks(20, lambda n: 10 * n)), threads=(sleeps("asyncio_0"), sleeps("asyncio2_0")))
    found = pool_full(made)
    assert found is not None
    assert found.severity == "warning"
    assert found.detail == (
        "All 4 threads of the pool asyncio in process 7 were at work at 100% of the looks, and 90 tasks "
        "waited for one of them at the median, 190 at the most (they become more by 40 a second). Its "
        "threads waited outside of Python for most of that time, most in asyncio_0()."
    )
    assert "max_workers" in found.advice
    assert found.evidence["bound_by"] == "blocked"


@pytest.mark.parametrize(
    ("states", "severity", "says"),
    [
        ((IO, 3, RUNNING, 1), "warning", "larger pool"),
        ((RUNNING, 1, WAITING, 3), "info", "More threads would not help"),
        ((LOCK, 4), "info", "same lock"),
        ((NATIVE, 4), "info", "Where cores are free"),
        ((IO, 2, RUNNING, 1, LOCK, 1), "warning", "larger pool"),
        ((IO, 1, RUNNING, 1, LOCK, 1, NATIVE, 1), "info", "what computes in Python belongs in processes"),
    ],
)
def test_the_advice_follows_from_what_its_threads_do(
    states: tuple[int, ...], severity: str, says: str
) -> None:
    found = pool_full(summary(told(looks(20, states=states))))
    assert found is not None
    assert found.severity == severity
    assert says in found.advice


@pytest.mark.parametrize(("kind", "says"), [("ThreadPool", "processes="), ("anyio", "total_tokens")])
def test_the_advice_names_the_way_to_make_it_larger(kind: str, says: str) -> None:
    found = pool_full(summary(told(looks(20), kind=kind)))
    assert found is not None
    assert says in found.advice


def test_threads_that_have_a_gil_each_are_not_sent_to_processes() -> None:
    rows = tuple({**sleeps(f"asyncio_{n}"), "interpreter": n} for n in (1, 2))
    made = summary(told(looks(20, states=(RUNNING, 4))), threads=rows)
    assert "processes" in pool_full(made).advice  # type: ignore[arg-type, union-attr]
    made["gils"] = [{"pid": PID, "interpreter": n} for n in (0, 1, 2)]
    found = pool_full(made)  # type: ignore[arg-type]
    assert found is not None
    assert "wait for the GIL" not in found.advice
    assert "InterpreterPoolExecutor" in found.advice


def test_work_that_was_handed_over_before_and_gets_less_is_no_warning() -> None:
    found = pool_full(summary(told(looks(20, lambda n: 1000 - 40 * n))))
    assert found is not None
    assert found.severity == "info"
    assert "become fewer by 160 a second" in found.detail


@pytest.mark.parametrize(
    "seen",
    [
        looks(20, lambda n: 0),  # a job without an end each, and nothing waits
        looks(20, lambda n: None),
        looks(20, lambda n: 9 if n % 3 == 0 else 0),
        [*looks(16), *looks(4, busy=2)],
        looks(4),
        [[n, *rest] for n, (_, *rest) in enumerate(looks(20))],  # all of them in one moment
    ],
    ids=["endless", "unknown", "seldom", "half idle", "few looks", "a moment"],
)
def test_a_pool_that_does_with_its_threads_is_not_told(seen: list[list[Any]]) -> None:
    assert pool_full(summary(told(seen))) is None


def test_the_one_of_which_more_threads_would_help_is_told_first() -> None:
    computes = told(looks(20, lambda n: 500, (RUNNING, 4), pool=2), 2, "computes")
    waits = told(looks(20))
    found = pool_full(summary(computes, waits))
    assert found is not None
    assert found.evidence["pool"] == "asyncio"
    assert "So it is with 1 more." in found.detail


def test_its_course_is_told_with_a_summary_and_to_who_comes_late() -> None:
    uses = PoolUses()
    uses.feed(told(looks(3, lambda n: None if n == 1 else 10 + n)), None)
    names = ["at_us", "threads", "at_work", "in_line"]
    rows = [[0, 4, 4, 10], [QUARTER_US, 4, 4, None], [2 * QUARTER_US, 4, 4, 12]]
    [row] = uses.summary_rows()
    assert row["course"] == {"names": names, "rows": rows}
    assert (row["pool"], row["at_s"], row["threads"], row["at_work"], row["in_line"]) == (1, 0.5, 4, 4, 12)
    assert uses.courses() == [{"pid": 1, "names": names, "rows": rows}]
    assert "course" not in uses.rows()[0]
