"""Python's memory model: allocators, reference counts, the collector, sharing."""

from __future__ import annotations

from app.workloads.memory.allocation_ladder import ALLOCATION_LADDER
from app.workloads.memory.copy_on_write import COPY_ON_WRITE
from app.workloads.memory.fragmentation import FRAGMENTATION
from app.workloads.memory.leak import LEAK
from app.workloads.memory.malloc_trim import MALLOC_TRIM
from app.workloads.memory.memory_ladder import MEMORY_LADDER
from app.workloads.memory.object_allocators import OBJECT_ALLOCATORS
from app.workloads.memory.object_graph import OBJECT_GRAPH
from app.workloads.memory.reference_counts import REFERENCE_COUNTS
from app.workloads.memory.reference_cycles import REFERENCE_CYCLES
from app.workloads.memory.shared_memory import SHARED_MEMORY

WORKLOADS = (
    MEMORY_LADDER,
    ALLOCATION_LADDER,
    OBJECT_ALLOCATORS,
    FRAGMENTATION,
    MALLOC_TRIM,
    LEAK,
    REFERENCE_CYCLES,
    REFERENCE_COUNTS,
    OBJECT_GRAPH,
    COPY_ON_WRITE,
    SHARED_MEMORY,
)
