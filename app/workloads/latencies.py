"""Latencies counted in buckets, so that an hour of them takes no more memory than a second."""

from __future__ import annotations

from math import ceil, log2

from app.workloads.context import Json

_BUCKETS_A_DOUBLING = 64  # a bucket is 1.1 % wide


class Latencies:
    """Lengths of time; their percentiles are off by 0.6 % at most, their maximum is exact."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._max_ns = 0

    @property
    def count(self) -> int:
        """How many were counted."""
        return sum(self._counts.values())

    def add(self, length_ns: int) -> None:
        """Count one length."""
        bucket = int(log2(max(length_ns, 1)) * _BUCKETS_A_DOUBLING)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self._max_ns = max(self._max_ns, length_ns)

    def merge(self, other: Latencies) -> None:
        """Count what another one counted."""
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count
        self._max_ns = max(self._max_ns, other._max_ns)

    def summary_ms(self) -> Json:
        """Their number, and in milliseconds p50, p99 and the maximum; null where there are none."""
        if not self.count:
            return {"count": 0, "p50": None, "p99": None, "max": None}
        return {
            "count": self.count,
            "p50": self._percentile_ms(0.50),
            "p99": self._percentile_ms(0.99),
            "max": self._max_ns / 1e6,
        }

    def _percentile_ms(self, share: float) -> float:
        rank = ceil(share * self.count)
        for bucket in sorted(self._counts):
            rank -= self._counts[bucket]
            if rank <= 0:
                break
        middle_ns: float = 2 ** ((bucket + 0.5) / _BUCKETS_A_DOUBLING)
        return min(middle_ns, self._max_ns) / 1e6
