"""Many viewers of one run at once: when each slice arrives at each of them, and what the server takes for it.

`python -m bench.viewers HOST PATH COUNT` is the client, a process of its own: it reads the token from its
standard input, and prints what arrived as JSON once the run has ended. A slice arrives when the kernel has
it for its viewer, which the kernel stamps; of what is read together it stamps the last. So one viewer in
TIMED_OF is read as soon as anything comes, and times are of these, which lie evenly among all. The others are
read a few times a second: the one process that stands for hundreds of machines then takes little of the
server's CPU, and has the server wake it seldom. How late it read is told beside it. It comes first where it
may: of what waits while it has no CPU only the last stamp is left, and the machines that it stands for have
CPUs of their own.
"""

from __future__ import annotations

import base64
import json
import re
import select
import selectors
import socket
import struct
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from app.model.priority import come_first
from app.runs.observer import HOME
from bench.observation import WORKLOAD, pipes
from bench.serving import Lab, lab

THREADS = 64
_ENDED = re.compile(rb'\{"type":"frame".*?"end_us":(\d+)')
_ORIGIN = re.compile(rb'"origin_ns":(\d+)')
_PING, _PONG, _DEFLATED = 0x89, 0x8A, 0x40
_READ = 1 << 18
TIMED_OF = 10
_EVERY_S = 0.25  # the others are read
_RECEIVE_BUFFER = 1 << 20  # bytes, or what the kernel allows: none is full when they are
_STRANGERS = 32  # connections that ask at once; a server lets so many wait
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h
_STAMP = struct.Struct("qq")
_ROOM = socket.CMSG_SPACE(_STAMP.size)
_HEAD = 160  # bytes of a message: enough to tell what it is


@dataclass(frozen=True, slots=True)
class Load:
    """How late slices came to the viewers, in seconds, and what it took; shares are of one CPU."""

    delays_s: list[float]  # until they had arrived
    read_s: list[float]  # until the client had read them
    expected: int  # slices that those that are timed should have had after all had come
    rss: int  # bytes, the most
    pss: int  # bytes, the most: what it shares with others is shared out
    cpu: float
    waited: float  # its loop was ready to run, and others had the CPUs
    client_cpu: float


def measure(python: str, viewers: int, seconds: float, beside: int = 1) -> Load:
    """A run of 64 threads at 1 kHz with so many viewers, and `beside` others like it with one viewer each."""
    with lab() as server:
        body = {"workload": WORKLOAD, "workers": THREADS, "seconds": seconds + 60, "python": python}
        watched, *others = [server.ask("runs", body)["id"] for _ in range(1 + beside)]
        clients = [_Client(server, run, 1, seconds) for run in others]
        many = _Client(server, watched, viewers, seconds)
        process = psutil.Process(server.pid)
        many.wait_until_all_are_there()
        rss = pss = 0
        began_s, cpu_s, waited_s = time.monotonic(), _cpu_s(process), _waited_s(server.pid)
        while not many.has_told(within_s=0.5):
            memory = process.memory_full_info()
            rss, pss = max(rss, memory.rss), max(pss, memory.pss)
        took_s = time.monotonic() - began_s
        cpu_s, waited_s = _cpu_s(process) - cpu_s, _waited_s(server.pid) - waited_s
        for client in clients:
            client.told()
        told = many.told()
    return Load(**told, rss=rss, pss=pss, cpu=cpu_s / took_s, waited=waited_s / took_s)


class _Client:
    """The other process, as this one sees it."""

    def __init__(self, server: Lab, run: str, viewers: int, seconds: float) -> None:
        path = f"/api/v1/runs/{run}/stream"
        command = [sys.executable, "-m", "bench.viewers", server.host, path, str(viewers), str(seconds)]
        self._process = subprocess.Popen(
            command,
            cwd=HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Where the kernel shares CPUs out by sessions: not of the server's share.
            start_new_session=True,
        )
        self._stdin, self._stdout = pipes(self._process)
        print(server.token, file=self._stdin, flush=True)

    def wait_until_all_are_there(self) -> None:
        self._stdout.readline()

    def has_told(self, within_s: float) -> bool:
        return bool(select.select([self._stdout], [], [], within_s)[0])

    def told(self) -> dict[str, Any]:
        with self._process:
            return dict(json.loads(self._stdout.read().splitlines()[-1]))


@dataclass(slots=True)
class _Viewer:
    """One socket: it reads frames of the WebSocket protocol, and looks only at how they begin."""

    socket: socket.socket
    pending: bytearray = field(default_factory=bytearray)
    skip: int = 0  # bytes of a message whose beginning was looked at

    def messages(self) -> tuple[int, list[tuple[bytes, bool]]]:
        """How each message begins of which the beginning has come, deflated or not, and when the last byte of
        them did, in ns since the epoch; EOFError at the end."""
        data, told, _, _ = self.socket.recvmsg(_READ, _ROOM)
        if not data:
            raise EOFError("the server let go of a viewer")
        [(_, _, stamp)] = told
        seconds, rest_ns = _STAMP.unpack(stamp)
        found: list[tuple[bytes, bool]] = []
        if self.skip >= len(data):
            self.skip -= len(data)
            return seconds * 10**9 + rest_ns, found
        self.pending += data[self.skip :]
        self.skip = at = 0
        while len(self.pending) - at >= 2:
            kind, length, head = self.pending[at], self.pending[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(self.pending[at + 2 : at + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(self.pending[at + 2 : at + 10], "big"), 10
            if len(self.pending) - at < head + min(length, _HEAD):
                break
            begins = bytes(self.pending[at + head : at + head + min(length, _HEAD)])
            if kind == _PING:  # whoever answers none is taken for gone
                self.socket.sendall(bytes((_PONG, 0x80 | length, 0, 0, 0, 0)) + begins)
            else:
                found.append((begins, bool(kind & _DEFLATED)))
            at += head + length
        self.skip = max(0, at - len(self.pending))
        del self.pending[:at]
        return seconds * 10**9 + rest_ns, found


def _inflated(begins: bytes) -> bytes:
    """How a message begins of which these are the first bytes."""
    return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(begins, _HEAD)


def _waited_s(pid: int) -> float:
    """What the main thread of a process has waited for a CPU."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[1]) / 1e9


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main(host: str, path: str, count: int, seconds: float) -> None:
    """Be the viewers."""
    come_first()
    token = sys.stdin.readline().strip()
    viewers = _Viewers()
    for begun in range(0, count, _STRANGERS):
        # Together, so that the last does not come when the first has read a minute of the run.
        asking = [_ask(host, path, token) for _ in range(min(_STRANGERS, count - begun))]
        for connection in asking:
            _shake_hands(connection)
            viewers.add(connection)
        viewers.read(0)
    settled_s = time.monotonic() + 2  # what was before they came is on its way
    while time.monotonic() < settled_s:
        viewers.read(0.1)
    print("there", flush=True)
    viewers.count_from_ns, cpu_s = time.monotonic_ns(), time.process_time()
    while time.monotonic_ns() < viewers.count_from_ns + seconds * 1e9:
        viewers.read(0.1)
    told = {
        "delays_s": viewers.delays_s,
        "read_s": viewers.read_s,
        "expected": len(viewers.slices) * viewers.timed,
        "client_cpu": (time.process_time() - cpu_s) / seconds,
    }
    print(json.dumps(told))


class _Viewers:
    """All of them. Times are from each slice's last sample: until it had arrived, and until it was read."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []
        self.read_s: list[float] = []
        self.slices: set[int] = set()
        self.count_from_ns: int | None = None
        self.timed = 0  # how many of them
        self._others: list[_Viewer] = []
        self._others_due_s = 0.0
        self._origin_ns = 0
        self._epoch_ns = time.time_ns() - time.monotonic_ns()
        self._selector = selectors.EpollSelector()

    def add(self, connection: socket.socket) -> None:
        """Another, of which the first is timed."""
        viewer = _Viewer(connection)
        connection.setblocking(False)
        if (self.timed + len(self._others)) % TIMED_OF:
            self._others.append(viewer)
        else:
            self._selector.register(connection, selectors.EVENT_READ, viewer)
            self.timed += 1

    def read(self, within_s: float) -> None:
        """What has come, waiting so long for it."""
        for key, _ in self._selector.select(within_s):
            stamped_ns, texts = key.data.messages()
            read_ns = time.monotonic_ns()
            for begins, deflated in texts:
                text = _inflated(begins) if deflated else begins
                self._look(text, stamped_ns - self._epoch_ns, read_ns)
        if time.monotonic() >= self._others_due_s:
            for viewer in self._others:
                with suppress(BlockingIOError):
                    viewer.messages()
            self._others_due_s = time.monotonic() + _EVERY_S

    def _look(self, text: bytes, arrived_ns: int, read_ns: int) -> None:
        if not self._origin_ns:
            found = _ORIGIN.search(text)
            self._origin_ns = int(found[1]) if found else 0
        elif self.count_from_ns is not None and (found := _ENDED.match(text)):
            ended_ns = self._origin_ns + int(found[1]) * 1000
            # What is older than their being there is the ring's tail, not an arrival.
            if ended_ns >= self.count_from_ns:
                self.delays_s.append((arrived_ns - ended_ns) / 1e9)
                self.read_s.append((read_ns - ended_ns) / 1e9)
                self.slices.add(int(found[1]))


def _ask(host: str, path: str, token: str) -> socket.socket:
    name, port = host.split(":")
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    made.connect((name, int(port)))
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    key = base64.b64encode(bytes(16)).decode()
    made.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        # As browsers do.
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n".encode()
    )
    return made


def _shake_hands(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        byte = connection.recv(1)
        if not byte:
            raise EOFError("the server let go of a viewer before it answered")
        answer += byte
    if not answer.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(answer.decode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
