"""Pools of every kind whose threads wait for work, and a main thread that waits for them."""
# due:

import multiprocessing.pool
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

event, condition = threading.Event(), threading.Condition()
plain, simple = queue.Queue(), queue.SimpleQueue()
semaphore, lock = threading.Semaphore(0), threading.Lock()


def wait_for_condition() -> None:
    with condition:
        condition.wait()


def take_from_simple_queue() -> None:
    while True:
        simple.get()


def take_from_queue() -> None:
    with lock:
        plain.get()


for work in (event.wait, wait_for_condition, take_from_simple_queue, take_from_queue, semaphore.acquire):
    for _ in range(2 if work is not take_from_queue else 1):
        threading.Thread(target=work, daemon=True).start()
executor = ThreadPoolExecutor(4)
list(executor.map(time.sleep, [0.05] * 4))
pool = multiprocessing.pool.ThreadPool(3)
last = threading.Thread(target=time.sleep, args=(60,))
last.start()
last.join()
