"""A run as every interface shows it, made of what its plan said and of what its messages told.

    {"id", "kind", "environment", "attach", "limits", "question", each field of a request (request.py),
     "state", "started_at", "duration_s", "exit_code", "output", "error"}

What does not concern its kind is null. `question` is what a workload's run is looked at for, one of
app/workloads/catalogue.py's QUESTIONS. `duration_s` is the measured time: from the first frame to a
workload's result, else to the end, or to now. `output` is the end of what a command or a script wrote;
`exit_code` is the target's own, a signal's number negative; `error` is {"code", "title", "detail", "remedy"}.
"""

from __future__ import annotations

from typing import Any

from app.analysis.ledger import Ledger
from app.runs.request import ASKED

PLANNED = ("id", "kind", *ASKED, "environment", "attach", "limits", "question")

Json = dict[str, Any]


def run_json(planned: Json, ledger: Ledger, state: str | None = None, error: Json | None = None) -> Json:
    """The run; `state` and `error` are those of the end message unless they are given."""
    end, hello = ledger.end, ledger.hello
    return {
        **{name: planned.get(name) for name in PLANNED},
        "state": state or (end.state if end else "running"),
        "started_at": hello.started_at if hello else None,
        "duration_s": round(ledger.measured_us / 1e6, 6),
        "exit_code": end.exit_code if end else None,
        "output": ledger.output,
        "error": error or (end.error if end else None),
    }
