"""The private heap, the collector, and pages copied on write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.model.findings import Finding

RULES: tuple[Callable[[dict[str, Any]], Finding | None], ...] = ()
