"""A forked child that reads its parent's objects once, says what that cost, and stays to be looked at."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable

from app.workloads.context import Json
from app.workloads.memory.measures import private
from app.workloads.names import name_this_thread


class ChildReader:
    """The child. It ends when `close` is called, or with its parent. For a process of one thread."""

    def __init__(self, objects: Iterable[object]) -> None:
        told, tell = os.pipe()
        stay, self._leave = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(told)
            os.close(self._leave)
            _read_and_stay(objects, tell, stay)
        os.close(tell)
        os.close(stay)
        with open(told, "rb") as answer:
            body = answer.read()
        if not body:
            self.close()
            raise RuntimeError(f"the child (process {self._pid}) ended before it had read the objects")
        self.read: Json = {"pid": self._pid, **json.loads(body)}

    def close(self) -> None:
        """Have the child end, and wait for that."""
        os.close(self._leave)
        os.waitpid(self._pid, 0)


def _read_and_stay(objects: Iterable[object], tell: int, stay: int) -> None:
    """Never returns: what the parent was about to do is not this process's to do."""
    try:
        name_this_thread("reader")
        gc.disable()
        before = private()
        for _ in objects:
            pass
        os.write(tell, json.dumps({"uss_before": before, "uss_after": private()}).encode())
        os.close(tell)
        os.read(stay, 1)
    finally:
        os._exit(0)
