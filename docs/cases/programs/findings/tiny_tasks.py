"""A pool of two processes is handed one addition at a time."""
# due: handing-over-costs

from concurrent.futures import ProcessPoolExecutor


def add_one(number: int) -> int:
    return number + 1


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        while True:
            list(pool.map(add_one, range(2_000)))
