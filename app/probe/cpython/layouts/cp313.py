"""CPython 3.13 with the GIL: the first to publish its own offsets."""

from __future__ import annotations

from . import (
    CodeObjectOffsets,
    GcOffsets,
    InterpreterFrameOffsets,
    InterpreterStateOffsets,
    Layout,
    ObjectOffsets,
    ObmallocOffsets,
    RuntimeStateOffsets,
    ThreadStateOffsets,
)
from .debug_offsets import FIELDS_3_13

LAYOUT = Layout(
    version=(3, 13),
    free_threaded=False,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=632,
        finalizing=608,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=7272,
        next=7264,
        threads_head=7344,
        runtime=7376,
        imports_modules=7656,
        gc=7400,
        obmalloc_pointer=10800,
        ceval_gil=16,
    ),
    thread_state=ThreadStateOffsets(
        thread_id=152,
        native_thread_id=160,
        datastack_chunk=232,
        current_frame=72,
        state=40,
    ),
    interpreter_frame=InterpreterFrameOffsets(
        executable=0,
        previous=8,
        instr_ptr=56,
        owner=70,
        localsplus=72,
    ),
    code_object=CodeObjectOffsets(
        filename=112,
        qualname=128,
        firstlineno=68,
        linetable=136,
        localsplusnames=96,
        co_code_adaptive=200,
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
        ht_cached_keys=880,
        ob_sval=32,
        ob_size=16,
        ob_item=24,
    ),
    gc=GcOffsets(
        enabled=12,
        generations=24,
        generation_stats=128,
        collecting=200,
        long_lived_total=224,
        long_lived_pending=232,
    ),
    obmalloc=ObmallocOffsets(),
    debug_fields=FIELDS_3_13,
)

ON_AARCH64 = {"interpreter_state.obmalloc_pointer": 10816, "gil.end": 224}
