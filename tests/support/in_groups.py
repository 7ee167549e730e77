"""The first process of a user-mode Linux: a server's part in a group of its own, and programs in it.

Prints a line of JSON for each program: what its run says.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
MIB = 1 << 20
CHILDREN = """
import os, signal
for _ in range(64):
    try:
        if os.fork() == 0:
            os.setsid()
            signal.pause()
    except OSError as error:
        print("refused", error.strerror, flush=True)
        break
"""
MEMORY = """
import os, signal
if os.fork() == 0:
    held = b"x" * (35 << 20)
    signal.pause()
held = [b"x" * (1 << 20) + bytes([each]) for each in range(80)]
print("got it", flush=True)
"""
PROGRAMS = {"children": CHILDREN, "memory": MEMORY, "small": "print(open('/proc/self/cgroup').read())"}


def mount() -> Path:
    """What an init does, and a group that is delegated as systemd does it."""
    for kind, place in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/tmp"), ("cgroup2", str(GROUPS))):
        subprocess.run(["mount", "-t", kind, kind, place], check=True)
    (GROUPS / "cgroup.subtree_control").write_text("+memory +pids")
    group = GROUPS / "service"
    group.mkdir()
    os.setxattr(group, "trusted.delegate", b"1")
    return group


async def runs() -> None:
    """Each program with 100 MiB and 16 processes for all of its own."""
    from app.runs import delegated
    from app.runs.manager import Manager
    from app.runs.request import RunRequest
    from app.runs.settings import Settings

    before = delegated.hindrance()
    delegated.enter()
    print(json.dumps({"hindrance": before, "folder": delegated.folder()}), flush=True)
    manager = Manager(
        Settings(data_dir="/tmp/runs", target_memory=100 * MIB, target_processes=16, target_seconds=30)
    )
    try:
        for name, script in PROGRAMS.items():
            run = await manager.start(RunRequest(script=script))
            await run.wait()
            left = [path.name for path in (GROUPS / "service").glob("gilscope-run-*")]
            print(json.dumps({"program": name, "left": left, **run.to_json()}), flush=True)
    finally:
        await manager.close()


def main() -> None:
    """Runs them, and turns the machine off."""
    try:
        group = mount()
        os.environ |= {"HOME": "/tmp", "PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"}
        if os.fork() == 0:
            (group / "cgroup.procs").write_text("0")
            asyncio.run(runs())
            os._exit(0)
        os.wait()
    finally:
        Path("/proc/sys/kernel/sysrq").write_text("1")
        Path("/proc/sysrq-trigger").write_text("o")
        while True:
            os.wait()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
