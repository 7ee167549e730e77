"""CPython 3.15 with the GIL: thread states say whether they ask for it."""

from __future__ import annotations

from . import (
    CodeObjectOffsets,
    GcGenerationStatsOffsets,
    GcOffsets,
    GcStatsOffsets,
    InterpreterFrameOffsets,
    InterpreterStateOffsets,
    Layout,
    ObjectOffsets,
    ObmallocOffsets,
    RuntimeStateOffsets,
    ThreadStateOffsets,
)
from .debug_offsets import FIELDS_3_15

LAYOUT = Layout(
    version=(3, 15),
    free_threaded=False,
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
        obmalloc_pointer=10880,
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
        owner=74,
        localsplus=80,
    ),
    code_object=CodeObjectOffsets(
        filename=112,
        qualname=128,
        firstlineno=68,
        linetable=136,
        localsplusnames=96,
        co_code_adaptive=208,
    ),
    objects=ObjectOffsets(
        ob_type=8,
        ma_keys=32,
        ma_values=40,
        length=16,
        state=32,
        ascii_size=40,
        compact_size=56,
        kind_shift=2,
        ascii_bit=6,
        tp_basicsize=32,
        ht_cached_keys=888,
        ob_sval=32,
        ob_size=16,
        ob_item=32,
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
        size=1112,
        old=712,
        old_size=200,
        young_items=11,
        old_items=3,
    ),
    obmalloc=ObmallocOffsets(),
    debug_fields=FIELDS_3_15,
)

ON_AARCH64 = {"interpreter_state.obmalloc_pointer": 10896, "gil.end": 224}
