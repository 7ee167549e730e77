"""The processes of a run: found, read when they are CPythons, followed through exec and exit, and told of."""
