"""Jobs that come due by a clock, and tests that run side by side: who runs them, and what that changes."""

from __future__ import annotations

from app.workloads.scheduling.concurrent_tests import CONCURRENT_TESTS
from app.workloads.scheduling.scheduler import SCHEDULER

WORKLOADS = (SCHEDULER, CONCURRENT_TESTS)
