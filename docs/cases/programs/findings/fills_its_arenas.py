"""A chain that nobody cuts grows into the room that a burst of work at the start left in the heap."""
# due: heap-growth

import gc
import time

gc.disable()  # or it looks at all that is kept, for a tenth of a second and more: that would be a finding too
burst = [(number, None) for number in range(1_000_000)]
kept = burst[::2]
del burst
chain = None
while True:
    for number in range(1_000):
        chain = (number, chain)
    time.sleep(0.02)
