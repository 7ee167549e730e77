"""What a process has open, as its own descriptors say."""

from __future__ import annotations

import os
import resource
import select
import socket
from pathlib import Path

from app.probe.kernel.open_files import descriptors
from app.probe.sampling.slow import finished


def test_each_descriptor_counts_as_what_it_is_open_on(tmp_path: Path):
    path = tmp_path / "log"
    path.touch()
    before = finished(descriptors(os.getpid()))
    opened = [os.open(path, os.O_RDONLY) for _ in range(300)]  # more than a step
    ends, pair, poll = os.pipe(), socket.socketpair(), select.epoll()
    try:
        after = finished(descriptors(os.getpid()))
    finally:
        for fd in (*opened, *ends):
            os.close(fd)
        pair[0].close(), pair[1].close(), poll.close()
    assert after.files - before.files == 300
    assert after.sockets - before.sockets == 2
    assert after.pipes - before.pipes == 2
    assert after.others - before.others == 1
    assert (str(path), 300) in after.most
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert after.limit == (None if soft == resource.RLIM_INFINITY else soft)


def test_of_a_process_that_has_ended_nothing_is_told():
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    assert finished(descriptors(pid)) is None
