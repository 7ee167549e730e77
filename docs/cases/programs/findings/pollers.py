"""Four threads poll a queue with get_nowait() and time.sleep(0), beside one that computes."""
# due: gil-convoy
# free: threads-poll
# may: threads-poll

import queue
import threading
import time

work: queue.Queue = queue.Queue()


def poll() -> None:
    while True:
        try:
            work.get_nowait()
        except queue.Empty:
            time.sleep(0)


def compute() -> None:
    while True:
        sum(range(2000))


for _ in range(4):
    threading.Thread(target=poll, name="poll", daemon=True).start()
threading.Thread(target=compute, name="compute", daemon=True).start()
time.sleep(60)
