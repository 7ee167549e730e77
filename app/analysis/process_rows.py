"""Memory, heaps, collectors and the other readings of processes: their rows in summary, figures and header.

A row of a summary has its `course` beside the fields that processes.py, heaps.py and collectors.py describe:
{"names": [...], "rows": [[...]]}, how it went over the run in about sixty rows. A live row has none, since
the header of a stream has them all; that of a collector has `share` instead, the share of the last second in
which it had stopped its threads. A row of a process has a `parts_course` as well. `readings` has the rows of
what app/model/readings lists, by the type of the message.
"""

from __future__ import annotations

from typing import Any, TypedDict

from app.analysis.census import type_rows
from app.analysis.collectors import CollectorReading, CollectorUse
from app.analysis.heaps import HeapReading
from app.analysis.ledger import Ledger
from app.analysis.processes import PARTS_COURSE, MemoryReading, ProcessUse
from app.model.frames import to_json
from app.model.summary import (
    CensusRow,
    CollectorFigures,
    CollectorRow,
    HeapRow,
    HolderRow,
    MemoryFigures,
    MemoryPeak,
    MemoryRow,
    MemoryTogether,
    TypeRow,
)

Json = dict[str, Any]


class SummaryRows(TypedDict):
    """Those of a summary; `heap`, `gc`, `types`, `census` and `holders` are null where none was read."""

    memory: list[MemoryRow]
    memory_peak: MemoryPeak
    memory_together: MemoryTogether | None
    heap: list[HeapRow] | None
    gc: list[CollectorRow] | None
    types: list[TypeRow] | None
    census: list[CensusRow] | None
    holders: list[HolderRow] | None
    readings: dict[str, list[Json]]


def summary_rows(ledger: Ledger) -> SummaryRows:
    """Those of a summary."""
    return {
        "memory": [
            {
                **memory_row(ledger, process),
                "course": process.course.to_json(MemoryReading._fields),
                "parts_course": process.parts_course.to_json(PARTS_COURSE),
            }
            for process in ledger.processes
        ],
        "memory_peak": {**ledger.processes.peak},
        "memory_together": ledger.processes.together(),
        "heap": [{**heap.row(), "course": heap.course.to_json(HeapReading._fields)} for heap in ledger.heaps]
        or None,
        "gc": [
            {**collector_row(ledger, collector), "course": collector.course.to_json(CollectorReading._fields)}
            for collector in ledger.collectors
        ]
        or None,
        "types": type_rows(ledger.censuses) or None,
        "census": [heap.row() for heap in ledger.censuses] or None,
        "holders": ledger.containers.rows(live=False) or None,
        "readings": {name: kept.rows() for name, kept in ledger.readings.items()},
    }


def live_rows(ledger: Ledger) -> Json:
    """Of figures: `memory`, `heap`, `gc`, `types`, `census`, `holders`, `readings`, of processes there."""
    return {
        "memory": [memory_row(ledger, process) for process in ledger.processes.live()],
        "memory_together": ledger.processes.together(),
        "heap": [heap.row() for heap in ledger.heaps.live()] or None,
        "gc": [
            {**collector_row(ledger, collector), "share": collector.rolling_share(ledger.edge_us)}
            for collector in ledger.collectors.live()
        ]
        or None,
        "types": type_rows(ledger.censuses.live()) or None,
        "census": [heap.row() for heap in ledger.censuses.live()] or None,
        "holders": ledger.containers.rows(live=True) or None,
        "readings": {name: kept.live_rows() for name, kept in ledger.readings.items()},
    }


def header_fields(ledger: Ledger) -> Json:
    """What of it a viewer who comes late has missed."""
    return {
        "courses": {
            "memory": [
                {"pid": process.pid, **process.course.to_json(MemoryReading._fields)}
                for process in ledger.processes.live()
            ],
            "parts": [
                {"pid": process.pid, **process.parts_course.to_json(PARTS_COURSE)}
                for process in ledger.processes.live()
            ],
            "pools": ledger.pools.courses(),
            **{name: kept.courses() for name, kept in ledger.readings.items()},
        },
        "columns": {name: [*kept.columns] for name, kept in ledger.readings.items()},
        "pauses": list(ledger.collectors.pauses),
        "heaps": [{**to_json(heap.message()), "mapped_us": heap.mapped_us} for heap in ledger.heaps.live()],
    }


def memory_row(ledger: Ledger, process: ProcessUse) -> MemoryFigures:
    """Its row; of what it was there are words of its collectors, too."""
    collectors = [collector for collector in ledger.collectors if collector.pid == process.pid]
    # What several interpreters take is known of all of them together, and so nobody's alone.
    cycles = collectors[0].dead_cycles(process.rss) if len(collectors) == 1 else None
    row = process.memory_row(ledger.censuses.large_objects(process.pid), cycles)
    for collector in collectors:
        row["verdict"] += collector.kept()
    return row


def collector_row(ledger: Ledger, collector: CollectorUse) -> CollectorFigures:
    """The row of a collector, as of now."""
    process = ledger.processes.get(collector.pid)
    until_us = ledger.edge_us if collector.gone_us is None else min(ledger.edge_us, collector.gone_us)
    observed_us = until_us - max(ledger.begin_us, collector.since_us)
    message, rss = (process.message, process.rss) if process else (None, None)
    several = sum(each.pid == collector.pid for each in ledger.collectors) > 1
    return collector.row(observed_us, until_us, message, rss, several)
