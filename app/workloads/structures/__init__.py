"""Data structures that several threads share."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
