"""Large blocks and the C library."""

from __future__ import annotations

import subprocess
import sys

# Of both sizes more than the heap has room for when it begins; in a process of its own, since it stays so.
PROGRAM = """
import ctypes
from app.web import blocks

names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in names]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2

def mapped(size):
    before = mallinfo2().hblks
    kept = [bytes(size) for _ in range(500)]
    return mallinfo2().hblks - before

large, small = 2 * blocks.LARGE, blocks.LARGE // 2
print(mapped(large), blocks.map_large_blocks(), mapped(large), mapped(small))
"""


def test_large_blocks_have_mappings_of_their_own_and_small_ones_have_not() -> None:
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, known, large, small = said.stdout.split()
    assert (before, known, small) == ("0", "True", "0")
    assert int(large) > 250
