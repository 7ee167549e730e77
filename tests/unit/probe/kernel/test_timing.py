"""What the kernel is asked for, in processes of their own: it is asked for once and for all."""

from __future__ import annotations

import subprocess
import sys

SLICES = """
import ctypes, os, struct
from app.model.priority import come_first
from app.probe.kernel.timing import shorten_slice
libc = ctypes.CDLL(None)
def own_slice():
    attributes = ctypes.create_string_buffer(48)
    assert libc.syscall(315, 0, attributes, 48, 0) == 0
    return struct.unpack("=IIQiIQQQ", attributes.raw)[5]
before = own_slice()
come_first()
assert shorten_slice() is None
print(before, own_slice(), flush=True)
if os.fork() == 0:
    print(own_slice(), flush=True)
"""


def test_the_observer_gets_short_slices_and_what_it_starts_does_not() -> None:
    done = subprocess.run([sys.executable, "-c", SLICES], capture_output=True, text=True, check=True)
    before, after, child = (int(number) for number in done.stdout.split())
    assert child == before
    assert after == (before if before == 0 else 100_000), "kernels before 6.12 tell no slice"
