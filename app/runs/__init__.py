"""Runs: start, stop, time out, stream, store. Starts the observer as a process; never imports it."""
