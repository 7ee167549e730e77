"""A pool of two processes is handed a twentieth of a second of work at a time, and rests now and then."""
# due:

import time
from concurrent.futures import ProcessPoolExecutor


def add_up(end: int) -> int:
    return sum(range(end))


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        while True:
            list(pool.map(add_up, [1_000_000] * 8))
            time.sleep(0.2)
