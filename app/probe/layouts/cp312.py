"""CPython 3.12: a GIL an interpreter (PEP 684), found through the interpreter's ceval state."""

from __future__ import annotations

from . import Layout

LAYOUT = Layout(
    version=(3, 12),
    free_threaded=False,
    interpreters_head=40,
    interp_next=0,
    interp_id=8,
    interp_threads_head=72,
    interp_runtime=96,
    tstate_native_thread_id=144,
    interp_ceval_gil=384,
)
