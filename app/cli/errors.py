"""How an error is told on the command line."""

from __future__ import annotations

import textwrap

from app.model.errors import GilscopeError

INTERRUPTED = 130  # as a shell says it of a program that SIGINT ended


def describe(error: GilscopeError) -> str:
    """What happened and why, then what to do."""
    said = f"gilscope: {error.detail.rstrip('.')}."
    remedy = error.remedy.rstrip(".")
    return f"{said}\n{textwrap.indent(remedy, '  ')}." if remedy else said
