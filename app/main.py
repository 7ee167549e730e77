"""What a server of one's own runs: `uvicorn app.main:app`."""

from __future__ import annotations

from typing import Any

from app.runs.settings import Settings
from app.web.application import create_app


def __getattr__(name: str) -> Any:
    """`app`, made when a server asks for it: importing this module reads no environment."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["app"] = create_app(Settings.load())
    return globals()["app"]
