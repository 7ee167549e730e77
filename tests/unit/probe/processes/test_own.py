"""Which processes are GILScope's own, and so are nothing to attach to; and what the others are called."""

from __future__ import annotations

import pytest

from app.probe.listing import is_own, named


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


@pytest.mark.parametrize(
    ("own", "command", "name"),
    [
        ("python3.12", ["/usr/bin/python3.12", "-u", "srv/orders.py"], "orders.py"),
        ("python", ["python", "-m", "http.server", "80"], "http.server"),
        ("gunicorn", ["/usr/bin/python3", "/usr/bin/gunicorn", "shop"], "gunicorn"),
        ("celeryd: main", ["celeryd: main"], "celeryd: main"),  # it has named itself
        ("python3", [], "python3"),
        ("sh", ["/bin/sh", "python"], "sh"),
    ],
)
def test_a_process_is_called_by_what_tells_it_from_others(own: str, command: list[str], name: str) -> None:
    assert named(own, command) == name
