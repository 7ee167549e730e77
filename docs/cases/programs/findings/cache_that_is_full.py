"""A cache with a bound fills within some seconds, and stays full while the oldest of it go."""
# due: gil-idle
# free:

import time
from functools import lru_cache


@lru_cache(maxsize=4_000)
def page(number: int) -> bytes:
    return (b"%d" % number) * (10_000 // len(str(number)))


for number in range(10**9):
    page(number)
    time.sleep(0.0005)
