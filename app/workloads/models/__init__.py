"""Chapters on threads, processes and models of concurrency: what speeds up, and what cannot."""

from __future__ import annotations

from app.workloads.catalogue import Workload

WORKLOADS: tuple[Workload, ...] = ()
