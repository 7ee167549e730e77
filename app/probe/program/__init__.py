"""A program that the observer starts: its tree, its output, the line to a workload, and how it ended."""
