"""A program with many children, each in a session of its own, is ended in a few looks at the tree.

So is what is born while a look goes on.
"""

from __future__ import annotations

import json
import subprocess
import sys

# In a process of its own, which takes in what the target leaves behind, as an observer does.
ENDS = """
import json, os, signal, sys, time
from app.model.spec import Start
from app.probe.kernel import procfs
from app.probe.program.target import Target, adopt_orphans

CHILDREN = 200
PARENT = f'''
import os, signal
for _ in range({CHILDREN}):
    if os.fork() == 0:
        os.setsid()
        os.write(1, b".")
        signal.pause()
signal.pause()
'''
adopt_orphans()
target = Target(Start([sys.executable, "-c", PARENT], {}))
while len(target.tail) < CHILDREN:
    target.drain()
    time.sleep(0.01)
looks = []
tree = target.tree
def look():
    found = tree()
    looks.append(None)
    if len(looks) == 1 and os.fork() == 0:  # as one that the observer gets once it has looked
        signal.pause()
    return found
target.tree = look
target.kill()
print(json.dumps([len(looks), procfs.children(os.getpid())]))
"""


def test_two_hundred_children_are_ended_in_a_few_looks() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    looks, left = json.loads(done.stdout)
    assert left == []
    assert 1 <= looks <= 5
