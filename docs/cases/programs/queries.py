"""Threads that each run a heavy query on an sqlite database of their own: C code without the GIL.

taskset -c 0 python queries.py [THREADS] [SECONDS]
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time

QUERY = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT sum(x) FROM c"
)


def query(end: float, done: list[int], mine: int) -> None:
    """Asks until the time is up, and counts the answers."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    while time.monotonic() < end:
        database.execute(QUERY).fetchone()
        done[mine] += 1


def main() -> None:
    """Says once a second how many queries were answered."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    end = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 20)
    done = [0] * count
    for mine in range(count):
        threading.Thread(target=query, args=(end, done, mine), name=f"query-{mine}").start()
    last = 0
    while time.monotonic() < end:
        time.sleep(1)
        print(f"{count} threads: {sum(done) - last} queries/s", flush=True)
        last = sum(done)


if __name__ == "__main__":
    main()
