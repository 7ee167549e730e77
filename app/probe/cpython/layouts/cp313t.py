"""CPython 3.13, free-threaded: the GIL is there, switched off; objects have a longer head."""

from __future__ import annotations

from . import (
    FREE_THREADED_GIL,
    CodeObjectOffsets,
    GcOffsets,
    InterpreterFrameOffsets,
    InterpreterStateOffsets,
    Layout,
    MimallocOffsets,
    ObjectOffsets,
    RuntimeStateOffsets,
    ThreadStateOffsets,
)
from .debug_offsets import FIELDS_3_13

LAYOUT = Layout(
    version=(3, 13),
    free_threaded=True,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=632,
        finalizing=608,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=7272,
        next=7264,
        threads_head=7344,
        runtime=7376,
        imports_modules=7664,
        gc=7400,
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
        filename=128,
        qualname=144,
        firstlineno=84,
        linetable=152,
        localsplusnames=112,
        co_code_adaptive=216,
    ),
    objects=ObjectOffsets(
        ob_type=24,
        ma_keys=48,
        ma_values=56,
        length=32,
        state=48,
        ascii_size=56,
        compact_size=72,
        kind_shift=2,
        ascii_bit=6,
        tp_basicsize=48,
        ht_cached_keys=896,
        ob_sval=48,
        ob_size=32,
        ob_item=40,
    ),
    gc=GcOffsets(
        enabled=12,
        generations=24,
        generation_stats=128,
        collecting=200,
        long_lived_total=224,
        long_lived_pending=232,
    ),
    mimalloc=MimallocOffsets(),
    gil=FREE_THREADED_GIL,
    debug_fields=FIELDS_3_13,
)

ON_AARCH64 = {"gil.end": 232}
