"""anyio's default limiter of a loop's worker threads: how many tasks stand in line for it."""

from __future__ import annotations

import struct

from app.probe.cpython.layouts import Layout
from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import ProcessMemory, Unmapped

_MOST = 1 << 40
_COUNT = struct.Struct("=q")


class Limiters:
    """Finds and reads those of one process."""

    def __init__(self, memory: ProcessMemory, layout: Layout) -> None:
        self._memory, self._layout = memory, layout
        self._objects = ObjectReader(memory, layout)
        self._own = layout.objects.ob_size  # sizeof(PyObject): where a class's own fields begin

    def line(self, interpreter: int, loop: int) -> int | None:
        """The dict in which tasks wait for the limiter of a loop; None where none is found. AddressSpaceGone.

        anyio keeps by loop what belongs to it: `_run_vars` of anyio.lowlevel, a WeakKeyDictionary of dicts,
        and in these the limiter by the variable `_default_thread_limiter`, or by that one's name.
        """
        try:
            return self._line(interpreter, loop)
        except (Inconsistent, Unmapped):
            return None

    def _line(self, interpreter: int, loop: int) -> int | None:
        objects = self._objects
        modules = self._memory.u64(interpreter + self._layout.interpreter_state.imports_modules)
        lowlevel = objects.item(modules, b"anyio.lowlevel")
        backend = objects.item(modules, b"anyio._backends._asyncio")
        by_loop = lowlevel and objects.module_attribute(lowlevel, b"_run_vars")
        variable = backend and objects.module_attribute(backend, b"_default_thread_limiter")
        data = by_loop and objects.attribute(by_loop, b"data")
        if not data or not variable:
            return None
        keys = (variable, objects.slot(variable, b"_name"))
        for _, reference, its in objects.entries(data):
            if self._memory.u64(reference + self._own) != loop:  # wr_object
                continue
            for _, key, limiter in objects.entries(its):
                if key in keys:
                    return self._attribute(limiter, b"_wait_queue")
        return None

    def _attribute(self, instance: int, name: bytes) -> int | None:
        """In __slots__ since anyio 4.8 or so, in the instance's dict before."""
        try:
            found = self._objects.slot(instance, name)
        except (Inconsistent, Unmapped):
            found = None
        return found or self._objects.attribute(instance, name)

    def waiting(self, line: int) -> int | None:
        """How many stand in it; None where what is read cannot be. AddressSpaceGone."""
        try:
            (count,) = _COUNT.unpack(self._memory.read(line + self._own, _COUNT.size))  # ma_used
        except Unmapped:
            return None
        return int(count) if 0 <= count < _MOST else None
