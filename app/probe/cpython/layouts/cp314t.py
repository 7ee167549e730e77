"""CPython 3.14, free-threaded. From its headers; never run where this was written."""

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
from .debug_offsets import FIELDS_3_14

LAYOUT = Layout(
    version=(3, 14),
    free_threaded=True,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=808,
        finalizing=784,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=7280,
        next=7272,
        threads_head=7344,
        runtime=7384,
        imports_modules=7712,
        gc=7408,
        ceval_gil=16,
    ),
    thread_state=ThreadStateOffsets(
        thread_id=152,
        native_thread_id=160,
        datastack_chunk=232,
        current_frame=72,
        state=44,
        holds_gil=36,
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
        ht_cached_keys=896,
        ob_sval=48,
        ob_size=32,
        ob_item=48,
    ),
    gc=GcOffsets(
        enabled=12,
        generations=24,
        generation_stats=120,
        collecting=192,
        long_lived_total=240,
        long_lived_pending=248,
        heap_size=216,
    ),
    mimalloc=MimallocOffsets(),
    gil=FREE_THREADED_GIL,
    debug_fields=FIELDS_3_14,
)

ON_AARCH64 = {"gil.end": 232}
