"""Four threads wait for a server's answers, and do little else."""
# due: gil-idle
# free:

import socket
import threading
import time

server = socket.create_server(("127.0.0.1", 0))


def serve(connection: socket.socket) -> None:
    while connection.recv(1):
        time.sleep(0.02)
        connection.sendall(b"x")


def accept() -> None:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def fetch() -> None:
    with socket.create_connection(server.getsockname()) as connection:
        while True:
            connection.sendall(b"x")
            connection.recv(1)


threading.Thread(target=accept, name="accept", daemon=True).start()
for _ in range(4):
    threading.Thread(target=fetch, name="fetch", daemon=True).start()
time.sleep(60)
