"""A Dask job on its threads: counting words in pure Python, which holds the GIL.

python dask_job.py [SECONDS]
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import dask

TEXT = "the quick brown fox jumps over the lazy dog " * 2_000


@dask.delayed
def count(part: int) -> Counter[str]:
    """The words of one part of the text."""
    return Counter(word.strip().lower() for word in TEXT[part:].split())


def main() -> None:
    """Counts until the time is up, on four threads."""
    end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 20)
    print("counting", flush=True)
    rounds = 0
    while time.monotonic() < end:
        dask.compute([count(part) for part in range(16)], scheduler="threads", num_workers=4)
        rounds += 1
    print(f"{rounds} rounds of 16 parts")


if __name__ == "__main__":
    main()
