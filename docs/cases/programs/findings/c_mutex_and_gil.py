"""One thread holds a C mutex and wants the GIL; another holds the GIL and wants the mutex."""
# due: gil-stalled-holder
# free:

import ctypes
import threading
import time

lets_go, keeps = ctypes.CDLL(None), ctypes.PyDLL(None)
mutex = ctypes.create_string_buffer(128)  # of zeros: PTHREAD_MUTEX_INITIALIZER


def source() -> None:
    while True:
        lets_go.pthread_mutex_lock(mutex)
        time.sleep(0.05)
        lets_go.pthread_mutex_unlock(mutex)


def poll() -> None:
    while True:
        keeps.pthread_mutex_lock(mutex)
        keeps.pthread_mutex_unlock(mutex)
        time.sleep(0.01)


def tick() -> None:
    while True:
        time.sleep(0.2)


for work in (tick, source, poll):
    threading.Thread(target=work, name=work.__name__, daemon=True).start()
time.sleep(60)
