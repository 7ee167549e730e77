"""CPython 3.11: one GIL a process, inside _PyRuntime; frames reached through the C frame."""

from __future__ import annotations

from . import (
    LIST_QUEUE,
    CodeObjectOffsets,
    GcOffsets,
    InterpreterFrameOffsets,
    InterpreterStateOffsets,
    Layout,
    ObjectOffsets,
    RuntimeStateOffsets,
    ThreadStateOffsets,
)

LAYOUT = Layout(
    version=(3, 11),
    free_threaded=False,
    runtime_state=RuntimeStateOffsets(
        interpreters_head=40,
        finalizing=24,
        gil=360,
    ),
    interpreter_state=InterpreterStateOffsets(
        id=48,
        next=0,
        threads_head=16,
        runtime=40,
        imports_modules=888,
        gc=648,
    ),
    thread_state=ThreadStateOffsets(
        thread_id=152,
        native_thread_id=160,
        datastack_chunk=296,
        cframe=56,
        cframe_current_frame=8,
    ),
    interpreter_frame=InterpreterFrameOffsets(
        executable=32,
        previous=48,
        instr_ptr=56,
        owner=69,
        localsplus=72,
    ),
    code_object=CodeObjectOffsets(
        filename=112,
        qualname=128,
        firstlineno=72,
        linetable=136,
        localsplusnames=96,
        co_code_adaptive=184,
    ),
    objects=ObjectOffsets(
        ob_type=8,
        ma_keys=32,
        ma_values=40,
        length=16,
        state=32,
        ascii_size=48,
        compact_size=72,
        kind_shift=2,
        ascii_bit=6,
        tp_basicsize=32,
        ht_cached_keys=872,
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
    simple_queue=LIST_QUEUE,
)

ON_AARCH64 = {"gil.end": 224}
