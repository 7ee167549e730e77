"""A process forks while one of its threads holds a lock: the child waits for it for ever."""
# due: threads-stuck

import os
import threading
import time

lock = threading.Lock()
held = threading.Event()


def report() -> None:
    while True:
        with lock:
            held.set()
            time.sleep(0.05)


def send_metrics() -> int:
    with lock:
        return 1


threading.Thread(target=report, name="report", daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    send_metrics()
    os._exit(0)
os.waitpid(child, 0)
