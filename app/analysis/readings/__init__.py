"""What is kept of each reading that app/model/readings lists, by the module of its name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from app.model.readings import READINGS

from .kept import Kept


def kept() -> dict[str, Kept[Any]]:
    """Of a new ledger, by the type of the message."""
    return {kind.type: import_module(f"{__name__}.{kind.type}").KEPT() for kind in READINGS}
