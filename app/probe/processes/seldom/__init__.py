"""What is read of each process about once a second. One more is a module here, and a line in this list."""

from __future__ import annotations

from .census import CensusRead, HoldersRead
from .memory import MemoryRead
from .read import SeldomRead
from .rollup import RollupRead

SIZES: tuple[type[SeldomRead], ...] = (RollupRead, MemoryRead)
OBJECTS: tuple[type[SeldomRead], ...] = (CensusRead, HoldersRead)
SELDOM = (*SIZES, *OBJECTS)
