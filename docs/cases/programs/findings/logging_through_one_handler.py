"""Eight threads log through one handler whose sink is slow."""
# due: lock-contention

import logging
import threading
import time


class Slow(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        time.sleep(0.004)


log = logging.getLogger("app")
log.addHandler(Slow())
log.setLevel(logging.INFO)


def request() -> None:
    while True:
        sum(range(2000))
        log.info("handled")


for _ in range(8):
    threading.Thread(target=request, name="request", daemon=True).start()
time.sleep(60)
