"""Forty tests of about half a second each, for pytest-xdist to share out.

python -m pytest -n 2 suite.py
"""

from __future__ import annotations

import time

import pytest


@pytest.mark.parametrize("number", range(40))
def test_something_that_computes_and_waits(number: int) -> None:
    """Computes for 0.3 s and sleeps for 0.1 s."""
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        number += 1
    time.sleep(0.1)
    assert number
