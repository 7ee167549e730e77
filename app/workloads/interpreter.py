"""What is to be known of the interpreter that runs a workload."""

from __future__ import annotations

import sys
from collections.abc import Callable


def gil_enabled() -> bool:
    """Whether threads of this interpreter take turns."""
    ask: Callable[[], bool] | None = getattr(sys, "_is_gil_enabled", None)
    return ask is None or ask()
