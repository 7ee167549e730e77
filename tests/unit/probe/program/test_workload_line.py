"""The observer's end of the line to a workload: what is passed on, and when."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator

import pytest

from app.probe.program.workload_line import WorkloadLine


@pytest.fixture
def line() -> Iterator[WorkloadLine]:
    line = WorkloadLine()
    yield line
    line.close()


@pytest.fixture
def workload(line: WorkloadLine) -> Iterator[socket.socket]:
    """The workload's end."""
    with socket.socket(fileno=os.dup(line.fds[0])) as workload:
        yield workload


def heard(workload: socket.socket) -> list[dict]:
    return [json.loads(text) for text in workload.recv(65536).splitlines()]


def test_actions_are_passed_on_after_go_and_those_that_came_before_it_then(line, workload):
    assert line.act("fill")
    line.go()
    assert line.act("free")
    assert heard(workload) == [{"go": True}, {"action": "fill"}, {"action": "free"}]


def test_actions_that_a_workload_does_not_take_are_refused_once_there_is_no_room(line, workload):
    line.go()
    passed = 0
    while line.act("free"):
        passed += 1
    assert passed > 100
    assert len(heard(workload)) > 100
    assert line.act("free")


def test_a_workload_that_has_ended_takes_none(line, workload):
    line.go()
    workload.close()
    line.started()
    assert not line.act("free")
