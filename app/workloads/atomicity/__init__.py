"""What one byte code does at once, and what it does not."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
