"""Threads that multiply matrices with NumPy, whose BLAS starts eight threads, as it does on eight CPUs.

python products.py [THREADS] [SECONDS]
"""

from __future__ import annotations

import sys
import threading
import time

import numpy as np
from threadpoolctl import threadpool_limits


def multiply(end: float, done: list[int], mine: int) -> None:
    """Multiplies until the time is up, and counts the products."""
    matrix = np.random.default_rng(mine).random((400, 400))
    while time.monotonic() < end:
        _ = matrix @ matrix
        done[mine] += 1


def main() -> None:
    """Says once a second how many products were made."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    end = time.monotonic() + float(sys.argv[2] if len(sys.argv) > 2 else 20)
    done = [0] * count
    threadpool_limits(8)  # what a container sees whose host has eight CPUs and whose quota is less
    for mine in range(count):
        threading.Thread(target=multiply, args=(end, done, mine), name=f"product-{mine}").start()
    last = 0
    while time.monotonic() < end:
        time.sleep(1)
        print(f"{count} threads: {sum(done) - last} products/s", flush=True)
        last = sum(done)


if __name__ == "__main__":
    main()
