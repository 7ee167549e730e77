"""Which figures of findings the page has a label for, and which ones a finding has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_EVIDENCE = (Path(__file__).parents[2] / "static/js/widgets/panels/evidence.js").read_text()
DECLARED = set(re.findall(r'^  (\w+): \[".+?", "\w+"\],$', _EVIDENCE, re.MULTILINE))
DECLARED |= set(re.findall(r'"(\w+)"', _EVIDENCE.partition("ELSEWHERE = [")[2].partition("]")[0]))
# Their values are named by the program: roles, kinds of memory, what stands in a graph.
_NAMED = {"by_role", "kinds", "wait_for"}


def fields_of(evidence: object) -> Iterator[str]:
    """The names of all fields of a finding's evidence that the page has to have a label for."""
    if isinstance(evidence, Mapping):
        for name, value in evidence.items():
            yield name
            if name not in _NAMED:
                yield from fields_of(value)
    elif isinstance(evidence, list | tuple):
        for each in evidence:
            yield from fields_of(each)
