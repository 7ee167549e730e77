"""A program that hardly runs itself: it starts a child that computes, and looks after it."""
# due:

import subprocess
import sys
import time

child = subprocess.Popen(["sh", "-c", "while :; do :; done"], stdin=subprocess.PIPE)
try:
    while child.poll() is None:
        time.sleep(0.05)
finally:
    child.kill()
sys.exit(0)
