"""The private heap of a CPython, read from outside while it is in use.

pymalloc   one reading of pymalloc's arenas and pools, as sys._debugmallocstats() counts them
statics    where CPython 3.11 keeps its arenas, which only static variables name
mimalloc   one reading of mimalloc's segments and pages, the heap of free-threaded builds
reading    what a reading has found, and what of its map has changed
"""
