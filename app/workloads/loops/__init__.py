"""asyncio: one thread, many tasks, and what holds all of them up."""

from __future__ import annotations

from app.workloads.loops.async_blocking import ASYNC_BLOCKING
from app.workloads.loops.async_download import ASYNC_DOWNLOAD
from app.workloads.loops.async_yield import ASYNC_YIELD
from app.workloads.loops.calculator_server import CALCULATOR_SERVER
from app.workloads.loops.echo_server import ECHO_SERVER
from app.workloads.loops.task_switches import TASK_SWITCHES

WORKLOADS = (
    ASYNC_YIELD,
    ASYNC_BLOCKING,
    ASYNC_DOWNLOAD,
    ECHO_SERVER,
    CALCULATOR_SERVER,
    TASK_SWITCHES,
)
