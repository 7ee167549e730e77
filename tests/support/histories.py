"""Observations at random: histories of three threads and a GIL, told in slices of any length, with gaps."""

from itertools import pairwise

from hypothesis import strategies as st

from app.model.frames import (
    Blocked,
    CLibrary,
    Collector,
    Counters,
    Event,
    Frame,
    Heap,
    Hello,
    Loops,
    Memory,
    Names,
    Pools,
    Process,
    Rollup,
    Stacks,
)
from app.model.states import HOLDER_NONE, HOLDER_UNKNOWN, RUNNING, STATES

RUN = {"id": "x", "kind": "command", "name": "x", "state": "finished", "started_at": 0.0, "error": None}
PID = 7
LANES = 3
STACKS = 4
END_US = 3_000_000
INSTANTS = st.integers(1, END_US - 1)

MOMENTS = st.tuples(
    st.sampled_from([HOLDER_UNKNOWN, HOLDER_NONE, *range(LANES)]),
    st.integers(0, LANES - 1),
    *[st.sampled_from(range(len(STATES)))] * LANES,
)
HISTORIES = st.dictionaries(INSTANTS, MOMENTS, max_size=25).flatmap(
    lambda later: MOMENTS.map(lambda first: {0: first, **later})
)
STACK = st.none() | st.integers(0, STACKS - 1)
LOOKS = st.lists(st.tuples(INSTANTS, STACK, STACK, st.sampled_from([None, "task"])), max_size=40)
READINGS = st.lists(
    st.tuples(INSTANTS, st.sampled_from("cmrhgalpe"), st.integers(0, 5)),
    max_size=40,
    unique_by=lambda row: row[0],
)

BEGIN = [
    Hello(0, 0.0, {}, {"gil_hz": 1000.0}),
    Process(0, PID, None, ["python3"], "3.13.0", False, True, 5000, {"gil": "exact", "stacks": "exact"}),
    Names(
        0,
        [[lane, PID, PID + lane, f"t{lane}", 0] for lane in range(LANES)],
        [[0, PID, 0]],
        functions=[[n, f"f{n}", f"/home/me/f{n % 2}.py", n] for n in range(3)],
        stacks=[[n, [n % 3, 10 + n, (n + 1) % 3, 5]] for n in range(STACKS)],
        locks=[1],
    ),
]


def at(history, us):
    return history[max(begun for begun in history if begun <= us)]


def frame_of(history, start_us, end_us):
    marks = [start_us, *sorted(us for us in history if start_us < us < end_us), end_us]
    spans = list(pairwise(marks))
    gil = [n for from_us, to_us in spans for n in (*at(history, from_us)[:2], to_us - from_us)]
    lanes = [
        [lane, [n for from_us, to_us in spans for n in (at(history, from_us)[2 + lane], to_us - from_us)]]
        for lane in range(LANES)
    ]
    return Frame(start_us, end_us, 50, 0, 0, [[0, len(spans) - 1, gil]], lanes)


def looks_of(history, looks):
    """(instant, message) of each look: at the holder and a waiter, or at a thread that is blocked."""
    for at_us, stack, other, task in sorted(looks, key=lambda look: look[0]):
        holder, waiters, *states = at(history, at_us)
        lane = at_us % LANES
        if task is None:
            yield at_us, Stacks([[at_us, 0, holder, stack, lane, other, waiters]])
        elif states[lane] != RUNNING:
            yield at_us, Blocked([[at_us, lane, states[lane], max(0, at_us - 9), stack, task]])


def reading(at_us, kind, n):
    """A message of each other kind."""
    total = at_us // 10
    match kind:
        case "c":
            rows = [
                [PID, total, (n + 1) << 20, None, at_us // 9, None]
            ]  # no process that is there has no memory
            threads = [[lane, total, lane, at_us // 400_000, 0] for lane in range(n % LANES, LANES)]
            return Counters(at_us, rows, threads, {"cpu_us": total, "looked": n / 8}, at_us)
        case "m":
            return Memory(at_us, PID, n << 20, n << 19, n << 19, 0, 0, {"heap": [n, n]})
        case "r":
            return Rollup(at_us, PID, n << 20, n << 18, n << 19, 0, 0)
        case "a":
            return CLibrary(at_us, PID, 5, n, "glibc", None, n, n << 20, n << 10, 0, 9)
        case "h":
            return Heap(at_us, PID, 0, "pymalloc", 5, n, 0, n, n << 18, 9, 1, n * 7, n * 99, 0, [], [0, 0, 0])
        case "g":
            row = [
                PID,
                0,
                True,
                [700, 10, 10],
                [n * 200, n, 2 * n],
                [total, total // 7, total // 50],
                *[[n] * 3] * 2,
            ]
            pause = [PID, 0, max(0, at_us - 90_000), 1000 * n, n % 2, 0]
            sizes = [[(n + 3) << 21, n, None, n], [n << 20, 0, None, 1]]
            moved = [
                PID,
                0,
                max(0, at_us - 90_000),
                None,
                n % 3,
                1,
                n,
                at_us - 9,
                sizes[0],
                at_us,
                sizes[n % 2],
            ]
            return Collector(at_us, [[*row, n * 9, [n * 50, n * 9], n << 20]], [pause], [moved])
        case "l":
            steps = [
                [n % LANES, max(0, at_us - 20_000 * (n + 1)), 20_000, 4, str(n), n != 1, [n % STACKS, 9]]
            ]
            return Loops(at_us, [[n % LANES, "asyncio", True, True]], [[n % LANES, 5, n, [n, 50]]], steps)
        case "p":
            waiting = None if n == 5 else 7 * n
            looks = [
                [max(0, at_us - 30_000), 1, 4, n % 5, waiting, n % 3, [4, n % 5]],
                [at_us, 1, 3, 3, n, 1, [2, 1, 6, 2]],
            ]
            return Pools(at_us, [[1, PID, "executor", f"pool-{n % 2}"]], looks)
    return Event(at_us, "gil-on", PID, str(n))


def messages_of(history, borders, missing, looks, readings, late_us=0):
    """Frames, each followed by its looks, or so much later; what else is told comes when it is read.

    So a reading stands before the frame in which it was taken, which is told when it ends.
    """
    looked = [(at_us + late_us, message) for at_us, message in looks_of(history, looks)]
    read = sorted(readings, key=lambda row: row[0])
    messages = [*BEGIN]
    for number, (start_us, end_us) in enumerate(pairwise([0, *sorted(borders), END_US])):
        messages += [reading(at_us, kind, n) for at_us, kind, n in read if start_us <= at_us < end_us]
        if number not in missing:
            messages.append(frame_of(history, start_us, end_us))
        messages += [message for at_us, message in looked if start_us <= at_us < end_us]
    return messages


BORDERS = st.sets(st.integers(1, 59).map(lambda n: n * 50_000) | INSTANTS, min_size=20, max_size=60)
MISSING = st.sets(st.integers(0, 50), max_size=3)
