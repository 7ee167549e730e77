"""A program to freeze: two threads that hash, one byte string after the other, in pure Python.

pyinstaller --onefile frozen.py && dist/frozen [SECONDS]
"""

from __future__ import annotations

import hashlib
import sys
import threading
import time


def digest(end: float) -> None:
    """Hashes short strings until the time is up: each call keeps the GIL."""
    last = b""
    while time.monotonic() < end:
        last = hashlib.md5(last).digest()


def main() -> None:
    """Starts the threads and waits for them."""
    end = time.monotonic() + float(sys.argv[1] if len(sys.argv) > 1 else 20)
    threads = [threading.Thread(target=digest, args=(end,), name=f"digest-{one}") for one in range(2)]
    for thread in threads:
        thread.start()
    print("hashing", flush=True)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
