"""asyncio: one thread, many tasks, and what holds all of them up."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
