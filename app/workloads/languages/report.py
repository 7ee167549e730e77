"""What the runtimes did, as a table, as pictures on one clock, and in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

from app.workloads.context import Json
from app.workloads.picture import COLOURS, Axis, Line, Mark, chart

_MIB = 1 << 20


def of(found: Json) -> Json:
    """The result's fields that are made of what was found."""
    measured = [runtime for runtime in found["runtimes"] if runtime["phases"]]
    return {
        "table": _table(measured, found["thread_counts"]),
        "pictures": _pictures(measured, found["thread_counts"]) if measured else [],
    }


def name_of(runtime: Json) -> str:
    """A runtime by name and version."""
    return f"{runtime['name']} {runtime['version']}" if runtime["version"] else str(runtime["name"])


def gain(runtime: Json) -> float | None:
    """How many times as much the most threads did as one; None where either was not reached."""
    phases = runtime["phases"]
    if len(phases) < 2 or not phases[0]["trees"]:
        return None
    return float(phases[-1]["nodes_per_s"] / phases[0]["nodes_per_s"])


def _table(measured: Sequence[Json], counts: Sequence[int]) -> Json:
    columns = [
        "runtime",
        *(f"{count} thread{'s' * (count > 1)}, nodes/s" for count in counts),
        "gain",
        "cores kept busy",
        "peak memory",
        "pauses",
        "longest",
        "in all",
    ]
    return {"columns": columns, "rows": [_row(runtime, counts) for runtime in measured]}


def _row(runtime: Json, counts: Sequence[int]) -> list[str]:
    speeds = {phase["threads"]: phase["nodes_per_s"] for phase in runtime["phases"]}
    pauses, gained = runtime["pauses"], gain(runtime)
    has_pauses = pauses["count"] > 0
    return [
        name_of(runtime),
        *(f"{speeds[count] / 1e6:.2f} million" if count in speeds else "–" for count in counts),
        f"{gained:.2f} ×" if gained is not None else "–",
        f"{runtime['phases'][-1]['cores']:.2f}",
        f"{runtime['peak_rss_bytes'] / _MIB:.0f} MiB",
        f"{pauses['count']:,}",
        f"{pauses['max_ms']:.2f} ms" if has_pauses else "–",
        f"{pauses['total_ms']:.1f} ms" if has_pauses else "–",
    ]


# ---- pictures


def _pictures(measured: Sequence[Json], counts: Sequence[int]) -> list[Json]:
    colours = dict(zip((runtime["key"] for runtime in measured), cycle(COLOURS)))
    return [_scaling(measured, counts, colours), _memory(measured, colours)]


def _scaling(measured: Sequence[Json], counts: Sequence[int], colours: dict[str, str]) -> Json:
    lines = [
        Line(
            runtime["name"],
            colours[runtime["key"]],
            [
                (phase["threads"], phase["nodes_per_s"] / runtime["phases"][0]["nodes_per_s"])
                for phase in runtime["phases"]
                if runtime["phases"][0]["trees"]
            ],
            dots=True,
        )
        for runtime in measured
    ]
    said = [f"{name_of(runtime)} {gain(runtime):.2f} times" for runtime in measured if gain(runtime)]
    return {
        "title": f"How many times as much so many threads do as one, up to {counts[-1]}",
        "svg": chart(
            Axis("threads", "{:g}".format, [float(n) for n in counts]), Axis("×", "{:g}".format), lines
        ),
        "alt": f"With {counts[-1]} threads as with one: {', '.join(said)}.",
    }


def _memory(measured: Sequence[Json], colours: dict[str, str]) -> Json:
    lines = [
        Line(
            runtime["name"],
            colours[runtime["key"]],
            [(at, size / _MIB) for at, size in runtime["rss"]],
        )
        for runtime in measured
    ]
    marks = [Mark(colours[runtime["key"]], at) for runtime in measured for at, _ in runtime["longest_pauses"]]
    peaks = [f"{name_of(each)} {each['peak_rss_bytes'] / _MIB:.0f} MiB" for each in measured if each["rss"]]
    return {
        "title": "Resident memory of each runtime in turn, with the collectors' pauses as strokes below",
        "svg": chart(
            Axis("seconds since the start", "{:g}".format), Axis("MiB", "{:g}".format), lines, marks
        ),
        "alt": f"At most: {', '.join(peaks)}.",
    }


# ---- sentences


def showed(result: Json) -> list[str]:
    """What the run showed, with its numbers."""
    most = result["thread_counts"][-1]
    sentences = [
        _sentence(runtime, most, gain(runtime)) for runtime in result["runtimes"] if runtime["phases"]
    ]
    for lack in result["missing"]:
        sentences.append(f"Without {lack['name']}: {lack['why']}. {lack['remedy']}")
    sentences += [f"{failure['name']} failed: {failure['why']}." for failure in result["failed"]]
    late = [name_of(runtime) for runtime in result["runtimes"] if not runtime["phases"]]
    if late := late + result["not_reached"]:
        told = f"The time was up before these had done what is measured: {', '.join(late)}."
        sentences.append(f"{told} Give the run more seconds.")
    return [sentence[0].upper() + sentence[1:] for sentence in sentences]


def _sentence(runtime: Json, most: int, gained: float | None) -> str:
    first, last, pauses = runtime["phases"][0], runtime["phases"][-1], runtime["pauses"]
    speed = (
        f"{name_of(runtime)} made and freed {first['nodes_per_s'] / 1e6:.2f} million nodes/s on one thread"
    )
    scale = (
        f", {gained:.2f} times that on {most}, where it kept {last['cores']:.2f} cores busy"
        if gained is not None
        else ""
    )
    memory = f"; its memory came to {runtime['peak_rss_bytes'] / _MIB:.0f} MiB"
    stops = (
        f", and its collector ran {pauses['count']:,} times, {pauses['max_ms']:.2f} ms at the longest"
        if pauses["count"]
        else ", and no collector ran"
    )
    return f"{speed}{scale}{memory}{stops}."
