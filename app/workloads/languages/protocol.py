"""What the programs of `allocate` are given, and what they say: the same in Python, Java and C++.

    arguments         DEPTH KEEP ...          a tree of DEPTH has 2^(DEPTH+1) - 1 nodes; each thread keeps
                                              its last KEEP trees, the oldest goes for each new one
    standard input    THREADS MILLISECONDS    a phase, one line each; the next comes when it is done. When
                                              the input ends the program does, at once, amid a phase too
    standard output   {"ready": {"name", "version"}}
                      {"trees": 12}           built in this phase so far, several times a second
                      {"done": {"threads", "trees", "start_ns", "end_ns", "pauses": [[start_ns, length_ns]]}}

Instants are on CLOCK_MONOTONIC. A pause is one of the collector's. The JVM tells of its own by lines of its
log between these, `[NANOSECONDSns] GC(n) Pause ... 1.234ms`, written as a pause ends; C++ has none.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from app.workloads.context import Json

_JVM_PAUSE = re.compile(r"\[(\d+)ns\]\s*GC\(\d+\) Pause .*?(\d+(?:\.\d+)?)ms")
_NS_A_MS = 1_000_000


class RuntimePause(NamedTuple):
    """A time in which the collector had all threads stand still."""

    start_ns: int
    length_ns: int


def phase_line(threads: int, length_s: float) -> bytes:
    """What asks for a phase."""
    return f"{threads} {max(1, round(length_s * 1000))}\n".encode()


def parse(line: str) -> Json | RuntimePause | None:
    """What a program said: an object, a pause of the JVM, or None for what the JVM says beside that."""
    if line.startswith("{"):
        body: dict[str, Any] = json.loads(line)
        return body
    found = _JVM_PAUSE.match(line)
    if found is None:
        return None
    length_ns = round(float(found[2]) * _NS_A_MS)
    return RuntimePause(int(found[1]) - length_ns, length_ns)
