"""How many CPUs a process may use, and the pools of threads that its C libraries bring."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Callable

from . import procfs
from .mapped_files import mapped_names

_CGROUPS = "/sys/fs/cgroup"

# What a file of the library is called, as its name is told. libopenblas comes with numpy under names such as
# libscipy_openblas64_-ff651d7f.so.
_POOLS = {
    "openblas": "OpenBLAS",
    "libmkl_": "MKL",
    "libgomp": "GNU OpenMP",
    "libomp": "LLVM OpenMP",
    "libiomp": "Intel OpenMP",
    "libtbb.": "TBB",
}


def cpus(pid: int) -> float | None:
    """How many CPUs the process may use: by its affinity, and by its cgroup's quota where that is less.

    None once it has ended.
    """
    try:
        allowed = float(len(os.sched_getaffinity(pid)))
    except OSError:
        return None
    return min([allowed, *_quotas(pid)])


def _quotas(pid: int) -> list[float]:
    """The CPUs that the process's cgroup and those above it are given, where they are bounded."""
    found = []
    for line in (procfs.read(f"/proc/{pid}/cgroup") or b"").decode("utf-8", "replace").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            found += _above(_CGROUPS, path, _of_version_2)
        elif "cpu" in controllers.split(","):
            found += _above(f"{_CGROUPS}/cpu", path, _of_version_1)
    return found


def _above(root: str, path: str, quota: Callable[[str], float | None]) -> list[float]:
    """The quotas of a cgroup and of each above it."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    places = ["/".join((root, *parts[:depth])) for depth in range(len(parts), -1, -1)]
    return [found for place in places if (found := quota(place)) is not None]


def _of_version_2(place: str) -> float | None:
    text = procfs.read(f"{place}/cpu.max")
    quota, _, period = text.decode().strip().partition(" ") if text else ("max", "", "")
    return None if quota == "max" or not period else int(quota) / int(period)


def _of_version_1(place: str) -> float | None:
    quota, period = procfs.read(f"{place}/cpu.cfs_quota_us"), procfs.read(f"{place}/cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def thread_pools(pid: int) -> Generator[None, None, list[str]]:
    """A slow read: the libraries mapped by the process that start threads of their own.

    A process of 500 threads has a thousand mappings, which take milliseconds to list.
    """
    names: set[str] = set()
    for part in mapped_names(pid):
        names |= {name for name in part if ".so" in name}
        yield
    return [pool for part, pool in _POOLS.items() if any(part in name for name in names)]
