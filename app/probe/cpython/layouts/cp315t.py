"""CPython 3.15, free-threaded. From its headers; never run where this was written."""

from __future__ import annotations

from . import (
    FREE_THREADED_GIL,
    CodeObjectOffsets,
    GcGenerationStatsOffsets,
    GcOffsets,
    GcStatsOffsets,
    InterpreterFrameOffsets,
    InterpreterStateOffsets,
    Layout,
    MimallocOffsets,
    ObjectOffsets,
    RuntimeStateOffsets,
    ThreadStateOffsets,
)
from .debug_offsets import FIELDS_3_15

LAYOUT = Layout(
    version=(3, 15),
    free_threaded=True,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=936,
        finalizing=912,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=7272,
        next=7264,
        threads_head=7336,
        runtime=7376,
        imports_modules=7592,
        gc=7400,
        ceval_gil=16,
    ),
    thread_state=ThreadStateOffsets(
        thread_id=176,
        native_thread_id=184,
        datastack_chunk=256,
        current_frame=72,
        state=48,
        holds_gil=36,
        gil_requested=40,
    ),
    interpreter_frame=InterpreterFrameOffsets(
        executable=0,
        previous=8,
        instr_ptr=56,
        owner=78,
        localsplus=80,
        tlbc_index=72,
    ),
    code_object=CodeObjectOffsets(
        filename=128,
        qualname=144,
        firstlineno=84,
        linetable=152,
        localsplusnames=112,
        co_code_adaptive=232,
        co_tlbc=224,
    ),
    objects=ObjectOffsets(
        ob_type=24,
        ma_keys=48,
        ma_values=56,
        length=32,
        state=48,
        ascii_size=56,
        compact_size=72,
        kind_shift=8,
        ascii_bit=12,
        tp_basicsize=48,
        ht_cached_keys=904,
        ob_sval=48,
        ob_size=32,
        ob_item=48,
    ),
    gc=GcOffsets(
        enabled=0,
        generations=8,
        generation_stats=104,
        collecting=112,
        long_lived_total=152,
        long_lived_pending=160,
        heap_size=144,
    ),
    gc_generation_stats=GcGenerationStatsOffsets(
        size=64,
        collections=16,
        collected=24,
        uncollectable=32,
        ts_start=0,
        ts_stop=8,
    ),
    gc_stats=GcStatsOffsets(
        size=216,
        old=72,
        old_size=72,
        young_items=1,
        old_items=1,
    ),
    mimalloc=MimallocOffsets(),
    gil=FREE_THREADED_GIL,
    debug_fields=FIELDS_3_15,
)

ON_AARCH64 = {"gil.end": 232}
