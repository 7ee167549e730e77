"""GILScope: what the GIL and the private heap of a running CPython process do, seen live and from outside.

This module stays empty of imports: targets as old as CPython 3.9 import it on their way to app.workloads.
"""
