"""Sixteen threads have their peak at the same time, each in an arena of its own, and keep a little of it."""
# due: memory-kept-by-c-library

import ctypes
import threading
import time

THREADS = 16
BLOCKS = 1_000  # of 10 KB

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
there = threading.Barrier(THREADS)


def work() -> None:
    blocks = [libc.malloc(10_000) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, 10_000)
    libc.malloc(10_000)  # what is kept, at the end
    there.wait()
    for block in blocks:
        libc.free(block)
    while True:
        time.sleep(0.1)


threads = [threading.Thread(target=work, daemon=True) for _ in range(THREADS)]
for thread in threads:
    thread.start()
threads[0].join(20)
