"""The heap of the C library, read from outside while it is in use.

heap       one reading: what is in use, what is free, what malloc_trim(0) would give back
in_use     blocks in use, by a random sample
chunks     the lists of free chunks, walked in a copy of the pages that they lie in
unchanged  lists that are what they were, known again without a walk
places     where glibc keeps its arenas and parameters, found by their shape
libraries  which C library and which other allocators a process has mapped, and where
"""
