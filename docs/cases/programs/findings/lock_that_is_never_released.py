"""A handler raises between acquire() and release(): all who come after it wait."""
# due: threads-stuck

import threading
import time

lock = threading.Lock()


def handle(number: int) -> None:
    lock.acquire()
    if number == 3:
        return
    lock.release()


for number in range(8):
    threading.Thread(target=handle, args=(number,), name=f"handle-{number}", daemon=True).start()
while True:
    time.sleep(0.05)
