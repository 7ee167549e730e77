"""CPython 3.12: a GIL an interpreter (PEP 684), found through the interpreter; frames through the C frame."""

from __future__ import annotations

from . import (
    LIST_QUEUE,
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

LAYOUT = Layout(
    version=(3, 12),
    free_threaded=False,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=40,
        finalizing=24,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=8,
        next=0,
        threads_head=72,
        runtime=96,
        imports_modules=944,
        gc=112,
        obmalloc=3960,
        ceval_gil=384,
    ),
    thread_state=ThreadStateOffsets(
        thread_id=136,
        native_thread_id=144,
        datastack_chunk=232,
        cframe=56,
        cframe_current_frame=0,
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
        co_code_adaptive=192,
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
    simple_queue=LIST_QUEUE,
)

ON_AARCH64 = {"interpreter_state.obmalloc": 3976, "gil.end": 224}
