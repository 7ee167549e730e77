"""What lies in the memory of a CPython, and where: threads, stacks, objects, heaps, collectors, loops."""
