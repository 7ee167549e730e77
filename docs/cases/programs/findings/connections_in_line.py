"""Eight threads ask a slow server by a urllib3 pool of two connections: six of them wait in line."""
# due: connections-in-line
# needs: urllib3

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import urllib3


class Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
pool = urllib3.HTTPConnectionPool("127.0.0.1", server.server_port, maxsize=2, block=True)


def ask_for_prices() -> None:
    while True:
        pool.request("GET", "/")


for _ in range(8):
    threading.Thread(target=ask_for_prices, name="prices", daemon=True).start()
time.sleep(3600)
