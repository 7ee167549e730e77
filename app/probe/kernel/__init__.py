"""What the kernel tells of a process: its memory, /proc, its mappings and files, and who may read them."""
