"""A thread for each job, and none of them ends: each waits for an answer that never comes."""
# due: threads-grow

import threading
import time

answer = threading.Event()

for _ in range(600):
    threading.Thread(target=answer.wait, daemon=True).start()
    time.sleep(0.05)
