"""Why a program failed, from the end of what it wrote."""

from __future__ import annotations

import re
import signal

_BEGINS = re.compile(r"(  \+ Exception Group )?Traceback \(most recent call last\):$")
_GROUP_MARGIN = "  | "
# A SyntaxError has no traceback, only the line.
_EXCEPTION = re.compile(r"([A-Za-z_]\w*\.)*\w*(Error|Exception|Interrupt|Exit)(: .*)?$")


# What CPython ends with after an exception that nobody has caught; another status was chosen.
_BY_EXCEPTION = (1, -signal.SIGINT, 128 + signal.SIGINT)


def failure(exit_code: int, text: str) -> str:
    """What to say of a program that ended so (a signal's number is negative), after it had written `text`."""
    how = _how(exit_code)
    exception = exception_of(text) if exit_code in _BY_EXCEPTION else None
    if exception is not None:
        return f"{exception} ({how})"
    last = last_line_of(text)
    return f"It ended with {how}" + (f"; its last line: {last}" if last else "")


def _how(exit_code: int) -> str:
    if exit_code >= 0:
        return f"exit status {exit_code}"
    try:
        return f"signal {-exit_code}, {signal.Signals(-exit_code).name}"
    except ValueError:  # a real-time signal has no name
        return f"signal {-exit_code}"


def exception_of(text: str) -> str | None:
    """The last line of the last traceback: "ValueError: x"; None where there is none.

    Not of the text: what a program has printed is often written out only after its traceback.
    """
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines) if _BEGINS.match(line)]
    for line in lines[begins[-1] + 1 :] if begins else ():
        inner = line[len(_GROUP_MARGIN) :] if line.startswith(_GROUP_MARGIN) else line
        if inner.strip() and not inner[0].isspace():
            return inner
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), None)


def last_line_of(text: str) -> str | None:
    """The last line that is not empty; None where there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), None)
