"""What works here and for one process, what does not, and the command that mends it.

    {"schema": 1,
     "checks": [{"name", "status": ok | limited | missing, "detail", "remedy"}],
     "process": null | {"pid", "inner_pid", "user", "command", "readable", "python", "free_threaded",
                        "gil_enabled", "build", "found_by", "offsets", "capabilities", "why", "below": [pid],
                        "error": null | {"code", "title", "detail", "remedy"}}}

`below` are the CPythons that attaching to a launcher observes, which is none itself. `error` is what `attach`
would be refused with, in the same words: both ask `runtime.locate`.
"""

from __future__ import annotations

import itertools
import os
import platform
import shutil
import sys
import time
from typing import Any

from app.model import versions
from app.model.errors import GilscopeError, NoSuchProcess, NotReadable
from app.model.priority import come_first

from . import launcher
from .cpython import capabilities
from .cpython.runtime import NoInterpreter, NotYet, Runtime, locate
from .cpython.survey import Inconsistent
from .kernel import access, procfs
from .kernel.machine import KNOWN, SPOKEN
from .kernel.memory import AddressSpaceGone, Unmapped
from .kernel.pagemap import PAGE
from .kernel.timing import tighten_timer
from .libc.in_use import InUseReader
from .sampling.heaps import HeapReads
from .sampling.roster import Roster
from .sampling.slow import SlowReads

Json = dict[str, Any]

_HEAP_LIMIT_NS = 1_000_000_000
_USUAL_PAGE = 4_096
OK, LIMITED, MISSING = "ok", "limited", "missing"
_TOOLS = {
    "java": "sudo apt-get install default-jdk-headless",
    "g++": "sudo apt-get install g++",
}


def examine(pid: int | None) -> Json:
    """The whole report; with a pid, of that process too."""
    checks = [_system(), _user(), _map_files(), _yama(), _seccomp(), _container(), _cpus()]
    checks += [_timer(), _priority()]
    checks += [_tool(name, remedy) for name, remedy in _TOOLS.items()]
    return {"schema": 1, "checks": checks, "process": None if pid is None else _process(pid)}


def _check(name: str, status: str, detail: str, remedy: str = "") -> Json:
    return {"name": name, "status": status, "detail": detail, "remedy": remedy}


def _system() -> Json:
    here = f"{platform.system()} {platform.release()} on {platform.machine()}"
    if PAGE != _USUAL_PAGE:
        here += f" with pages of {PAGE >> 10} KiB"
    fits = platform.system() == "Linux" and KNOWN is not None
    own = ".".join(map(str, sys.version_info[:3]))
    detail = f"{here}; the observer runs on CPython {own} and reads {versions.spoken()}"
    return _check(
        "system", OK if fits else MISSING, detail, "" if fits else f"Run GILScope on Linux for {SPOKEN}."
    )


def _user() -> Json:
    own = access.credentials("self")
    assert own is not None
    name = access.user(own.uids[1])
    if own.may_trace and not own.may_open:
        detail = (
            f"{name} with CAP_SYS_PTRACE, without CAP_DAC_READ_SEARCH: only this user's processes can be read"
        )
        return _check(
            "user", LIMITED, detail, "docker run --cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH ..."
        )
    if own.may_trace:
        return _check("user", OK, f"{name}, with CAP_SYS_PTRACE: every user's processes can be read")
    if own.uids[1] == 0:
        detail = f"{name} without CAP_SYS_PTRACE: processes with more rights than GILScope cannot be read"
        return _check("user", LIMITED, detail, "docker run --cap-add=SYS_PTRACE ...")
    return _check("user", LIMITED, f"{name}: only this user's processes can be read", "sudo gilscope serve")


def _map_files() -> Json:
    own = access.credentials("self")
    assert own is not None
    if own.has(access.SYS_ADMIN) or own.has(access.CHECKPOINT_RESTORE):
        return _check("upgraded programs", OK, "an interpreter whose file was replaced since can be read too")
    detail = "an interpreter whose file was replaced since it started cannot be read (no CAP_SYS_ADMIN)"
    return _check("upgraded programs", LIMITED, detail, "sudo gilscope serve")


def _yama() -> Json:
    scope, own = access.yama(), access.credentials("self")
    assert own is not None
    if scope is None:
        return _check("yama", OK, "this kernel has no Yama")
    said = f"kernel.yama.ptrace_scope is {scope}"
    if scope == 3:
        return _check(
            "yama", LIMITED, f"{said}: only what GILScope starts itself is tried, and may be refused"
        )
    if scope == 0 or own.may_trace:
        return _check("yama", OK, f"{said}: no hindrance to this user")
    remedy = "sudo sysctl kernel.yama.ptrace_scope=0"
    return _check("yama", LIMITED, f"{said}: only what GILScope starts itself can be read", remedy)


def _seccomp() -> Json:
    own = access.credentials("self")
    assert own is not None
    if own.seccomp == 0:
        return _check("seccomp", OK, "no filter")
    return _check(
        "seccomp", OK, "a filter is on; reading /proc/PID/mem needs no call that one commonly refuses"
    )


def _container() -> Json:
    own = access.credentials("self")
    assert own is not None
    if not access.in_container():
        return _check("pid namespace", OK, "the machine's own: every process is seen")
    detail = f"a container's (this process is pid {own.pids[-1]} in it): only its own processes are seen"
    return _check("pid namespace", LIMITED, detail, "docker run --pid=host --cap-add=SYS_PTRACE ...")


def _cpus() -> Json:
    count = len(os.sched_getaffinity(0))
    if count > 1:
        return _check("CPUs", OK, f"{count} can be used")
    return _check("CPUs", LIMITED, "one can be used: the observer competes with what it observes")


def _timer() -> Json:
    if tighten_timer() is None:
        return _check("timer", OK, "the observer's timer is as exact as the kernel's")
    return _check("timer", LIMITED, "the kernel did not allow a finer timer: samples come up to 50 µs late")


def _priority() -> Json:
    if _may_come_first():
        return _check("priority", OK, "the observer gets a CPU before what it observes, where none is free")
    detail = "where no CPU is free the observer waits for one like any other process, and sees less"
    return _check("priority", LIMITED, detail, "sudo gilscope serve")


def _may_come_first() -> bool:
    """Whether the kernel gives it: asked by a child, since it is for good."""
    child = os.fork()
    if not child:
        os._exit(0 if come_first() else 1)
    return os.waitpid(child, 0)[1] == 0


def _tool(name: str, remedy: str) -> Json:
    path = shutil.which(name)
    if path is not None:
        return _check(name, OK, path)
    return _check(name, LIMITED, "not found: workloads that compare Python with it cannot run", remedy)


def _process(pid: int) -> Json:
    theirs = access.credentials(pid)
    facts: Json = {
        "pid": pid,
        "inner_pid": theirs.pids[-1] if theirs is not None and len(theirs.pids) > 1 else None,
        "user": access.user(theirs.uids[0]) if theirs is not None else None,
        "command": procfs.command(pid),
        "readable": False,
        **dict.fromkeys(("python", "free_threaded", "gil_enabled", "build", "found_by", "offsets")),
        "capabilities": {},
        "why": {},
        "below": [],
        "error": None,
    }
    try:
        runtime = locate(pid)
        try:
            facts.update(_interpreter(pid, runtime))
        finally:
            runtime.memory.close()
    except NoInterpreter as error:
        facts["below"], refusals = launcher.pythons_below(pid)
        if not facts["below"]:
            facts["error"] = launcher.refusal(error, pid, refusals).to_json()
    except NoSuchProcess:
        facts["error"] = access.never_seen(pid).to_json()
    except GilscopeError as error:
        facts["error"] = error.to_json()
    except (NotYet, AddressSpaceGone, Inconsistent, Unmapped) as reason:
        facts["error"] = NotReadable(f"Process {pid} is starting or ending: {reason}", "Try again.").to_json()
    return facts


def _interpreter(pid: int, runtime: Runtime) -> Json:
    roster = Roster(pid, runtime, itertools.count().__next__, itertools.count().__next__)
    try:
        roster.refresh(0)
        interpreters = len({state.interpreter for lane in roster.lanes.values() for state in lane.states})
        has_heap = _has_heap(runtime)
        census_of = _census_of(runtime, has_heap)
        levels, why = capabilities.of(
            runtime.layout, roster.gil_enabled, interpreters, True, has_heap, census_of
        )
        return {
            "readable": True,
            "python": runtime.version,
            "free_threaded": runtime.layout.free_threaded,
            "gil_enabled": roster.gil_enabled,
            "build": "shared libpython" if "libpython" in os.path.basename(runtime.program) else "static",
            "found_by": f"{runtime.found_by} of {runtime.program}",
            "offsets": "published by the interpreter" if runtime.layout.debug_fields else "a table",
            "capabilities": levels,
            "why": why,
        }
    finally:
        roster.close()


def _census_of(runtime: Runtime, has_heap: bool) -> str:
    """Of which blocks the types of its objects can be told."""
    if runtime.layout.mimalloc is not None or InUseReader(runtime.memory).is_readable():
        return capabilities.ALL if has_heap else capabilities.BLOCKS_ALONE
    return capabilities.POOLS_ALONE if has_heap else capabilities.NOTHING


def _has_heap(runtime: Runtime) -> bool:
    slow = SlowReads()
    heaps = HeapReads(runtime, slow, lambda message: None, looked_at=False)
    heaps.read_if_due(0, 1)
    slow.finish(time.monotonic_ns() + _HEAP_LIMIT_NS)
    return heaps.present
