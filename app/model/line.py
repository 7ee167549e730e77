"""What the two sides of `--via` say to each other beside an observer's messages: lines of JSON.

The near side (app/runs/line.py) starts a command that leads to the far side; there a keeper
(app/probe/line/keeper.py) stands between the observer and whatever line there is to the near side. Lines of
their own begin with MARK; all others are the server's, to the observer, or the observer's messages, whose
`seq` numbers them.

    near to far

    {"line": "from", "have": N}                   first on each line: I have all up to message N
    {"line": "ping", "sent_ns": T, "have": N}     about once a second
    {"line": "end"}                               nobody is here any more: end the observation

    far to near

    {"line": "here", "version": V, "name": S, "commands": C, "next": N, "held": H}
                              first on each line. `name` leads to this keeper again; C lines of the server
                              have come; H of the messages up to N that the near side has not are kept
    {"line": "pong", "sent_ns": T, "read_ns": R, "commands": C}
                              R is of this side's CLOCK_MONOTONIC
    {"line": "over", "seq": N, "status": S, "said": S}
                              the observer has ended; what it wrote to standard error last
    {"line": "gone", "why": S}
                              there is no keeper any more
"""

from __future__ import annotations

import json
from typing import Any

VERSION = 1
MARK = b'{"line":'
KEEP_S = 120.0  # for the near side to come again: then the keeper ends the observation, and itself
KEEP_BYTES = 16 << 20  # of messages: some minutes of one busy process
SILENT_S = 15.0  # without a byte, from a side that says something each second: the line is cut

Json = dict[str, Any]


def say(word: str, **more: Any) -> bytes:
    """A line, with its end."""
    return json.dumps({"line": word, **more}, separators=(",", ":")).encode() + b"\n"


def heard(line: bytes) -> Json:
    """What a line says, without its end; ValueError where it is none of these."""
    body = json.loads(line)
    if not isinstance(body, dict) or not isinstance(body.get("line"), str):
        raise ValueError(f"not a line of the other side: {line[:80]!r}")
    return body
