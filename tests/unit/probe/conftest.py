"""This process as a target."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.probe.kernel.memory import ProcessMemory


@pytest.fixture
def memory() -> Iterator[ProcessMemory]:
    """This process's own."""
    memory = ProcessMemory(os.getpid())
    yield memory
    memory.close()
