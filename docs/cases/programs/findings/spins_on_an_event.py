"""Two threads look at an Event over and over until it is set, which takes a minute."""
# due: threads-poll
# may: free-threads-parallel

import threading
import time

ready = threading.Event()


def wait_until_ready() -> None:
    while not ready.is_set():
        pass


for _ in range(2):
    threading.Thread(target=wait_until_ready, name="waits", daemon=True).start()
time.sleep(60)
