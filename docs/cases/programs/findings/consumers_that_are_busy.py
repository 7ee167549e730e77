"""Four consumers get thousands of jobs a second, with a timeout; another looks at an Event between steps."""
# due:
# may: gil-idle gil-convoy gil-saturated free-threads-parallel

import json
import queue
import threading
import time

jobs: queue.Queue = queue.Queue(100)
stop = threading.Event()


def consume() -> None:
    while not stop.is_set():
        try:
            job = jobs.get(timeout=1)
        except queue.Empty:
            continue
        json.dumps(job)


def produce() -> None:
    while True:
        for _ in range(5):
            jobs.put({"id": 1})
        time.sleep(0.001)


def step() -> None:
    done = 0
    while not stop.is_set():
        done += 1
        if done % 1000 == 0:
            time.sleep(0.001)


for target in (consume, consume, consume, consume, produce, step):
    threading.Thread(target=target, daemon=True).start()
time.sleep(60)
