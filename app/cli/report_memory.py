"""Memory, heaps and collectors in the report of a run."""

from __future__ import annotations

from app.cli.tables import Column, render
from app.model import units
from app.model.summary import CollectorRow, HeapRow, MemoryPeak, PauseFigures, Pinned, Summary
from app.model.units import ABSENT


def parts(summary: Summary) -> list[str]:
    """The tables of a summary that speak of memory; those that would be empty are left out."""
    return [part for part in (_memory(summary), _heaps(summary), _collectors(summary)) if part]


def _memory(summary: Summary) -> str:
    columns = [Column("memory"), Column("at", "right")]
    columns += [Column(name, "right") for name in ("RSS", "USS", "PSS", "swap", "peak RSS")]
    columns += [Column("minor faults", "right"), Column("major faults", "right")]
    rows = [
        [
            f"pid {process['pid']}",
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


def _heaps(summary: Summary) -> str:
    columns = [Column("heap"), Column("allocator")]
    columns += [
        Column(name, "right") for name in ("in use", "blocks", "arenas", "their size", "not in use", "pinned")
    ]
    rows = [
        [
            _whose(heap),
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


def _collectors(summary: Summary) -> str:
    columns = [Column("collector"), Column("collections", "right"), Column("collected", "right")]
    columns += [Column(name, "right") for name in ("pauses seen", "p50", "p99", "longest", "stopped")]
    rows = [
        [
            _whose(collector) + ("" if collector["enabled"] is not False else ", disabled"),
            " + ".join(map(units.count, collector["collections"])) or ABSENT,
            units.count(sum(collector["collected"])),
            units.count(collector["pauses"]["seen"]),
            *_lengths(collector["pauses"]),
            units.share(collector["pauses"]["stopped_share"]),
        ]
        for collector in summary["gc"] or ()
    ]
    return render(columns, rows) if rows else ""


def _lengths(pauses: PauseFigures) -> list[str]:
    return [units.seconds(length_s) for length_s in (pauses["p50_s"], pauses["p99_s"], pauses["max_s"])]


def _whose(row: HeapRow | CollectorRow) -> str:
    return f"pid {row['pid']}" + (f", interpreter {row['interpreter']}" if row["interpreter"] else "")
