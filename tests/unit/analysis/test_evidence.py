"""Each figure behind a finding has a label: no page shows the name of a field."""

from __future__ import annotations

import ast
from pathlib import Path

from support.evidence import DECLARED, fields_of

from app.analysis import findings


def test_every_field_that_a_rule_writes_down_has_a_label() -> None:
    folder = Path(findings.__file__).parent
    written = {
        key.value
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.keyword) and call.arg == "evidence"
        for part in ast.walk(call.value)
        if isinstance(part, ast.Dict)
        for key in part.keys
        if isinstance(key, ast.Constant)
    }
    assert len(written) > 80
    assert written - DECLARED == set()


def test_fields_of_rows_and_of_places_are_found_too() -> None:
    evidence = {"threads": [{"tid": 1}], "place": {"line": 3}, "by_role": {"writer": 2}}
    assert {*fields_of(evidence)} == {"threads", "tid", "place", "line", "by_role"}
