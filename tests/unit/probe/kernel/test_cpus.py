"""The CPUs that a process may use, against those that it is given here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from app.probe.kernel import cpus, procfs
from app.probe.sampling.slow import finished


@pytest.fixture
def pinned():
    """A process on one CPU."""
    code = (
        "import os, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        yield process.pid
        process.communicate("\n")


def quoted(monkeypatch: pytest.MonkeyPatch, files: dict[str, str]) -> None:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    monkeypatch.setattr(procfs, "read", read)


def test_its_affinity_bounds_them(pinned: int) -> None:
    assert 0 < cpus.cpus(pinned) <= 1.0


def test_a_process_that_has_ended_has_none() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpus.cpus(process.pid) is None
    assert finished(cpus.thread_pools(process.pid)) == []


def test_the_least_quota_of_the_groups_above_it_bounds_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pid = os.getpid()
    files = {
        f"/proc/{pid}/cgroup": "0::/kube/pod/app\n",
        "/sys/fs/cgroup/kube/pod/app/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/kube/pod/cpu.max": "30000 100000\n",
        "/sys/fs/cgroup/kube/cpu.max": "75000 100000\n",
    }
    quoted(monkeypatch, files)
    assert cpus.cpus(pid) == 0.3


def test_the_first_version_of_cgroups_has_a_file_each(monkeypatch: pytest.MonkeyPatch) -> None:
    pid = os.getpid()
    files = {
        f"/proc/{pid}/cgroup": "5:memory:/a\n4:cpu,cpuacct:/docker/x\n",
        "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": "50000\n",
        "/sys/fs/cgroup/cpu/docker/x/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    }
    quoted(monkeypatch, files)
    assert cpus.cpus(pid) == 0.5
    quoted(monkeypatch, {f"/proc/{pid}/cgroup": "4:cpu:/\n"})
    assert cpus.cpus(pid) == len(os.sched_getaffinity(0))
