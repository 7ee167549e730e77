"""This process as a target."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from app.probe.kernel.memory import Memory


@pytest.fixture
def memory() -> Iterator[Memory]:
    """This process's own."""
    memory = Memory(os.getpid())
    yield memory
    memory.close()
