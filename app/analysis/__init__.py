"""Numbers in, judgements out: pure, no clock, no I/O."""
