"""The same allocation work in CPython, free-threaded CPython, Java and C++, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic_ns
from typing import Any

from app.workloads.catalogue import Param, Workload
from app.workloads.context import Context, Json
from app.workloads.languages import report
from app.workloads.languages.build import Stopped
from app.workloads.languages.models import MODELS
from app.workloads.languages.runtimes import LanguageRuntime, Missing, wanted
from app.workloads.languages.subject import Ended, LanguageSubject, OutOfTime

_NS_A_SECOND = 1_000_000_000
_MARGIN_S = 0.1  # kept back of each runtime's time, for its end
_SHORTEST_S = 0.02
_MOST_PAUSES = 400  # of one runtime, the longest, are listed and drawn; all are counted


def thread_counts(most: int) -> list[int]:
    """1, 2, 4, ... up to the most, and the most."""
    counts = [1 << power for power in range(most.bit_length()) if 1 << power < most]
    return [*counts, most]


def _work(ctx: Context) -> Json:
    found: Json = {
        "thread_counts": thread_counts(ctx.params["threads"]),
        **{kind: [] for kind in ("runtimes", "missing", "failed", "not_reached")},
    }
    runtimes = wanted(ctx.params)
    # Those that need no compiler come first, so that a short run has something to show.
    for compiled in (False, True):
        batch = [runtime for runtime in runtimes if runtime.compiled == compiled]
        commands = [(runtime, _command(ctx, runtime, found)) for runtime in batch]
        waiting = [(runtime, command) for runtime, command in commands if command is not None]
        later = 0 if compiled else len(runtimes) - len(batch)
        for place, (runtime, command) in enumerate(waiting):
            if ctx.stopping:
                found["not_reached"].append(runtime.name)
            else:
                _try(ctx, runtime, command, _left_s(ctx) / (len(waiting) - place + later), found)
    return found


def _command(ctx: Context, runtime: LanguageRuntime, found: Json) -> list[str] | None:
    """How a runtime is started, all compiled that it needs; None, and why, where it cannot be."""
    try:
        return runtime.command(ctx.params, lambda: ctx.stopping)
    except Missing as lack:
        found["missing"].append({"name": runtime.name, "why": str(lack), "remedy": lack.remedy})
    except Stopped:
        found["not_reached"].append(runtime.name)
    return None


def _try(ctx: Context, runtime: LanguageRuntime, command: list[str], lasts_s: float, found: Json) -> None:
    try:
        found["runtimes"].append(_observe(ctx, runtime, command, found["thread_counts"], lasts_s))
    except Ended as end:
        found["failed"].append({"name": runtime.name, "why": str(end)})


def _left_s(ctx: Context) -> float:
    return (ctx.span.deadline_ns - monotonic_ns()) / _NS_A_SECOND


def _observe(
    ctx: Context, runtime: LanguageRuntime, command: list[str], counts: list[int], lasts_s: float
) -> Json:
    """Have a runtime do all phases in the time given; what it had done when that was up."""
    until_ns = monotonic_ns() + int((lasts_s - _MARGIN_S) * _NS_A_SECOND)
    own: Json = {"key": runtime.key, "name": runtime.name, "version": None}
    phases: list[Json] = []
    with LanguageSubject(ctx, command) as subject:
        own["pid"] = subject.pid
        try:
            own.update(subject.ready())
            ctx.report({"runtime": own})
            # The first phase is not measured: a JVM compiles what it finds to run often.
            for place, threads in enumerate([1, *counts]):
                left_s = (until_ns - monotonic_ns()) / _NS_A_SECOND
                done = subject.phase(threads, max(_SHORTEST_S, left_s / (len(counts) + 1 - place)))
                if place:
                    phases.append(_phase(done, ctx))
        except OutOfTime:
            pass  # what there is by now is told
        except Ended:
            if not ctx.stopping:  # else it heard of the end as this process did
                raise
    return {**own, "phases": phases, **_observed(subject, ctx)}


def _phase(done: Json, ctx: Context) -> Json:
    seconds = (done["end_ns"] - done["start_ns"]) / _NS_A_SECOND
    nodes = done["trees"] * ((2 << ctx.params["depth"]) - 1)
    return {
        "threads": done["threads"],
        "start_s": (done["start_ns"] - ctx.span.start_ns) / _NS_A_SECOND,
        "seconds": seconds,
        "trees": done["trees"],
        "nodes_per_s": nodes / seconds,
        "cores": done["cpu_s"] / seconds,
    }


def _observed(subject: LanguageSubject, ctx: Context) -> Json:
    lengths = sorted(pause.length_ns for pause in subject.pauses)
    longest = sorted(subject.pauses, key=lambda pause: pause.length_ns)[-_MOST_PAUSES:]
    start_ns = ctx.span.start_ns
    return {
        "rss": [[round((at - start_ns) / _NS_A_SECOND, 4), size] for at, size in subject.rss],
        "peak_rss_bytes": max((size for _, size in subject.rss), default=None),
        "pauses": {
            "count": len(lengths),
            "total_ms": sum(lengths) / 1e6,
            "max_ms": lengths[-1] / 1e6 if lengths else None,
        },
        "longest_pauses": [
            [round((pause.start_ns - start_ns) / _NS_A_SECOND, 6), pause.length_ns / 1e6]
            for pause in sorted(longest)
        ],
    }


def _summarise(prepared: Any, found: Sequence[Json], companion: Json | None) -> Json:
    return {**found[0], **report.of(found[0])}


ALLOCATE = Workload(
    name="allocate",
    family="languages",
    title="Python, Java and C++ allocate",
    sentence="The same work in each: many small linked objects, made and let go, on one to N threads.",
    op="one tree built, walked and let go, in any of the languages",
    look_for=(
        "Threads of CPython build no more trees than one does, for they take turns; threads of the others "
        "build more, as long as there are cores.",
        "CPython and C++ free a tree as it is let go, so their memory is a level line. Java's is a saw: it "
        "grows until the collector comes, and the collector stops every thread.",
        "Each runtime is a process of its own, one after the other, on one clock: see the memory of each in "
        "the charts of this run, as the observer reads it from outside.",
    ),
    why=(
        "CPython counts the references to each object and frees it at zero. Counting is work for every "
        "reference made, and without a lock around it two threads would lose counts: that lock is the GIL.",
        "Java only moves a pointer to allocate, and pays when memory runs short: what is alive is copied, "
        "what is dead costs nothing. C++ does what the source says: shared_ptr counts, unique_ptr does not.",
        "Free-threaded CPython counts apart what a thread does to its own objects, and keeps a heap for "
        "each thread, so that threads allocate beside each other; its collector has to stop them all.",
    ),
    helps=(
        "Where Python is slow to allocate, allocate less: arrays and __slots__ in place of many small "
        "objects, and processes in place of threads.",
        "Give a JVM more heap, or another collector, and watch pauses and memory change places.",
    ),
    subject="Memory management in Java and C++ beside Python's memory manager (chapter 17).",
    table=MODELS,
    roles=("conductor",),
    work=_work,
    executors=("sequential",),
    executor="sequential",
    workers=1,
    max_workers=1,
    summarise=_summarise,
    showed=report.showed,
    params=(
        Param("threads", "int", 4, "The most threads that a runtime works with.", min=1, max=64),
        Param("depth", "int", 12, "A tree has 2^(depth+1) - 1 nodes: 8,191 with 12.", min=2, max=16),
        Param("keep", "int", 8, "How many trees each thread keeps alive.", min=1, max=64),
        Param("java", "bool", True, "Java, if a JDK is found."),
        Param("cpp", "bool", True, "C++, if g++ is found: with shared_ptr and with unique_ptr."),
        Param(
            "free_threaded",
            "text",
            "",
            "The path of a free-threaded CPython; empty: the first that is found; none: without one.",
            program=True,
        ),
        Param(
            "java_collector",
            "choice",
            "g1",
            "The JVM's collector.",
            choices=("g1", "parallel", "serial"),
        ),
        Param(
            "java_heap_mib",
            "int",
            256,
            "The most that the JVM's heap may grow to.",
            min=64,
            max=4096,
            unit="MiB",
        ),
    ),
)
