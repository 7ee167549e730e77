"""The catalogue of workloads, and what runs them inside a target: standard library, CPython 3.9 or later."""
