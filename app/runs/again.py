"""What starts a run anew: the request that it came of, as far as it was kept."""

from __future__ import annotations

from typing import Any

from app.model.errors import Conflict
from app.model.redaction import is_blanked, is_cut
from app.runs.request import DECLARED

Json = dict[str, Any]


def request_of(planned: Json) -> Json:
    """The body of a request for the same again, made of what the run's hello says of it.

    Conflict where that cannot be had: of a process that was attached to, of what ran elsewhere, of a command
    in which a secret was blanked or whose end was left out, of a script whose recording is from before
    scripts were kept. Of a command neither the working directory nor the environment is part of it: it gets
    the server's.
    """
    kind = planned["kind"]
    asked = {
        name: planned[name]
        for name, declared in DECLARED.items()
        if kind in declared.of and planned.get(name) not in (None, {})
    }
    if asked.get("name") == planned.get("workload"):
        asked.pop("name", None)
    if kind == "attach":
        raise Conflict("A process that ran already cannot be started again", "Attach to one that runs now.")
    if "via" in planned:
        raise Conflict(
            f"It ran where `{planned['via']}` leads, and would be started here",
            "Start it there again: gilscope record --via.",
        )
    command = asked.get("command", ())
    if is_blanked(command):
        raise Conflict(
            "This command held what looks like a secret, which is not kept",
            "Start it again from where it is known.",
        )
    if is_cut(command):
        raise Conflict(
            "This command was longer than what is kept of one, so its end is missing",
            "Start it again from where it is known.",
        )
    if kind == "script" and "script" not in asked:
        raise Conflict("The text of this script was not kept", "Paste it again under Your code.")
    return asked
