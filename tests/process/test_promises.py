"""The interpreters that this project says it reads are there to be read, where it is tested for all."""

from __future__ import annotations

import os

from support.interpreters import FOUND


def test_in_ci_no_version_is_left_out() -> None:
    """A version that is not found takes its tests along, and nothing would be skipped or fail."""
    required, builds = {"3.11"}, {"shared libpython"}
    if os.environ.get("CI") and os.environ.get("GILSCOPE_PYTHONS"):
        required |= {"3.12", "3.13", "3.13t", "3.14", "3.15"}
        builds |= {"static"}
    found = {
        f"{f.version_info[0]}.{f.version_info[1]}{'t' if f.free_threaded else ''}"
        for f in FOUND
        if f.supported
    }
    assert required <= found
    assert builds <= {f.build for f in FOUND}
