"""A writer that publishes data by setting a flag, and readers that look whether the flag ever comes first."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack

from app.workloads.catalogue import Param, Setting, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown

_BATCH = 1_000


class Published:
    """The data, and the flag that says that it is there: both carry the number of the publication."""

    def __init__(self) -> None:
        self.data = 0
        self.flag = 0


def _prepare(setting: Setting, resources: ExitStack) -> Published:
    sys.setswitchinterval(float(setting.params["switch_interval_ms"]) / 1000)
    return Published()


def _work(ctx: Context) -> Json:
    return _publish(ctx) if ctx.role == "writer" else _read(ctx)


def _publish(ctx: Context) -> Json:
    shared: Published = ctx.prepared
    number = 0
    while not ctx.stopping:
        for _ in range(_BATCH):
            number += 1
            shared.data = number
            shared.flag = number
    return {"publications": number}


def _read(ctx: Context) -> Json:
    """Read the flag, then the data: older data than the flag says would be a violation."""
    shared: Published = ctx.prepared
    violations = seen = last = 0
    while not ctx.stopping:
        for _ in range(_BATCH):
            flag = shared.flag
            data = shared.data
            if data < flag:
                violations += 1
            if flag != last:
                seen += 1
                last = flag
        ctx.count(_BATCH)
    return {"violations": violations, "seen": seen}


def _summarise(shared: Published, found: Sequence[Json], companion: Json | None) -> Json:
    writer, *readers = found
    return {
        "publications": writer["publications"],
        "seen": sum(each["seen"] for each in readers),
        "violations": sum(each["violations"] for each in readers),
        "machine": platform.machine(),
    }


def _showed(result: Json) -> Sequence[str]:
    said = [
        f"{result['violations']:,} violations in {result['ops']:,} tries, in which readers met "
        f"{result['seen']:,} new publications of {result['publications']:,}."
    ]
    if not result["violations"]:
        said.append(
            f"None was seen on {result['machine']}, which says nothing of other machines."
            if result["machine"] != "x86_64"
            else "x86-64 itself keeps stores in order and loads in order, so it could not have shown one "
            "even if CPython did nothing about it."
        )
    return said


ORDERING = Workload(
    name="ordering",
    family="atomicity",
    title="Does the flag ever come before the data?",
    sentence="A writer stores data, then a flag; readers load the flag, then the data, and compare.",
    op="one reading of flag and data",
    look_for=(
        "Tries and violations: a violation is a reader that saw the flag of a publication, and then data "
        "from before it. None is expected, with a GIL or without.",
        "How many new publications the readers met: with a GIL a reader runs for a whole switch interval "
        "during which nothing changes, so most tries are the same. Free-threaded, they meet far more.",
    ),
    why=(
        "CPython runs a thread's byte code in the order in which it is written. A GIL is handed over "
        "under a mutex, which makes everything before it visible to the next holder.",
        "Without the GIL attributes and items are stored and loaded by atomic operations: a reader that "
        "sees the flag sees what was stored before it. Java says this of volatile fields, C++ of "
        "std::atomic with release and acquire; Python says it nowhere in its language reference.",
        "This run cannot show a weaker machine: x86-64 reorders only a store with a later load of something "
        "else, which publication does not need. ARM reorders more.",
    ),
    helps=(
        "Publish through what is made for it: queue.Queue, threading.Event, a lock around both.",
        "Or publish one reference to a finished object, instead of a flag beside it.",
    ),
    subject="Memory models: what a thread may see of another's writes (chapter 17).",
    roles=("writer", "reader"),
    counting="reader",
    work=_work,
    executors=("threads",),
    workers=2,
    min_workers=2,
    max_workers=16,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    shown=(
        Shown("publications", "Publications"),
        Shown("seen", "New publications that readers met"),
        Shown("violations", "Violations of the order"),
        Shown("machine", "Processor", "text"),
    ),
    params=(
        Param(
            "switch_interval_ms",
            "float",
            0.1,
            "How long a thread waits for the GIL before it asks the holder to let go. It means nothing "
            "without a GIL.",
            min=0.001,
            max=100.0,
            unit="ms",
        ),
    ),
)
