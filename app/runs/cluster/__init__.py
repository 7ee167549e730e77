"""The workers of a cluster, observed as one run: an observer each, and one stream of messages of them all.

    python -m app.runs.cluster SCHEDULER

stands for `python -m app.probe`, as far.py does for one on another machine: it hears and says the same. It is
a client of the Dask scheduler at that address.

    plugins    what is sent into the cluster: a plugin of the scheduler, and one of each worker
    worker     the observer beside a worker, as its plugin has it
    joining    the messages of several observers, made those of one

The clock of each worker is set beside the run's by app/runs/clocks.py.
"""

from __future__ import annotations

import importlib.util
import sys

from app.model.errors import BadRequest


def command(scheduler: str) -> list[str]:
    """What stands for the observer's own command; BadRequest where Dask is not installed here."""
    if not scheduler.strip():
        raise BadRequest(
            "SCHEDULER names no scheduler",
            "Give its address, such as tcp://10.0.0.5:8786.",
            field="scheduler",
        )
    if importlib.util.find_spec("distributed") is None:
        raise BadRequest(
            "Dask is not installed beside GILScope, so it cannot join a cluster",
            "pip install 'gilscope[dask]', in the versions that the cluster has.",
            field="scheduler",
        )
    return [sys.executable, "-m", "app.runs.cluster", scheduler]
