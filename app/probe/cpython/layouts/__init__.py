"""Where each CPython keeps what the observer reads: one file a version and build, one Layout in it.

Classes are named after CPython's structures, and fields as CPython names them; a number is an offset in
bytes from the start of its structure. The numbers come from the interpreters' headers (tools/offsets.py
regenerates them, a test compares). From 3.13 on the target publishes most of them itself, in
`_Py_DebugOffsets` at the start of `_PyRuntime`: those win, and the table serves for the rest. Whatever
their source, they are believed only after `runtime.validate` has walked the structures and found them to
agree with each other and with the kernel.

A table is of x86-64, and `ON_AARCH64` in its file says what is another number there: glibc's mutex takes 48
bytes instead of 40, and a GIL has two of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.model import versions

Key = tuple[int, int, bool]  # major, minor, free-threaded


@dataclass(frozen=True)
class RuntimeStateOffsets:
    """_PyRuntimeState."""

    interpreters_head: int
    finalizing: int  # PyThreadState *, of the thread that takes the interpreter down; 0 before
    gil: int | None = None  # 3.11: the one GIL of the process lies here


@dataclass(frozen=True)
class InterpreterStateOffsets:
    """PyInterpreterState."""

    id: int
    next: int
    threads_head: int
    runtime: int  # back to _PyRuntime: the check that this is an interpreter
    imports_modules: int  # PyObject *, the dict sys.modules
    gc: int  # struct _gc_runtime_state
    obmalloc: int | None = None  # 3.12: struct _obmalloc_state
    obmalloc_pointer: int | None = None  # 3.13 on: a pointer to it, shared where interpreters share a heap
    ceval_gil: int | None = None  # 3.12 on: a pointer, shared by interpreters that share a GIL


@dataclass(frozen=True)
class ThreadStateOffsets:
    """PyThreadState. prev, next and interp are its first three words in every version."""

    thread_id: int  # pthread_t: threading's `ident`
    native_thread_id: int  # the kernel's
    datastack_chunk: int
    current_frame: int | None = None  # 3.13 on
    cframe: int | None = None  # before: a pointer to the structure that points to the frame
    cframe_current_frame: int = 0
    state: int | None = None  # 3.13 on: DETACHED 0, ATTACHED 1, SUSPENDED 2, SHUTTING_DOWN 3
    holds_gil: int | None = None  # 3.14 on: an int
    gil_requested: int | None = None  # 3.15 on: an int, 1 while the thread is inside take_gil


PERMANENT = 0x7FFFFFFF  # an int's maximum: the GIL of a free-threaded build is on, and stays on


@dataclass(frozen=True)
class GilOffsets:
    """struct _gil_runtime_state. Free-threaded builds have `enabled` before all else."""

    enabled: int | None = None  # i32: PERMANENT on; 0 off; else so many extensions are being loaded
    interval: int = 0  # u64, microseconds
    last_holder: int = 8  # PyThreadState *; the holder only while locked is 1
    locked: int = 16  # i32: -1 not made yet, 0 free, 1 held
    switch_number: int = 24  # u64: times that the holder was another than the last
    cond: int = 32  # waiters sleep on a futex in [cond, end)
    end: int = 208


FREE_THREADED_GIL = GilOffsets(
    enabled=0, interval=8, last_holder=16, locked=24, switch_number=32, cond=40, end=216
)


@dataclass(frozen=True)
class InterpreterFrameOffsets:
    """_PyInterpreterFrame."""

    executable: int  # the code object; from 3.14 on tagged in its low three bits
    previous: int
    instr_ptr: int
    owner: int  # one byte
    localsplus: int  # the local variables, a word each, in the order of co_localsplusnames
    tlbc_index: int | None = None  # free-threaded 3.14 on: which copy of the byte code `instr_ptr` is in


@dataclass(frozen=True)
class CodeObjectOffsets:
    """PyCodeObject."""

    filename: int
    qualname: int
    firstlineno: int
    linetable: int
    localsplusnames: int  # a tuple of str
    co_code_adaptive: int
    co_tlbc: int | None = None


@dataclass(frozen=True)
class ObjectOffsets:
    """Of PyObject and its kin, what reading a thread's name and a function's takes."""

    ob_type: int
    ma_keys: int  # PyDictObject
    ma_values: int
    length: int  # PyASCIIObject
    state: int
    ascii_size: int  # sizeof(PyASCIIObject): where the text of an ASCII string begins
    compact_size: int  # sizeof(PyCompactUnicodeObject): where that of any other begins
    kind_shift: int  # of the three bits of `state` that tell 1, 2 or 4 bytes a character
    ascii_bit: int
    tp_basicsize: int  # PyTypeObject
    ht_cached_keys: int  # PyHeapTypeObject
    ob_sval: int  # PyBytesObject
    ob_size: int  # PyVarObject
    ob_item: int  # PyTupleObject


@dataclass(frozen=True)
class GcOffsets:
    """struct _gc_runtime_state."""

    enabled: int  # an int
    generations: int  # three GcGenerationOffsets, from the youngest on
    generation_stats: int  # three GcGenerationStats; from 3.15 on a pointer to GcStats
    collecting: int  # an int, 1 while it collects
    long_lived_total: int  # i64: objects that survived the last full collection
    long_lived_pending: int  # i64: that survived others since, and wait for the next full one
    heap_size: int | None = None  # 3.14 on: the objects that it follows


@dataclass(frozen=True)
class GcGenerationOffsets:
    """struct gc_generation."""

    size: int = 24
    threshold: int = 16  # an int
    count: int = 20  # an int


@dataclass(frozen=True)
class GcGenerationStatsOffsets:
    """struct gc_generation_stats: running totals, and from 3.15 on when the last collection was."""

    size: int = 24
    collections: int = 0
    collected: int = 8
    uncollectable: int = 16
    ts_start: int | None = None  # 3.15 on: i64, ns on CLOCK_MONOTONIC
    ts_stop: int | None = None


@dataclass(frozen=True)
class GcStatsOffsets:
    """struct gc_stats, from 3.15 on: a ring of GcGenerationStats a generation, `young` at 0 and two `old`."""

    size: int
    old: int  # offset of the first old ring
    old_size: int
    young_items: int
    old_items: int


@dataclass(frozen=True)
class ObmallocOffsets:
    """struct _obmalloc_state, from 3.12 on; before, each of its members is a static variable."""

    arenas: int = 512  # struct arena_object *
    maxarenas: int = 520  # uint: the slots of that array
    narenas_currently_allocated: int = 1064  # size_t
    raw_allocated_blocks: int = 1088  # Py_ssize_t


@dataclass(frozen=True)
class MimallocOffsets:
    """mi_page_t and mi_segment_t, of free-threaded builds."""

    page_size: int = 96  # sizeof(mi_page_t), which is a mi_slice_t too
    slice_count: int = 0  # u32: slices that the page, or the free span, takes
    tag: int = 8  # in bits 3 to 6 of a byte: which of a thread's heaps the page is of
    capacity: int = 10  # u16: blocks that were ever handed out
    reserved: int = 12  # u16: blocks that it has room for
    free: int = 16  # the first free block, each of which leads to the next
    used: int = 24  # u32: blocks in use
    xblock_size: int = 28  # u32: size of a block; 0 where the span is free
    local_free: int = 32  # another list, of what the owner has freed since,
    xthread_free: int = 40  # and of what others have, which counts as in use; two bits are flags
    xheap: int = 48  # mi_heap_t *; 0 once its thread has ended
    pages_in_use: int = 208  # of the segment; 0 once it is given back
    cookie: int = 216  # the segment's address, masked with a word that all segments share
    segment_slices: int = 224
    segment_info_slices: int = 232  # the first so many hold this structure itself
    slice_entries: int = 248
    thread_id: int = 256  # pthread_t; 0 once its thread has ended
    slices: int = 264  # of mi_page_t


@dataclass(frozen=True)
class SimpleQueueOffsets:
    """simplequeueobject of Modules/_queuemodule.c, counted from the end of the object's head.

    From 3.13 on it is a ring of `items_cap` places, of which `num_items` from `get_idx` on are taken; before,
    a list of which the first `lst_pos` were taken out.
    """

    lst: int | None = None
    lst_pos: int = 24
    put_idx: int = 8
    get_idx: int = 16
    items: int = 24
    items_cap: int = 32
    num_items: int = 40


LIST_QUEUE = SimpleQueueOffsets(lst=16)


@dataclass(frozen=True)
class Layout:
    """The offsets of one CPython. `debug_fields` lists `_Py_DebugOffsets` as that version orders it."""

    version: tuple[int, int]
    free_threaded: bool
    runtime_state: RuntimeStateOffsets
    interpreter_state: InterpreterStateOffsets
    thread_state: ThreadStateOffsets
    interpreter_frame: InterpreterFrameOffsets
    code_object: CodeObjectOffsets
    objects: ObjectOffsets
    gc: GcOffsets
    gil: GilOffsets = GilOffsets()
    gc_generation: GcGenerationOffsets = GcGenerationOffsets()
    gc_generation_stats: GcGenerationStatsOffsets = GcGenerationStatsOffsets()
    gc_stats: GcStatsOffsets | None = None  # 3.15 on
    obmalloc: ObmallocOffsets | None = None  # 3.12 on, with the GIL
    mimalloc: MimallocOffsets | None = None  # without
    simple_queue: SimpleQueueOffsets = SimpleQueueOffsets()
    debug_fields: str | None = None

    @property
    def name(self) -> str:
        """As people say it: 3.12, 3.13t."""
        return f"{self.version[0]}.{self.version[1]}{'t' if self.free_threaded else ''}"


TSTATE_NEXT = 8
TSTATE_INTERP = 16


def known(machine: str = os.uname().machine) -> dict[Key, Layout]:
    """Every layout of what can be read on a machine, by version and build."""
    return {key: layout for key, layout in tables(machine).items() if key in versions.supported(machine)}


def tables(machine: str) -> dict[Key, Layout]:
    """Every layout of a machine, those too that nothing has tried there."""
    from . import cp311, cp312, cp313, cp313t, cp314, cp314t, cp315, cp315t

    modules = (cp311, cp312, cp313, cp313t, cp314, cp314t, cp315, cp315t)
    found: dict[Key, Layout] = {}
    for module in modules:
        layout = _with(module.LAYOUT, module.ON_AARCH64) if machine == "aarch64" else module.LAYOUT
        found[(*layout.version, layout.free_threaded)] = layout
    return found


def _with(layout: Layout, numbers: Mapping[str, int]) -> Layout:
    """The layout with other numbers, by {"structure.field": number}."""
    for name, number in numbers.items():
        structure, _, field = name.partition(".")
        layout = replace(layout, **{structure: replace(getattr(layout, structure), **{field: number})})
    return layout
