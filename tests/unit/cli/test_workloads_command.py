from __future__ import annotations

import pytest

from app.cli.workloads import describe

WORKLOAD = {
    "name": "convoy",
    "title": "The convoy effect",
    "sentence": "One thread answers requests beside threads that compute.",
    "executors": ["threads", "processes"],
    "executor": "threads",
    "workers": 4,
    "min_workers": 2,
    "max_workers": 64,
}
PARAM = {
    "name": "p",
    "type": "float",
    "default": 5.0,
    "min": None,
    "max": None,
    "choices": None,
    "unit": None,
}


def test_a_workload_in_a_few_lines() -> None:
    param = PARAM | {"min": 0.1, "max": 100.0, "unit": "ms", "help": "The pause."}
    assert describe(WORKLOAD | {"params": [param]}).splitlines() == [
        "convoy: The convoy effect",
        "  One thread answers requests beside threads that compute.",
        "  on threads (or processes), 4 workers (2 to 64)",
        "  -p  default",
        "  p      5 ms  0.1 to 100  The pause.",
    ]


@pytest.mark.parametrize(
    ("declared", "shown"),
    [
        ({"type": "bool", "default": True}, "p true true, false h"),
        ({"type": "choice", "default": "a", "choices": ("a", "b")}, "p a a, b h"),
        ({"min": 2.5}, "p 5 at least 2.5 h"),
        ({"max": 9}, "p 5 at most 9 h"),
        ({}, "p 5 h"),
    ],
)
def test_what_a_parameter_may_be(declared: dict[str, object], shown: str) -> None:
    text = describe(WORKLOAD | {"params": [PARAM | {"help": "h"} | declared]})
    assert text.splitlines()[-1].split() == shown.split()
