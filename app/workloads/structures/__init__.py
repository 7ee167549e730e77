"""Concurrent data structures: counters, a map that changes under its readers, queues."""

from __future__ import annotations

from app.workloads.structures.counters import COUNTERS
from app.workloads.structures.queues import QUEUES
from app.workloads.structures.shared_map import SHARED_MAP

WORKLOADS = (COUNTERS, SHARED_MAP, QUEUES)
