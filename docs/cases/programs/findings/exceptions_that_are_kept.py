"""A handler keeps its exception in a variable: a cycle with its frame, and with the buffer of 1 MB in it."""
# due: cycles-hold-memory
# may: gc-pauses

import time


def handle() -> int:
    payload = bytearray(1_000_000)
    payload[::4096] = b"x" * len(payload[::4096])
    kept = None
    try:
        raise ValueError("late")
    except ValueError as error:
        kept = error
    return len(payload) + (kept is None)


for _ in range(10_000):
    handle()
    time.sleep(0.01)
