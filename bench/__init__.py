"""What observing costs, on the machine at hand. `make bench` runs it; docs/benchmarks.md reads it."""
