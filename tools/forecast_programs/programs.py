"""The programs: each a class whose `step` calls functions of a known amount of work."""

from __future__ import annotations

import ast
import bisect
import csv
import hashlib
import io
import json
import re
import threading
import time
import tokenize
import zlib
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

_TEXT = "the quick brown fox jumps over the lazy dog " * 40
_BUFFER = bytes(range(256)) * 1024  # 256 KiB
_SOURCE = Path(bisect.__file__).read_text()
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

    amounts: ClassVar[dict[str, int]] = {"order": 20000, "fold": 20000}

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
            seen += max(n & 1, n % 3)
        return seen


_SHARED: dict[int, int] = dict.fromkeys(range(64), 0)


class SharesProgram(TrialProgram):
    """Threads that change one dictionary, and then work for themselves."""

    amounts: ClassVar[dict[str, int]] = {"tally": 20000, "alone": 60000}

    def step(self) -> None:
        """One operation."""
        self.tally()
        self.alone()

    def tally(self) -> None:
        shared = _SHARED
        for n in range(self.amount["tally"]):
            shared[n & 63] += 1

    def alone(self) -> int:
        total = 0
        for n in range(self.amount["alone"]):
            total += n % 5
        return total


class TablesProgram(TrialProgram):
    """csv and decimal of the standard library."""

    amounts: ClassVar[dict[str, int]] = {"load": 1500, "total": 6000}

    def step(self) -> None:
        """One operation."""
        self.load()
        self.total()

    def load(self) -> int:
        lines = [f"{n},item {n},{n * 3}.50" for n in range(self.amount["load"])]
        return sum(len(row) for row in csv.reader(lines))

    def total(self) -> Decimal:
        whole = Decimal(0)
        price = Decimal("1.25")
        for _ in range(self.amount["total"]):
            whole += price
        return whole


class SourceProgram(TrialProgram):
    """Others' code: ast and tokenize of the standard library, at a module of it."""

    amounts: ClassVar[dict[str, int]] = {"parse": 8, "tokens": 2}

    def step(self) -> None:
        """One operation."""
        self.parse()
        self.tokens()

    def parse(self) -> None:
        for _ in range(self.amount["parse"]):
            ast.parse(_SOURCE)

    def tokens(self) -> None:
        for _ in range(self.amount["tokens"]):
            for _ in tokenize.generate_tokens(io.StringIO(_SOURCE).readline):
                pass


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
        SharesProgram,
        TablesProgram,
        SourceProgram,
    )
}
