"""A pool of two processes is handed lists of numbers, of which it adds up a few."""
# due: handing-over-costs

import multiprocessing
import random


def add_up(numbers: list[float]) -> float:
    return sum(numbers[:1000])


if __name__ == "__main__":
    numbers = [random.random() for _ in range(200_000)]
    with multiprocessing.Pool(2) as pool:
        while True:
            pool.map(add_up, [numbers] * 8, chunksize=1)
