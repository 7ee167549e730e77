"""A chain that nobody cuts grows into the room that a burst of work at the start left in the heap."""
# due: heap-growth

import time

burst = [(number, None) for number in range(1_000_000)]
kept = burst[::2]
del burst
chain = None
while True:
    for number in range(1_000):
        chain = (number, chain)
    time.sleep(0.02)
