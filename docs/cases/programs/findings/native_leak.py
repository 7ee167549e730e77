"""A C library that forgets to free what it allocates, 2 MB a second, beside requests that leave nothing."""
# due: native-memory-growth

import ctypes
import time

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]


def handle(number: int) -> int:
    words = [str(word) for word in range(number % 1_000)]
    for _ in range(8):
        ctypes.memset(libc.malloc(5_000), 1, 5_000)
    return len(words)


for number in range(10**9):
    handle(number)
    time.sleep(0.02)
