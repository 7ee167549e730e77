"""The programs: each a class whose `step` calls functions of a known amount of work."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
import zlib
from typing import ClassVar

_TEXT = "the quick brown fox jumps over the lazy dog " * 40
_BUFFER = bytes(range(256)) * 1024  # 256 KiB
_RECORD = {f"field{n}": [n, str(n), {"deep": n}] for n in range(60)}


class TrialProgram:
    """Half of `amounts` is done by the function that is made fast."""

    amounts: ClassVar[dict[str, int]]

    def __init__(self, fast: str | None) -> None:
        self.amount = {name: amount // 2 if name == fast else amount for name, amount in self.amounts.items()}

    def step(self) -> None:
        """One operation."""
        raise NotImplementedError


class LoopsProgram(TrialProgram):
    """Python alone, in functions of three sizes."""

    amounts: ClassVar[dict[str, int]] = {"small": 4000, "middle": 8000, "large": 20000}

    def step(self) -> None:
        """One operation."""
        self.small()
        self.middle()
        self.large()

    def small(self) -> int:
        total = 0
        for n in range(self.amount["small"]):
            total += n * n
        return total

    def middle(self) -> int:
        total = 0
        for n in range(self.amount["middle"]):
            total ^= n
        return total

    def large(self) -> int:
        total = 0
        for n in range(self.amount["large"]):
            total += n & 3
        return total


class ObjectsProgram(TrialProgram):
    """Python that makes many small objects."""

    amounts: ClassVar[dict[str, int]] = {"build": 4000, "join": 6000}

    def step(self) -> None:
        """One operation."""
        self.build()
        self.join()

    def build(self) -> dict[str, list[int]]:
        made: dict[str, list[int]] = {}
        for n in range(self.amount["build"]):
            made.setdefault(str(n % 97), []).append(n)
        return made

    def join(self) -> str:
        parts = []
        for n in range(self.amount["join"]):
            parts.append("x" + str(n))
        return ",".join(parts)


class JsonProgram(TrialProgram):
    """C code that keeps the GIL: json, and a regular expression."""

    amounts: ClassVar[dict[str, int]] = {"dump": 20, "search": 30}

    def step(self) -> None:
        """One operation."""
        self.dump()
        self.search()

    def dump(self) -> None:
        for _ in range(self.amount["dump"]):
            json.loads(json.dumps(_RECORD))

    def search(self) -> None:
        for _ in range(self.amount["search"]):
            re.findall(r"\b(\w+) (\w+)\b", _TEXT)


class HashesProgram(TrialProgram):
    """C code that lets go of the GIL, and a little Python."""

    amounts: ClassVar[dict[str, int]] = {"digest": 16, "count": 6000}

    def step(self) -> None:
        """One operation."""
        self.digest()
        self.count()

    def digest(self) -> None:
        for _ in range(self.amount["digest"]):
            hashlib.sha256(_BUFFER).digest()

    def count(self) -> int:
        total = 0
        for n in range(self.amount["count"]):
            total += n
        return total


class CompressProgram(TrialProgram):
    """As much C code without the GIL as Python."""

    amounts: ClassVar[dict[str, int]] = {"pack": 3, "score": 120000}

    def step(self) -> None:
        """One operation."""
        self.pack()
        self.score()

    def pack(self) -> None:
        for _ in range(self.amount["pack"]):
            zlib.compress(_BUFFER, 6)

    def score(self) -> int:
        total = 0
        for n in range(self.amount["score"]):
            total += n % 7
        return total


class WaitsProgram(TrialProgram):
    """Mostly asleep, with some Python."""

    amounts: ClassVar[dict[str, int]] = {"fetch": 20, "render": 40000}

    def step(self) -> None:
        """One operation."""
        self.fetch()
        self.render()

    def fetch(self) -> None:
        time.sleep(self.amount["fetch"] / 1000)

    def render(self) -> int:
        total = 0
        for n in range(self.amount["render"]):
            total += n % 5
        return total


class BusyProgram(TrialProgram):
    """Half Python, half asleep: two threads nearly saturate the lock."""

    amounts: ClassVar[dict[str, int]] = {"ask": 10, "answer": 240000}

    def step(self) -> None:
        """One operation."""
        self.ask()
        self.answer()

    def ask(self) -> None:
        time.sleep(self.amount["ask"] / 1000)

    def answer(self) -> int:
        total = 0
        for n in range(self.amount["answer"]):
            total += n % 5
        return total


_LOCK = threading.Lock()


class LockedProgram(TrialProgram):
    """A third of the work under a lock that all threads share."""

    amounts: ClassVar[dict[str, int]] = {"guarded": 60000, "free": 120000}

    def step(self) -> None:
        """One operation."""
        with _LOCK:
            self.guarded()
        self.free()

    def guarded(self) -> int:
        total = 0
        for n in range(self.amount["guarded"]):
            total += n % 5
        return total

    def free(self) -> int:
        total = 0
        for n in range(self.amount["free"]):
            total += n % 5
        return total


class SortsProgram(TrialProgram):
    """Long C calls that keep the GIL, and Python."""

    amounts: ClassVar[dict[str, int]] = {"order": 120000, "fold": 120000}

    def step(self) -> None:
        """One operation."""
        self.order()
        self.fold()

    def order(self) -> None:
        size = self.amount["order"]
        sorted((n * 7919) % size for n in range(size))

    def fold(self) -> int:
        total = 0
        for n in range(self.amount["fold"]):
            total = (total * 31 + n) & 0xFFFF
        return total


class CallsProgram(TrialProgram):
    """Many small Python calls, as of a parser."""

    amounts: ClassVar[dict[str, int]] = {"fib": 18, "walk": 3000}

    def __init__(self, fast: str | None) -> None:
        super().__init__(fast)
        self.rounds = 1 if fast == "fib" else 2

    def step(self) -> None:
        """One operation."""
        for _ in range(self.rounds):
            self.fib(self.amounts["fib"])
        self.walk()

    def fib(self, n: int) -> int:
        return n if n < 2 else self.fib(n - 1) + self.fib(n - 2)

    def walk(self) -> int:
        seen = 0
        for n in range(self.amount["walk"]):
            seen += self.leaf(n)
        return seen

    def leaf(self, n: int) -> int:
        return n & 1


PROGRAMS: dict[str, type[TrialProgram]] = {
    kind.__name__.removesuffix("Program").lower(): kind
    for kind in (
        LoopsProgram,
        ObjectsProgram,
        JsonProgram,
        HashesProgram,
        CompressProgram,
        WaitsProgram,
        BusyProgram,
        LockedProgram,
        SortsProgram,
        CallsProgram,
    )
}
