"""Finding _PyRuntime in another process, and believing it only once it has been checked.

locate(pid) ─▶ memory opened ─▶ ELF image of libpython or the program ─▶ address of _PyRuntime
            ─▶ version (debug offsets from 3.13 on, else Py_Version) ─▶ layout ─▶ validate
"""

from __future__ import annotations

import contextlib
import os
import struct
from dataclasses import dataclass, replace

from app.model import versions
from app.model.errors import GilscopeError, NoSuchProcess, NotReadable
from app.probe.kernel import access, procfs
from app.probe.kernel.elf import NotElf64, PythonImage, read_image
from app.probe.kernel.machine import AARCH64, HERE, SPOKEN
from app.probe.kernel.mapped_files import FileMapping, mapped_files, mapped_names, open_mapped
from app.probe.kernel.memory import AddressSpaceGone, ProcessMemory, Unmapped

from .layouts import GilOffsets, Layout, debug_offsets, known
from .survey import Inconsistent, ThreadState, survey
from .survivor import survivor

_FORKED_S = 0.1  # what calls exec, or PyOS_AfterFork_Child, has done so by then

_images: dict[tuple[str, int], PythonImage] = {}  # by (device, inode): children map the same files


class NoInterpreter(NotReadable):
    """No CPython in the process so far: it may call exec, or load one, at any time."""


class Doubtful(NotReadable):
    """What the process says of itself makes no sense: it starts, or it is a build that nobody knows."""


class NotYet(Exception):
    """The interpreter is there but not initialised, or is being taken down: worth another try."""


@dataclass(frozen=True)
class Runtime:
    """A CPython in a process, found and checked. Owns `memory`."""

    memory: ProcessMemory
    address: int  # of _PyRuntime
    layout: Layout
    version: str  # "3.12.1"
    program: str = ""  # the file in which it was found
    found_by: str = ""  # what in that file told its address
    bss: tuple[int, int] = (0, 0)  # (address, size) of that file's variables that begin as 0


def locate(pid: int) -> Runtime:
    """The CPython that `pid` runs.

    Raises NotYet while the interpreter starts, NoSuchProcess, NotPermitted, NoInterpreter where there is none
    so far, or NotReadable with the reason.
    """
    memory = ProcessMemory(pid)
    try:
        return _locate(pid, memory)
    except AddressSpaceGone:
        memory.close()
        if procfs.alive(pid):
            raise NotYet(f"process {pid} is becoming another program") from None
        raise NoSuchProcess(f"Process {pid} ended while it was being looked at") from None
    except (NotYet, GilscopeError):
        memory.close()
        raise


def _locate(pid: int, memory: ProcessMemory) -> Runtime:
    refusal = None
    for mapping in _candidates(pid):
        try:
            image = _image(pid, mapping)
        except NotElf64 as reason:
            refusal = f"Process {pid} is {reason}"
            continue
        if image is None or image.runtime is None:
            continue
        _check_library(pid)
        bias = image.bias(mapping.start, mapping.offset)
        runtime = _identify(memory, image.runtime + bias, image.version and image.version + bias)
        found_by = "the section .PyRuntime" if image.by_section else "the symbol _PyRuntime"
        bss = image.bss[0] + bias, image.bss[1]
        return replace(runtime, program=mapping.path, found_by=found_by, bss=bss)
    program = procfs.program(pid) or procfs.thread_name(pid, pid)
    raise NoInterpreter(
        refusal or f"Process {pid} is no CPython of 3.10 or later: it runs {program}, without a _PyRuntime",
        f"GILScope reads {versions.spoken()} on Linux for {SPOKEN}.",
        pid=pid,
    )


def _check_library(pid: int) -> None:
    """Raises NotReadable where the tables are of another C library.

    On x86-64 a mutex of musl's is as large as one of glibc's; on aarch64 it is not.
    """
    if HERE is AARCH64 and any(
        name.startswith(("ld-musl-", "libc.musl-")) for part in mapped_names(pid) for name in part
    ):
        raise NotReadable(
            f"Process {pid} is a CPython built for musl, whose layout on aarch64 GILScope does not know",
            "Run the program on an interpreter for glibc: in a container, an image that is not Alpine's.",
        )


def asyncio_debug(pid: int) -> int | None:
    """Where the module _asyncio, from 3.14 on, publishes its offsets; None where it is not loaded."""
    with contextlib.suppress(OSError):
        for mapping in mapped_files(pid):
            name = os.path.basename(mapping.path)
            if name.startswith(("_asyncio.", "libpython", "python")):
                with contextlib.suppress(NotElf64):
                    image = _image(pid, mapping)
                    if image is not None and image.asyncio_debug is not None:
                        return image.asyncio_debug + image.bias(mapping.start, mapping.offset)
    return None


def _candidates(pid: int) -> list[FileMapping]:
    """Mapped files that may hold _PyRuntime, libpython first."""
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        files = mapped_files(pid, "python", program)
    except (FileNotFoundError, ProcessLookupError):
        raise access.gone(pid) from None
    except PermissionError:
        raise access.refused(pid) from None
    named = [f for f in files if "python" in os.path.basename(f.path) or f.path == program]
    return sorted(named, key=lambda f: "libpython" not in os.path.basename(f.path))


def _image(pid: int, mapping: FileMapping) -> PythonImage | None:
    key = (mapping.device, mapping.inode)
    if key not in _images:
        try:
            fd = open_mapped(pid, mapping)
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            return None
        try:
            _images[key] = read_image(fd)
        except (ValueError, struct.error):  # an empty file cannot be mapped, a cut one not parsed
            return None
        finally:
            os.close(fd)
    return _images[key]


def _identify(memory: ProcessMemory, address: int, version_address: int | None) -> Runtime:
    try:
        hexversion, free_threaded = _version(memory, address, version_address)
        layouts = known()
        if hexversion is not None:
            key = (hexversion >> 24, hexversion >> 16 & 0xFF, free_threaded)
            if key not in layouts:
                raise _unknown(memory.pid, hexversion, free_threaded)
            layout = layouts[key]
            if layout.debug_fields is not None:
                published = debug_offsets.read(memory, address, layout.debug_fields)
                try:
                    layout = debug_offsets.overlay(layout, published)
                except ValueError as fault:
                    raise _doubtful(memory.pid, layout, fault) from None
            validate(memory, address, layout)
            return Runtime(memory, address, layout, version_text(hexversion))
        return _by_trial(memory, address, [layout for layout in layouts.values() if not layout.debug_fields])
    except Unmapped:
        raise NotYet(f"the interpreter of process {memory.pid} is being mapped") from None


def _version(memory: ProcessMemory, address: int, version_address: int | None) -> tuple[int | None, bool]:
    head = debug_offsets.HEAD
    cookie, hexversion, free_threaded = head.unpack(memory.read(address, head.size))
    if cookie == debug_offsets.COOKIE:
        return hexversion, bool(free_threaded)
    return (memory.u32(version_address), False) if version_address else (None, False)


def _by_trial(memory: ProcessMemory, address: int, layouts: list[Layout]) -> Runtime:
    """A stripped static program tells no version before 3.13: a layout is taken that holds throughout."""
    late = False
    for layout in layouts:
        try:
            validate(memory, address, layout)
        except NotReadable:
            continue
        except NotYet:
            late = True
            continue
        return Runtime(memory, address, layout, layout.name)
    if late:
        raise NotYet(f"the interpreter of process {memory.pid} is starting")
    raise Doubtful(f"Process {memory.pid} is a CPython that tells no version and fits no known layout")


def validate(memory: ProcessMemory, address: int, layout: Layout) -> None:
    """Raises NotReadable unless every structure at `address` agrees with the layout and with the kernel."""
    if memory.u64(address + layout.runtime_state.interpreters_head) == 0:
        raise NotYet(f"process {memory.pid} has no interpreter yet, or none any more")
    try:
        seen = survey(memory, address, layout)
        holders = {thread.address for thread in seen.threads} | {0}
        for gil in seen.gils:
            interval, holder, locked = _gil_head(memory, gil.address, layout.gil)
            if locked == -1:
                raise NotYet(f"process {memory.pid} has not made its GIL yet")
            if not 1 <= interval <= 10**7 or locked not in (0, 1):
                raise Inconsistent(f"its GIL at {gil.address:#x} makes no sense")
            if locked and holder not in holders:
                raise NotYet(f"the holder of the GIL of process {memory.pid} is being made or freed")
    except (Inconsistent, Unmapped) as fault:
        raise _doubtful(memory.pid, layout, fault) from None
    if not _names_its_threads(memory, layout, seen.threads):
        raise NotYet(f"the threads that process {memory.pid} names are another's")


def _doubtful(pid: int, layout: Layout, fault: Exception) -> Doubtful:
    return Doubtful(
        f"Process {pid} does not look like the CPython {layout.name} that it says it is: {fault}",
        "Debug and other special builds lay their structures out differently.",
    )


def _names_its_threads(memory: ProcessMemory, layout: Layout, states: list[ThreadState]) -> bool:
    """Whether a thread state is of one of the process's threads.

    Between fork and exec none is, nor before the child of a fork has put its house in order. A process that
    is neither after a while was forked by a library that knows nothing of Python.
    """
    pid = memory.pid
    nested = procfs.nested(pid)
    own = {procfs.own_tid(pid, tid) if nested else tid for tid in procfs.tids(pid)}
    if any(state.tid in own for state in states):
        return True
    own_pid = procfs.own_tid(pid, pid) if nested else pid
    if own_pid is None or procfs.age_s(pid) < _FORKED_S:
        return False
    return survivor(memory, layout, states, own_pid) is not None


def _gil_head(memory: ProcessMemory, address: int, gil: GilOffsets) -> tuple[int, int, int]:
    interval, holder = memory.u64(address + gil.interval), memory.u64(address + gil.last_holder)
    return interval, holder, memory.i32(address + gil.locked)


def version_text(hexversion: int) -> str:
    """PY_VERSION_HEX as people write it: 0x030c01f0 is 3.12.1, 0x030f00b2 is 3.15.0b2."""
    text = f"{hexversion >> 24}.{hexversion >> 16 & 255}.{hexversion >> 8 & 255}"
    level, serial = hexversion >> 4 & 0xF, hexversion & 0xF
    return text + {0xA: f"a{serial}", 0xB: f"b{serial}", 0xC: f"rc{serial}"}.get(level, "")


def _unknown(pid: int, hexversion: int, free_threaded: bool) -> NotReadable:
    names = ", ".join(layout.name for layout in known().values())
    build = " free-threaded" if free_threaded else ""
    return NotReadable(
        f"Process {pid} runs CPython {version_text(hexversion)}{build}, whose layout GILScope does not know",
        f"It reads {names}. Another version needs a file of its offsets in app/probe/cpython/layouts.",
    )
