"""A free-threaded build whose GIL was switched on."""

from __future__ import annotations

from app.analysis.findings.rows import Rule
from app.model.findings import Finding
from app.model.pids import own_pid
from app.model.summary import Measurements


def gil_switched_on(summary: Measurements) -> Finding | None:
    """The import of an extension that does not support free threading switched the GIL on."""
    switched = summary["gils_switched_on"]
    if not switched:
        return None
    first = switched[0]
    by = f" by the import of {first['by']}" if first["by"] else ""
    others = f" So it was in {len(switched) - 1} other processes." if len(switched) > 1 else ""
    return Finding(
        code="gil-switched-on",
        severity="warning",
        title="The GIL was switched on",
        detail=f"Process {own_pid(first['pid'])} runs a free-threaded build. At {first['at_s']:.2f} s its "
        "GIL was "
        f"switched on{by}, and stays on: since then one thread at a time runs Python.{others}",
        evidence={"pid": first["pid"], "at_s": first["at_s"], "by": first["by"], "processes": len(switched)},
        advice="Use a version of the extension that supports free threading (it declares Py_mod_gil), or set "
        "PYTHON_GIL=0 where it is known to be safe without the GIL.",
    )


RULES: tuple[Rule, ...] = (gil_switched_on,)
