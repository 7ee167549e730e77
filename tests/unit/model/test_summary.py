"""What the types say twice: as names to choose from, and as keys of a row."""

from __future__ import annotations

from typing import get_args

from app.model.findings import SEVERITIES
from app.model.states import MEASURES, STATES, Measure, State
from app.model.summary import Capabilities, Severity


def test_names_that_are_listed_and_typed_are_the_same() -> None:
    assert get_args(State) == STATES
    assert get_args(Measure) == MEASURES
    assert get_args(Severity) == SEVERITIES
    assert set(Capabilities.__annotations__) == {*MEASURES, "why"}
