"""Batches that take 60 MB and more of small objects each, and give them back: nothing stays but the holes."""
# due:

import time

while True:
    batch = [(number, str(number)) for number in range(400_000)]
    time.sleep(0.15)
    del batch
    time.sleep(0.15)
