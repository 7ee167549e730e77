"""What one reading of a heap has found, and what of its map differs from the map before."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.probe.kernel.memory import Range

MAX_MAPPED = 4_096  # arenas in the map: of a larger heap those with the lowest places
NOT_IN_USE = 255  # in `Tally.kinds`: a pool that holds no block
_PINNED = 10  # an arena of which less than a tenth is in use is held by what little there is


class MimallocPage(NamedTuple):
    """A page of mimalloc's that holds blocks."""

    entry: int  # where its mi_page_t lies
    first: int  # where its blocks begin
    size: int  # of a block
    place: int  # its size class
    tag: int
    used: int  # blocks


@dataclass
class Tally:
    """The sums over a heap's arenas. `sizes` are those of its size classes; lists are by class."""

    allocator: str
    sizes: Sequence[int]
    raw_blocks: int | None = None
    torn: int = 0
    pools_free: int = 0
    bytes_used: int = 0
    arenas: list[Range] = field(default_factory=list)
    map: dict[int, bytes] = field(default_factory=dict)  # two bytes a pool, by the arena's address
    # (where an arena's pools begin, the size class of each that was carved): of pymalloc
    kinds: list[tuple[int, bytes]] = field(default_factory=list)
    pages: list[MimallocPage] = field(default_factory=list)  # that hold blocks: of mimalloc
    pools: list[int] = field(init=False)
    used: list[int] = field(init=False)  # blocks
    room: list[int] = field(init=False)  # blocks that fit into those pools
    _pinned: list[int] = field(default_factory=lambda: [0, 0, 0])

    def __post_init__(self) -> None:
        self.pools, self.used, self.room = ([0] * len(self.sizes) for _ in range(3))

    def add_arena(self, address: int, size: int, held: int, pools: bytes | None) -> None:
        """Takes in an arena of `size` bytes with `held` in use; `pools` is its part of the map."""
        self.arenas.append((address, address + size))
        self.bytes_used += held
        if held * _PINNED <= size:
            for place, more in enumerate((1, size, held)):
                self._pinned[place] += more
        if pools is not None and len(self.map) < MAX_MAPPED:
            self.map[address] = pools

    def figures(self) -> dict[str, Any]:
        """The fields of a heap message that are this reading's."""
        return {
            "allocator": self.allocator,
            "torn": self.torn,
            "arenas": len(self.arenas),
            "arena_bytes": sum(end - start for start, end in self.arenas),
            "pools": sum(self.pools),
            "pools_free": self.pools_free,
            "blocks_used": sum(self.used),
            "bytes_used": self.bytes_used,
            "raw_blocks": self.raw_blocks,
            "classes": [
                [size, pools, used, room - used]
                for size, pools, used, room in zip(self.sizes, self.pools, self.used, self.room)
            ],
            "pinned": self._pinned,
        }


class MapChanges:
    """The map that was told last."""

    def __init__(self) -> None:
        self._told: dict[int, bytes] = {}

    def since(self, now: dict[int, bytes]) -> dict[str, Any]:
        """The fields of a heap message that take a viewer from the map told last to this one."""
        told, self._told = self._told, now
        changed = [
            [address, b2a_base64(pools, newline=False).decode()]
            for address, pools in now.items()
            if told.get(address) != pools
        ]
        return {
            "mapped": True,
            "changed": changed,
            "gone": [address for address in told if address not in now],
        }
