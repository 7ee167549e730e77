"""What the C library keeps of freed memory; each in a process of its own, which stays as it was set."""

from __future__ import annotations

import subprocess
import sys

# Of both sizes more than the heap has room for when it begins.
MAPPED = """
import ctypes
from app.runs import malloc

names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
class Mallinfo2(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in names]
mallinfo2 = ctypes.CDLL(None).mallinfo2
mallinfo2.restype = Mallinfo2

def mapped(size):
    before = mallinfo2().hblks
    kept = [bytes(size) for _ in range(500)]
    return mallinfo2().hblks - before

large, small = 2 * malloc.LARGE, malloc.LARGE // 2
print(mapped(large), malloc.map_large_blocks(), mapped(large), mapped(small))
"""

# Between blocks that stay, as what a ledger learns does, lie those that were freed.
GIVEN_BACK = """
import resource
from pathlib import Path
from app.runs import malloc

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

freed, kept = [], []
for _ in range(2000):
    freed.append(bytes(12_000))
    kept.append(bytes(600))
filled = resident()
freed.clear()
left = resident()
print(filled - left, malloc.give_back(), left - resident())
"""


def said_by(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_large_blocks_have_mappings_of_their_own_and_small_ones_have_not() -> None:
    before, known, large, small = said_by(MAPPED)
    assert (before, known, small) == ("0", "True", "0")
    assert int(large) > 250


def test_whole_pages_that_are_free_between_blocks_in_use_are_given_back() -> None:
    by_itself, known, given = said_by(GIVEN_BACK)
    assert known == "True"
    assert int(by_itself) < 4 << 20 < 12 << 20 < int(given)  # of 24 MB, a third of it in pages with others
