"""A job with a set serial share, done by one worker, by two, and so on: what Amdahl's law says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from time import monotonic_ns
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.models.core_waits import CoreWaits
from app.workloads.models.ring import Pipe

UNITS = 200  # of work in a round: ten milliseconds or so for one worker

_UNIT = 2_000  # steps
_NS_A_MS = 1_000_000


class Prepared(NamedTuple):
    """How workers speak: units to do go one way, and the nanoseconds that they took the other."""

    workers: int
    serial_share: float
    to_do: Pipe
    done: Pipe


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    share = float(setting.params["serial_share"])
    return Prepared(setting.workers, share, Pipe.made(resources), Pipe.made(resources))


def _work(ctx: Context) -> Json | None:
    with CoreWaits() as waits:
        if ctx.role == "conductor":
            return _conduct(ctx, waits)
        while (units := ctx.prepared.to_do.get(ctx)) is not None:
            ctx.prepared.done.put(_timed_ns(ctx, waits, units))
        return None


def _timed_ns(ctx: Context, waits: CoreWaits, units: int) -> int:
    """Do so many units of work: how long it took, without what was spent waiting for a core."""
    start_ns = monotonic_ns() - waits.total_ns()
    for _ in range(units):
        if ctx.stopping:
            break
        for _ in range(_UNIT):
            pass
        ctx.count(1)
    return monotonic_ns() - waits.total_ns() - start_ns


def _conduct(ctx: Context, waits: CoreWaits) -> Json:
    """Rounds with one worker, with two, up to all of them, and again: how long each took."""
    rounds: list[list[float]] = [[] for _ in range(ctx.prepared.workers)]
    turn = 0
    while not ctx.stopping:
        workers = turn % ctx.prepared.workers + 1
        length_ns = _round_ns(ctx, waits, workers)
        if not ctx.stopping:  # else it was cut short
            rounds[workers - 1].append(length_ns / _NS_A_MS)
        turn += 1
    return {"rounds": rounds}


def _round_ns(ctx: Context, waits: CoreWaits, workers: int) -> int:
    """One round: the serial part, and the longest of the parts that are done at once."""
    serial = round(ctx.prepared.serial_share * UNITS)
    serial_ns = _timed_ns(ctx, waits, serial)
    shares = [(UNITS - serial + at) // workers for at in range(workers)]  # all of it, as even as it goes
    for share in shares[1:]:
        ctx.prepared.to_do.put(share)
    lengths_ns = [_timed_ns(ctx, waits, shares[0])]
    for _ in shares[1:]:
        lengths_ns.append(ctx.prepared.done.get(ctx) or 0)
    return serial_ns + max(lengths_ns)


def fitted_serial_share(times: dict[int, float]) -> float | None:
    """The serial share that agrees best with how long the job takes with so many workers.

    Amdahl: T(n) / T(1) = s + (1 - s) / n, so that T(n) / T(1) - 1 / n is s times (1 - 1 / n): a line through
    the origin, fitted by least squares. None without a time for one worker and for several.
    """
    if 1 not in times or len(times) < 2:
        return None
    points = [(1 - 1 / n, time / times[1] - 1 / n) for n, time in times.items()]
    return sum(x * y for x, y in points) / sum(x * x for x, _ in points)


def _summarise(prepared: Prepared, found: Sequence[Json], companion: Json | None) -> Json:
    times = {at + 1: median(lengths) for at, lengths in enumerate(found[0]["rounds"]) if lengths}
    rows = [[n, round(time, 2), round(times[1] / time, 3)] for n, time in times.items()]
    return {
        "serial_share": prepared.serial_share,
        "fitted_serial_share": fitted_serial_share(times),
        "table": {"columns": ["workers", "round_ms", "speed_up"], "rows": rows},
    }


def _showed(result: Json) -> Sequence[str]:
    share = result["fitted_serial_share"]
    if share is None:
        return ("The run ended before one worker and several had each done a round.",)
    bound = (
        f"however many workers, never more than {1 / share:.1f} times as fast" if share > 0 else "no bound"
    )
    workers, _, speed_up = result["table"]["rows"][-1]
    return (
        f"The job went {speed_up:.2f} times as fast with {workers} workers. That is what a serial share of "
        f"{share:.2f} would do: {bound}. It was set to {result['serial_share']:.2f}.",
    )


AMDAHL = Workload(
    name="amdahl",
    family="models",
    title="Amdahl's law",
    sentence="A job of which a set share can be done by one worker only: the share bounds the speed-up.",
    op="one unit of work",
    look_for=(
        "Each round is done by one worker, the next by two, and so on. In the serial part of a round only "
        "the conductor runs.",
        "The serial share is fitted to the times of the rounds. On processes it is what the parameter says; "
        "on threads the GIL makes all of the job serial, and the fit says so: 1, or more for the switches.",
        "What a worker spent waiting for a core, behind whatever else the machine does, is not in the times.",
    ),
    why=(
        "With n workers a job takes s + (1 - s) / n of the time, where s is the share that nobody can help "
        "with. As n grows, s is what is left.",
    ),
    helps=(
        "Make the serial part smaller: it bounds the whole, however many cores there are.",
        "Do more in the same time, rather than the same in less: with the parallel part that grows, the "
        "serial share falls (Gustafson).",
    ),
    subject="Amdahl's law (chapter 2).",
    mended=Variant("A smaller serial share", params={"serial_share": 0.05}),
    roles=("conductor", "helper"),
    work=_work,
    executors=("threads", "processes", "subinterpreters"),
    executor="processes",
    workers=2,
    min_workers=2,
    prepare=_prepare,
    summarise=_summarise,
    showed=_showed,
    params=(
        Param(
            "serial_share",
            "float",
            0.3,
            "The share of the job that only one worker can do.",
            min=0.0,
            max=1.0,
        ),
    ),
)
