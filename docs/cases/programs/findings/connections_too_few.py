"""Eight threads share two connections by a semaphore: six of them stand in line for one."""
# due: gil-idle
# free:

import socket
import threading
import time

LIMIT = threading.BoundedSemaphore(2)
server = socket.create_server(("127.0.0.1", 0))
connections: list[socket.socket] = []


def serve(connection: socket.socket) -> None:
    while connection.recv(1):
        time.sleep(0.02)
        connection.sendall(b"x")


def query() -> None:
    with LIMIT:
        connection = connections.pop()
        connection.sendall(b"x")
        connection.recv(1)
        connections.append(connection)


def work() -> None:
    while True:
        query()


for _ in range(2):
    connections.append(socket.create_connection(server.getsockname()))
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
for _ in range(8):
    threading.Thread(target=work, name="work", daemon=True).start()
time.sleep(60)
