"""The functions and stacks that an observation named: of each what is asked for later, and no more."""

from __future__ import annotations

from array import array
from typing import NamedTuple

from app.analysis.sources import imports, to_blame
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
    """All functions of a run by index, and where each stack's leaf is and the frame to blame."""

    def __init__(self) -> None:
        self._functions: dict[int, Function] = {}
        self._leaves = array("i")  # function and line of each stack's leaf: there may be thousands
        self._blamed = array("i")  # the same of the frame to blame
        self._importing = bytearray()  # 1 for each stack that is inside an import

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
            files = [self._functions[index].file for index in frames[::2]]
            at = 2 * to_blame(files)
            self._blamed.extend(frames[at : at + 2])
            self._importing.append(imports(files))

    def leaf(self, stack: int | None) -> Place | None:
        """Where the innermost frame of a stack is; None for a stack that could not be read."""
        return None if stack is None else self._place(self._leaves, stack)

    def blamed(self, stack: int) -> Place:
        """Where the frame of a stack is that is to blame for what its thread does; see sources.py."""
        return self._place(self._blamed, stack)

    def importing(self, stack: int) -> bool:
        """Whether a stack is inside an import."""
        return bool(self._importing[stack])

    def _place(self, places: array[int], stack: int) -> Place:
        if not 0 <= stack < len(places) // 2:
            raise ValueError(f"stack {stack} was never named")
        return Place(places[2 * stack], places[2 * stack + 1])
