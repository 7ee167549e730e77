"""A server that observes a Dask cluster, for scale.py: python tools/scale_server.py SCHEDULER

The command line observes clusters without a server; this is that observation in a server as `gilscope serve`
starts it, so that viewers can look. Its settings come from the environment.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from app.model.errors import GilscopeError
from app.runs.manager import Manager
from app.runs.request import RunRequest
from app.runs.settings import Settings
from app.web.serve import serve


def main(scheduler: str) -> None:
    """Serves until a signal ends it, or the cluster cannot be observed."""
    settings = Settings.load(commands=True)
    manager = Manager(settings)
    tasks: set[asyncio.Task[None]] = set()

    async def observe() -> None:
        try:
            await manager.start(RunRequest(scheduler=scheduler))
        except GilscopeError as error:
            sys.stderr.write(f"{error}\n")
            signal.raise_signal(signal.SIGTERM)

    def begin(address: str) -> None:
        if not tasks:  # it is called again whenever another browser is to be let in
            tasks.add(asyncio.get_running_loop().create_task(observe()))

    serve(settings, "127.0.0.1", 0, on_ready=begin, manager=manager)


if __name__ == "__main__":
    main(sys.argv[1])
