"""A random sample of pymalloc's pools: each is read whole, and its blocks in use are judged.

A heap's reading has told which pools hold blocks of which size. Of each size so many are drawn as its share
of the bytes in use says, and a few at least. A block is in use if it was carved and is not in the pool's list
of free ones, which runs through their first words.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from app.probe.cpython.heap.pymalloc import HEADER, POOL, ROOM, SIZES
from app.probe.cpython.heap.reading import Tally
from app.probe.kernel.memory import ProcessMemory, Unmapped
from app.probe.kernel.pace import Pace

from .blocks import BUFFERS, BlockReader
from .estimate import Estimate, Page, Stratum

MOST = 1_000  # pools a reading: some 40 ms of CPU
LEAST = 8  # of each size, as far as there are so many
WHOLE = 400  # pools of a heap that is small enough to be counted, not sampled
OBJECTS = ""  # stands for all types: blocks that are objects, and the bytes of those blocks

BLOCKS = 24  # that are judged of a pool in a sample; more where it has fewer pools than it may
_HEAD = struct.Struct(
    "=I32xII"
)  # blocks in use, szidx, where the next is carved; words[1]: the first free one


@dataclass
class PoolSample:
    """Of so many pools, or pages, `pools` were read; `torn` were others by then, and left out."""

    of: int
    types: dict[str, Estimate] = field(default_factory=dict)
    pools: int = 0
    torn: int = 0
    room: float = math.inf  # bytes of blocks, none of them in these pools, that buffers can lie in


def sample(
    memory: ProcessMemory, blocks: BlockReader, tally: Tally, apart: bool, most: int = MOST
) -> Generator[None, None, PoolSample]:
    """A slow read; `apart`: what of objects lies in no pool is told elsewhere."""
    pools = sum(tally.pools)
    found = PoolSample(pools)
    small = pools <= WHOLE
    judged = max(BLOCKS, BLOCKS * most // max(pools, 1))
    pace = Pace()
    for place, size in enumerate(SIZES):
        have = tally.pools[place]
        if not have:
            continue
        share = size * tally.used[place] / tally.bytes_used
        whole = small or have <= LEAST
        number = have if whole else min(have, max(LEAST, round(most * share)))
        stratum = Stratum(tally.used[place], whole)
        for address in _draw(tally, place, number):
            if pace.over:
                yield
                pace.begin()
            page = read_pool(memory, blocks, address, place, ROOM[place] if whole else judged, apart)
            if page is None:
                found.torn += 1
                stratum.miss()
            else:
                stratum.add(page)
                found.pools += 1
        stratum.add_to(found.types)
    return found


def _draw(tally: Tally, place: int, number: int) -> Iterator[int]:
    """The addresses of so many pools of a class: every so many of them, from a random one on.

    They come in the order of the arenas, so that neighbours were made at about the same time and are alike.
    """
    every = tally.pools[place] / number
    wanted = random.random() * every
    met = 0  # pools of the class in the arenas before
    for first, kinds in tally.kinds:
        here = kinds.count(place)
        at, passed = -1, 0  # of those here
        while wanted < met + here:
            while passed <= int(wanted) - met:
                at = kinds.index(place, at + 1)
                passed += 1
            yield first + at * POOL
            wanted += every
        met += here


def read_pool(
    memory: ProcessMemory, blocks: BlockReader, address: int, place: int, most: int, apart: bool
) -> Page | None:
    """What is in a pool of that size class, by at most so many of its blocks.

    None where it is no such pool now, or was changed while it was read.
    """
    page = in_use(memory, address, place)
    if page is None:
        return None
    words, carved, free = page
    size = SIZES[place]
    # Some that lie together: what a program makes in turn, such as keys and values, lies in turn.
    start = random.randrange(-(-carved // most)) * most
    count = min(carved - start, most)
    free = {each - start for each in free if start <= each < start + count}
    found = blocks.read(words, (HEADER + start * size) // 8, count, size, free)
    of: dict[str, tuple[float, float]] = {}
    objects = 0
    for kind, each in found.items():
        number, bytes_ = of.get(kind.name, (0.0, 0.0))
        elsewhere = each.large + each.buffers if apart else 0
        of[kind.name] = number + each.count, bytes_ + each.bytes - elsewhere
        if apart and each.buffers:
            of[BUFFERS] = 0.0, each.buffers
        objects += each.count
    of[OBJECTS] = float(objects), float(objects * size)
    return Page(count - len(free), of)


def in_use(memory: ProcessMemory, address: int, place: int) -> tuple[memoryview, int, set[int]] | None:
    """The words of a pool of that size class, how many blocks were carved, and which of them are free.

    None where it is no such pool now, or was changed while it was read.
    """
    try:
        data = memory.read(address, POOL)
    except Unmapped:
        return None
    used, szidx, beyond = _HEAD.unpack_from(data)
    size = SIZES[place]
    carved = (beyond - HEADER) // size
    if szidx != place or not 0 < used <= carved <= ROOM[place]:
        return None
    words = memoryview(data).cast("Q")
    free = in_list(words, address, words[1], address + HEADER, size, carved)
    if free is None or len(free) + used != carved:
        return None
    return words, carved, free


def in_list(words: memoryview, base: int, at: int, first: int, size: int, count: int) -> set[int] | None:
    """The places of the blocks in a list that leads through their first words; None where it is none.

    `base` is the address of the first of the words, `at` the first block in the list; the first of `count`
    blocks of that size lies at `first`.
    """
    found: set[int] = set()
    while at:
        place, rest = divmod(at - first, size)
        if rest or not 0 <= place < count or place in found:
            return None
        found.add(place)
        at = words[(at - base) // 8]
    return found
