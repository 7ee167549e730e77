"""The same work in CPython, Java and C++."""

from __future__ import annotations

from app.workloads.languages.allocate import ALLOCATE

WORKLOADS = (ALLOCATE,)
