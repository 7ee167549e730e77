"""CPython 3.14 with the GIL: thread states say whether they hold it."""

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
from .debug_offsets import FIELDS_3_14

LAYOUT = Layout(
    version=(3, 14),
    free_threaded=False,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=808,
        finalizing=784,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=7280,
        next=7272,
        threads_head=7344,
        runtime=7384,
        imports_modules=7688,
        gc=7408,
        obmalloc_pointer=10904,
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
        ht_cached_keys=880,
        ob_sval=32,
        ob_size=16,
        ob_item=32,
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
    obmalloc=ObmallocOffsets(),
    debug_fields=FIELDS_3_14,
)

ON_AARCH64 = {"interpreter_state.obmalloc_pointer": 10920, "gil.end": 224}
