"""What is read of each process about once a second, a module a kind.

One with a panel of its own is named in app/model/readings and found by that name; the others are listed here.
"""

from __future__ import annotations

from importlib import import_module

from app.model.readings import READINGS

from .census import CensusRead, HoldersRead
from .memory import MemoryRead
from .read import SeldomRead
from .rollup import RollupRead

SIZES: tuple[type[SeldomRead], ...] = (RollupRead, MemoryRead)
OBJECTS: tuple[type[SeldomRead], ...] = (CensusRead, HoldersRead)
_OTHERS: tuple[type[SeldomRead], ...] = tuple(
    import_module(f"{__name__}.{kind.type}").READS for kind in READINGS
)
SELDOM = (*SIZES, *OBJECTS, *_OTHERS)
