"""An operation made ready to be tried: compiled into a loop, its byte code, and what came of the tries."""

from __future__ import annotations

import dis
from time import monotonic_ns
from types import FunctionType
from typing import Any

from app.workloads.atomicity.operations import Left, Operation

_STEP = 50  # tries between two looks at the clock
_NUMBERS = 1_000_000  # of a thread
_ERRORS = (ValueError, RuntimeError, LookupError)  # what an operation may raise when it is interrupted

_LOOP = """\
def attempt(numbers, mine, errors):
    global i, y
    for x in numbers:
        try:
            {statement}
        except ERRORS as error:
            errors.append(error)
"""
_ONCE = """\
def once(x, mine):
    global i, y
    {statement}
"""
_LINE_OF_ONCE = 3


class Trial:
    """One operation, the tries so far, and how many of them went wrong."""

    def __init__(self, operation: Operation, threads: int) -> None:
        self.operation = operation
        self.tries = 0
        self.lost = 0
        self.byte_code = _byte_code(operation.statement)
        self._names: dict[str, Any] = {"ERRORS": _ERRORS}
        self._attempt = _compile(_LOOP, operation.statement, self._names)["attempt"]
        self._tried = [0] * threads
        self._mine: list[list[Any]] = [[] for _ in range(threads)]
        self._errors: list[list[Exception]] = [[] for _ in range(threads)]

    def begin(self) -> None:
        """Make ready for a round; no thread is at it."""
        self._names.update(self.operation.start())

    def play(self, thread: int, until_ns: int) -> int:
        """One thread's part of a round: how often it tried."""
        base = 1 if self.operation.same_numbers else 1 + thread * _NUMBERS
        mine, errors = self._mine[thread], self._errors[thread]
        done = 0
        while done < self.operation.most and monotonic_ns() < until_ns:
            self._attempt(range(base + done, base + done + _STEP), mine, errors)
            done += _STEP
        self._tried[thread] = done
        return done

    def judge(self) -> None:
        """Count what went wrong in the round; no thread is at it any more."""
        tries = sum(self._tried)
        raised = sum(map(len, self._errors))
        self.lost += max(0, self.operation.lost(Left(self._names, tries, self._mine))) + raised
        self.tries += tries
        for noted in (*self._mine, *self._errors):
            noted.clear()

    @property
    def verdict(self) -> str:
        """What the tries say, and no more than that."""
        if not self.tries:
            return "not tried"
        return "not atomic" if self.lost else f"no loss seen in {self.tries:,} tries"


def _compile(source: str, statement: str, names: dict[str, Any]) -> dict[str, Any]:
    exec(compile(source.format(statement=statement), "<operation>", "exec"), names)
    return names


def _byte_code(statement: str) -> str:
    """The instructions of the statement, as this interpreter compiles it."""
    once: FunctionType = _compile(_ONCE, statement, {})["once"]
    code = once.__code__
    starts = list(dis.findlinestarts(code))
    ends = [*(start for start, _ in starts[1:]), len(code.co_code)]
    lines = [range(start, end) for (start, line), end in zip(starts, ends) if line == _LINE_OF_ONCE]
    shown = [each for each in dis.get_instructions(code) if any(each.offset in line for line in lines)]
    while shown[-1].opname.startswith("RETURN") or shown[-1].argrepr == "None":
        shown.pop()  # the end of the function, which a line in the midst of others does not have
    return ", ".join(f"{each.opname} {_argument(each)}".strip() for each in shown)


def _argument(instruction: dis.Instruction) -> str:
    """What it works on. 3.14 gives LOAD_SMALL_INT a value, and no text for it."""
    if instruction.opname == "LOAD_SMALL_INT":
        return repr(instruction.argval)
    return instruction.argrepr
