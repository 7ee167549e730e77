"""The observer: reads a CPython process from outside. Imports the standard library and app.model alone."""
