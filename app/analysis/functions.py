"""The functions and stacks that an observation named: of each what is asked for later, and no more."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from app.model.frames import Names


class Function(NamedTuple):
    """A function, as its code object describes it."""

    name: str  # qualified
    file: str
    first_line: int


class Place(NamedTuple):
    """A line of a function."""

    function: int
    line: int


class Functions:
    """All functions of a run by index, and where the leaf of each stack is."""

    def __init__(self) -> None:
        self._functions: dict[int, Function] = {}
        self._leaves = array("i")  # function and line of each stack's leaf: there may be thousands

    def __getitem__(self, index: int) -> Function:
        return self._functions[index]

    def names(self, message: Names) -> None:
        """Take note of functions and stacks that came."""
        for index, *what in message.functions:
            self._functions[index] = Function(*what)
        for stack, frames in message.stacks:
            for index in frames[::2]:
                if index not in self._functions:
                    raise ValueError(f"function {index} was never named")
            if stack != len(self._leaves) // 2:
                raise ValueError(f"stack {stack} was named out of turn")
            self._leaves.extend(frames[:2])

    def leaf(self, stack: int | None) -> Place | None:
        """Where the innermost frame of a stack is; None for a stack that could not be read."""
        if stack is None:
            return None
        if not 0 <= stack < len(self._leaves) // 2:
            raise ValueError(f"stack {stack} was never named")
        return Place(self._leaves[2 * stack], self._leaves[2 * stack + 1])
