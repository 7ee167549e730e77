"""Four threads count in one dict: without a GIL they take turns at the dict's own lock."""
# due: gil-saturated
# free:
# may: free-threads-parallel lock-contention

import threading
import time

counts: dict[int, int] = {}


def count() -> None:
    while True:
        for key in range(100):
            counts[key] = counts.get(key, 0) + 1


for _ in range(4):
    threading.Thread(target=count, name="count", daemon=True).start()
time.sleep(60)
