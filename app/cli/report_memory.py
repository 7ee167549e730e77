"""Memory, heaps and collectors in the report of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from app.cli.report_cluster import called
from app.cli.tables import Column, render
from app.model import units
from app.model.summary import (
    CensusRow,
    CollectorRow,
    HeapRow,
    HolderRow,
    MemoryPeak,
    MemoryRow,
    MemoryTogether,
    PartName,
    Parts,
    PauseFigures,
    Pinned,
    Summary,
    TypeRow,
)
from app.model.units import ABSENT

Whose = Callable[[int], str]  # what the process of a pid is called


def _by_pid(pid: int) -> str:
    return f"pid {pid}"


def parts(summary: Summary) -> list[str]:
    """The tables of a summary that speak of memory; those that would be empty are left out."""
    whose = partial(called, summary)
    tables = (
        _memory(summary, whose),
        _rss(summary, whose),
        types(summary.get("types"), summary.get("census") or (), whose),
        holders(summary.get("holders"), whose),
        _heaps(summary, whose),
        _collectors(summary, whose),
    )
    return [part for part in tables if part]


def _rss(summary: Summary, whose: Whose) -> str:
    """What RSS is made of, of the processes with most of it."""
    known = [row for row in summary["memory"] if row.get("parts") is not None]
    known.sort(key=lambda row: row["rss"] or 0, reverse=True)
    return bar(known[:_BARS], summary.get("memory_together"), whose)


# What each part of RSS is, see app/analysis/parts.py.
PARTS: dict[PartName, str] = {
    "objects_in_use": "Python's allocator, in use",
    "objects_free": "Python's allocator, free",
    "c_in_use": "C library, in use",
    "c_trimmable": "C library, free, malloc_trim gives it back",
    "c_free_kept": "C library, free, stays",
    "c_mapped": "C library, blocks with their own mapping",
    "stacks": "thread stacks",
    "files": "files",
    "shared": "shared memory",
    "huge_waste": "zeros in huge pages (about)",
    "other": "other",
}
_BAR = 40  # characters
_BARS = 3  # of a run's report
_ONE_INSTANT_S = 1.0
_LEAST_ROWS = 0.0005  # of the whole: what is less has no line


def bar(rows: list[MemoryRow], together: MemoryTogether | None, whose: Whose = _by_pid) -> str:
    """Where RSS went, a process a part; of several their PSS first, which adds up."""
    parts = []
    if together is not None and together["processes"] > 1:
        head = (
            f"{together['processes']} processes: PSS {units.size(together['pss'])}, shared pages counted once"
            f"{_age(together)}{_age_of_parts(together)}"
        )
        known = together["parts"]
        parts.append(f"{head}\n{_bar(known, _sum(known))}" if known else head)
    for row in rows:
        if row["parts"] is None or row["rss"] is None:
            rss = units.size(row["rss"])
            parts.append(f"{whose(row['pid'])}: RSS {rss}; its mappings have not been read")
            continue
        sizes = f"RSS {units.size(row['rss'])}, USS {units.size(row['uss'])}"
        head = f"{whose(row['pid'])}: {sizes}{_allocator(row)}"
        whole = _sum(row["parts"])
        if whole != row["rss"]:
            head += f"; its parts at {units.seconds(row['parts_at_s'])}, when RSS was {units.size(whole)}"
        parts.append("\n".join([head, _bar(row["parts"], whole), "", *row["verdict"]]))
    return "\n\n".join(parts)


def _age(together: MemoryTogether) -> str:
    """When its sizes were read, where that is no one instant."""
    if together["to_s"] - together["from_s"] < _ONE_INSTANT_S:
        return ""
    return f", read from {together['from_s']:.1f} s to {together['to_s']:.1f} s"


def _age_of_parts(together: MemoryTogether) -> str:
    """When these were read, where the sizes are newer, or why there are none."""
    unread, whole = together.get("unread"), together.get("parts_pss")  # summaries of before have none
    if unread:
        return f"; the mappings of {unread} of them have not been read yet"
    if whole is None or whole == together["pss"]:
        return ""
    span = f"from {together['parts_from_s']:.1f} s to {together['parts_to_s']:.1f} s"
    return f"; the parts {span}, when it was {units.size(whole)}"


def _sum(parts: Parts) -> int:
    return sum(bytes_ or 0 for bytes_ in parts.values())


def _allocator(row: MemoryRow) -> str:
    library = row["c_library"]
    if library is None or library["allocator"] is None:
        return ""
    count = library["arenas"]
    arenas = "" if count is None else f", {units.count(count)} arena{'s' * (count != 1)}"
    return f"; {library['allocator']} {library['version'] or ''}".rstrip() + arenas


def _bar(parts: Parts, whole: int) -> str:
    rows = [
        [
            name,
            units.size(bytes_),
            units.share(bytes_ / whole if whole else 0.0),
            "█" * round(_BAR * bytes_ / whole),
        ]
        for part, name in PARTS.items()
        if (bytes_ := parts[part]) and bytes_ >= _LEAST_ROWS * whole
    ]
    columns = [Column(""), Column("", "right"), Column("", "right"), Column("")]
    return "\n".join(render(columns, rows).splitlines()[1:])


_MAPPINGS = 5


def largest(rows: list[MemoryRow]) -> str:
    """The mappings that have most in memory, of all processes; what is in all of these is in each of them."""
    several = len(rows) > 1
    found = [(row["pid"], each) for row in rows for each in row["largest"]]
    found.sort(key=lambda each: -each[1].rss)
    told = [
        [f"{each.name} (pid {pid})" if several else each.name, each.kind, units.size(each.rss)]
        for pid, each in found[:_MAPPINGS]
    ]
    return (
        render([Column("largest mappings"), Column("kind"), Column("in memory", "right")], told)
        if told
        else ""
    )


def _memory(summary: Summary, whose: Whose) -> str:
    columns = [Column("memory"), Column("at", "right")]
    columns += [Column(name, "right") for name in ("RSS", "USS", "PSS", "swap", "peak RSS")]
    columns += [Column("minor faults", "right"), Column("major faults", "right")]
    rows = [
        [
            whose(process["pid"]),
            units.seconds(process["at_s"]),
            *map(
                units.size,
                (process["rss"], process["uss"], process["pss"], process["swap"], process["peak_rss"]),
            ),
            units.count(process["minor_faults"]),
            units.count(process["major_faults"]),
        ]
        for process in summary["memory"]
        if process["rss"] is not None
    ]
    if not rows:
        return ""
    table = render(columns, rows)
    return f"{table}\n{_together(summary['memory_peak'])}" if len(rows) > 1 else table


def _together(peak: MemoryPeak) -> str:
    """What all processes took at once."""
    if peak["pss"] is None:
        return f"together at most RSS {units.size(peak['rss'])}, pages that several share counted in each"
    return f"together at most PSS {units.size(peak['pss'])}, pages that several share counted once"


_TYPES = 10


def types(rows: list[TypeRow] | None, censuses: Sequence[CensusRow] = (), whose: Whose = _by_pid) -> str:
    """The types whose objects take most, of all processes; `censuses` tell when they were counted."""
    if not rows:
        return ""
    when = ""
    if censuses:
        instants = sorted(census["at_s"] for census in censuses)
        when = f", at {' to '.join(dict.fromkeys(map(units.seconds, (instants[0], instants[-1]))))}"
    columns = [Column(f"live objects (estimated{when})")]
    columns += [Column(name, "right") for name in ("objects", "", "bytes", "", "change", "")]
    several = len({(row["pid"], row["interpreter"]) for row in rows}) > 1
    told = [
        [
            f"{row['type']} ({_of(row, whose)})" if several else row["type"],
            units.count(row["count"]) if row["count"] else "few",
            _off(units.count(row["count_high"] - row["count"])),
            units.size(row["bytes"]),
            _off(units.size(row["high"] - row["bytes"])),
            _change(row["count_per_s"], units.count),
            _change(row["bytes_per_s"], units.size),
        ]
        for row in rows[:_TYPES]
    ]
    return render(columns, told)


def holders(rows: list[HolderRow] | None, whose: Whose = _by_pid) -> str:
    """The large containers that names hold, those that grow fastest first."""
    if not rows:
        return ""
    several = len({row["pid"] for row in rows}) > 1
    columns = [Column("large containers, held by"), Column("type")]
    columns += [Column("items", "right"), Column("change", "right")]
    told = [
        [
            f"{row['path']} ({whose(row['pid'])})" if several else row["path"],
            row["type"],
            units.count(row["items"]),
            _change(row["items_per_s"], units.count),
        ]
        for row in rows[:_TYPES]
    ]
    return render(columns, told)


def _off(half: str) -> str:
    return "" if half.startswith("0") and not half.startswith("0.") else f"± {half}"


def _change(per_s: float | None, spoken: Callable[[int], str]) -> str:
    if per_s is None or not round(per_s):
        return ""
    return f"{'+' if per_s > 0 else '−'}{spoken(abs(round(per_s)))}/s"


def _heaps(summary: Summary, whose: Whose) -> str:
    columns = [Column("heap"), Column("allocator")]
    columns += [
        Column(name, "right") for name in ("in use", "blocks", "arenas", "their size", "not in use", "pinned")
    ]
    rows = [
        [
            _of(heap, whose),
            heap["allocator"],
            units.size(heap["bytes_used"]),
            units.count(heap["blocks_used"]),
            units.count(heap["arenas"]),
            units.size(heap["arena_bytes"]),
            units.share(heap["fragmentation"]),
            _pinned(heap["pinned"]) if heap["allocator"] == "pymalloc" else ABSENT,
        ]
        for heap in summary["heap"] or ()
    ]
    return render(columns, rows) if rows else ""


def _pinned(pinned: Pinned) -> str:
    if not pinned["arenas"]:
        return "none"
    return (
        f"{units.count(pinned['arenas'])}: {units.size(pinned['held_bytes'])} "
        f"hold {units.size(pinned['bytes'])}"
    )


def _collectors(summary: Summary, whose: Whose) -> str:
    columns = [Column("collector"), Column("collections", "right"), Column("collected", "right")]
    columns += [Column(name, "right") for name in ("pauses seen", "p50", "p99", "longest", "stopped")]
    rows = [
        [
            _of(collector, whose) + ("" if collector["enabled"] is not False else ", disabled"),
            " + ".join(map(units.count, collector["collections"])) or ABSENT,
            units.count(sum(collector["collected"])),
            units.count(collector["pauses"]["seen"]),
            *_lengths(collector["pauses"]),
            units.share(collector["pauses"]["stopped_share"]),
        ]
        for collector in summary["gc"] or ()
    ]
    if not rows:
        return ""
    said = [sentence for row in summary["gc"] or () for sentence in row.get("said") or ()]
    return "\n".join([render(columns, rows), *([""] if said else []), *said])


def _lengths(pauses: PauseFigures) -> list[str]:
    return [units.seconds(length_s) for length_s in (pauses["p50_s"], pauses["p99_s"], pauses["max_s"])]


def _of(row: HeapRow | CollectorRow | TypeRow, whose: Whose) -> str:
    return whose(row["pid"]) + (f", interpreter {row['interpreter']}" if row["interpreter"] else "")
