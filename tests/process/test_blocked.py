"""Where threads are blocked, as the observer reads it while they are, beside what their programs do."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import pytest
from support.observing import Observation, observing, program

from app.model.frames import LONG_BLOCK_US, Blocked, Counters, Frame, Names
from app.model.states import STATES

# Two threads take two locks in opposite orders and never get the second; others sleep, read, compute in C,
# and hold a lock for 4 ms at a time. Each is named after what it does.
BLOCKED = """
import hashlib, os, socket, threading, time

accounts, journal, handler = threading.Lock(), threading.Lock(), threading.Lock()
first, second = threading.Event(), threading.Event()

def transfer():
    with accounts:
        first.set()
        second.wait()
        write_journal()

def write_journal():
    with journal:
        pass

def compact():
    with journal:
        second.set()
        first.wait()
        read_accounts()

def read_accounts():
    with accounts:
        pass

def doze():
    while True:
        time.sleep(0.15)

ours, theirs = socket.socketpair()

def receive():
    ours.recv(1)

def digest():
    while True:
        hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 200_000)

def emit():
    time.sleep(0.004)

def handle():
    while True:
        with handler:
            emit()

for work in (transfer, compact, doze, receive, digest, handle, handle, handle):
    threading.Thread(target=work, name=work.__name__, daemon=True).start()
time.sleep(SECONDS)
os._exit(0)
"""


DEADLOCKED = {"transfer": ("write_journal", "transfer"), "compact": ("read_accounts", "compact")}


class Seen(NamedTuple):
    """A row of a blocked message, in words."""

    at_us: int
    lane: int
    state: str
    since_us: int
    functions: list[str] | None  # leaf first


def seen(observation: Observation) -> dict[str, list[Seen]]:
    """The looks at each thread, by its name."""
    names = observation.of(Names)
    functions = {number: name for message in names for number, name, *_ in message.functions}
    stacks = {
        number: [functions[f] for f in flat[::2]] for message in names for number, flat in message.stacks
    }
    threads = {row[0]: row[3] for message in names for row in message.threads}
    found = defaultdict(list)
    for message in observation.of(Blocked):
        for at_us, lane, state, since_us, stack, task in message.rows:
            assert task is None
            told = None if stack is None else stacks[stack]
            found[threads[lane]].append(Seen(at_us, lane, STATES[state], since_us, told))
    return found


class Stretch(NamedTuple):
    """Of a thread's track: a state, from when it came into it until it left it."""

    state: str
    start_us: int
    length_us: int


def stretches(observation: Observation) -> dict[int, list[Stretch]]:
    """Each lane's track, over all frames."""
    found: dict[int, list[Stretch]] = defaultdict(list)
    named = {row[0]: message.at_us for message in reversed(observation.of(Names)) for row in message.threads}
    for frame in observation.of(Frame):
        for lane, track in frame.lanes:
            at_us = max(frame.start_us, named[lane])
            for index, length_us in zip(track[::2], track[1::2], strict=True):
                state = STATES[index]
                if found[lane] and found[lane][-1].state == state:
                    before = found[lane].pop()
                    found[lane].append(before._replace(length_us=before.length_us + length_us))
                else:
                    found[lane].append(Stretch(state, at_us, length_us))
                at_us += length_us
    return found


@pytest.fixture(scope="module")
def observed(python: str) -> Observation:
    """Two seconds of it."""
    with observing(program(python, BLOCKED.replace("SECONDS", "2"))) as observation:
        observation.finish()
    return observation


@pytest.mark.parametrize(
    ("thread", "state", "functions"),
    [
        ("transfer", "lock", ["write_journal", "transfer"]),
        ("compact", "lock", ["read_accounts", "compact"]),
        ("receive", "io", ["receive"]),
    ],
)
def test_a_thread_that_stays_blocked_is_looked_at_once(
    observed: Observation, thread: str, state: str, functions: list[str]
) -> None:
    rows = seen(observed)[thread]
    longest = max(stretches(observed)[rows[0].lane], key=lambda s: s.length_us * (s.state == state))
    looks = [row for row in rows if row.since_us == longest.start_us]
    assert sum(row.at_us - row.since_us >= LONG_BLOCK_US for row in looks) <= 1
    # One before may be of another wait of the same state: it left that between two samples.
    last = looks[-1]
    assert last.at_us - longest.start_us < 10 * LONG_BLOCK_US
    assert last.state == state
    assert last.functions is not None
    assert last.functions[: len(functions)] == functions


@pytest.mark.parametrize(
    ("thread", "state", "function"), [("doze", "sleep", "doze"), ("digest", "native", "digest")]
)
def test_each_long_block_of_a_thread_that_comes_and_goes_is_looked_at(
    observed: Observation, thread: str, state: str, function: str
) -> None:
    rows = [row for row in seen(observed)[thread] if row.state == state]
    long = [
        stretch
        for stretch in stretches(observed)[rows[0].lane]
        if stretch.state == state and stretch.length_us > 2 * LONG_BLOCK_US
    ]
    assert long
    looks = {row.since_us: row.functions for row in rows}
    assert all(looks[stretch.start_us] for stretch in long)
    assert all(looks[stretch.start_us][0] == function for stretch in long)  # type: ignore[index]


def test_short_blocks_are_looked_at_now_and_then(observed: Observation) -> None:
    rows = seen(observed)["handle"]
    waits = [row for row in rows if row.state == "lock"]
    sleeps = [row for row in rows if row.state == "sleep"]
    assert len(waits) > 10
    assert len(sleeps) > 5
    assert sum(row.functions is not None and row.functions[0] == "handle" for row in waits) > 0.9 * len(waits)
    assert sum(row.functions is not None and row.functions[0] == "emit" for row in sleeps) > 0.9 * len(sleeps)


def test_a_look_lies_in_a_stretch_of_its_state(observed: Observation) -> None:
    there = stretches(observed)
    # A thread may be looked at after its last sample, and have ended before the next.
    until_us = {lane: seen[-1].start_us + seen[-1].length_us for lane, seen in there.items()}
    rows = [row for message in observed.of(Blocked) for row in message.rows if row[0] < until_us[row[1]]]
    assert rows
    for at_us, lane, state, since_us, *_ in rows:
        stretch = next(s for s in there[lane] if s.start_us <= at_us < s.start_us + s.length_us)
        assert stretch.state == STATES[state]
        assert stretch.start_us == since_us or stretch is there[lane][0]  # it was seen before the first frame


def test_threads_that_were_blocked_before_anyone_looked_are_seen_where_they_are(any_python: str) -> None:
    with observing(program(any_python, BLOCKED.replace("SECONDS", "30"))) as started:
        started.until(Frame)
        pid = next(row[1] for row in started.of(Names)[0].threads)
        with observing(pid=pid) as attached:
            while "transfer" not in seen(attached):
                attached.until(Blocked)
            row = seen(attached)["transfer"][-1]
            before = [s for s in stretches(attached)[row.lane] if s.start_us < row.since_us]
    assert row.functions is not None
    assert row.functions[:2] == ["write_journal", "transfer"]
    assert {stretch.state for stretch in before} <= {"lock", "unknown"}


def test_both_sides_of_a_deadlock_are_told_of_within_two_seconds(python: str) -> None:
    with observing(program(python, BLOCKED.replace("SECONDS", "30"))) as observation:
        while "compact" not in seen(observation) or "transfer" not in seen(observation):
            observation.until(Blocked)
        begun_us = max(rows[0].since_us for name, rows in seen(observation).items() if name in DEADLOCKED)
        while True:
            frame = observation.until(Frame)
            told = {thread["name"]: thread["blocked"] for thread in observation.summary()["threads"]}
            places = {
                name: [(row["function"], row["callers"][0][0]) for row in told[name] if row["callers"]]
                for name in DEADLOCKED
            }
            if all(DEADLOCKED[name] in places[name] for name in DEADLOCKED):
                break
            assert frame.end_us < begun_us + 2_000_000, places
    for name, (function, caller) in DEADLOCKED.items():
        there = [row for row in told[name] if row["function"] == function and row["callers"][0][0] == caller]
        assert {row["state"] for row in there} == {"lock"}
        assert sum(row["count"] for row in there) >= 1  # a gap in the observation begins another stretch


def test_the_table_tells_where_each_thread_s_time_went(observed: Observation) -> None:
    told = {thread["name"]: thread for thread in observed.summary()["threads"]}
    expected = {"doze": ("sleep", "doze"), "receive": ("io", "receive"), "digest": ("native", "digest")}
    for name, (state, function) in expected.items():
        row = next(row for row in told[name]["blocked"] if row["state"] == state)
        assert row["function"] == function
        assert row["total_s"] > 0.8 * told[name]["shares"][state] * told[name]["observed_s"]
    handling = told["handle"]
    for state, function in (("lock", "handle"), ("sleep", "emit")):
        time_s = handling["shares"][state] * handling["observed_s"]
        here_s = sum(
            row["total_s"]
            for row in handling["blocked"]
            if (row["state"], row["function"]) == (state, function)
        )
        assert here_s > 0.8 * time_s


# Each is in another state every 60 ms, in all 2,500 times a second.
MANY = """
import select, socket, threading, time
ours, theirs = socket.socketpair()
def come_and_go():
    while True:
        time.sleep(0.06)
        select.select([ours], [], [], 0.06)
threads = [threading.Thread(target=come_and_go, daemon=True) for _ in range(150)]
for thread in threads: thread.start()
time.sleep(1.5)
"""


def test_the_looks_at_many_sleepers_are_bounded_and_those_left_out_are_counted(any_python: str) -> None:
    with observing(program(any_python, MANY)) as observation:
        observation.finish()
    rows = [row for message in observation.of(Blocked) for row in message.rows]
    looked = {(row[1], row[3]) for row in rows}
    long = {(row[1], row[3]) for row in rows if row[0] - row[3] >= LONG_BLOCK_US}
    assert 0 < len(long) <= 60 * observation.of(Frame)[-1].end_us / 1e6 + 50
    left_out = [
        stretch
        for lane, track in stretches(observation).items()
        for stretch in track
        if stretch.state in ("lock", "io", "sleep", "native")
        and stretch.length_us >= LONG_BLOCK_US
        and (lane, stretch.start_us) not in looked
    ]
    missed = observation.of(Counters)[-1].observer["missed_blocks"]
    # What was seen of a thread before the first frame is in no track.
    assert abs(missed - len(left_out)) <= 151
    assert missed > len(long)
