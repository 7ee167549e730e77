"""The line that says, while a run lives, how it goes."""

from __future__ import annotations

from typing import Any

from app.model import units

SEPARATOR = " · "


def title(run: dict[str, Any]) -> str:
    """What is run, on what: "convoy · threads 4 · CPython 3.13.0"; of an attached one its pid too."""
    parts = [run["name"]]
    if (attached := run.get("attach")) and attached.get("pid") is not None:
        parts.append(f"pid {attached['pid']}")
    if run["executor"] is not None:
        parts.append(f"{run['executor']} {run['workers']}")
    if run["python"] is not None:
        parts.append(f"CPython {run['python']}")
    return SEPARATOR.join(parts)


def cut(line: dict[str, Any] | None) -> str | None:
    """What is said of a line that is not there; of a run that is observed from here nothing."""
    if line is None or line["state"] != "cut":
        return None
    return f"line cut for {units.seconds(line['cut_s'])} so far, trying again"


def line(heading: str, figures: dict[str, Any]) -> str:
    """`heading`, the time since the run began, and the figures of the GIL that is held most.

    Several GILs (one a process, one an isolated interpreter): the line says which of how many it shows.
    """
    parts = [heading, f"{(figures['at_us'] - figures['begin_us']) / 1e6:.1f} s"]
    is_cut = cut(figures.get("line"))
    if is_cut is not None:
        return SEPARATOR.join([*parts, is_cut])
    gils = figures["gils"]
    main = next((gil for gil in gils if gil["gil"] == figures["main_gil"]), None)
    if main is not None:
        if len(gils) > 1:
            parts.append(f"GIL of pid {main['pid']}, the busiest of {len(gils)}")
        parts += [
            f"held {units.share(main['held_share'])}",
            f"contended {units.share(main['contended_share'])}",
            f"switches {units.per_second(main['switches_per_s'])}",
            f"waiters {units.mean(main['waiters'])}",
        ]
    return SEPARATOR.join(parts)
