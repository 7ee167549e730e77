"""Chapters on threads, processes and models of concurrency: what speeds up, and what cannot."""

from __future__ import annotations

from app.workloads.models.amdahl import AMDAHL
from app.workloads.models.image_filter import IMAGE_FILTER
from app.workloads.models.primes import PRIMES
from app.workloads.models.process_lifecycle import PROCESS_LIFECYCLE
from app.workloads.models.sequential_chain import SEQUENTIAL_CHAIN
from app.workloads.models.task_queue import TASK_QUEUE
from app.workloads.models.tree_reduce import TREE_REDUCE
from app.workloads.models.web_requests import WEB_REQUESTS

WORKLOADS = (
    PRIMES,
    SEQUENTIAL_CHAIN,
    AMDAHL,
    WEB_REQUESTS,
    IMAGE_FILTER,
    TREE_REDUCE,
    TASK_QUEUE,
    PROCESS_LIFECYCLE,
)
