from __future__ import annotations

import re

import pytest

from app.cli.run import parse_params
from app.model.errors import BadRequest
from app.workloads.catalogue import find


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


def test_the_example_of_an_assignment_is_one_that_a_workload_takes() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_params(["switch_interval_ms"])
    example = re.search(r"-p (\S+)\.$", refused.value.remedy)
    assert example
    find("convoy").check_params({name: float(value) for name, value in parse_params([example[1]]).items()})


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        parse_params(["kind=sha256", "kind=zlib"])
    assert refused.value.field == "params.kind"
