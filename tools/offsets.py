"""Regenerate the numbers of app/probe/cpython/layouts from CPython's own headers.

    python tools/offsets.py INCLUDE_DIR [--free-threaded] [--machine x86_64|aarch64]

INCLUDE_DIR is a directory that holds Python.h and internal/. Prints one line a field, `structure.field
number`, for the version whose headers they are. Needs a C compiler, for a machine that is not this one a
cross compiler with that machine's C headers; it links and runs nothing, and reads the numbers in the object.

Of INCLUDE_DIR the same headers serve for both machines: what differs is the C library's, and no setting of
pyconfig.h that a structure depends on.
"""

from __future__ import annotations

import argparse
import mmap
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.probe.kernel.elf import places
from app.probe.kernel.machine import BY_UNAME

Version = tuple[int, int]

CROSS = {"x86_64": "x86_64-linux-gnu-gcc", "aarch64": "aarch64-linux-gnu-gcc"}

# structure.field -> (first version, C expression), newest last; None where the version has no such field.
FIELDS: dict[str, list[tuple[Version, str | None]]] = {
    "runtime_state.interpreters_head": [((3, 11), "offsetof(_PyRuntimeState, interpreters.head)")],
    "runtime_state.finalizing": [((3, 11), "offsetof(_PyRuntimeState, _finalizing)")],
    "runtime_state.gil": [((3, 11), "offsetof(_PyRuntimeState, ceval.gil)"), ((3, 12), None)],
    "interpreter_state.id": [((3, 11), "offsetof(PyInterpreterState, id)")],
    "interpreter_state.next": [((3, 11), "offsetof(PyInterpreterState, next)")],
    "interpreter_state.threads_head": [((3, 11), "offsetof(PyInterpreterState, threads.head)")],
    "interpreter_state.runtime": [((3, 11), "offsetof(PyInterpreterState, runtime)")],
    "interpreter_state.imports_modules": [
        ((3, 11), "offsetof(PyInterpreterState, modules)"),
        ((3, 12), "offsetof(PyInterpreterState, imports.modules)"),
    ],
    "interpreter_state.ceval_gil": [((3, 11), None), ((3, 12), "offsetof(PyInterpreterState, ceval.gil)")],
    "interpreter_state.gc": [((3, 11), "offsetof(PyInterpreterState, gc)")],
    "interpreter_state.obmalloc": [
        ((3, 11), None),
        ((3, 12), "offsetof(PyInterpreterState, obmalloc)"),
        ((3, 13), None),
    ],
    "interpreter_state.obmalloc_pointer": [((3, 11), None), ((3, 13), "OBMALLOC_POINTER")],
    "thread_state.thread_id": [((3, 11), "offsetof(PyThreadState, thread_id)")],
    "thread_state.native_thread_id": [((3, 11), "offsetof(PyThreadState, native_thread_id)")],
    "thread_state.datastack_chunk": [((3, 11), "offsetof(PyThreadState, datastack_chunk)")],
    "thread_state.current_frame": [((3, 11), None), ((3, 13), "offsetof(PyThreadState, current_frame)")],
    "thread_state.cframe": [((3, 11), "offsetof(PyThreadState, cframe)"), ((3, 13), None)],
    "thread_state.cframe_current_frame": [
        ((3, 11), "offsetof(_PyCFrame, current_frame)"),
        ((3, 13), None),
    ],
    "thread_state.state": [((3, 11), None), ((3, 13), "offsetof(PyThreadState, state)")],
    "thread_state.holds_gil": [((3, 11), None), ((3, 14), "offsetof(PyThreadState, holds_gil)")],
    "thread_state.gil_requested": [((3, 11), None), ((3, 15), "offsetof(PyThreadState, gil_requested)")],
    "gil.enabled": [((3, 11), None), ((3, 13), "GIL_ENABLED")],
    "gil.interval": [((3, 11), "offsetof(struct _gil_runtime_state, interval)")],
    "gil.last_holder": [((3, 11), "offsetof(struct _gil_runtime_state, last_holder)")],
    "gil.locked": [((3, 11), "offsetof(struct _gil_runtime_state, locked)")],
    "gil.switch_number": [((3, 11), "offsetof(struct _gil_runtime_state, switch_number)")],
    "gil.cond": [((3, 11), "offsetof(struct _gil_runtime_state, cond)")],
    "gil.end": [((3, 11), "sizeof(struct _gil_runtime_state)")],
    "gc.enabled": [((3, 11), "offsetof(struct _gc_runtime_state, enabled)")],
    "gc.generations": [
        ((3, 11), "offsetof(struct _gc_runtime_state, generations)"),
        ((3, 14), "offsetof(struct _gc_runtime_state, GENERATIONS)"),
    ],
    "gc.generation_stats": [((3, 11), "offsetof(struct _gc_runtime_state, generation_stats)")],
    "gc.collecting": [((3, 11), "offsetof(struct _gc_runtime_state, collecting)")],
    "gc.long_lived_total": [((3, 11), "offsetof(struct _gc_runtime_state, long_lived_total)")],
    "gc.long_lived_pending": [((3, 11), "offsetof(struct _gc_runtime_state, long_lived_pending)")],
    "gc.heap_size": [((3, 11), None), ((3, 14), "offsetof(struct _gc_runtime_state, heap_size)")],
    "gc_generation.size": [((3, 11), "sizeof(struct gc_generation)")],
    "gc_generation.threshold": [((3, 11), "offsetof(struct gc_generation, threshold)")],
    "gc_generation.count": [((3, 11), "offsetof(struct gc_generation, count)")],
    "gc_generation_stats.size": [((3, 11), "sizeof(struct gc_generation_stats)")],
    "gc_generation_stats.collections": [((3, 11), "offsetof(struct gc_generation_stats, collections)")],
    "gc_generation_stats.collected": [((3, 11), "offsetof(struct gc_generation_stats, collected)")],
    "gc_generation_stats.uncollectable": [((3, 11), "offsetof(struct gc_generation_stats, uncollectable)")],
    "gc_generation_stats.ts_start": [
        ((3, 11), None),
        ((3, 15), "offsetof(struct gc_generation_stats, ts_start)"),
    ],
    "gc_generation_stats.ts_stop": [
        ((3, 11), None),
        ((3, 15), "offsetof(struct gc_generation_stats, ts_stop)"),
    ],
    "gc_stats.size": [((3, 11), None), ((3, 15), "sizeof(struct gc_stats)")],
    "gc_stats.old": [((3, 11), None), ((3, 15), "offsetof(struct gc_stats, old)")],
    "gc_stats.old_size": [((3, 11), None), ((3, 15), "sizeof(struct gc_old_stats_buffer)")],
    "gc_stats.young_items": [((3, 11), None), ((3, 15), "GC_YOUNG_STATS_SIZE")],
    "gc_stats.old_items": [((3, 11), None), ((3, 15), "GC_OLD_STATS_SIZE")],
    "obmalloc.arenas": [((3, 11), None), ((3, 12), "OBMALLOC(mgmt.arenas)")],
    "obmalloc.maxarenas": [((3, 11), None), ((3, 12), "OBMALLOC(mgmt.maxarenas)")],
    "obmalloc.narenas_currently_allocated": [
        ((3, 11), None),
        ((3, 12), "OBMALLOC(mgmt.narenas_currently_allocated)"),
    ],
    "obmalloc.raw_allocated_blocks": [((3, 11), None), ((3, 12), "OBMALLOC(mgmt.raw_allocated_blocks)")],
    "mimalloc.page_size": [((3, 11), None), ((3, 13), "PAGE_SIZE")],
    "mimalloc.slice_count": [((3, 11), None), ((3, 13), "PAGE(slice_count)")],
    "mimalloc.reserved": [((3, 11), None), ((3, 13), "PAGE(reserved)")],
    "mimalloc.capacity": [((3, 11), None), ((3, 13), "PAGE(capacity)")],
    "mimalloc.free": [((3, 11), None), ((3, 13), "PAGE(free)")],
    "mimalloc.used": [((3, 11), None), ((3, 13), "PAGE(used)")],
    "mimalloc.xblock_size": [((3, 11), None), ((3, 13), "PAGE(xblock_size)")],
    "mimalloc.tag": [((3, 11), None), ((3, 13), "PAGE_TAG")],
    "mimalloc.local_free": [((3, 11), None), ((3, 13), "PAGE(local_free)")],
    "mimalloc.xthread_free": [((3, 11), None), ((3, 13), "PAGE(xthread_free)")],
    "mimalloc.xheap": [((3, 11), None), ((3, 13), "PAGE(xheap)")],
    "mimalloc.pages_in_use": [((3, 11), None), ((3, 13), "SEGMENT(used)")],
    "mimalloc.cookie": [((3, 11), None), ((3, 13), "SEGMENT(cookie)")],
    "mimalloc.segment_slices": [((3, 11), None), ((3, 13), "SEGMENT(segment_slices)")],
    "mimalloc.segment_info_slices": [((3, 11), None), ((3, 13), "SEGMENT(segment_info_slices)")],
    "mimalloc.slice_entries": [((3, 11), None), ((3, 13), "SEGMENT(slice_entries)")],
    "mimalloc.thread_id": [((3, 11), None), ((3, 13), "SEGMENT(thread_id)")],
    "mimalloc.slices": [((3, 11), None), ((3, 13), "SEGMENT(slices)")],
    "interpreter_frame.executable": [
        ((3, 11), "offsetof(_PyInterpreterFrame, f_code)"),
        ((3, 13), "offsetof(_PyInterpreterFrame, f_executable)"),
    ],
    "interpreter_frame.previous": [((3, 11), "offsetof(_PyInterpreterFrame, previous)")],
    "interpreter_frame.instr_ptr": [
        ((3, 11), "offsetof(_PyInterpreterFrame, prev_instr)"),
        ((3, 13), "offsetof(_PyInterpreterFrame, instr_ptr)"),
    ],
    "interpreter_frame.owner": [((3, 11), "offsetof(_PyInterpreterFrame, owner)")],
    "interpreter_frame.localsplus": [((3, 11), "offsetof(_PyInterpreterFrame, localsplus)")],
    "interpreter_frame.tlbc_index": [((3, 11), None), ((3, 14), "TLBC_INDEX")],
    "code_object.filename": [((3, 11), "offsetof(PyCodeObject, co_filename)")],
    "code_object.qualname": [((3, 11), "offsetof(PyCodeObject, co_qualname)")],
    "code_object.firstlineno": [((3, 11), "offsetof(PyCodeObject, co_firstlineno)")],
    "code_object.linetable": [((3, 11), "offsetof(PyCodeObject, co_linetable)")],
    "code_object.localsplusnames": [((3, 11), "offsetof(PyCodeObject, co_localsplusnames)")],
    "code_object.co_code_adaptive": [((3, 11), "offsetof(PyCodeObject, co_code_adaptive)")],
    "code_object.co_tlbc": [((3, 11), None), ((3, 14), "CO_TLBC")],
    "objects.ob_type": [((3, 11), "offsetof(PyObject, ob_type)")],
    "objects.ma_keys": [((3, 11), "offsetof(PyDictObject, ma_keys)")],
    "objects.ma_values": [((3, 11), "offsetof(PyDictObject, ma_values)")],
    "objects.length": [((3, 11), "offsetof(PyASCIIObject, length)")],
    "objects.state": [((3, 11), "offsetof(PyASCIIObject, state)")],
    "objects.ascii_size": [((3, 11), "sizeof(PyASCIIObject)")],
    "objects.compact_size": [((3, 11), "sizeof(PyCompactUnicodeObject)")],
    "objects.kind_shift": [((3, 11), "BIT_OF kind")],
    "objects.ascii_bit": [((3, 11), "BIT_OF ascii")],
    "objects.tp_basicsize": [((3, 11), "offsetof(PyTypeObject, tp_basicsize)")],
    "objects.ht_cached_keys": [((3, 11), "offsetof(PyHeapTypeObject, ht_cached_keys)")],
    "objects.ob_sval": [((3, 11), "offsetof(PyBytesObject, ob_sval)")],
    "objects.ob_size": [((3, 11), "offsetof(PyVarObject, ob_size)")],
    "objects.ob_item": [((3, 11), "offsetof(PyTupleObject, ob_item)")],
}

PROGRAM = r"""
#include <stddef.h>
#include "Python.h"
#include "internal/pycore_runtime.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_frame.h"
#if PY_VERSION_HEX >= 0x030e0000
#include "internal/pycore_interpframe_structs.h"
#endif
#ifdef Py_GIL_DISABLED
#define GIL_ENABLED (long)offsetof(struct _gil_runtime_state, enabled)
#define TLBC_INDEX (long)offsetof(_PyInterpreterFrame, tlbc_index)
#define CO_TLBC (long)offsetof(PyCodeObject, co_tlbc)
#define GENERATIONS young
#define OBMALLOC_POINTER -1L
#define OBMALLOC(field) -1L
#define PAGE_SIZE (long)sizeof(mi_page_t)
#define PAGE(field) (long)offsetof(mi_page_t, field)
#define SEGMENT(field) (long)offsetof(mi_segment_t, field)
#else
#define GIL_ENABLED -1L
#define TLBC_INDEX -1L
#define CO_TLBC -1L
#define GENERATIONS generations
#define OBMALLOC_POINTER (long)offsetof(PyInterpreterState, obmalloc)
#define OBMALLOC(field) (long)offsetof(struct _obmalloc_state, field)
#define PAGE_SIZE -1L
#define PAGE(field) -1L
#define SEGMENT(field) -1L
#endif
#define IN(name) __attribute__((used, section(".gilscope_" name))) const
/* Bit fields have no offset: what is set in one shows where it lies. */
IN("kind") PyASCIIObject set_kind = {.state = {.kind = 1}};
IN("ascii") PyASCIIObject set_ascii = {.state = {.ascii = 1}};
IN("state") long long state_at = offsetof(PyASCIIObject, state);
#ifdef Py_GIL_DISABLED
IN("tag") mi_page_t set_tag = {.tag = 1};
#endif
IN("offsets") long long numbers[] = { /* FIELDS */ };
"""


def version_of(include: Path) -> Version:
    """(major, minor) of the headers."""
    text = (include / "patchlevel.h").read_text()
    major, minor = (
        int(re.search(rf"#define PY_{name}_VERSION\s+(\d+)", text)[1])  # type: ignore[index]
        for name in ("MAJOR", "MINOR")
    )
    return major, minor


def offsets(include: Path, free_threaded: bool, machine: str | None = None) -> dict[str, int | None]:
    """{structure.field: number}, None for a field that the version or the build does not have.

    `machine` is as uname names it; None: this one.
    """
    version = version_of(include)
    chosen = {name: [e for first, e in choices if first <= version][-1] for name, choices in FIELDS.items()}
    counted = {name: e for name, e in chosen.items() if e is not None and e not in _READ}
    source = PROGRAM.replace("/* FIELDS */", ", ".join(f"(long long)({e})" for e in counted.values()))
    with tempfile.TemporaryDirectory() as folder:
        found = _compiled(source, include, free_threaded, machine or platform.machine(), Path(folder))
    numbers = struct.unpack(f"<{len(counted)}q", found[".gilscope_offsets"])
    told = dict(zip(counted, numbers, strict=True))
    for name, expression in chosen.items():
        if expression in _READ:
            told[name] = _READ[expression](found)
    return {name: told[name] if told.get(name, -1) >= 0 else None for name in FIELDS}


def _bit(section: str, found: dict[str, bytes]) -> int:
    """The lowest bit of the word `state` that is set in an object."""
    (state,) = struct.unpack("<q", found[".gilscope_state"])
    word = int.from_bytes(found[section][state : state + 4], "little")
    return (word & -word).bit_length() - 1


def _byte(section: str, found: dict[str, bytes]) -> int:
    """The byte of an object in which something is set; -1 where there is no such object."""
    data = found.get(section, b"")
    return len(data) - len(data.lstrip(b"\0")) if data else -1


# Expressions of FIELDS that are no C: what is read in an object of their own.
_READ: dict[str | None, Callable[[dict[str, bytes]], int]] = {
    "BIT_OF kind": partial(_bit, ".gilscope_kind"),
    "BIT_OF ascii": partial(_bit, ".gilscope_ascii"),
    "PAGE_TAG": partial(_byte, ".gilscope_tag"),
}


def _compiled(
    source: str, include: Path, free_threaded: bool, machine: str, folder: Path
) -> dict[str, bytes]:
    """The sections of the object that a compiler for the machine makes: {name: content}."""
    compiler = "cc" if machine == platform.machine() else CROSS[machine]
    flags = ["-DPy_BUILD_CORE", "-w", f"-I{include}", f"-I{include}/internal"]
    flags += [f"-I{include.parent}"] if compiler == "cc" else [f"-I{_settings(include, machine, folder)}"]
    # A build without the GIL says so in its own pyconfig.h; another build's headers can be told.
    flags += ["-DPy_GIL_DISABLED=1"] if free_threaded else []
    made = folder / "offsets.o"
    subprocess.run(
        [compiler, *flags, "-x", "c", "-", "-c", "-o", str(made)], input=source, text=True, check=True
    )
    with made.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
        sections = places(data, BY_UNAME[machine]).sections
        return {name: data[at : at + size] for name, (at, size, _) in sections.items()}


def _settings(include: Path, machine: str, folder: Path) -> Path:
    """Where a cross compiler finds the pyconfig.h that Debian's own leads to by the machine's name.

    Another machine's stands in for one that is not installed. /usr/include itself, where both are, has this
    machine's C library too, and must not be searched.
    """
    wanted = Path(f"{machine}-linux-gnu", include.name, "pyconfig.h")
    there = [include.parent / wanted, *sorted(include.parent.glob(f"*-linux-gnu/{include.name}/pyconfig.h"))]
    for each in there:
        if each.exists():
            (folder / wanted).parent.mkdir(parents=True)
            shutil.copy(each, folder / wanted)
            break
    return folder


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("include", type=Path)
    parser.add_argument("--free-threaded", action="store_true")
    parser.add_argument("--machine", choices=sorted(CROSS))
    options = parser.parse_args()
    for name, number in offsets(options.include, options.free_threaded, options.machine).items():
        print(name, number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
