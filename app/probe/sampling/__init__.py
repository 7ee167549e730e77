"""What a CPython does over time: who is there, what each thread does in each sample, and where it is."""
