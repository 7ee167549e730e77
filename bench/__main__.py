"""`python -m bench [--quick] [--only PART] [--threads N] [--python PATH]`: what is measured, as it comes."""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import (
    arrival,
    blanking,
    c_library,
    census,
    cost,
    heap,
    history,
    long_runs,
    looks,
    peers,
    slowdown,
    tests_observed,
    viewers,
)
from bench.floor import language
from bench.spread import percentile, spread

PARTS = (
    *(
        "blanking",
        "cost",
        "peers",
        "slowdown",
        "tests",
        "looks",
        "arrival",
        "viewers",
        "heap",
        "c-library",
        "types",
    ),
    *("history", "long-runs"),
)
RATES_HZ = (1000.0, 5000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """How many times, and how long in seconds, each measurement is made."""

    cost_repeats: int
    cost_span_s: float
    peers: peers.PeerPlan
    pairs: int
    pair_s: float
    suite_pairs: int
    suite_tests: int
    arrival_s: float
    viewers: tuple[int, ...]
    viewers_s: float
    heap_size: int
    heap_pairs: int
    heap_span_s: float
    library_arenas: int
    library_pairs: int
    library_span_s: float
    library_observed: int
    census_objects: int
    census_readings: int
    look_programs: tuple[str, ...]
    look_pairs: int
    look_span_s: float
    runs: int
    answers: int
    long_s: float
    export_s: float


FULL = BenchPlan(
    cost_repeats=5,
    cost_span_s=4.0,
    peers=peers.PeerPlan(rounds=5, settle_s=2.0, span_s=4.0),
    pairs=15,
    pair_s=4.0,
    suite_pairs=10,
    suite_tests=10,
    arrival_s=20.0,
    viewers=(50, 200, 500),
    viewers_s=20.0,
    heap_size=heap.GIB,
    heap_pairs=10,
    heap_span_s=4.0,
    library_arenas=c_library.ARENAS,
    library_pairs=8,
    library_span_s=2.0,
    library_observed=4,
    census_objects=census.OBJECTS,
    census_readings=8,
    look_programs=tuple(looks.PROGRAMS),
    look_pairs=5,
    look_span_s=3.0,
    runs=10_000,
    answers=30,
    long_s=3600.0,
    export_s=600.0,
)
# What the observer is held to, at default rates with a free core: each is printed beside its figure.
AIM_FLOORS = {peers.OBSERVER: 2.2, peers.COMMAND: 3.0}  # times what the floor takes of the same target
AIM_ACHIEVED, AIM_SHARE = 0.9, 0.4  # at 10 kHz: of the rate that was asked for, and of a CPU
AIM_SLOWDOWN = 1.01
AIM_TESTS = 1.03  # a suite observed by pytest's plugin, over the same unobserved
AIM_ARRIVAL_MS = 100.0
AIM_VIEWERS_MS = 200.0  # p99, of 500; of up to 200 it is half of it
AIM_VIEWERS_MB = 100.0
AIM_LIBRARY_MS = 150.0
AIM_HISTORY_MS = 100.0
AIM_OPEN_MS = 1000.0
AIM_WINDOW_MS = 200.0
AIM_MEMORY_MB = 150.0
AIM_EXPORT_S = 5.0
AIM_BLANKING_NS = 50.0

QUICK = BenchPlan(
    cost_repeats=1,
    cost_span_s=0.5,
    peers=peers.PeerPlan(rounds=1, settle_s=0.2, span_s=0.5),
    pairs=2,
    pair_s=0.5,
    suite_pairs=1,
    suite_tests=1,
    arrival_s=1.5,
    viewers=(5,),
    viewers_s=1.5,
    heap_size=heap.GIB // 64,
    heap_pairs=1,
    heap_span_s=1.0,
    library_arenas=10,
    library_pairs=1,
    library_span_s=0.5,
    library_observed=1,
    census_objects=2_000,
    census_readings=1,
    look_programs=tuple(looks.PROGRAMS)[:1],
    look_pairs=1,
    look_span_s=0.5,
    runs=200,
    answers=2,
    long_s=3.0,
    export_s=2.0,
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="What observing costs.")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean little")
    parser.add_argument("--threads", type=int, default=8, help="threads of the target (8)")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="the target's interpreter")
    parser.add_argument("--only", choices=PARTS, action="append", metavar="PART", help=", ".join(PARTS))
    chosen = parser.parse_args()
    plan = QUICK if chosen.quick else FULL
    dice = random.Random()

    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.2f}")
    print(f"target: cpu-bound, {chosen.threads} threads, {chosen.python}")
    print("medians, with quartiles in brackets; shares are of one CPU\n")
    parts: dict[str, Callable[[], None]] = {
        "blanking": print_blanking,
        "cost": lambda: print_cost(plan, chosen.python, chosen.threads, dice),
        "peers": lambda: print_peers(plan, chosen.python, chosen.threads, dice),
        "slowdown": lambda: print_slowdown(plan, chosen.python, chosen.threads, dice),
        "tests": lambda: print_tests(plan, dice),
        "looks": lambda: print_looks(plan, chosen.python, dice),
        "arrival": lambda: print_arrival(plan, chosen.python, chosen.threads),
        "viewers": lambda: print_viewers(plan, chosen.python),
        "heap": lambda: print_heap(plan, chosen.python, dice),
        "c-library": lambda: print_c_library(plan, chosen.python, dice),
        "types": lambda: print_census(plan, chosen.python),
        "history": lambda: print_history(plan, dice),
        "long-runs": lambda: print_long_runs(plan, dice),
    }
    assert tuple(parts) == PARTS
    for name in chosen.only or PARTS:
        parts[name]()


def print_blanking() -> None:
    """What it takes to blank secrets in texts that are made to take long."""
    print(f"blanking of secrets, {blanking.CHARACTERS:,} characters, ns of CPU a character")
    for name, took_ns in blanking.ns_a_character().items():
        print(f"    {name:<28} {took_ns:.0f}{aimed(took_ns, AIM_BLANKING_NS)}")
    print(flush=True)


def print_cost(plan: BenchPlan, python: str, threads: int, dice: random.Random) -> None:
    """Rates, shares and sizes. The rates take turns in random order: a drift of the machine hits all."""
    costs: dict[float, list[cost.RunCost]] = {gil_hz: [] for gil_hz in RATES_HZ}
    for _ in range(plan.cost_repeats):
        for gil_hz in dice.sample(RATES_HZ, len(RATES_HZ)):
            costs[gil_hz].append(cost.measure(python, threads, gil_hz, plan.cost_span_s))
    print(f"cost, {plan.cost_repeats} targets a rate, {plan.cost_span_s:g} s each")
    for gil_hz, runs in costs.items():
        per_sample = [run.observer_us_per_sample for run in runs]
        sizes = [run.bytes_per_s_per_thread for run in runs]
        print(f"  at {gil_hz:,.0f} Hz")
        achieved, share = (spread([getattr(run, of) for run in runs]) for of in ("achieved", "observer"))
        held = gil_hz == RATES_HZ[-1]
        aim = f"   aim: at least {AIM_ACHIEVED:g}, {'met' if achieved.median >= AIM_ACHIEVED else 'missed'}"
        print(f"    rate achieved / asked for    {achieved.text()}{aim if held else ''}")
        print(f"    late samples / samples       {spread([run.late for run in runs]).text('{:.4f}')}")
        aim = aimed(share.median, AIM_SHARE) if held else ""
        print(f"    observer's share             {share.text('{:.1%}')}{aim}")
        print(f"    observer's µs per sample     {spread(per_sample).text('{:.0f}')}")
        print(f"    frame bytes/s per thread     {spread(sizes).text('{:,.0f}')}")
    print(flush=True)


def print_peers(plan: BenchPlan, python: str, threads: int, dice: random.Random) -> None:
    """What samplers take, as multiples of the floor in the same round, and what the target loses."""
    rounds, span_s = plan.peers.rounds, plan.peers.span_s
    taken, refused = peers.measure(python, threads, plan.peers, dice)
    print(f"samplers at {peers.HZ:,} Hz, {rounds} targets, {span_s:g} s each in random order")
    print(f"  the floor is a bare loop in {language()} that reads four times a beat")
    for name, found in taken.items():
        floors = spread([one.floors for one in found])
        aim = aimed(floors.median, AIM_FLOORS[name]) if name in AIM_FLOORS else ""
        print(f"  {name}")
        print(f"    share of a CPU               {spread([one.share for one in found]).text('{:.1%}')}")
        print(f"    times the floor's            {floors.text('{:.2f}')}{aim}")
        print(f"    ops/s without / with it      {spread([one.loss for one in found]).text('{:.4f}')}")
    for name, reason in refused.items():
        print(f"  {name}: not measured, for {reason}")
    print(flush=True)


def print_slowdown(plan: BenchPlan, python: str, threads: int, dice: random.Random) -> None:
    """The ratio of each pair's two runs."""
    ratios = [slowdown.pair(python, threads, plan.pair_s, dice) for _ in range(plan.pairs)]
    aim = aimed(spread(ratios).median, AIM_SLOWDOWN)
    print(f"slowdown of the target at 1,000 Hz, {plan.pairs} pairs of {plan.pair_s:g} s in random order")
    print(f"    unwatched / watched, ops/s   {spread(ratios).text('{:.4f}')}{aim}\n", flush=True)


def print_tests(plan: BenchPlan, dice: random.Random) -> None:
    """What pytest's plugin makes of a suite's time."""
    pairs, tests = plan.suite_pairs, plan.suite_tests
    ratios = spread([tests_observed.pair(tests, tests_observed.ROUNDS, dice) for _ in range(pairs)])
    print(f"pytest --gilscope, {pairs} pairs of {2 * tests} tests in random order")
    print(
        f"    time observed / unobserved   {ratios.text('{:.4f}')}{aimed(ratios.median, AIM_TESTS)}\n",
        flush=True,
    )


def print_looks(plan: BenchPlan, python: str, dice: random.Random) -> None:
    """What stacks take: those of holders, of waiters, and of threads that are blocked."""
    count, span_s = plan.look_pairs, plan.look_span_s
    print(f"looks at stacks, {count} pairs of {span_s:g} s with and without, in random order")
    for program in plan.look_programs:
        pairs = [looks.pair(python, program, span_s, dice) for _ in range(count)]
        print(f"  {program}")
        print(
            f"    observer's share without     {spread([pair.not_looking for pair in pairs]).text('{:.1%}')}"
        )
        print(f"    observer's share with        {spread([pair.looking for pair in pairs]).text('{:.1%}')}")
        print(f"    what looks take, in pairs    {spread([pair.cost for pair in pairs]).text('{:.1%}')}")
    print(flush=True)


def print_arrival(plan: BenchPlan, python: str, threads: int) -> None:
    """From the last sample to the client."""
    delays_ms = [delay * 1e3 for delay in arrival.delays_s(python, threads, plan.arrival_s)]
    print(f"arrival of a frame in a WebSocket client after its last sample, {len(delays_ms)} frames")
    aim = aimed(spread(delays_ms).median, AIM_ARRIVAL_MS)
    print(f"    median [quartiles]           {spread(delays_ms).text('{:.2f}')} ms{aim}")
    print(f"    p99                          {percentile(delays_ms, 99):.2f} ms")


def print_viewers(plan: BenchPlan, python: str) -> None:
    """From the last sample to each of many clients."""
    print(
        f"\narrival at each of many viewers of a run of {viewers.THREADS} threads, with another run beside it"
    )
    for count in plan.viewers:
        load = viewers.measure(python, count, plan.viewers_s)
        delays_ms = [delay * 1e3 for delay in load.delays_s]
        read_ms = [delay * 1e3 for delay in load.read_s]
        p99_ms, rss_mb = percentile(delays_ms, 99), load.rss / 1e6
        print(f"  {count} viewers, {len(delays_ms)} of {load.expected} slices")
        print(f"    server, of a CPU             {load.cpu:.0%}, and {load.waited:.0%} waited for one")
        print(f"    client, of a CPU             {load.client_cpu:.0%}")
        print(f"    median [quartiles]           {spread(delays_ms).text('{:.0f}')} ms")
        aim_ms = AIM_VIEWERS_MS if count > 200 else AIM_VIEWERS_MS / 2
        print(f"    p99                          {p99_ms:.0f} ms{aimed(p99_ms, aim_ms)}")
        print(f"    read, median                 {percentile(read_ms, 50):.0f} ms")
        print(f"    read, p99                    {percentile(read_ms, 99):.0f} ms")
        print(f"    server's memory, MB          {rss_mb:.0f}{aimed(rss_mb, AIM_VIEWERS_MB)}")
        print(f"    its PSS, MB                  {load.pss / 1e6:.0f}", flush=True)


def print_heap(plan: BenchPlan, python: str, dice: random.Random) -> None:
    """A heap that is read once a second while its owner maps and unmaps memory."""
    found = heap.measure(python, plan.heap_size, plan.heap_pairs, plan.heap_span_s, dice)
    size = found.readings[-1].arena_bytes
    cpu_ms = [reading.cpu_us / 1e3 * heap.GIB / reading.arena_bytes for reading in found.readings]
    took_ms = [reading.took_us / 1e3 * heap.GIB / reading.arena_bytes for reading in found.readings]
    print(f"\nreading a heap of {size / heap.GIB:.2f} GiB at 1 Hz, {len(found.readings)} readings")
    print(f"    CPU ms per GiB               {spread(cpu_ms).text('{:.0f}')}")
    print(f"    ms per GiB, between samples  {spread(took_ms).text('{:.0f}')}")
    print(f"    late samples / samples       {spread(found.late[True]).text('{:.4f}')}")
    print(f"    late samples, heap not read  {spread(found.late[False]).text('{:.4f}')}")
    print(f"    not read / read, maps/s      {spread(found.slowdowns).text('{:.4f}')}")


def print_c_library(plan: BenchPlan, python: str, dice: random.Random) -> None:
    """A C library's heap of many arenas."""
    found = c_library.measure(
        python, plan.library_arenas, plan.library_pairs, plan.library_span_s, plan.library_observed, dice
    )
    last, cpu_ms = found.last, spread(found.cpu_ms)
    observed_ms = spread([reading.cpu_us / 1e3 for reading in found.observed])
    late, late_else = found.late_share(True), found.late_share(False)
    size = (last.system or 0) / heap.GIB
    print(f"\nreading a C library's heap of {size:.2f} GiB, {last.arenas} arenas, {last.chunks:,} chunks")
    print(f"    CPU ms a reading             {cpu_ms.text('{:.0f}')}{aimed(cpu_ms.median, AIM_LIBRARY_MS)}")
    print(f"    the same, in an observer     {observed_ms.text('{:.0f}')}")
    print(f"    not read / read, maps/s      {spread(found.slowdowns).text('{:.4f}')}")
    print(f"    late samples, C library read {late:.4f}, not read {late_else:.4f}")
    print(f"    samples that failed          {found.failed} of {sum(found.samples.values())}")


def print_census(plan: BenchPlan, python: str) -> None:
    """The types of live objects, at the pace at which an observer tells them."""
    found = census.measure(python, plan.census_objects, plan.census_readings)
    cpu_ms = [reading.cpu_us / 1e3 for reading in found.readings]
    took_ms = [reading.took_us / 1e3 for reading in found.readings]
    late, late_else = found.late_share(True), found.late_share(False)
    pages = found.readings[-1].pages
    print(f"\ntypes of live objects, {len(found.readings)} readings of {pages:,} pools or pages")
    print(f"    CPU ms a reading             {spread(cpu_ms).text('{:.0f}')}")
    print(f"    ms a reading, between samples {spread(took_ms).text('{:.0f}')}")
    print(f"    not read / read, ops/s       {spread(found.slowdowns).text('{:.4f}')}")
    print(f"    late samples, objects read   {late:.4f}, not read {late_else:.4f}")
    print(f"    samples that failed          {found.failed} of {sum(found.samples.values())}")


def print_history(plan: BenchPlan, dice: random.Random) -> None:
    """Pages of the history."""
    print(f"\nhistory of {plan.runs:,} runs, {plan.answers} answers each in random order, ms")
    for name, answers_s in history.answers_s(plan.runs, plan.answers, dice).items():
        answers = spread([answer * 1e3 for answer in answers_s])
        print(f"    {name:<28} {answers.text('{:.1f}')}{aimed(answers.median, AIM_HISTORY_MS)}")


def print_long_runs(plan: BenchPlan, dice: random.Random) -> None:
    """A run of an hour, and exports of ten minutes."""
    found = long_runs.look(plan.long_s, plan.answers, dice)
    print(f"\na run of {plan.long_s:g} s and {long_runs.THREADS} threads, {plan.answers} answers each, ms")
    print(f"  {found.recording_bytes / 1e6:.1f} MB, its timeline {found.timeline_bytes / 1e6:.1f} MB")
    for name, answers_s in found.seconds.items():
        answers = spread([answer * 1e3 for answer in answers_s])
        aim = AIM_OPEN_MS if name.startswith("opened") else AIM_WINDOW_MS
        cpu_ms = found.cpu_s[name] / len(answers_s) * 1e3
        told = f"{answers.text('{:.1f}')}, {cpu_ms:.0f} ms of the server's CPU"
        print(f"    {name:<28} {told}{aimed(answers.median, aim)}")
    rss_mb = found.rss / 1e6
    print(f"    server's memory, MB          {rss_mb:.0f}{aimed(rss_mb, AIM_MEMORY_MB)}")
    print(f"\nexport of {plan.export_s:g} s of {long_runs.THREADS} threads")
    for name, took_s, cpu_s, size, grown in long_runs.exports(plan.export_s):
        told = (
            f"{took_s:.2f} s, {cpu_s:.2f} s of CPU, {size / 1e6:.1f} MB, memory grew by {grown / 1e6:.0f} MB"
        )
        print(f"    {name:<28} {told}{aimed(took_s, AIM_EXPORT_S)}")


def aimed(median: float, aim: float) -> str:
    """Whether a median is within its aim, in words to set behind it."""
    return f"   aim: at most {aim:g}, {'met' if median <= aim else 'missed'}"


if __name__ == "__main__":
    main()
