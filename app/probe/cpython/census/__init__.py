"""What the live objects of a CPython are: counts and bytes by type, judged by a random sample from outside.

types     which words are addresses of types, and what a type says of its objects
blocks    the objects in a page of blocks of one size, and what each takes
pools     a random sample of pymalloc's pools
large     what blocks of the C library are, of which app/probe/libc/in_use.py tells a sample
holders   which names hold the large containers
estimate  from the sample to the whole, with an interval
"""
