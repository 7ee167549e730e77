"""Pools of threads, from outside: which threads are workers, which of them are at work, what waits for them.

A worker runs one function from its beginning to its end, and that function has what it works at in a local
variable: one read of its frame tells whether it works. See workers.py for whose these functions are.
"""
