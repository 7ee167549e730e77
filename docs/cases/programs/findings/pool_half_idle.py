"""A pool of eight threads gets twenty calls a second, of a fifth of a second each: half of it is idle."""
# due: gil-idle
# free:

import time
from concurrent.futures import ThreadPoolExecutor


def query() -> None:
    time.sleep(0.2)


with ThreadPoolExecutor(8) as pool:
    while True:
        pool.submit(query)
        time.sleep(0.05)
