"""Four workers ask ten queues with get_nowait() and sleep for 0.2 ms: twenty jobs a second come."""
# due: threads-poll
# may: gil-convoy free-threads-parallel

import queue
import threading
import time

queues: list[queue.Queue] = [queue.Queue() for _ in range(10)]


def work() -> None:
    while True:
        for jobs in queues:
            try:
                jobs.get_nowait()
            except queue.Empty:
                continue
        time.sleep(0.0002)


for _ in range(4):
    threading.Thread(target=work, name="work", daemon=True).start()
while True:
    queues[0].put("job")
    time.sleep(0.05)
