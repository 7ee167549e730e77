"""The collector of one interpreter: its totals, and its pauses, published (3.15 on) or sampled."""
