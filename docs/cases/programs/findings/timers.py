# due: threads-come-and-go
"""A timer for each job, and each is a thread: 200 a second are started and end."""

import threading
import time

END = time.monotonic() + 5


def job() -> None:
    if time.monotonic() < END:
        threading.Timer(0.2, job).start()


for _ in range(40):
    job()
time.sleep(5)
