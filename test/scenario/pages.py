"""HTTP servers of a test's own, on loopback, and ports for those that are programs of their own."""
import http.server
import pathlib
import random
import socket
import threading

RANGE = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")


class Page(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm = True      # a head and its body are two writes

    def log_message(self, *words):
        pass


class Pages(http.server.ThreadingHTTPServer):
    """Answers from the start, until drop()."""

    request_queue_size = 128

    def __init__(self, page, host="127.0.0.1", port=0):
        super().__init__((host, port), page)
        self.port, self.url = self.server_port, f"http://{host}:{self.server_port}"

    def begin(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def drop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A connection that is cut is no news."""


def free_port():
    """One that nobody has, and that the system gives to nobody who does not name it: it stays free
    while whoever is to have it starts, or is away for a while."""
    first = int(RANGE.read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(first // 2, first)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
