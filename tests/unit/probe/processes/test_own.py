"""Which processes are GILScope's own, and so are nothing to attach to."""

from __future__ import annotations

import pytest

from app.probe.listing import is_own


@pytest.mark.parametrize(
    ("command", "own"),
    [
        (["/usr/bin/python3", "-m", "app.probe"], True),
        (["/usr/bin/python3", "-m", "app.runs.keeping"], True),
        (["/usr/bin/python3", "/usr/bin/gilscope", "serve"], True),
        (["/usr/bin/python3", "-m", "app.workloads", "run", "convoy"], False),
        (["/usr/bin/python3", "-I", "-c", "import base64", "gilscope-observer"], True),  # sent from elsewhere
        (["/usr/bin/python3", "-m", "app.runs.far", "[]", "/", "ssh", "host"], True),
        (["/usr/bin/python3", "-m", "app.runs.cluster", "tcp://10.0.0.5:8786"], True),
        (["/usr/bin/python3", "-I", "-c", "print()"], False),
        (["/usr/bin/python3", "-m"], False),
        ([], False),
    ],
)
def test_a_command_line_tells(command: list[str], own: bool) -> None:
    assert is_own(command) is own
