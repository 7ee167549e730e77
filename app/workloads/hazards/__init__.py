"""What goes wrong between threads: lost updates, deadlocks, starvation, contention, what is not released."""

from __future__ import annotations

from app.workloads.hazards.deadlock import DEADLOCK
from app.workloads.hazards.descriptor_leak import DESCRIPTOR_LEAK
from app.workloads.hazards.livelock import LIVELOCK
from app.workloads.hazards.lock_contention import LOCK_CONTENTION
from app.workloads.hazards.lock_leak import LOCK_LEAK
from app.workloads.hazards.lost_update import LOST_UPDATE
from app.workloads.hazards.philosophers import PHILOSOPHERS
from app.workloads.hazards.starvation import STARVATION

WORKLOADS = (
    LOST_UPDATE,
    DEADLOCK,
    PHILOSOPHERS,
    LIVELOCK,
    STARVATION,
    LOCK_CONTENTION,
    LOCK_LEAK,
    DESCRIPTOR_LEAK,
)
