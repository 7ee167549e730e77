"""What goes wrong between threads: lost updates, deadlock, livelock, starvation."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
