"""Each thread of a pool has a job without an end, and nothing waits: the pool is large enough."""
# due: gil-idle
# free:

import time
from concurrent.futures import ThreadPoolExecutor


def watch() -> None:
    while True:
        time.sleep(0.05)


with ThreadPoolExecutor(4) as pool:
    for _ in range(4):
        pool.submit(watch)
