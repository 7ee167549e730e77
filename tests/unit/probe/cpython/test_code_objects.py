"""Tables of lines against what CPython itself says of the same code objects."""

from __future__ import annotations

import argparse
import asyncio.base_events
import dataclasses
import inspect
import typing
from collections.abc import Iterator
from types import CodeType, ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.probe.cpython.code_objects import Code, decode_lines
from app.probe.cpython.survey import Inconsistent


def code_objects(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from code_objects(constant)


@pytest.mark.parametrize("module", [argparse, asyncio.base_events, dataclasses, inspect, typing])
def test_each_instruction_has_the_line_that_cpython_gives_it(module: ModuleType) -> None:
    for code in code_objects(compile(inspect.getsource(module), module.__file__ or "", "exec")):
        read = Code(b"", (code.co_qualname, code.co_filename, code.co_firstlineno), code.co_linetable)
        known = code.co_firstlineno
        for start, end, line in code.co_lines():
            known = known if line is None else line
            assert {read.line(offset) for offset in range(start, end, 2)} == {known}


def test_before_the_first_instruction_a_function_is_on_its_first_line() -> None:
    assert Code(b"", ("f", "f.py", 7), b"").line(-2) == 7


def test_a_place_beyond_the_code_is_none_of_its_instructions() -> None:
    code = test_a_place_beyond_the_code_is_none_of_its_instructions.__code__
    read = Code(b"", ("f", "f.py", 1), code.co_linetable)
    with pytest.raises(Inconsistent):
        read.line(len(code.co_code))


def test_a_table_that_is_cut_off_is_refused() -> None:
    with pytest.raises(Inconsistent):
        decode_lines(bytes([0x80 | 13 << 3]), 1)


@given(st.lists(st.sampled_from([0x00, 0x3F, 0x68 | 0x80, 0x7F, 0xFF]) | st.integers(0, 255), max_size=60))
@example([0xE8, *[0x7F] * 20, 0x3F])
def test_whatever_was_read_instead_of_a_table_is_told_or_refused(table: list[int]) -> None:
    try:
        ends, lines = decode_lines(bytes(table), 1)
    except Inconsistent:
        return
    assert len(ends) == len(lines)
