"""Which names hold the large containers: of modules, their classes and instances, and running functions.

sys.modules leads to every module, a module to its names, a class and an instance to their attributes; a
thread's stack leads to the variables of the functions that it is in, those that they share with functions
around them too, and to their attributes. Newest modules come first, and no more than MOST_LOOKED names are
looked at. A container that is held by something else, such as an object in a list, is not found.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import NamedTuple

from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.runtime import Runtime
from app.probe.cpython.stacks import StackReader
from app.probe.cpython.survey import Inconsistent, interpreters, survey
from app.probe.kernel.memory import Unmapped
from app.probe.kernel.pace import Pace

from .object_types import DEQUE, DICT, LIST, SET, ObjectType, TypeTable

LEAST = 1_000  # items, of a container that is told of
MOST = 30  # containers told of, the largest
MOST_LOOKED = 60_000  # objects in a search: some 0.2 s of CPU
_LOOKED_PACED = 10  # from one look at the clock to the next
_MOST_THREADS = 100
_MOST_LOCALS = 200
_TAG = ~7  # from 3.14 on a reference in a frame carries tags
_CONTAINERS = (LIST, DICT, SET, DEQUE)
_MOST_ITEMS = 1 << 40
_STEPS = 2  # from a module's name: to an instance's or a class's attribute, and to one of that


class Holder(NamedTuple):
    """A container, and the names that lead to it."""

    path: str
    type: str
    length: int


class _Named(NamedTuple):
    """Something that a name stands for."""

    path: str  # of what the name is in
    key: int  # the address of the name, a str; 0 where `path` has it
    value: int


class HolderReader:
    """Of one process, for as long as it runs the same program."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._memory = runtime, runtime.memory
        self._types = TypeTable(runtime.memory, runtime.layout)
        self._objects = ObjectReader(runtime.memory, runtime.layout)
        self._stacks = StackReader(runtime)
        of = runtime.layout.objects
        self._type, self._own = of.ob_type, of.ob_size
        self._head = struct.Struct(f"={(of.ob_size + 16) // 8}Q")

    def read(self) -> Generator[None, None, list[Holder]]:
        """A slow read: the largest containers that names hold."""
        self._types.begin()
        self._stacks.distrust()
        found: dict[int, tuple[_Named, ObjectType, int]] = {}
        met: set[int] = set()
        pace = Pace()
        for names in (self._of_modules(), self._of_functions()):
            for looked, named in enumerate(names):
                if looked >= MOST_LOOKED:
                    break
                if looked % _LOOKED_PACED == 0 and pace.over:
                    yield
                    pace.begin()
                if named is None or named.value in met:
                    continue
                met.add(named.value)
                try:
                    kind, length = self._look(named.value)
                except Unmapped:
                    continue
                if kind is not None and kind.shape in _CONTAINERS and LEAST <= length < _MOST_ITEMS:
                    found[named.value] = named, kind, length
        largest = sorted(found.values(), key=lambda each: each[2], reverse=True)[:MOST]
        yield
        return list(self._told(largest))

    def _told(self, largest: list[tuple[_Named, ObjectType, int]]) -> Iterator[Holder]:
        for named, kind, length in largest:
            try:
                name = self._objects.text(named.key) if named.key else ""
            except (Inconsistent, Unmapped):
                continue
            yield Holder(named.path + name, kind.name, length)

    def _look(self, address: int) -> tuple[ObjectType | None, int]:
        """The type of an object; and how many items it has, if it is a container."""
        words = self._head.unpack(self._memory.read(address, self._head.size))
        kind = self._types.get(words[self._type // 8])
        own = self._own // 8
        return kind, words[own + 1] if kind is not None and kind.shape == SET else words[own]

    def _of_modules(self) -> Iterator[_Named | None]:
        """Every name in modules that is looked at; None where time has passed without one."""
        led: set[int] = set()
        for module, address in self._modules():
            todo = [(f"{module}: ", address, _STEPS)]
            while todo:
                path, holder, steps = todo.pop()
                yield None
                for key, value in self._attributes(holder):
                    yield _Named(path, key, value)
                    if not steps or value in led or not self._leads_on(value):
                        continue
                    led.add(value)
                    try:
                        name = self._objects.text(key)
                    except (Inconsistent, Unmapped):
                        continue
                    if not name.startswith("__"):
                        todo.append((f"{path}{name}.", value, steps - 1))

    def _modules(self) -> Iterator[tuple[str, int]]:
        """Name and address of each module, newest first."""
        layout = self._runtime.layout
        try:
            for interp in interpreters(self._memory, self._runtime.address, layout):
                entries = self._objects.entries(
                    self._memory.u64(interp + layout.interpreter_state.imports_modules)
                )
                for _, key, value in reversed(entries):
                    try:
                        yield self._objects.text(key), value
                    except (Inconsistent, Unmapped):
                        continue
        except (Inconsistent, Unmapped):
            return

    def _leads_on(self, value: int) -> bool:
        """Whether it is a class of Python's, or an instance of one."""
        try:
            kind = self._types.get(self._memory.u64(value + self._type))
        except Unmapped:
            return False
        return kind is not None and (kind.has_attributes or kind.makes_types)

    def _attributes(self, holder: int) -> list[tuple[int, int]]:
        """(name, value) of each attribute of a module, a class or an instance."""
        try:
            kind = self._types.get(self._memory.u64(holder + self._type))
            if kind is None:
                return []
            if kind.makes_types:
                of = self._types.class_dict(holder)
            elif kind.has_attributes:
                return self._objects.attributes(holder)
            else:
                of = self._memory.u64(holder + self._own)  # a module's
            return [(key, value) for _, key, value in self._objects.entries(of)] if of else []
        except (Inconsistent, Unmapped):
            return []

    def _of_functions(self) -> Iterator[_Named | None]:
        """Those of the functions that threads are in."""
        layout = self._runtime.layout
        try:
            threads = survey(self._memory, self._runtime.address, layout).threads[:_MOST_THREADS]
        except (Inconsistent, Unmapped):
            return
        for thread in threads:
            yield None
            try:
                frames = self._stacks.copy(thread.address)
            except (Inconsistent, Unmapped):
                continue
            for code, _, _, frame in frames:
                try:
                    names = self._stacks.variables(code)[:_MOST_LOCALS]
                    data = self._memory.read(frame + layout.interpreter_frame.localsplus, 8 * len(names))
                    function = self._stacks.code(code).function[0]
                except (Inconsistent, Unmapped):
                    continue
                for name, word in zip(names, struct.unpack(f"={len(names)}Q", data)):
                    value = self._in_cell(word & _TAG if layout.version >= (3, 14) else word)
                    if not value:
                        continue
                    yield _Named(f"{function}(): {name}", 0, value)
                    if self._leads_on(value):
                        for key, attribute in self._attributes(value):
                            yield _Named(f"{function}(): {name}.", key, attribute)

    def _in_cell(self, value: int) -> int:
        """What a cell holds, by which nested functions share a variable; of anything else that itself."""
        try:
            kind = self._types.get(self._memory.u64(value + self._type)) if value else None
            return self._memory.u64(value + self._own) if kind is not None and kind.name == "cell" else value
        except Unmapped:
            return 0
