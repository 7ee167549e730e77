"""A lock's track and its holder's agree at every instant, also where the holder had long done nothing."""

from __future__ import annotations

from collections.abc import Iterator

from support.observing import Observation, observing, program

from app.model.frames import Frame, Names
from app.model.states import RUNNING, STALLED, STATES, UNKNOWN
from app.model.tracks import GIL_STEP, LANE_STEP

# Two threads sleep so long that they are looked at seldom, and then compute, beside one that always does.
SELDOM_BUSY = """
import threading, time

over = time.monotonic() + 4

def compute(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass

def seldom():
    while time.monotonic() < over:
        time.sleep(0.6)
        compute(0.02)

threads = [threading.Thread(target=seldom) for _ in range(2)]
for thread in threads: thread.start()
compute(4)
for thread in threads: thread.join()
"""

Piece = tuple[int, int, int]  # from_us, until_us, value


def pieces(track: list[int], step: int, at_us: int) -> Iterator[Piece]:
    for place in range(0, len(track), step):
        length_us = track[place + step - 1]
        yield at_us, at_us + length_us, track[place]
        at_us += length_us


def states_of_holders(observation: Observation) -> dict[str, int]:
    """Microseconds that the holder of a lock was in each state, by the two tracks."""
    named_us = {row[0]: names.at_us for names in reversed(observation.of(Names)) for row in names.threads}
    gils_named_us = {row[0]: names.at_us for names in reversed(observation.of(Names)) for row in names.gils}
    found: dict[str, int] = {}
    for frame in observation.of(Frame):
        lanes = {
            lane: list(pieces(track, LANE_STEP, max(frame.start_us, named_us[lane])))
            for lane, track in frame.lanes
        }
        for gil, _, track in frame.gils:
            begun_us = max(frame.start_us, gils_named_us[gil])
            for from_us, until_us, holder in pieces(track, GIL_STEP, begun_us):
                for lane_from_us, lane_until_us, state in lanes.get(holder, ()):
                    both_us = min(until_us, lane_until_us) - max(from_us, lane_from_us)
                    if both_us > 0:
                        found[STATES[state]] = found.get(STATES[state], 0) + both_us
    return found


def test_who_holds_the_lock_is_running_or_stalled_at_every_instant(python: str) -> None:
    start = program(python, SELDOM_BUSY)
    start.env["PYTHON_GIL"] = "1"  # only a free-threaded build has a choice
    with observing(start) as observation:
        observation.finish()
    found = states_of_holders(observation)
    assert found["running"] > 2_000_000
    assert set(found) <= {STATES[state] for state in (RUNNING, STALLED, UNKNOWN)}, found
