"""A few lines of Python, run one at a time, and what their names reach after each.

The lines run in this process, traced by `sys.settrace`. A step is a line that has run, of the module or of a
function: the function's lines come before the line that called it. The graph is taken with the collector held
back, so that looking collects nothing, and all that is held while looking is let go of before the next line.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout, suppress
from inspect import CO_OPTIMIZED
from io import TextIOBase
from types import FrameType
from typing import Any

from app.workloads.context import Json
from app.workloads.memory import graph
from app.workloads.memory.afterlife import Afterlife, lost
from app.workloads.memory.blocks import Blocks

FILE = "<your lines>"
MAX_NAMES = 60
MAX_OBJECTS = 80  # of one step: more than a person can read, and few enough to send
MAX_EDGES = 200
MAX_PRINTED = 200  # characters that one line prints

Told = Callable[[Json], None]


class Enough(BaseException):
    """Raised within the lines to end them. Not an Exception, which they might catch in passing."""


class Printed(TextIOBase):
    """Takes what the lines print, as much of it as is told."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str) -> int:
        """Keep the beginning."""
        self._text += text[: MAX_PRINTED - len(self._text)]
        return len(text)

    def take(self) -> str:
        """What was printed since this was called last."""
        text, self._text = self._text, ""
        return text


class Stepper:
    """Runs lines, and tells of each step. `tell` may raise Enough; a step told may yet get another note."""

    def __init__(self, source: str, tell: Told, blocks: Blocks) -> None:
        self._source = source
        self._lines = source.splitlines()
        self._tell = tell
        self._blocks = blocks
        self._namespace: dict[str, Any] = {"__name__": graph.USER_MODULE}
        self._pending: dict[FrameType, int] = {}  # the line that each traced frame has begun, outermost first
        self._printed = Printed()
        self._afterlife = Afterlife()
        self._last: Json | None = None  # the newest step
        self._told: set[int] = set()  # objects of which it was said that no name reaches them

    def run(self) -> None:
        """Run the lines to their end. What they raise is noted in the last step."""
        try:
            code = compile(self._source, FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            self._failed(error, getattr(error, "lineno", None) or 1)
            return
        before = sys.gettrace()
        try:
            with redirect_stdout(self._printed), self._afterlife:
                sys.settrace(self._trace)
                try:
                    exec(code, self._namespace)
                finally:
                    sys.settrace(before)
                    self._pending.clear()
                    self._namespace.clear()  # while what a destructor prints is not the workload's own output
        except Enough:
            return
        except BaseException as error:  # noqa: BLE001 - whatever a person's lines raise is theirs to read
            lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if _is_traced(frame)]
            self._failed(error, lines[-1] if lines else 1)

    def _failed(self, error: BaseException, line: int) -> None:
        if self._last is None:
            with suppress(Enough):
                self._end(_step(line, self._text(line), []))
        assert self._last is not None
        # An exception of the user's own is not asked what it says: that would run code of theirs.
        said = f": {str(error)[:MAX_PRINTED]}" if type(error).__module__ == "builtins" else ""
        self._last["notes"].append(f"Line {line} raised {type(error).__name__}{said}. The lines end here.")

    def _end(self, step: Json) -> None:
        # A comprehension comes back to its line at every turn, and nothing that has a name has changed.
        if step != self._last:
            self._last = step
            self._tell(step)

    def _text(self, line: int) -> str:
        return self._lines[line - 1] if 0 < line <= len(self._lines) else ""

    # ---- one event at a time

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not _is_traced(frame):
            return None
        if event == "line":
            self._end_line(frame)
            self._pending[frame] = frame.f_lineno
        elif event == "return":
            del argument  # what is returned: one reference more to it
            self._end_line(frame)
            self._pending.pop(frame, None)
        return self._trace

    def _end_line(self, frame: FrameType) -> None:
        """The line that the frame was in has run, if it was in one."""
        line = self._pending.get(frame)
        if line is None:
            return
        collects = gc.isenabled()
        gc.disable()
        try:
            step = self._look(frame, line, self._afterlife.survivors())
        finally:
            if collects:
                gc.enable()
        self._end(step)

    def _look(self, frame: FrameType, line: int, alive: list[Any]) -> Json:
        names = [*self._named(self._namespace, ""), *self._local_names()]
        whole = graph.reach([value for _, _, value in names[:MAX_NAMES]], self._namespace, MAX_OBJECTS)
        reached = len(whole.objects)
        whole = graph.reach([*whole.objects, *alive], self._namespace, MAX_OBJECTS)
        numbers, notes = self._afterlife.take(whole.objects, reached, alive)
        by_address = dict(zip(map(id, whole.objects), numbers))
        step = _step(line, self._text(line), notes)
        step["names"] = [
            {"name": name, "scope": scope, "object": by_address[id(value)]}
            for name, scope, value in names[:MAX_NAMES]
            if id(value) in by_address
        ]
        step["edges"] = [[numbers[out], numbers[to], graph.cut(label)] for out, to, label in whole.edges]
        if whole.left_out or len(names) > MAX_NAMES:
            notes.append(f"Shown are {len(whole.objects)} objects; there are more.")
        alive.clear()  # they are references too, and so are the names
        names.clear()
        step["objects"] = self._described(whole.objects, numbers, reached, _held_by_frames(frame))
        notes += lost(step["objects"], step["edges"], self._told)
        if printed := self._printed.take().rstrip():
            notes.append(f"Printed: {printed}")
        step["edges"] = step["edges"][:MAX_EDGES]
        return step

    def _named(self, variables: Mapping[str, Any], scope: str) -> list[tuple[str, str, Any]]:
        return [
            (name, scope, value)
            for name, value in variables.items()
            if not (name.startswith("__") and name.endswith("__"))
        ]

    def _local_names(self) -> list[tuple[str, str, Any]]:
        functions = [frame for frame in self._pending if _is_function(frame)]
        return [row for frame in functions for row in self._named(dict(frame.f_locals), frame.f_code.co_name)]

    def _described(
        self, objects: list[Any], numbers: list[int], reached: int, held_by_frames: Counter[int]
    ) -> list[Json]:
        rows = []
        for place, (count, immortal) in enumerate(graph.count_references(objects)):
            address = id(objects[place])
            block = self._blocks.place(address)
            rows.append(
                {
                    "id": numbers[place],
                    "type": graph.type_name(objects[place]),
                    "repr": graph.shown(objects[place]),
                    "size": graph.size(objects[place]),
                    "refcount": None if count is None else count - held_by_frames[address],
                    "immortal": immortal,
                    "address": address,
                    "pool": block.pool if block else None,
                    "size_class": block.size_class if block else None,
                    "reachable": place < reached,
                }
            )
        return rows


def _step(line: int, source: str, notes: list[str]) -> Json:
    return {"line": line, "source": source, "names": [], "objects": [], "edges": [], "notes": notes}


def _is_traced(frame: FrameType) -> bool:
    """Module and functions; class bodies, comprehensions and the like are parts of the line they stand in."""
    code = frame.f_code
    return code.co_filename == FILE and (code.co_name == "<module>" or _is_function(frame))


def _is_function(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & CO_OPTIMIZED) and not frame.f_code.co_name.startswith("<")


def _held_by_frames(frame: FrameType | None) -> Counter[int]:
    """References by address that tracing itself added.

    Up to 3.12 the frame of a traced function keeps a dict of its variables beside them (PEP 667 mended that).
    """
    held: Counter[int] = Counter()
    while frame is not None and sys.version_info < (3, 13):
        if frame.f_code.co_filename == FILE and frame.f_code.co_flags & CO_OPTIMIZED:
            held.update(map(id, frame.f_locals.values()))
        frame = frame.f_back
    return held
