"""Five hundred idle threads, and two that compute."""
# due: gil-saturated
# free: free-threads-parallel

import threading
import time

never = threading.Event()
for _ in range(500):
    threading.Thread(target=never.wait, name="idle", daemon=True).start()


def compute() -> None:
    while True:
        sum(range(3000))


for _ in range(2):
    threading.Thread(target=compute, name="compute", daemon=True).start()
time.sleep(60)
