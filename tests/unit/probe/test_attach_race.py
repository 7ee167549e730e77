"""A process that ends while it is being attached to: a finished run, not an error."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.model.frames import End, decode
from app.model.spec import ObserverSpec
from app.probe.cpython import runtime
from app.probe.observer import Observer
from app.probe.processes import discovery
from app.probe.server_link import ServerLink


def test_a_pid_that_ends_during_attach_finishes_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:

        def locate_too_late(pid: int) -> runtime.Runtime:
            child.kill()
            child.wait()
            return runtime.locate(pid)

        monkeypatch.setattr(discovery, "locate", locate_too_late)
        commands, server_end = os.pipe()
        output = os.open(tmp_path / "messages", os.O_CREAT | os.O_WRONLY)
        try:
            run = {"id": "test", "kind": "attach", "name": "test", "params": {}}
            Observer(ObserverSpec(run, attach_pid=child.pid), ServerLink(commands, output)).run()
        finally:
            for fd in (commands, server_end, output):
                os.close(fd)
    end = decode((tmp_path / "messages").read_text().splitlines()[-1])
    assert isinstance(end, End)
    assert (end.state, end.error) == ("finished", None)
