"""How CPython, Java and C++ manage memory, in a table; docs/memory-models.md says it at length.

A page shows it by the catalogue: it is the table of `allocate`.
"""

from __future__ import annotations

from app.workloads.context import Json

MODELS: Json = {
    "columns": ["", "CPython", "free-threaded CPython", "Java", "C++"],
    "rows": [
        [
            "Who frees an object",
            "whoever lets go of the last reference; the collector, where references form a cycle",
            "the same; an object that many threads hold may wait for its owner to merge two counts",
            "the collector, and nobody else",
            "its owner: a scope, a unique_ptr, the last shared_ptr, or a delete",
        ],
        [
            "When",
            "at once, at that very byte code instruction; cycles when enough new objects have come",
            "mostly at once; cycles when enough new objects have come",
            "some time after it can no longer be reached: when memory for new objects runs short",
            "at once, at a place that the source shows",
        ],
        [
            "What stops meanwhile",
            "all threads of the interpreter: the collector holds the GIL to its end",
            "all threads, by a stop-the-world, while reference counts are compared with references",
            "all threads for a pause; how much is done beside them depends on the collector chosen",
            "nothing but the thread that frees, for as long as the destructors take",
        ],
        [
            "What it costs",
            "a count to change with each reference, and a header for the collector",
            "counts of a thread's own objects, and atomic ones of all others",
            "memory: a heap larger than what is alive, and barriers where references are written",
            "atomic counts with shared_ptr, nothing with unique_ptr; mistakes are not found out",
        ],
        [
            "Where small objects lie",
            "pools of one size in arenas of 1 MiB (pymalloc), behind one lock: the GIL",
            "pages of one size, a heap for each thread (mimalloc)",
            "next to the object before, in a buffer of the thread's own; moved when they survive",
            "where the C library's malloc puts them, in an arena that a few threads share",
        ],
        [
            "When memory goes back to the system",
            "an arena at a time, once no block in it is used",
            "a page range at a time, after a delay",
            "when the collector shrinks the heap, if it does; at most it has the size that was set",
            "when the top of the heap is free, and large blocks at once",
        ],
        [
            "What a thread may see of another's writes",
            "all of them, in program order: whoever takes the GIL sees what was done before it was let go",
            "operations on built-in objects are whole; no order is promised without a lock or a queue",
            "what happens-before orders: volatile, synchronized, start, join; else maybe old values",
            "what atomics and mutexes order; else two threads at one variable are undefined behaviour",
        ],
    ],
}
