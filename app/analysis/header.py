"""What a viewer needs to draw a run from the start, whenever it comes.

{"type": "header", "hello", "processes": [process message],
 "threads": [[lane, pid, tid, name, interpreter]], "gils": [[gil, pid, interpreter]],
 "figures", "series": {"names", "every", "rows"},
 "courses": {"memory", "parts", "pools", and each type of reading: [{"pid", "names", "rows"}]},
 "columns": {type of reading: [the names in its course, but for `at_us`]},
 "pauses": [row of a collector message], "events": [event message],
 "heaps": [the newest heap message of each heap, with the whole map, and `mapped_us`: when that was told]}

`pid` in the course of a pool is the pool's number.
"""

from __future__ import annotations

from typing import Any

from app.analysis.figures import figures_of
from app.analysis.ledger import Ledger
from app.analysis.process_rows import header_fields
from app.model.frames import to_json


def header_of(ledger: Ledger) -> dict[str, Any]:
    """The header as of now; ValueError before the hello."""
    if ledger.hello is None:
        raise ValueError("an observation begins with its hello, which has not come yet")
    return {
        "type": "header",
        "hello": _without_script(to_json(ledger.hello)),
        "processes": [to_json(message) for message in ledger.processes.messages()],
        "threads": [
            [thread.lane, thread.pid, thread.tid, thread.name, thread.interpreter]
            for thread in ledger.threads.spoken_of(ledger.at_us)
        ],
        "gils": [[gil.index, gil.pid, gil.interpreter] for gil in ledger.gils],
        "figures": figures_of(ledger) if ledger.frames.length_us else None,
        "series": ledger.series.to_json(),
        "events": [to_json(event) for event in ledger.events],
        **header_fields(ledger),
    }


def _without_script(hello: dict[str, Any]) -> dict[str, Any]:
    """A script's text is in the recording, to start it again; whoever looks at the run needs it not."""
    return {**hello, "run": {name: value for name, value in hello["run"].items() if name != "script"}}
