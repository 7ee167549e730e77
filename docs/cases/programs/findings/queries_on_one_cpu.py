"""Four threads run their own queries in sqlite, which lets go of the GIL, on one CPU."""
# due: cpu-oversubscribed

import os
import sqlite3
import threading
import time

QUERY = (
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 200000) SELECT sum(x) FROM c"
)
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def query() -> None:
    database = sqlite3.connect(":memory:", check_same_thread=False)
    while True:
        database.execute(QUERY).fetchone()


for _ in range(4):
    threading.Thread(target=query, name="query", daemon=True).start()
time.sleep(60)
