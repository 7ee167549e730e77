"""Functions and stacks by their numbers in the run: each is told once."""

from __future__ import annotations

from array import array
from typing import Any

from app.model.frames import Names

from .code_objects import Function
from .stacks import Located

# A program that makes functions without end must not fill the observer, nor those who keep what it tells.
_WHOLE_STACKS = 20_000
_CUT_TO = 8  # frames, from the leaf, of a stack that is first met after those
_STACKS = 2 * _WHOLE_STACKS  # one that is first met after so many is told as one that could not be read
_FUNCTIONS = 40_000  # and so is one with a function beyond these

Row = list[Any]


class Vocabulary:
    """The numbers given so far, and what of them has not been told yet."""

    def __init__(self) -> None:
        self.cut = 0  # looks whose stack was cut or left out, because there are too many of them
        self._functions: dict[Function, int] = {}
        self._stacks: dict[bytes, int] = {}  # by what they are, packed
        self._new_functions: list[Row] = []
        self._new_stacks: list[Row] = []
        self._locks: set[int] = set()
        self._new_locks: list[int] = []

    def number(self, stack: list[Located]) -> int | None:
        """The number of a stack; None where there are too many to number another."""
        flat: list[int] = []
        for code, line in stack:
            if code.number is None:
                code.number = self._number_function(code.function)
                if code.number is None:
                    self.cut += 1
                    return None
            flat += (code.number, line)
        number = self._stacks.get(_packed(flat))
        if number is None and len(self._stacks) >= _WHOLE_STACKS:
            self.cut += 1
            flat = flat[: 2 * _CUT_TO]
            number = self._stacks.get(_packed(flat))
        if number is None and len(self._stacks) < _STACKS:
            number = self._stacks[_packed(flat)] = len(self._stacks)
            self._new_stacks.append([number, flat])
        return number

    def note_lock(self, stack: int) -> None:
        """The line at the leaf of that stack takes a lock."""
        if stack not in self._locks:
            self._locks.add(stack)
            self._new_locks.append(stack)

    def take(self, now_us: int) -> Names | None:
        """What was numbered since the last call."""
        if not self._new_stacks and not self._new_locks:
            return None
        functions, self._new_functions = self._new_functions, []
        stacks, self._new_stacks = self._new_stacks, []
        locks, self._new_locks = self._new_locks, []
        return Names(now_us, functions=functions, stacks=stacks, locks=locks)

    def _number_function(self, function: Function) -> int | None:
        number = self._functions.get(function)
        if number is None and len(self._functions) < _FUNCTIONS:
            number = self._functions[function] = len(self._functions)
            self._new_functions.append([number, *function])
        return number


def _packed(flat: list[int]) -> bytes:
    """Functions and lines in the least memory: a run may meet thousands of stacks."""
    return array("I", flat).tobytes()
