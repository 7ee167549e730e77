"""A C library forks without a word to Python, and the child computes in two threads."""
# due: gil-saturated
# free: free-threads-parallel

import ctypes
import os
import threading


def compute() -> None:
    while True:
        sum(range(2000))


child = ctypes.PyDLL(None).fork()
if child == 0:
    threading.Thread(target=compute, name="second", daemon=True).start()
    compute()
os.waitpid(child, 0)
