"""asyncio: one thread, many tasks, and what holds all of them up."""

from __future__ import annotations

from app.workloads.loops.async_blocking import ASYNC_BLOCKING
from app.workloads.loops.async_yield import ASYNC_YIELD
from app.workloads.loops.echo_server import ECHO_SERVER

WORKLOADS = (ASYNC_YIELD, ASYNC_BLOCKING, ECHO_SERVER)
