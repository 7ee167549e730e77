"""What two runs ran, where it is not the same: the lines in which the scripts differ.

    {"same", "says", "lines": [{"in", "a", "b", "text"}], "more"}

`same` is null where that is not known: the text of a script was not kept, or both ran one command, whose
files may have changed. `says` is a sentence. `lines` are those that only one of the scripts has (`in` is "a"
or "b"), with up to CONTEXT common ones around them ("both"); `a` and `b` are their numbers, from 1. What
looks like a secret is blanked in them. Of more than MOST_SHOWN lines the rest is counted in `more`. Scripts
that are too long to be set side by side line by line have no `lines`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from app.model import redaction

CONTEXT = 2
MOST_SHOWN = 300
MOST_MATCHED = 3_000  # lines of either, common ones at both ends left out: matching takes their square

Json = dict[str, Any]
_Block = tuple[str, int, int, int, int]  # as of difflib: what, and from where to where in either


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run ran; `script` is None of one that is of no script, or whose script is lost."""

    kind: str | None
    script: str | None
    command: Sequence[str] | None


def program_difference(a: Ran, b: Ran) -> Json | None:
    """As at the head of this module; None where the runs are neither of scripts nor of one command."""
    if a.kind == b.kind == "command" and a.command == b.command:
        return _only(None, "Both ran the same command. Whether its files changed in between is not recorded.")
    are_scripts = [ran.kind == "script" for ran in (a, b)]
    if not any(are_scripts):
        return None
    if not all(are_scripts):
        return _only(False, f"Only {'A' if are_scripts[0] else 'B'} is a script.")
    if a.script is None or b.script is None:
        lost = "both texts were" if a.script is b.script else f"{'A' if a.script is None else 'B'}'s text was"
        return _only(None, f"Whether both ran the same script is unknown: {lost} not kept.")
    if a.script == b.script:
        return _only(True, "Both ran the same script.")
    return _of_lines(a.script.splitlines(), b.script.splitlines())


def _only(same: bool | None, says: str) -> Json:
    return {"same": same, "says": says, "lines": [], "more": 0}


def _of_lines(a: Sequence[str], b: Sequence[str]) -> Json:
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    inner_a, inner_b = a[head : len(a) - tail], b[head : len(b) - tail]
    if not inner_a and not inner_b:
        return _only(False, "The scripts differ only in how their lines end.")
    if max(len(inner_a), len(inner_b)) > MOST_MATCHED:
        return _only(False, f"The scripts differ from line {head + 1} on; they are too long to show how.")
    matched = SequenceMatcher(None, inner_a, inner_b, autojunk=False).get_opcodes()
    blocks: list[_Block] = [("equal", 0, head, 0, head)] if head else []
    blocks += [(how, i + head, j + head, k + head, n + head) for how, i, j, k, n in matched]
    if tail:
        blocks.append(("equal", len(a) - tail, len(a), len(b) - tail, len(b)))
    only_a = sum(to - start for how, start, to, _, _ in blocks if how != "equal")
    only_b = sum(to - start for how, _, _, start, to in blocks if how != "equal")
    lines = list(_lines(blocks, a, b))
    return {
        "same": False,
        "says": f"The scripts differ: {_counted(only_a)} only in A, {_counted(only_b)} only in B.",
        "lines": [{**line, "text": redaction.text(line["text"])} for line in lines[:MOST_SHOWN]],
        "more": max(0, len(lines) - MOST_SHOWN),
    }


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    pairs = zip(a, b, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(a), len(b)))


def _lines(blocks: Sequence[_Block], a: Sequence[str], b: Sequence[str]) -> Iterator[Json]:
    for number, (how, from_a, to_a, from_b, to_b) in enumerate(blocks):
        if how == "equal":
            before = CONTEXT if number else 0  # what follows a difference
            after = CONTEXT if number < len(blocks) - 1 else 0  # what leads to the next
            length = to_a - from_a
            for at in range(length):
                if at < before or at >= length - after:
                    yield {"in": "both", "a": from_a + at + 1, "b": from_b + at + 1, "text": a[from_a + at]}
            continue
        for at in range(from_a, to_a):
            yield {"in": "a", "a": at + 1, "b": None, "text": a[at]}
        for at in range(from_b, to_b):
            yield {"in": "b", "a": None, "b": at + 1, "text": b[at]}


def _counted(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"
