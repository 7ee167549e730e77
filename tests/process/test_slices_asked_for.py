"""Slices of the length that the spec asks for: what is said is put together to fewer and longer ones."""

from __future__ import annotations

import sys
from itertools import pairwise

from support.observing import Observation, program

from app.model.commands import Stop
from app.model.frames import Frame, Hello
from app.model.spec import ObserverSpec, Sampling
from app.model.tracks import length_of

SLICE_US = 300_000
BUSY = "while True: sum(range(1000))"


def test_a_slice_is_as_long_as_it_is_asked_to_be_and_all_of_it_is_told() -> None:
    spec = ObserverSpec(
        {"id": "test"}, Sampling(gil_hz=100.0), program(sys.executable, BUSY), slice_us=SLICE_US
    )
    observation = Observation(spec)
    try:
        for message in observation:
            if isinstance(message, Frame) and len(observation.of(Frame)) == 4:
                observation.send(Stop("stopped"))
        assert observation.process.wait() == 0
    finally:
        observation.close()
    [hello], frames = observation.of(Hello), observation.of(Frame)
    assert hello.slice_us == SLICE_US
    whole = frames[:-1]  # the last one ends with the run
    assert all(frame.end_us - frame.start_us >= SLICE_US for frame in whole)
    assert all(one.end_us == other.start_us for one, other in pairwise(frames))
    for frame in whole[1:]:
        assert {length_of(track, 2) for _, track in frame.lanes} == {frame.end_us - frame.start_us}
