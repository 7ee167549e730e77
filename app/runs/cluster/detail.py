"""In how much detail the workers of a cluster are told of: the more there are, the less each of them tells.

One process puts all of them into one stream, one server reads that, and each has a CPU. So up to FULL workers
tell all that was asked for, and of more each tells so much less: it is sampled less often, and its observer
puts the samples together to longer slices before it says anything. Shares, totals and counts are of all the
time all the same; what is lost is how long single waits and holds took, and what lies within a slice.
See docs/scale.md for the measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.model.frames import LONGEST_SLICE_US, SLICE_US
from app.model.spec import Sampling
from app.runs.cluster.worker import EVERY_S

FULL = 32  # workers
# By which power of its part a worker is sampled less often: of half the samples a track has more than half of
# the pieces, and it is these that cost.
_POWER = 1.5
_LEAST_GIL_HZ = 25.0
_LEAST_STACKS_HZ = 1.0
_LEAST_COUNTERS_HZ = 1.0


@dataclass(frozen=True)
class Detail:
    """Of each worker. `why` is what is said of it where it is less than was asked for, else empty."""

    sampling: Sampling
    slice_us: int = SLICE_US
    every_s: float = EVERY_S  # so often is passed on what its observer says
    why: str = ""

    @classmethod
    def of(cls, asked: Sampling, workers: int) -> Detail:
        """That of each of so many."""
        if workers <= FULL:
            return cls(asked)
        part = FULL / workers
        sampling = replace(
            asked,
            gil_hz=_less(asked.gil_hz, part**_POWER, _LEAST_GIL_HZ),
            stacks_hz=_less(asked.stacks_hz, part**_POWER, _LEAST_STACKS_HZ),
            counters_hz=_less(asked.counters_hz, part, _LEAST_COUNTERS_HZ),
        )
        # Whole multiples, so that slices of all lie side by side.
        slice_us = min(LONGEST_SLICE_US, SLICE_US * -(-workers // FULL))
        why = (
            f"there are {workers:,} workers: each is sampled {sampling.gil_hz:.0f} times a second, and told "
            f"of in slices of {slice_us / 1e3:g} ms"
        )
        return cls(sampling, slice_us, max(EVERY_S, slice_us / 1e6), why)


def _less(asked_hz: float, part: float, least_hz: float) -> float:
    """A rate's part, but no less than that; one that is lower already stays."""
    return min(asked_hz, max(least_hz, asked_hz * part))
