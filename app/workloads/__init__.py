"""The catalogue of workloads, and what runs them inside a target. The standard library alone, CPython 3.9 or later."""
