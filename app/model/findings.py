"""What a run's figures say: a judgement, its evidence, and what could be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.model.summary import FindingRow, Severity

SEVERITIES: tuple[Severity, ...] = ("info", "notice", "warning", "critical")


@dataclass(frozen=True)
class Finding:
    """One judgement. `code` is stable; `evidence` are the figures that it rests on, by name."""

    code: str
    severity: Severity
    title: str
    detail: str  # what was seen, with its numbers
    evidence: Mapping[str, object]
    advice: str  # what could be done
    doc: str = ""  # an address of a page that says more, below the server's own

    def to_json(self) -> FindingRow:
        """The finding as the summary lists it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "title": self.title,
            "detail": self.detail,
            "evidence": self.evidence,
            "advice": self.advice,
            "doc": self.doc,
        }
