"""The GIL: who holds it, who waits for it, and who does without."""

from __future__ import annotations

from app.workloads.gil.convoy import CONVOY
from app.workloads.gil.cpu_bound import CPU_BOUND
from app.workloads.gil.io_bound import IO_BOUND
from app.workloads.gil.native_hold import NATIVE_HOLD
from app.workloads.gil.native_release import NATIVE_RELEASE
from app.workloads.gil.stalled_holder import STALLED_HOLDER
from app.workloads.gil.switch_interval import SWITCH_INTERVAL

WORKLOADS = (
    CPU_BOUND,
    IO_BOUND,
    CONVOY,
    NATIVE_RELEASE,
    NATIVE_HOLD,
    STALLED_HOLDER,
    SWITCH_INTERVAL,
)
