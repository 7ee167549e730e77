"""The functions and stacks that an observation named: of each what is asked for later, and no more."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from app.analysis.sources import LIBRARY, USER, imports, owner, to_blame
from app.model.frames import Names
from app.model.tracks import function_names, stacks_of

MAX_CALLERS = 12  # an ORM has ten functions between a query and the wait for its answer
_MOST_FRAMES = 2_000_000  # kept of all stacks together; beyond them a stack has its nearest MAX_CALLERS


class Function(NamedTuple):
    """A function, as its code object describes it."""

    name: str  # qualified
    file: str
    first_line: int


class Place(NamedTuple):
    """A line of a function."""

    function: int
    line: int


_NOBODY = Place(-1, 0)


class Functions:
    """All functions and stacks of a run by index, and which frame of each stack is to blame."""

    def __init__(self) -> None:
        self._functions: dict[int, Function] = {}
        self._frames = array("i")  # function and line in turn, leaf first, stack after stack
        self._ends = array("q", [0])  # where each stack ends in them
        self._blamed = array("i")  # function and line of each stack's frame to blame, or _NOBODY
        self._importing = bytearray()  # 1 for each stack that is inside an import
        self.locks: set[int] = set()  # the stacks whose innermost line takes a lock

    def __getitem__(self, index: int) -> Function:
        return self._functions[index]

    def names(self, message: Names) -> None:
        """Take note of functions and stacks that came."""
        for index, name, file, first_line in function_names(message):
            self._functions[index] = Function(name, file, first_line)
        for stack, frames in stacks_of(message):
            for index in frames[::2]:
                if index not in self._functions:
                    raise ValueError(f"function {index} was never named")
            if stack != len(self._importing):
                raise ValueError(f"stack {stack} was named out of turn")
            whole = len(self._frames) < 2 * _MOST_FRAMES
            self._frames.extend(frames if whole else frames[: 2 * MAX_CALLERS])
            self._ends.append(len(self._frames))
            called = [self._functions[index] for index in frames[::2]]
            at = to_blame([(function.name, function.file) for function in called])
            self._blamed.extend(_NOBODY if at is None else frames[2 * at : 2 * at + 2])
            self._importing.append(imports(function.file for function in called))
        self.locks.update(message.locks)

    def leaf(self, stack: int | None) -> Place | None:
        """Where the innermost frame of a stack is; None for a stack that could not be read."""
        return None if stack is None else next(self.stack(stack))

    def stack(self, stack: int) -> Iterator[Place]:
        """Its frames, leaf first. ValueError where there is none of that number."""
        self._check(stack)
        frames = self._frames
        places = range(self._ends[stack], self._ends[stack + 1], 2)
        return (Place(frames[at], frames[at + 1]) for at in places)

    def callers(self, stack: int) -> list[Place]:
        """Who called its leaf, outwards as far as it takes to tell what the program itself was at.

        That is up to the second function that is not of the standard library, and on to the first of the
        user's own if both are of packages; of a stack that has none, as an idle worker's, the nearest three
        callers.
        """
        places = list(islice(self.stack(stack), MAX_CALLERS + 1))
        whose = [owner(self[place.function].file) for place in places]
        own = [at for at, of in enumerate(whose) if of != LIBRARY][:2]
        if not own:
            return places[1:4]
        last = max(own[-1], whose.index(USER) if USER in whose else 0)
        return places[1 : last + 1]

    def blamed(self, stack: int) -> Place | None:
        """Where the frame of a stack is that is to blame for what its thread does; see sources.py."""
        self._check(stack)
        place = Place(self._blamed[2 * stack], self._blamed[2 * stack + 1])
        return None if place == _NOBODY else place

    def importing(self, stack: int) -> bool:
        """Whether a stack is inside an import."""
        return bool(self._importing[stack])

    def _check(self, stack: int) -> None:
        if not 0 <= stack < len(self._importing):
            raise ValueError(f"stack {stack} was never named")
