"""A relay in front of a server: a test cuts the line between a browser and a server that goes on."""

from __future__ import annotations

import contextlib
import socket
import threading


class Relay:
    """Passes bytes between `address`, a free port of its own, and the server."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self._cut = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    def cut(self) -> None:
        """Break every connection, and each new one at once, until `mend`."""
        with self._lock:
            self._cut = True
            for pair in self._pairs:
                _shut(*pair)

    def mend(self) -> None:
        with self._lock:
            self._cut = False

    def close(self) -> None:
        self.cut()
        # A thread blocked in accept is not woken by close alone.
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._cut:
                    client.close()
                    continue
                pair = (client, socket.create_connection(self._server))
                self._pairs.add(pair)
            threads = [
                threading.Thread(target=_pass_on, args=pair),
                threading.Thread(target=_pass_on, args=pair[::-1]),
            ]
            self._threads.append(threading.Thread(target=self._attend, args=(pair, threads)))
            self._threads[-1].start()

    def _attend(self, pair: tuple[socket.socket, socket.socket], threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self._lock:
            self._pairs.discard(pair)
        for end in pair:
            end.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    _shut(source, sink)


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
