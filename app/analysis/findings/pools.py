"""The pool of threads: full."""

from __future__ import annotations

from typing import Literal

from app.analysis.findings.rows import Rule, most_blocked
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.states import State
from app.model.summary import Measurements, PoolRow, Severity, ThreadRow

# Full: at nine looks in ten every thread was at work, and at half of them a task waited for one. There are
# looks enough for that to be no moment's burst. Where what waits cannot be read nothing is said: a program
# with as many callers as threads keeps a pool at work all the time, and nobody waits.
_FULL = 0.9
_LEAST_LOOKS = 5
_LEAST_S = 1.0

# What the threads at work did, for most of the time: more of them can wait for more at once, but neither
# compute more with one GIL, nor with the cores that there are.
_MOSTLY = 0.5
_BLOCKED: tuple[State, ...] = ("io", "sleep")
_PYTHON: tuple[State, ...] = ("running", "stalled", "waiting")

# A line grows or shrinks if over the time it does so by a fifth of its greatest length. Work of which all was
# handed over before is done one after the other, and nothing is wrong with that.
_MOVES = 0.2

Bound = Literal["blocked", "lock", "python", "native", "mixed"]


def pool_full(summary: Measurements) -> Finding | None:
    """Every thread of a pool is at work, and tasks wait for one."""
    full = [row for row in summary["pools"] if is_full(row)]
    if not full:
        return None
    row = max(full, key=lambda each: (severity(each) == "warning", each["waiting"]["p50"] or 0))
    bound, waiting = bound_by(row), row["waiting"]
    function = _function(summary, row, bound)
    return Finding(
        code="pool-full",
        severity=severity(row),
        title=f"Tasks wait for a thread of the pool {row['name']}"
        if severity(row) == "warning"
        else f"The pool {row['name']} has work for all of its threads",
        detail=f"{_all(row)} of the pool {row['name']} in process {own_pid(row['pid'])} {_were(row)} at "
        "work at "
        f"{row['full_share']:.0%} of the looks, and {_tasks(waiting['p50'])} waited for one of them at the "
        f"median, {waiting['max']:,.0f} at the most{_growth(row)}. {_DID[bound]}"
        + (f", most in {function}." if function else ".")
        + (f" So it is with {len(full) - 1} more." if len(full) > 1 else ""),
        evidence={
            "pid": row["pid"],
            "pool": row["name"],
            "kind": row["kind"],
            "workers": row["workers"],
            "looks": row["looks"],
            "full_share": row["full_share"],
            "busy_share": row["busy_share"],
            "waiting_p50": waiting["p50"],
            "waiting_max": waiting["max"],
            "growth_per_s": waiting["growth_per_s"],
            "begun_per_s": row["begun_per_s"],
            "bound_by": bound,
            "function": function,
        },
        advice=_advice(row, "interpreters" if bound == "python" and _has_own_gils(summary, row) else bound),
    )


def is_full(row: PoolRow) -> bool:
    """Whether its threads were all at work nearly always, and tasks waited."""
    return bool(
        row["looks"] >= _LEAST_LOOKS
        and row["observed_s"] >= _LEAST_S
        and row["full_share"] >= _FULL
        and (row["waiting"]["p50"] or 0) >= 1
    )


def bound_by(row: PoolRow) -> Bound:
    """What the threads at work did for most of the time."""
    states = row["states"] or {}
    shares: dict[Bound, float] = {
        "blocked": sum(states.get(state, 0.0) for state in _BLOCKED),
        "lock": states.get("lock", 0.0),
        "python": sum(states.get(state, 0.0) for state in _PYTHON),
        "native": states.get("native", 0.0),
    }
    most = max(shares, key=lambda bound: shares[bound])
    return most if shares[most] >= _MOSTLY else "mixed"


def severity(row: PoolRow) -> Severity:
    """A warning where more threads would help, and the line does not get shorter by itself."""
    return "warning" if bound_by(row) == "blocked" and _moves(row) >= 0 else "info"


def _moves(row: PoolRow) -> int:
    """1 where the line of tasks grows, -1 where it gets shorter, else 0."""
    growth, most = row["waiting"]["growth_per_s"] or 0.0, row["waiting"]["max"] or 0
    moved = growth * row["observed_s"]
    return 0 if abs(moved) < _MOVES * most else 1 if moved > 0 else -1


def _all(row: PoolRow) -> str:
    return "The one thread" if row["workers"] == 1 else f"All {row['workers']} threads"


def _were(row: PoolRow) -> str:
    return "was" if row["workers"] == 1 else "were"


def _tasks(number: float | None) -> str:
    return "1 task" if number == 1 else f"{number:,.0f} tasks"


def _growth(row: PoolRow) -> str:
    """In words, where it grows or gets shorter."""
    growth, moves = row["waiting"]["growth_per_s"] or 0.0, _moves(row)
    if not moves:
        return ""
    return f" (they become {'more' if moves > 0 else 'fewer'} by {_rate(abs(growth))} a second)"


def _rate(number: float) -> str:
    return f"{number:.2g}" if number < 10 else f"{number:,.0f}"


def _threads(summary: Measurements, row: PoolRow) -> list[ThreadRow]:
    """The threads that are called like a pool."""
    return [
        thread
        for thread in summary["threads"]
        if thread["pid"] == row["pid"]
        and thread["name"].startswith(row["name"])
        and not thread["name"][len(row["name"]) :][:1].isalnum()
    ]


def _has_own_gils(summary: Measurements, row: PoolRow) -> bool:
    """Whether its threads run in interpreters that have a GIL each, as in an InterpreterPoolExecutor."""
    theirs = {(thread["pid"], thread["interpreter"]) for thread in _threads(summary, row)}
    return sum((gil["pid"], gil["interpreter"]) in theirs for gil in summary["gils"]) > 1


def _function(summary: Measurements, row: PoolRow, bound: Bound) -> str | None:
    """Where most of its threads' blocked time was, of threads that are called like the pool."""
    threads = _threads(summary, row)
    states: tuple[State, ...] = _BLOCKED if bound == "blocked" else ("lock",) if bound == "lock" else ()
    places = [place for state in states if (place := most_blocked(threads, state))]
    return max(places, key=lambda place: place["total_s"])["function"] if places else None


_DID: dict[Bound, str] = {
    "blocked": "Its threads waited outside of Python for most of that time",
    "lock": "Its threads waited for a lock for most of that time",
    "python": "Its threads ran Python, or waited for the GIL, for most of that time",
    "native": "Its threads computed in C code without the GIL for most of that time",
    "mixed": "Its threads did now one thing and now another",
}
_LARGER = {
    "executor": "a larger pool (ThreadPoolExecutor(max_workers=...); for asyncio.to_thread and "
    "run_in_executor(None, ...) loop.set_default_executor(...))",
    "ThreadPool": "a larger pool (ThreadPool(processes=...))",
    "anyio": "more threads (anyio.to_thread.current_default_thread_limiter().total_tokens = ...; FastAPI's "
    "and Starlette's `def` endpoints use them too)",
}


def _advice(row: PoolRow, bound: Bound | Literal["interpreters"]) -> str:
    larger = _LARGER[row["kind"]]
    if bound == "interpreters":
        return (
            "Each of its threads has an interpreter, and with it a GIL, of its own: they compute at once. "
            "More of them (InterpreterPoolExecutor(max_workers=...)) do more, up to the number of CPUs."
        )
    if bound == "blocked":
        if _moves(row) < 0:
            return f"Where it should be done sooner, use {larger}, as far as what it waits for bears that."
        return (
            f"Use {larger}, or asynchronous calls in place of blocking ones, as far as what they wait for "
            "bears it: a database's own pool of connections may have to grow too. Or make what is called "
            "faster, or take on less."
        )
    if bound == "python":
        return (
            "More threads would not help: they would wait for the GIL, or share the cores that there are. "
            "Move the work to processes (ProcessPoolExecutor), or take on less."
        )
    if bound == "lock":
        return (
            "More threads would wait for the same lock. Look where it is taken, and hold it for less, or "
            "find what the tasks wait for: a task must not wait for another of its own pool."
        )
    if bound == "native":
        return (
            f"Where cores are free, use {larger}; where there are none, more threads would only share them: "
            "make the work itself faster, or take on less."
        )
    return f"Where its threads wait, use {larger}; what computes in Python belongs in processes."


RULES: tuple[Rule, ...] = (pool_full,)
