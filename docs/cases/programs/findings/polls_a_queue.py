"""Sixteen workers ask a queue with get_nowait() and sleep for 0.1 ms: twenty jobs a second come."""
# due: threads-poll
# may: gil-convoy free-threads-parallel

import queue
import threading
import time

jobs: queue.Queue = queue.Queue()


def work() -> None:
    while True:
        try:
            jobs.get_nowait()
        except queue.Empty:
            time.sleep(0.0001)


for _ in range(16):
    threading.Thread(target=work, name="work", daemon=True).start()
while True:
    jobs.put("job")
    time.sleep(0.05)
