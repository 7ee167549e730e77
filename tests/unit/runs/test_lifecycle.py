"""A run goes forward only, and ends once."""

from __future__ import annotations

import itertools

import pytest

from app.runs.lifecycle import ENDED, Lifecycle

STATES = ("starting", "running", *ENDED)
LEGAL = {
    ("starting", "running"),
    *itertools.product(("starting", "running"), ENDED),
}


def at(state: str) -> Lifecycle:
    lifecycle = Lifecycle()
    if state != "starting":
        lifecycle.move(state)
    return lifecycle


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_only_the_legal_transitions_are_taken(before: str, after: str):
    lifecycle = at(before)
    if (before, after) in LEGAL:
        lifecycle.move(after)
        assert lifecycle.state == after
        assert lifecycle.ended == (after in ENDED)
    else:
        with pytest.raises(RuntimeError, match=f"from {before} to {after}"):
            lifecycle.move(after)
        assert lifecycle.state == before
