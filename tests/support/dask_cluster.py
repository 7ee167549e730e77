"""A Dask cluster of processes, as a program of its own: python -m support.dask_cluster WORKERS THREADS

It says the scheduler's address on a line. Then the last worker has tasks `parse` that compute in Python, more
of them than it can do, and all others have tasks `fetch` that wait. At the end of its input it ends; a line
"busy?" is answered by how many `parse` were done so far, "pids" by those of the workers, "also" makes one
more worker join, "restart" starts all anew without their tasks, and "spoil" has the first one lose its
Python, so that it can start no process.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

PARSE_S, FETCH_S = 1.5, 0.5


def parse(number: int) -> int:
    """Computes in Python alone for a while."""
    until_s, found = time.monotonic() + PARSE_S, 0
    while time.monotonic() < until_s:
        found += sum(each * each for each in range(500))
    return found


def fetch(number: int) -> None:
    """Waits, as for an answer."""
    time.sleep(FETCH_S)


def spoil() -> None:
    """From now on this process finds no Python."""
    sys.executable = "/nowhere/python"


def main(workers: int, threads: int) -> None:
    """Runs until its input ends."""
    import dask
    from distributed import Client, LocalCluster

    dask.config.set({"distributed.admin.system-monitor.gil.enabled": True})

    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=threads,
            processes=True,
            dashboard_address=None,
            worker_dashboard_address=None,
        ) as cluster,
        Client(cluster) as client,
    ):
        addresses = [address for _, address in sorted(_named(client))]
        parses = client.map(parse, range(500), workers=addresses[-1:], pure=False)
        others = client.map(fetch, range(2000), workers=addresses[:-1], pure=False) if workers > 1 else []
        print(cluster.scheduler_address, flush=True)
        for line in sys.stdin:
            if line.startswith("also"):
                cluster.scale(workers + 1)
                client.wait_for_workers(workers + 1)
                print("there", flush=True)
            elif line.startswith("pids"):
                print(*client.run(os.getpid, workers=addresses).values(), flush=True)
            elif line.startswith("restart"):
                client.restart()
                print("restarted", flush=True)
            elif line.startswith("spoil"):
                client.run(spoil, workers=addresses[:1])
                print("spoiled", flush=True)
            else:
                print(sum(each.status == "finished" for each in parses), flush=True)
        client.cancel([*parses, *others])


def _named(client: Any) -> list[tuple[str, str]]:
    info = client.scheduler_info(n_workers=-1)["workers"]
    return [(str(each["name"]), address) for address, each in info.items()]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
