"""Slow reads for tests."""

from __future__ import annotations

from typing import Any

from app.probe.sampling.slow import Steps


def ended(steps: Steps) -> Any:
    """What a slow read has found, its steps taken one after the other."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
