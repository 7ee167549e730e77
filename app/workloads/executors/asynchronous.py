"""One task of an event loop for each worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.workloads.context import Span
from app.workloads.job import Job, Outcome
from app.workloads.pickling import Pickling


class AsyncioExecutor:
    """Tasks take turns in the main thread, and go on from one to the next only where one awaits."""

    name = "asyncio"
    sentence = "Tasks of one event loop in the main thread: they take turns where they await, nowhere else."
    min_python = (3, 9)

    def start(self, job: Job) -> AsyncioCrew:
        """Nothing is created: a task exists only in a loop that runs."""
        return AsyncioCrew(job)


class AsyncioCrew:
    """The tasks still to be started."""

    pids: Sequence[int] = ()
    pickling: Pickling | None = None
    parked = 0

    def __init__(self, job: Job) -> None:
        self._job = job

    def finish(self, span: Span) -> list[Outcome]:
        """Run the loop, with a task for each worker, until the last of them ends."""
        return asyncio.run(self._run(span))

    async def _run(self, span: Span) -> list[Outcome]:
        tasks = []
        for worker in range(self._job.setting.workers):
            role, name = self._job.setting.workload.role(worker)
            performance = self._job.perform_async(worker, role, name, span)
            tasks.append(asyncio.create_task(performance, name=name))
        return await asyncio.gather(*tasks)
