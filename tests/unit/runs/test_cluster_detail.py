"""How much each worker of a cluster is asked for: all of few, and of more so much less."""

from __future__ import annotations

import pytest

from app.model.frames import LONGEST_SLICE_US, SLICE_US
from app.model.spec import Sampling
from app.runs.cluster.detail import FULL, Detail
from app.runs.cluster.worker import EVERY_S

ASKED = Sampling(gil_hz=1000.0, counters_hz=4.0, stacks_hz=100.0)


@pytest.mark.parametrize("workers", [1, FULL])
def test_few_are_asked_for_all(workers: int) -> None:
    assert Detail.of(ASKED, workers) == Detail(ASKED, SLICE_US, EVERY_S, "")


def test_of_more_each_is_asked_for_its_part_and_that_is_said() -> None:
    detail = Detail.of(ASKED, 4 * FULL)
    assert detail.sampling == Sampling(125.0, 1.0, 12.5)
    assert detail.slice_us == 4 * SLICE_US
    assert detail.every_s == EVERY_S
    assert (
        detail.why
        == f"there are {4 * FULL} workers: each is sampled 125 times a second, and told of in "
        + ("slices of 200 ms")
    )


@pytest.mark.parametrize("workers", [FULL + 1, 100, 333, 1000, 100_000])
def test_together_they_tell_no_more_until_none_can_tell_less(workers: int) -> None:
    detail = Detail.of(ASKED, workers)
    slices_s = workers * 1e6 / detail.slice_us
    assert slices_s <= FULL * 1e6 / SLICE_US or detail.slice_us == LONGEST_SLICE_US
    assert detail.slice_us % SLICE_US == 0
    assert workers * detail.sampling.gil_hz <= FULL * ASKED.gil_hz * 1.001 or detail.sampling.gil_hz == 25.0
    assert detail.every_s >= detail.slice_us / 1e6


def test_no_rate_is_raised() -> None:
    low = Sampling(gil_hz=10.0, counters_hz=0.5, stacks_hz=0.0)
    assert Detail.of(low, 50 * FULL).sampling == low
