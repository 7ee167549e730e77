"""python -m app.probe: one observation, as app.model.spec and app.model.frames describe.

--doctor [PID]    what works here, and for that process, as one JSON object: see doctor.py
--processes       the processes of this machine, as one JSON object: see listing.py
--memory PID      the memory of that process and those below it, as messages: see snapshot.py. One JSON object
                  a line, of its sizes and then of its live objects
--keep SECONDS BYTES     one observation, whose messages are kept so long, and so many of them, while the line
                to here is cut: see line/
--again NAME    another line to the keeper of that name
"""

from __future__ import annotations

import gc
import json
import signal
import sys

from app.model.errors import GilscopeError

from .doctor import examine
from .line.keeper import Bounds, keep
from .line.relay import relay
from .listing import listing
from .observer import serve
from .program.target import adopt_orphans
from .snapshot import snapshot


def main(words: list[str]) -> None:
    """Does what the command line asks for."""
    if words[:1] == ["--doctor"]:
        _print(examine(int(words[1]) if words[1:] else None))
    elif words == ["--processes"]:
        _print(listing())
    elif words[:1] == ["--memory"] and words[1:]:
        _memory(int(words[1]))
    elif words[:1] == ["--keep"] and len(words) == 3:
        keep(_observe, Bounds(float(words[1]), int(words[2])))
    elif words[:1] == ["--again"] and words[1:]:
        relay(words[1])
    elif words:
        usage = "[--doctor [PID] | --processes | --memory PID | --keep SECONDS BYTES | --again NAME]"
        sys.exit(f"usage: python -m app.probe {usage}; it was {words}")
    else:
        _observe()


def _memory(pid: int) -> None:
    try:
        for messages in snapshot(pid):
            _print({"schema": 1, "messages": messages, "error": None})
    except GilscopeError as error:
        _print({"schema": 1, "messages": [], "error": error.to_json()})


def _observe() -> None:
    # What a terminal or a supervisor sends to the whole group is for the server and the target to judge; the
    # observer ends with its standard input. A handler, since the target would inherit what is ignored.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda number, frame: None)
    adopt_orphans()
    gc.freeze()
    serve()


def _print(report: dict[str, object]) -> None:
    # ASCII: a file name that is no UTF-8 holds surrogates, which no output can encode.
    sys.stdout.write(json.dumps(report, separators=(",", ":")) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
