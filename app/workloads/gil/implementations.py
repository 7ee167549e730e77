"""What implementations of Python do in place of the GIL, in a table; docs/implementations.md has more.

A page shows it by the catalogue: it is the table of `cpu-bound`.
"""

from __future__ import annotations

from app.workloads.context import Json

IMPLEMENTATIONS: Json = {
    "columns": ["", "CPython", "free-threaded CPython", "PyPy", "GraalPy", "Jython"],
    "rows": [
        [
            "Language",
            "3.15 (2026)",
            "since 3.13 (2024, experimental); supported since 3.14 (2025)",
            "3.11 and 2.7 (PyPy 7.3.18, 2025)",
            "3.12 (GraalPy 25, 2025)",
            "2.7 (Jython 2.7.4, 2024)",
        ],
        [
            "A GIL?",
            "yes, one an interpreter since 3.12 (2023)",
            "no",
            "yes",
            "yes, since 21.1 (2021)",
            "no",
        ],
        [
            "Python in two threads at once",
            "no",
            "yes",
            "no",
            "no",
            "yes: a thread is a thread of Java",
        ],
        [
            "What keeps a list whole",
            "the GIL",
            "a lock in each object, and atomic instructions (PEP 703)",
            "the GIL",
            "the GIL, on which C extensions rely as well",
            "the runtime's own thread-safe dict, list and set",
        ],
        [
            "When an object is freed",
            "with its last reference; cycles by the collector",
            "mostly with its last reference; cycles by the collector",
            "when the collector comes to it",
            "when the JVM's collector comes to it",
            "when the JVM's collector comes to it",
        ],
        [
            "Instead of threads",
            "processes, subinterpreters, C code that lets go",
            "not needed",
            "processes, C code that lets go",
            "processes; contexts, each with a GIL, in one process",
            "not needed",
        ],
        [
            "n = f(n) in two threads",
            "may lose updates",
            "may lose updates",
            "may lose updates",
            "may lose updates",
            "may lose updates",
        ],
    ],
}
