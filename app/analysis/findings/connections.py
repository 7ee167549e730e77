"""Threads that wait in line for a connection of a pool that has too few.

Told from where they wait: in the function of a well-known package that takes a connection from its pool. Of a
queue of the program's own nobody knows whether its threads wait for something scarce or for work.
"""

from __future__ import annotations

from typing import NamedTuple

from app.analysis.findings.rows import LEAST_S, Rule, frames, seen_enough, seen_s
from app.analysis.sources import USER, owner, part_of_another
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements, TimeRow

# What takes a connection, by its code's name and how its file ends: whose pool it is, what makes it larger.
_TAKES: dict[tuple[str, str], tuple[str, str]] = {
    ("QueuePool._do_get", "/sqlalchemy/pool/impl.py"): (
        "SQLAlchemy",
        "`pool_size` or `max_overflow` of `create_engine`",
    ),
    ("ConnectionPool.getconn", "/psycopg_pool/pool.py"): ("psycopg", "`max_size` of its `ConnectionPool`"),
    ("HTTPConnectionPool._get_conn", "/urllib3/connectionpool.py"): (
        "urllib3",
        "`maxsize` of its pool, or `pool_maxsize` of requests' `HTTPAdapter`",
    ),
    ("PoolRequest.wait_for_connection", "/httpcore/_sync/connection_pool.py"): (
        "httpcore",
        "`max_connections` of httpx's `Limits`",
    ),
    ("BlockingConnectionPool.get_connection", "/redis/connection.py"): (
        "redis",
        "`max_connections` of its `BlockingConnectionPool`",
    ),
    ("Pool._get_conn", "/pymongo/synchronous/pool.py"): ("PyMongo", "`maxPoolSize` of `MongoClient`"),
    ("PooledDB._wait_lock", "/dbutils/pooled_db.py"): ("DBUtils", "`maxconnections` of its `PooledDB`"),
}

# One that waits for a connection for a fifth of its time is in line; it is wrong where, taken together, one
# thread and more stands there all the time.
_IN_LINE = 0.2
_AT_A_TIME = 1.0


class _Line(NamedTuple):
    """The threads of a process that wait for connections of one kind."""

    pid: int
    takes: tuple[str, str]
    waits: list[float]  # of each thread the share of its time
    asked_s: dict[str, float]  # by function of the program


def in_line(summary: Measurements) -> Finding | None:
    """Threads wait for a connection."""
    lines = [line for line in _lines(summary) if _together(line) >= _AT_A_TIME]
    if not lines:
        return None
    line = max(lines, key=_together)
    package, larger = _TAKES[line.takes]
    count, at_a_time = len(line.waits), _together(line)
    mean = at_a_time / count
    function = max(line.asked_s, key=lambda name: line.asked_s[name])
    # In code of packages alone, or in many functions, none is named.
    named = function if 2 * line.asked_s[function] > sum(line.asked_s.values()) else ""
    asked = f", most of it in {named}" if named else ""
    return Finding(
        code="connections-in-line",
        severity="warning",
        title=f"Threads wait for a connection of {package}'s pool",
        detail=f"{count} threads of process {own_pid(line.pid)} waited for a connection for {mean:.0%} of "
        f"their time{asked}: {at_a_time:.1f} of them at a time. All connections of the pool were taken "
        "meanwhile.",
        evidence={
            "pid": line.pid,
            "package": package,
            "takes": line.takes[0],
            "threads": count,
            "in_line": at_a_time,
            "in_line_share": mean,
            "function": named or None,
        },
        advice=f"Make the pool larger ({larger}), as far as the server bears it, up to one connection for "
        "each thread. Or give connections back sooner: keep none while something else is waited for or "
        "computed. More threads would only make the line longer.",
    )


def _lines(summary: Measurements) -> list[_Line]:
    found: dict[tuple[int, tuple[str, str]], _Line] = {}
    for thread in summary["threads"]:
        if not seen_enough(thread) or seen_s(thread) < LEAST_S:
            continue
        waited: dict[tuple[str, str], list[TimeRow]] = {}
        for row in thread["blocked"] or ():
            takes = _takes(row) if row["state"] == "lock" else None
            if takes is not None:
                waited.setdefault(takes, []).append(row)
        for takes, rows in waited.items():
            share = min(1.0, sum(row["total_s"] for row in rows) / seen_s(thread))
            if share >= _IN_LINE:
                line = found.setdefault((thread["pid"], takes), _Line(thread["pid"], takes, [], {}))
                line.waits.append(share)
                for row in rows:
                    function = _function(row)
                    line.asked_s[function] = line.asked_s.get(function, 0.0) + row["total_s"]
    return list(found.values())


def _together(line: _Line) -> float:
    """How many of them wait at a time."""
    return sum(line.waits)


def _takes(row: TimeRow) -> tuple[str, str] | None:
    """Which of the functions above a place is in."""
    return next(
        (
            takes
            for frame in frames(row)
            for takes in _TAKES
            if frame.function == takes[0] and frame.file.endswith(takes[1])
        ),
        None,
    )


def _function(row: TimeRow) -> str:
    """The innermost function of the user's own."""
    return next(
        (
            frame.function
            for frame in frames(row)
            if owner(frame.file) == USER and not part_of_another(frame.function)
        ),
        "",
    )


RULES: tuple[Rule, ...] = (in_line,)
