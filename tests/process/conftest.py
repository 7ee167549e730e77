"""Every version of Python found on this machine is a target, by what it can show."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.interpreters import (
    A_GIL_EACH,
    ANY,
    FOUND,
    FREE_THREADED,
    NEW,
    WITH_GIL,
    WITNESSED,
)

IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin") or "ip"

_BY_FIXTURE = {
    "python": ANY,
    "gil_python": WITH_GIL,
    "isolating_python": A_GIL_EACH,
    "publishing_python": NEW,
    "free_threaded_python": FREE_THREADED,
    "witnessed_python": WITNESSED,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`python` is the path of an interpreter of each version in turn; `gil_python`, of each that runs with a
    GIL; `free_threaded_python`, of each that can run without; `isolating_python`, of each
    whose interpreters can have a GIL each; `publishing_python`, of each that publishes its own
    offsets; `witnessed_python`, of each whose symbols the kernel can put probes on.

    A test marked `builds` has every build of a version."""
    builds = metafunc.definition.get_closest_marker("builds") is not None
    for fixture in metafunc.fixturenames:
        if kind := _BY_FIXTURE.get(fixture):
            metafunc.parametrize(fixture, kind.each(builds), scope="module")


@pytest.fixture
def any_python() -> str:
    """The newest interpreter that can be read."""
    return FOUND[0].path


@pytest.fixture
def gil_any_python() -> str:
    """The newest interpreter with a GIL."""
    return WITH_GIL.found[0].path


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """A host of its own, reached by ssh alone: a network namespace with an sshd, and how to get there."""
    for key in ("host", "own"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True)
    (tmp_path / "allowed").write_text((tmp_path / "own.pub").read_text())
    Path("/run/sshd").mkdir(exist_ok=True)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    name = f"gilscope-{port}"
    sshd = [
        *(IP, "netns", "exec", name, "/usr/sbin/sshd", "-D", "-e", "-p", str(port)),
        *("-h", str(tmp_path / "host"), "-o", f"AuthorizedKeysFile={tmp_path / 'allowed'}"),
        *("-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PidFile=none", "-o", "PermitRootLogin=yes"),
    ]
    subprocess.run([IP, "netns", "add", name], check=True)
    try:
        subprocess.run([IP, "-n", name, "link", "set", "lo", "up"], check=True)
        with subprocess.Popen(sshd, stderr=subprocess.PIPE, text=True) as server:
            assert server.stderr
            assert any("Server listening" in line for line in server.stderr)
            try:
                yield (
                    f"{IP} netns exec {name} ssh -q -p {port} -i {tmp_path / 'own'} -o BatchMode=yes "
                    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1"
                )
            finally:
                server.kill()
    finally:
        subprocess.run([IP, "netns", "delete", name], check=True)
