"""speedscope: where the time of all threads went, a profile for each group of states.

The weights are the summary's own, of `where`: see app/analysis/where.py. The format is described at
https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from app.exporters.exporter import Source
from app.exporters.stacks import own
from app.model.summary import FlameNode

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
PROFILES = (
    ("Held: running Python, or blocked with the GIL in hand", ("running", "stalled")),
    ("Waiting for the GIL", ("waiting",)),
    ("Blocked: locks, system calls, sleep", ("lock", "io", "sleep")),
    ("C code without the GIL", ("native",)),
    ("Unknown: not read", ("unknown",)),
)

Json = dict[str, Any]
_Places = dict[tuple[str, str | None, int | None], int]  # name, file, line: the index among the frames


class Speedscope:
    """An Exporter."""

    name = "speedscope"
    suffix = ".speedscope.json"
    media_type = "application/json"
    title = "Profiles (speedscope)"

    def export(self, source: Source) -> Iterator[bytes]:
        """As Exporter says."""
        frames: list[Json] = []
        places: _Places = {}
        where = source.summary["where"]
        tree = where["flame"] if where else None
        by_state = {state["name"]: state for state in tree["children"]} if tree else {}
        profiles = []
        for name, states in PROFILES:
            samples: list[list[int]] = []
            weights: list[float] = []
            for state in states:
                if state in by_state:
                    root = [_frame(by_state[state], frames, places)] if len(states) > 1 else []
                    for stack, weight in _stacks(by_state[state], root, frames, places):
                        samples.append(stack)
                        weights.append(weight)
            profiles.append(
                {
                    "type": "sampled",
                    "name": name,
                    "unit": "milliseconds",
                    "startValue": 0,
                    "endValue": sum(weights),
                    "samples": samples,
                    "weights": weights,
                }
            )
        body = {
            "$schema": SCHEMA,
            "exporter": "GILScope",
            "name": source.run["name"],
            "activeProfileIndex": 0,
            "shared": {"frames": frames},
            "profiles": profiles,
        }
        yield json.dumps(body, ensure_ascii=False).encode()


def _frame(node: FlameNode, frames: list[Json], places: _Places) -> int:
    """The index of a node's function among the frames."""
    key = (node["name"], node["file"], node["line"])
    if key not in places:
        places[key] = len(frames)
        names = ("name", "file", "line")
        frames.append({name: value for name, value in zip(names, key, strict=True) if value is not None})
    return places[key]


def _stacks(
    node: FlameNode,
    path: list[int],
    frames: list[Json],
    places: _Places,
) -> Iterator[tuple[list[int], float]]:
    """(stack, weight) of each node that has time of its own, root first."""
    if (weight := own(node)) > 0:
        yield path, weight
    for child in node["children"]:
        yield from _stacks(child, [*path, _frame(child, frames, places)], frames, places)
