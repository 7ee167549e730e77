"""Objects of a known size, and which pool holds them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import repeat

_EMPTY_BYTES = sys.getsizeof(b"")


def made(size: int, count: int) -> list[bytes]:
    """So many bytes objects, each a block of `size` bytes that is written to, so that its page is there."""
    return list(map(bytes, repeat(size - _EMPTY_BYTES, count)))


def one_a_pool(objects: Iterable[bytes], pool_bytes: int) -> list[bytes]:
    """One of the objects in each of the pools that hold them."""
    return list({id(each) // pool_bytes: each for each in objects}.values())
