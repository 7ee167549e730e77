"""Python's memory model: allocators, reference counts, the collector, sharing."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
