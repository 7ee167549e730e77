"""The name of the task that a loop runs.

From 3.14 on the module _asyncio publishes where the thread state has its running task, and where a task has
its name. Before, the running task is in the dict `asyncio.tasks._current_tasks`, by its loop; no header tells
where a task's name lies, so a table does, and it is believed only where a str or an int lies there.
"""

from __future__ import annotations

import struct

from app.probe.cpython.objects import ObjectReader
from app.probe.cpython.runtime import Runtime, asyncio_debug
from app.probe.cpython.survey import Inconsistent
from app.probe.kernel.memory import Unmapped

# _Py_AsyncioModuleDebugOffsets: asyncio_task_object {size, task_name, ...}, asyncio_interpreter_state {size,
# asyncio_tasks_head}, asyncio_thread_state {size, asyncio_running_loop, asyncio_running_task, ...}
_PUBLISHED = struct.Struct("=8xQ72xQ")
_PUBLISHED_FROM = (3, 14)
# TaskObj.task_name of Modules/_asynciomodule.c
_TASK_NAME = {(3, 11, False): 144, (3, 12, False): 144, (3, 13, False): 128, (3, 13, True): 144}
_LONG_SHIFT = 3  # from 3.12 on the lowest bits of an int's tag are its sign
_MAX_DEFAULT = 2  # digits of the number in a default name


class Tasks:
    """The running tasks of one process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime, self._memory, self._layout = runtime, runtime.memory, runtime.layout
        self._objects = ObjectReader(runtime.memory, runtime.layout)
        self._current: dict[int, int] = {}  # `_current_tasks`, by interpreter: the module never makes another
        self._offsets: tuple[int, int] | None = None
        self._found = False

    @property
    def exact(self) -> bool:
        """Whether the interpreter itself tells which task runs."""
        return self._layout.version >= _PUBLISHED_FROM

    def name(self, state: int, interp: int, loop: int) -> str | None:
        """The name of the task that `loop` runs; None where it runs none, or that could not be told."""
        try:
            task = self._running(state, interp, loop)
            return self._name_of(task) if task else None
        except (Inconsistent, Unmapped):
            return None

    def _running(self, state: int, interp: int, loop: int) -> int | None:
        if self.exact:
            offsets = self._published()
            return self._memory.u64(state + offsets[1]) if offsets else None
        current = self._current.get(interp) or self._find_current(interp)
        if not current:
            return None
        self._current[interp] = current
        return next((task for _, key, task in self._objects.entries(current) if key == loop), None)

    def _find_current(self, interp: int) -> int | None:
        modules = self._memory.u64(interp + self._layout.interpreter_state.imports_modules)
        module = self._objects.item(modules, b"asyncio.tasks")
        return self._objects.module_attribute(module, b"_current_tasks") if module else None

    def _name_of(self, task: int) -> str | None:
        offsets = self._published()
        key = (*self._layout.version, self._layout.free_threaded)
        at: int | None = offsets[0] if offsets else _TASK_NAME.get(key)
        if at is None:
            return None
        name = self._memory.u64(task + at)
        try:
            return self._objects.text(name)
        except Inconsistent:
            number = self._number(name)
            return f"Task-{number}" if number is not None else None

    def _number(self, address: int) -> int | None:
        """A default name is the task's number until somebody asks for it."""
        if self._layout.version < (3, 12):
            return None
        head = self._layout.objects.ob_size
        tag = self._memory.u64(address + head)
        count = tag >> _LONG_SHIFT
        if not 0 < count <= _MAX_DEFAULT or tag & 3:
            return None
        digits: tuple[int, ...] = struct.unpack(
            f"={count}I", self._memory.read(address + head + 8, 4 * count)
        )
        return sum(digit << 30 * place for place, digit in enumerate(digits))

    def _published(self) -> tuple[int, int] | None:
        """(where a task has its name, where a thread state has its running task)"""
        if not self.exact or self._found:
            return self._offsets
        at = asyncio_debug(self._memory.pid)
        if at is not None:
            try:
                self._offsets = _PUBLISHED.unpack(self._memory.read(at, _PUBLISHED.size))
                self._found = True
            except Unmapped:
                pass
        return self._offsets
