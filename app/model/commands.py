"""What a server asks of an observer that runs: lines of JSON on its standard input, after the ObserverSpec.

{"command": "stop", "state": "stopped" | "timed_out" | "finished"}     end the target, then yourself
{"command": "signal", "number": 15, "terminal": false}
{"command": "heap", "look": true}
{"command": "action", "name": "..."}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Union, get_args


@dataclass(frozen=True)
class Stop:
    """End the target and its tree, then the observation. `state` is how the run has then ended."""

    command: ClassVar[str] = "stop"
    state: str = "stopped"


@dataclass(frozen=True)
class Signal:
    """Send a signal to the program that was started, and to it alone.

    `terminal`: the observer's process group has got it already, and with it the program, unless that has
    left the group.
    """

    command: ClassVar[str] = "signal"
    number: int
    terminal: bool = False


@dataclass(frozen=True)
class LookAtHeap:
    """Somebody looks at the heap's map, or nobody any more."""

    command: ClassVar[str] = "heap"
    look: bool


@dataclass(frozen=True)
class Act:
    """Have the workload do one of its actions."""

    command: ClassVar[str] = "action"
    name: str


Command = Union[Stop, Signal, LookAtHeap, Act]

_BY_WORD: dict[str, type[Any]] = {kind.command: kind for kind in get_args(Command)}


def encode(command: Command) -> str:
    """The command as a line, without the line's end."""
    return json.dumps({"command": command.command, **command.__dict__})


def decode(line: str | bytes) -> Command:
    """The command that a line holds; ValueError says what is wrong with it."""
    body = json.loads(line)
    if not isinstance(body, dict) or body.get("command") not in _BY_WORD:
        raise ValueError(f"not a command to an observer: {str(body)[:80]}")
    fields = {name: value for name, value in body.items() if name != "command"}
    try:
        command: Command = _BY_WORD[body["command"]](**fields)
    except TypeError as error:
        raise ValueError(f"a {body['command']} command of another version: {error}") from None
    return command
