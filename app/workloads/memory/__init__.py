"""Python's memory model: allocators, reference counts, the collector, sharing."""

from __future__ import annotations

from app.workloads.memory.object_graph import OBJECT_GRAPH

WORKLOADS = (OBJECT_GRAPH,)
