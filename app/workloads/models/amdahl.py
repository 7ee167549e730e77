"""A job with a set serial share, done by one worker, by two, and so on: what Amdahl's law says."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from time import thread_time_ns
from typing import NamedTuple

from app.workloads.catalogue import Param, Setting, Variant, Workload
from app.workloads.context import Context, Json
from app.workloads.measured import Shown, head
from app.workloads.models.core_waits import CoreWaits, Instant
from app.workloads.models.ring import Pipe

UNITS = 200  # of work in a round: twenty milliseconds or so for one worker, of which waking another is little

_UNIT = 10_000  # steps
_NS_A_MS = 1_000_000
_NS_A_US = 1_000


_HEADS = [
    *(head("Workers"), head("A round", "ms"), head("A unit of work", "us"), head("Speed-up", "times")),
]


class Part(NamedTuple):
    """What one worker did of a round."""

    units: int
    length_ns: int  # from when it could begin, without what was spent waiting for a core
    cpu_ns: int  # CPU time of the units

    @property
    def length_units(self) -> float:
        """Its length in units of work: how many this core does in that time, at the speed that it had."""
        return self.units * self.length_ns / self.cpu_ns if self.units else 0.0


class Round(NamedTuple):
    """The serial part, and the parts that were done at once, of which the longest counts."""

    serial: Part
    parallel: Sequence[Part]

    @property
    def length_ms(self) -> float:
        """As it was measured."""
        return (self.serial.length_ns + max(part.length_ns for part in self.parallel)) / _NS_A_MS

    @property
    def length_units(self) -> float:
        """Without the differences in speed between one core and another, or one moment and the next."""
        return self.serial.length_units + max(part.length_units for part in self.parallel)

    @property
    def unit_us(self) -> float:
        """CPU time of a unit, on average."""
        parts = (self.serial, *self.parallel)
        return sum(part.cpu_ns for part in parts) / sum(part.units for part in parts) / _NS_A_US


class Prepared(NamedTuple):
    """How workers speak: units to do, and since when, go one way; the fields of a Part come back."""

    workers: int
    serial_share: float
    to_do: Pipe
    done: Pipe


def _prepare(setting: Setting, resources: ExitStack) -> Prepared:
    share = float(setting.params["serial_share"])
    to_do, done = (Pipe.made(resources, numbers) for numbers in (2, len(Part._fields)))
    return Prepared(setting.workers, share, to_do, done)


def _work(ctx: Context) -> Json | None:
    with CoreWaits() as waits:
        if ctx.role == "conductor":
            return _conduct(ctx, waits)
        idle = waits.now()
        while (told := ctx.prepared.to_do.get(ctx)) is not None:
            units, begun_ns = told
            ctx.prepared.done.put(*_part(ctx, waits, units, Instant(begun_ns, idle.waited_ns)))
            idle = waits.now()
        return None


def _part(ctx: Context, waits: CoreWaits, units: int, begun: Instant) -> Part:
    """Do so many units of work that could begin at an instant.

    A helper's account of its waits is older than that instant, so they may be more than the time since.
    """
    start, start_cpu_ns = waits.now(), thread_time_ns()
    for _ in range(units):
        if ctx.stopping:
            break
        for _ in range(_UNIT):
            pass
        ctx.count(1)
    cpu_ns, end = thread_time_ns() - start_cpu_ns, waits.now()
    waited_ns = min(start.waited_ns - begun.waited_ns, start.at_ns - begun.at_ns)
    waited_ns += end.waited_ns - start.waited_ns
    return Part(units, end.at_ns - begun.at_ns - waited_ns, cpu_ns)


def _conduct(ctx: Context, waits: CoreWaits) -> Json:
    """Rounds with one worker, with two, up to all of them, and again."""
    rounds: list[list[tuple[float, float, float]]] = [[] for _ in range(ctx.prepared.workers)]
    turn = 0
    while not ctx.stopping:
        workers = turn % ctx.prepared.workers + 1
        done = _round(ctx, waits, workers)
        if not ctx.stopping:  # else it was cut short
            rounds[workers - 1].append((done.length_ms, done.unit_us, done.length_units))
        turn += 1
    return {"rounds": rounds}


def _round(ctx: Context, waits: CoreWaits, workers: int) -> Round:
    serial_units = round(ctx.prepared.serial_share * UNITS)
    serial = _part(ctx, waits, serial_units, waits.now())
    shares = [(UNITS - serial_units + at) // workers for at in range(workers)]  # as even as it goes
    begun = waits.now()
    for share in shares[1:]:
        ctx.prepared.to_do.put(share, begun.at_ns)
    parts = [_part(ctx, waits, shares[0], begun)]
    for _ in shares[1:]:
        parts.append(Part(*(ctx.prepared.done.get(ctx) or (0, 0, 0))))
    return Round(serial, parts)


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
    medians = {
        at + 1: list(map(median, zip(*rounds))) for at, rounds in enumerate(found[0]["rounds"]) if rounds
    }
    lengths = {workers: length for workers, (_, _, length) in medians.items()}
    rows = [
        [workers, round(round_ms, 2), round(unit_us, 2), round(lengths[1] / length, 3)]
        for workers, (round_ms, unit_us, length) in medians.items()
    ]
    return {
        "serial_share": prepared.serial_share,
        "fitted_serial_share": fitted_serial_share(lengths),
        "table": {"columns": ["workers", "round_ms", "unit_us", "speed_up"], "heads": _HEADS, "rows": rows},
    }


def _showed(result: Json) -> Sequence[str]:
    share = result["fitted_serial_share"]
    if share is None:
        return ("The run ended before one worker and several had each done a round.",)
    if share <= 0:
        bound = "no bound"
    elif share < 1:
        bound = f"however many workers, never more than {1 / share:.1f} times as fast"
    else:
        bound = "more workers never make it faster"
    workers, _, _, speed_up = result["table"]["rows"][-1]
    return (
        f"With a core for each, all of one speed, {workers} workers do the job {speed_up:.2f} times as fast "
        f"as one. That is what a serial share of {share:.2f} would do: {bound}. It was set to "
        f"{result['serial_share']:.2f}.",
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
        "The serial share is fitted to the speed-ups. On processes it is what the parameter says; on threads "
        "the GIL makes all of the job serial, and the fit says so: about 1.",
        "Waits for a core, behind whatever else the machine does, are not in round_ms. A core that shares "
        "its parts with another is slower while both work: unit_us is the CPU time that a unit of work took, "
        "and speed_up is what the rounds come to where every unit takes the same.",
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
    shown=(
        Shown("serial_share", "Serial share, as set", "share"),
        Shown("fitted_serial_share", "Serial share, as measured", "share"),
    ),
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
