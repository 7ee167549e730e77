"""Folded stacks: each line as flamegraph.pl reads it, and no time of a thread lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support.made import SLICE_US, Made, observation

from app.lab.export import exporter_of

SLICES = 40
Json = dict[str, Any]

LINE = re.compile(r"^(.*)\s+?(\d+(?:\.\d*)?)$")  # flamegraph.pl's own


@pytest.fixture(scope="module")
def made() -> Made:
    return observation(SLICES)


def folded(made: Made) -> Iterator[tuple[list[str], float]]:
    """(frames, root first; weight) of each line."""
    for line in b"".join(exporter_of("folded").export(made)).decode().splitlines():
        found = LINE.match(line)
        assert found, line
        yield found[1].split(";"), float(found[2])


def with_flame(made: Made, flame: Json | None) -> Made:
    return replace(made, summary={**made.summary, "where": {"blocked": [], "flame": flame}})


def node(name: str, samples: int, own: int, *children: Json, file: str | None = None) -> Json:
    place = {"file": file, "line": 3 if file else None}
    return {"name": name, **place, "samples": samples, "self": own, "children": list(children)}


def root(state: Json) -> Json:
    return node("all threads", state["samples"], 0, state)


def test_the_time_of_each_state_is_all_there(made):
    told_ms: Counter[str] = Counter()
    for frames, weight in folded(made):
        told_ms[frames[0]] += weight
    for state in ("running", "waiting", "sleep"):
        share = sum(thread["shares"].get(state, 0) for thread in made.summary["threads"])
        assert told_ms[state] == pytest.approx(share * SLICES * SLICE_US / 1000, rel=0.01)


def test_a_stack_is_told_from_its_root_with_the_places_of_its_functions(made):
    stacks = ["; ".join(frames) for frames, _ in folded(made)]
    assert "running; main (made.py:9); work (made.py:3)" in stacks


def test_time_of_functions_too_small_to_be_told_is_their_callers(made):
    state = node("running", 100, 0, node("main", 100, 30, node("work", 60, 60)))
    assert list(folded(with_flame(made, root(state)))) == [
        (["running", "main"], 40),
        (["running", "main", "work"], 60),
    ]


def test_no_name_breaks_a_line_or_a_stack(made):
    state = node("running", 5, 0, node("<a;b>", 5, 5, file="/a file;\n.py"))
    assert list(folded(with_flame(made, root(state)))) == [(["running", "<a:b> (/a file: .py:3)"], 5)]


def test_nothing_is_told_of_what_was_never_seen(made):
    assert list(folded(with_flame(made, None))) == []
