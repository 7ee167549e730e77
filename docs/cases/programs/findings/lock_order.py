"""Two services take two locks in opposite orders; a third goes on."""
# due: threads-stuck

import threading
import time

accounts, journal = threading.Lock(), threading.Lock()


def transfer() -> None:
    with accounts:
        time.sleep(0.1)
        write_journal()


def write_journal() -> None:
    with journal:
        pass


def compact() -> None:
    with journal:
        time.sleep(0.1)
        read_accounts()


def read_accounts() -> None:
    with accounts:
        pass


def serve() -> None:
    while True:
        time.sleep(0.05)


for work in (transfer, compact, serve):
    threading.Thread(target=work, name=work.__name__, daemon=True).start()
time.sleep(60)
