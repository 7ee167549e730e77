"""What a run's figures say: a judgement, its evidence, and what could be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("info", "notice", "warning", "critical")


@dataclass(frozen=True)
class Finding:
    """One judgement. `code` is stable; `evidence` are the figures that it rests on, by name."""

    code: str
    severity: str  # one of SEVERITIES
    title: str
    detail: str  # what was seen, with its numbers
    evidence: dict[str, Any]
    advice: str  # what could be done
    doc: str = ""  # an address of a page that says more, below the server's own

    def to_json(self) -> dict[str, Any]:
        """The finding as the summary lists it."""
        return asdict(self)
