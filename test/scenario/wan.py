"""A registry that stands in for the WAN's: real manifests and blobs, faults on request, and what it gave."""
import hashlib
import json
import random
import socket
import threading

from pages import Page, Pages

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
PIECE = 16 << 10


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def make_bytes(name, size):
    """The same for the same name."""
    return random.Random(name).randbytes(size)


class Wan:
    """`faults` maps a path's end to what is done wrong there: [what, how often]; see `spoil`."""

    def __init__(self):
        self.blobs, self.manifests, self.faults = {}, {}, {}
        self.given = {}         # bytes by digest
        self.files = {}         # {path: digest} of what is published as plain files
        self.asked = []         # (method, path)
        self.on_given = None    # told how many bytes all of them are
        self.lock = threading.Lock()
        self.go_on = threading.Event()
        self.rate = 0           # bytes a second for each connection; 0: as fast as it goes
        self.server = Pages(handler_of(self)).begin()
        self.url = self.server.url

    def close(self):
        self.go_on.set()
        self.server.drop()

    def publish(self, tag, layers):
        """layers: [(media type's last word, bytes)]; returns the model's digest."""
        name, _, tag = tag.partition(":")
        rows = []
        for kind, content in [("config", b'{"model":"%s"}' % name.encode()), *layers]:
            self.blobs[digest_of(content)] = content
            media = CONFIG if kind == "config" else "application/vnd.ollama.image." + kind
            rows.append({"mediaType": media, "digest": digest_of(content), "size": len(content)})
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": rows[0],
                               "layers": rows[1:]}).encode()
        path = name if "/" in name else "library/" + name
        self.manifests[f"/v2/{path}/manifests/{tag or 'latest'}"] = manifest
        return digest_of(manifest)

    def publish_file(self, repository, path, content):
        """As a hub of repositories does: a list with digests, and the file itself."""
        digest, folder = digest_of(content), path.rpartition("/")[0]
        self.blobs[digest] = content
        self.files[f"/{repository}/resolve/main/{path}"] = digest
        where = f"/api/models/{repository}/tree/main" + ("/" + folder if folder else "")
        listed = json.loads(self.manifests.get(where, "[]"))
        listed.append({"type": "file", "path": path, "size": len(content), "oid": "0" * 40,
                       "lfs": {"oid": digest[7:], "size": len(content), "pointerSize": 134}})
        self.manifests[where] = json.dumps(listed).encode()
        return digest

    def spoil(self, end, what, times=1):
        """what: a status, "truncate", "lie", "hang up" or "wait" (in the middle, for go_on); the next `times` answers to that path."""
        self.faults[end] = [what, times]

    def fault(self, path):
        with self.lock:
            for end, left in self.faults.items():
                if path.endswith(end) and left[1]:
                    left[1] -= 1
                    return left[0]
        return None

    def count(self, digest, size):
        with self.lock:
            self.given[digest] = self.given.get(digest, 0) + size
            if self.on_given:
                self.on_given(sum(self.given.values()))

    def bytes_given(self):
        with self.lock:
            return sum(self.given.values())


def handler_of(wan):
    class Handler(Page):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.answer(False)

        def do_GET(self):
            self.answer(True)

        def answer(self, whole):
            with wan.lock:
                wan.asked.append((self.command, self.path))
            fault = wan.fault(self.path)
            digest = wan.files.get(self.path, self.path.rsplit("/", 1)[-1])
            if isinstance(fault, int):
                self.reply(fault, b"{}")
            elif fault == "hang up":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif self.path in wan.manifests:
                self.reply(200, wan.manifests[self.path] if whole else b"", MANIFEST)
            elif digest in wan.blobs:
                self.give(digest, wan.blobs[digest], fault)
            else:
                self.reply(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')

        def give(self, digest, content, fault):
            span = self.headers.get("range", "")
            first, _, last = span.removeprefix("bytes=").partition("-")
            first, last = int(first or 0), int(last or len(content) - 1)
            part = content[first:last + 1]
            self.send_response(206 if span else 200)
            self.send_header("content-length", str(len(part)))
            if span:
                self.send_header("content-range", f"bytes {first}-{last}/{len(content)}")
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault == "lie":
                part = bytes([part[0] ^ 255]) + part[1:]
            if fault == "truncate":
                part = part[:len(part) // 2]
                self.close_connection = True
            if fault == "wait":
                self.send(digest, part[:len(part) // 2])
                wan.go_on.wait(60)
                part = part[len(part) // 2:]
            self.send(digest, part)

        def send(self, digest, part):
            pause = threading.Event()
            for at in range(0, len(part), PIECE):
                piece = part[at:at + PIECE]
                try:
                    self.wfile.write(piece)
                except OSError:
                    self.close_connection = True
                    return
                wan.count(digest, len(piece))
                if wan.rate:
                    pause.wait(len(piece) / wan.rate)

        def reply(self, status, body, media="application/json"):
            self.send_response(status)
            self.send_header("content-type", media)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
