"""An engine for sound and images: takes forms and JSON of any size, answers bytes as it is told."""
import email.parser
import email.policy
import hashlib
import json

from pages import Page, Pages

KEPT = 1 << 20      # bytes of a body that are remembered; of a longer one, its digest alone


class Seen:
    """One request that the engine got."""

    def __init__(self, path, headers, body, size, digest):
        self.path, self.headers, self.body = path, headers, body
        self.size, self.digest = size, digest

    def form(self):
        """[(name, filename, bytes)], as another program than tampu reads them."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        assert message.is_multipart() and not message.defects, message.defects
        return [(p.get_param("name", header="content-disposition"), p.get_filename(),
                 p.get_payload(decode=True)) for p in message.iter_parts()]

    def fields(self):
        return {name: value.decode() for name, filename, value in self.form() if filename is None}


class Engine(Pages):
    """answer(path, seen) gives (status, type, pieces); None: the connection is cut."""

    def __init__(self, answer=None):
        super().__init__(Request)
        self.seen, self.taken = [], 0
        self.answer = answer or (lambda path, seen: (200, "application/json", [b'{"text":"hi"}']))
        self.begin()

    def get(self, path):
        """What GET answers: (status, type, bytes)."""
        return 200, "application/json", json.dumps({"status": "ok", "data": []}).encode()


class Request(Page):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, kind, text = self.server.get(self.path)
        self.reply(status, kind, [text], len(text))

    def do_POST(self):
        left, digest, kept = int(self.headers["content-length"]), hashlib.sha256(), b""
        size = left
        while left:
            piece = self.rfile.read(min(left, 1 << 16))
            if not piece:
                return
            left -= len(piece)
            self.server.taken += len(piece)
            digest.update(piece)
            kept = kept + piece if size <= KEPT else kept
        headers = {k.lower(): v for k, v in self.headers.items()}
        seen = Seen(self.path, headers, kept, size, digest.hexdigest())
        self.server.seen.append(seen)
        told = self.server.answer(self.path, seen)
        if told is None:
            self.close_connection = True
        else:
            self.reply(*told)

    def reply(self, status, kind, pieces, length=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece if length is not None
                             else f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()
        if length is None:
            self.wfile.write(b"0\r\n\r\n")


def form(*parts, boundary="b0undary"):
    """(content type, body) of parts (name, value) or (name, value, filename)."""
    body = b""
    for name, value, *filename in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        head += f'; filename="{filename[0]}"\r\nContent-Type: audio/wav' if filename else ""
        body += head.encode() + b"\r\n\r\n" + (value if isinstance(value, bytes)
                                              else value.encode()) + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()
