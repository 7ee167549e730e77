"""A regular expression that backtracks keeps the GIL now and then, between short holds."""
# due: gil-long-hold
# free:

import re
import threading
import time

BAD = re.compile(r"^(\w+\s?)+$")


def how_long(text: str) -> float:
    start = time.thread_time()
    BAD.match(text + "!")
    return time.thread_time() - start


text = "word word word word wor"
while how_long(text) < 0.12:
    text += "d"


def validate() -> None:
    while True:
        for _ in range(20):
            BAD.match("word word!")
            time.sleep(0.001)
        BAD.match(text + "!")


def answer() -> None:
    while True:
        time.sleep(0.002)


threading.Thread(target=validate, name="validate", daemon=True).start()
for _ in range(2):
    threading.Thread(target=answer, name="answer", daemon=True).start()
time.sleep(60)
