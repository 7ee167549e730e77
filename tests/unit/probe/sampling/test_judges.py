"""What state a thread is in, whatever its parts say: that which holds the lock never waits for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.states import HOLDER_NONE, RUNNING, STALLED, STATES, UNKNOWN, WAITING
from app.probe.cpython.layouts import Layout, known
from app.probe.sampling.judges import FutexJudge, RequestJudge

LANE, GIL = 3, 0
COND = 0x5000  # within the lock's structure
FUTEX, READ = 202, 0


def layout_of_315() -> Layout:
    return known()[3, 15, False]


def judge_of(kind: type[FutexJudge], last: int, moved: int) -> FutexJudge:
    gil = SimpleNamespace(index=GIL, last=last, moved=moved)
    ranges = [(COND, COND + 0x100, GIL)]
    roster: Any = SimpleNamespace(gils=[gil], gil_by_index={GIL: gil}, gil_ranges=ranges)
    return RequestJudge(roster, layout_of_315()) if kind is RequestJudge else FutexJudge(roster)


def lane_of(state: int, raw: bytes, holds: int, asks: int, waits_for: int | None, made: bool) -> Any:
    flags = holds.to_bytes(4, "little") + asks.to_bytes(4, "little")
    return SimpleNamespace(
        number=LANE,
        state=state,
        raw=raw,
        seen=b"",
        blocked=UNKNOWN,
        flags=flags,
        gil=GIL,
        waits_for=waits_for,
        made_to_let_go=made,
        doubted=False,
    )


TEXTS = st.sampled_from([b"", b"running", f"{FUTEX} {COND:#x} 0x0".encode(), f"{READ} 0x0 0x0".encode()])
LANES = st.builds(
    lane_of,
    st.sampled_from(range(len(STATES))),
    TEXTS,
    st.sampled_from([0, 1]),
    st.sampled_from([0, 1]),
    st.sampled_from([None, GIL]),
    st.booleans(),
)


@pytest.mark.parametrize("kind", [FutexJudge, RequestJudge])
@given(lane=LANES, last=st.sampled_from([LANE, 4, HOLDER_NONE]), moved=st.integers(0, 3))
def test_the_holder_never_waits(kind: type[FutexJudge], lane: Any, last: int, moved: int) -> None:
    assert judge_of(kind, last, moved).state_of(lane, holds=True) in (RUNNING, STALLED, UNKNOWN)


@pytest.mark.parametrize("kind", [FutexJudge, RequestJudge])
@given(lane=LANES, last=st.sampled_from([LANE, 4, HOLDER_NONE]), moved=st.integers(0, 3))
def test_what_proves_that_many_wait_still_proves_it_for_each(
    kind: type[FutexJudge], lane: Any, last: int, moved: int
) -> None:
    judge = judge_of(kind, last, moved)
    proved = lane.state == WAITING and judge.proofs().get(lane.waits_for, LANE) != LANE
    assert judge.still_waits(lane) == proved
    lane.doubted = True
    assert not judge.still_waits(lane)


def test_a_thread_that_has_the_lock_and_still_asks_for_it_runs() -> None:
    """CPython 3.15 marks the lock as taken first, and what the thread asked for as granted after that."""
    judge = judge_of(RequestJudge, LANE, 1)
    lane = lane_of(WAITING, b"running", holds=0, asks=1, waits_for=GIL, made=False)
    assert judge.state_of(lane, holds=True) == RUNNING
    assert judge.state_of(lane, holds=False) == WAITING
