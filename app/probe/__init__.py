"""The observer: reads a CPython process from outside. A process of its own; the standard library and app.model alone."""
