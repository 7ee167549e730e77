"""What starts a run anew, made of what its hello says."""

from __future__ import annotations

from typing import Any

import pytest

from app.model.errors import Conflict
from app.model.redaction import command
from app.runs.again import request_of
from app.runs.catalogue import load
from app.runs.interpreters import Interpreter, choose
from app.runs.plan import of_script, of_workload
from app.runs.request import RunRequest

NONE = dict.fromkeys(("workload", "params", "executor", "workers", "python", "seconds", "command", "script"))


def planned(kind: str, **told: Any) -> dict[str, Any]:
    return {
        "id": "a1",
        "kind": kind,
        **NONE,
        "params": {},
        "environment": {"HOME": "/"},
        "attach": None,
        **told,
    }


@pytest.mark.parametrize("kind", ["workload", "script"])
def test_a_run_without_a_gil_is_asked_for_without_one(kind: str) -> None:
    found = [
        Interpreter(f"/opt/{name}", "3.13.0", (3, 13, 0), free, not free, "cpython", "static", True, None)
        for name, free in (("python3.13", False), ("python3.13t", True))
    ]
    request = RunRequest(**{kind: "convoy" if kind == "workload" else "pass"}, python="/opt/python3.13t")
    plan = (of_workload if kind == "workload" else of_script)(request, load(), found)
    again = request_of(plan.to_json("a1"))
    assert choose(again["python"], found).path == "/opt/python3.13t"


@pytest.mark.parametrize(
    ("told", "request_again"),
    [
        (
            planned(
                "workload", workload="convoy", name="convoy", params={"a": 1}, workers=4, python="3.12.1"
            ),
            {"workload": "convoy", "params": {"a": 1}, "workers": 4, "python": "3.12.1"},
        ),
        (
            planned("workload", workload="convoy", name="before", seconds=5.0),
            {"workload": "convoy", "name": "before", "seconds": 5.0},
        ),
        (planned("command", command=["x", "-v"], name="x"), {"command": ["x", "-v"], "name": "x"}),
        (
            planned("script", script="pass", name="script", executor="threads", workers=2),
            {"script": "pass", "name": "script", "executor": "threads", "workers": 2},
        ),
    ],
    ids=lambda told: told.get("kind", ""),
)
def test_a_run_is_asked_for_again_as_it_was(told: dict[str, Any], request_again: dict[str, Any]) -> None:
    assert request_of(told) == request_again


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (planned("attach", name="pid 7", attach={"pid": 7}), "cannot be started again"),
        (planned("command", command=["x", "--token", "***"], name="x"), "looks like a secret"),
        (planned("command", command=command(["x", "-pw=" + "y" * 65_536]), name="x"), "its end is missing"),
        (planned("command", command=command(["x", *["--user"] * 257]), name="x"), "its end is missing"),
        (planned("command", command=["x"], name="x", via="ssh host"), "It ran where `ssh host` leads"),
        (planned("script", name="script"), "text of this script was not kept"),
    ],
    ids=lambda told: told["kind"] if isinstance(told, dict) else "",
)
def test_what_cannot_be_started_again_says_why(told: dict[str, Any], why: str) -> None:
    with pytest.raises(Conflict, match=why):
        request_of(told)
