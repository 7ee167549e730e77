"""Functions and stacks are told once, and no program can make the observer keep more than its bounds."""

from __future__ import annotations

from itertools import count

import pytest

from app.probe.cpython import vocabulary
from app.probe.cpython.code_objects import Code
from app.probe.cpython.stacks import Located
from app.probe.cpython.vocabulary import Vocabulary


def code(name: str) -> Code:
    return Code(b"", (name, "f.py", 1), b"")


def stack(*names: str, line: int = 1) -> list[Located]:
    return [(code(name), line) for name in names]


def test_each_function_and_each_stack_is_told_once() -> None:
    words = Vocabulary()
    assert words.number(stack("leaf", "root")) == 0
    assert words.number(stack("leaf", "root")) == 0
    assert words.number(stack("root")) == 1
    told = words.take(50)
    assert told is not None
    assert told.functions == [[0, "leaf", "f.py", 1], [1, "root", "f.py", 1]]
    assert told.stacks == [[0, [0, 1, 1, 1]], [1, [1, 1]]]
    assert words.take(60) is None
    assert words.number(stack("leaf", "root")) == 0
    assert words.take(70) is None


def test_beyond_so_many_stacks_only_the_frames_nearest_the_leaf_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vocabulary, "_WHOLE_STACKS", 2)
    words = Vocabulary()
    names = [f"f{n}" for n in range(12)]
    whole = words.number(stack(*names))
    words.number(stack("other"))
    cut = words.number(stack(*names[:11]))
    assert words.number(stack(*names[:10])) == cut
    assert words.number(stack(*names)) == whole
    assert words.cut == 2
    told = words.take(50)
    assert told is not None
    assert [len(frames) // 2 for _, frames in told.stacks] == [12, 1, 8]


def test_what_comes_after_too_many_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_WHOLE_STACKS", 2)
    monkeypatch.setattr(vocabulary, "_STACKS", 4)
    words = Vocabulary()
    numbers = [words.number(stack("f", line=line)) for line in range(6)]
    assert numbers == [0, 1, 2, 3, None, None]


def test_what_has_a_function_too_many_has_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "_FUNCTIONS", 3)
    words = Vocabulary()
    made = count()
    numbers = [words.number(stack(f"f{next(made)}")) for _ in range(5)]
    assert numbers == [0, 1, 2, None, None]
    assert words.cut == 2
