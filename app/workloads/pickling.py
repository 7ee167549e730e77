"""What is pickled on the way between workers that have no object in common: how many bytes, and how long."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import reduction
from time import perf_counter_ns
from typing import Any


class Pickling:
    """Pickles, and counts the bytes that it made, and how long that and reading took."""

    def __init__(self, made: int = 0, ns: int = 0) -> None:
        self.bytes = made  # of what it pickled; what it reads somebody else made
        self.ns = ns

    @classmethod
    def sum(cls, parts: Iterable[Pickling]) -> Pickling:
        """All together."""
        known = list(parts)
        return cls(sum(each.bytes for each in known), sum(each.ns for each in known))

    def dumps(self, value: object) -> bytes:
        """The value pickled."""
        start_ns = perf_counter_ns()
        made = pickle.dumps(value)
        self.ns += perf_counter_ns() - start_ns
        self.bytes += len(made)
        return made

    def loads(self, data: bytes) -> Any:
        """What was pickled."""
        start_ns = perf_counter_ns()
        value = pickle.loads(data)
        self.ns += perf_counter_ns() - start_ns
        return value

    @contextmanager
    def of_starts(self) -> Iterator[None]:
        """Count what multiprocessing pickles to start a child in here: by fork it is nothing.

        Its start methods all pickle by one function of a module, into a file that they send then.
        """
        dump = reduction.dump

        def counted(value: object, file: Any, protocol: int | None = None) -> None:
            begin, start_ns = file.tell(), perf_counter_ns()
            dump(value, file, protocol)
            self.ns += perf_counter_ns() - start_ns
            self.bytes += file.tell() - begin

        reduction.dump = counted  # type: ignore[assignment]
        try:
            yield
        finally:
            reduction.dump = dump
