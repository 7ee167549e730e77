from __future__ import annotations

import pytest

from app.cli.run import parse_params
from app.model.errors import BadRequest


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_params(["kind=sha256", "text=a=b", "empty="]) == {
        "kind": "sha256",
        "text": "a=b",
        "empty": "",
    }


@pytest.mark.parametrize("assignment", ["kind", "=sha256", ""])
def test_what_is_no_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(BadRequest, match="is not NAME=VALUE"):
        parse_params([assignment])


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_params(["kind=sha256", "kind=zlib"])
    assert refused.value.field == "params.kind"
