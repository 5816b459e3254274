"""A stand-in for a cloud provider: answers over TLS what transcripts/ holds, and keeps what it
heard.

A transcript is an answer as it comes over the wire, status line, headers and body, written from
what the provider publishes about its API.
"""
import json
import pathlib
import ssl
import subprocess
import threading

from pages import Page, Pages
from world import PATIENCE

TRANSCRIPTS = pathlib.Path(__file__).parent / "transcripts"


class Authority:
    """A certificate authority of a test's own; .file is what a client has to trust."""

    def __init__(self, folder):
        self.folder, self.file = pathlib.Path(folder), pathlib.Path(folder) / "ca.pem"
        self.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                     "-subj /CN=test-authority -keyout ca.key -out ca.pem")

    def openssl(self, words):
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True,
                       capture_output=True)

    def context(self):
        """What a server on 127.0.0.1 needs."""
        (self.folder / "name.cnf").write_text("subjectAltName=IP:127.0.0.1\n")
        self.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=provider "
                     "-keyout server.key -out server.csr")
        self.openssl("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
                     "-extfile name.cnf -out server.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context


class Provider:
    """answers: names of transcripts, in turn; the last one again and again. lists: the one that any
    GET is answered with.

    An error in the middle of a stream waits for .gate: what stands before it is with the caller.
    """

    def __init__(self, authority, lists, *answers):
        self.answers, self.heard, self.changed = list(answers), [], threading.Condition()
        self.gate, self.lists, self.listed = threading.Event(), lists, 0
        self.server = Pages(self.visitor())
        self.server.socket = authority.context().wrap_socket(self.server.socket, server_side=True)
        self.url = self.server.begin().url.replace("http:", "https:")
        self.drop = self.server.drop

    def next_answer(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def visitor(provider):
        class Visitor(Page):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with provider.changed:
                    provider.heard.append({
                        "path": self.path, "raw": body, "body": json.loads(body),
                        "headers": {k.lower(): v for k, v in self.headers.items()}})
                    provider.changed.notify_all()
                    answer = provider.next_answer()
                self.give(answer)

            def do_GET(self):
                self.give(provider.lists)
                with provider.changed:
                    provider.listed += 1
                    provider.changed.notify_all()

            def give(self, name):
                status, headers, body = transcript(name)
                self.wfile.write(f"HTTP/1.1 {status}\r\n".encode())
                for row in headers:
                    self.wfile.write(f"{row}\r\n".encode())
                said, error, rest = body.partition(b"event: error")
                self.wfile.write(b"content-length: %d\r\n\r\n" % len(body) + said)
                if error:
                    provider.gate.wait(PATIENCE)
                    self.wfile.write(error + rest)

        return Visitor


def transcript(name):
    """(status, header lines, body) of a file."""
    head, _, body = (TRANSCRIPTS / f"{name}.http").read_text().partition("\n\n")
    status, *headers = head.split("\n")
    return status.removeprefix("HTTP/1.1 "), headers, body.encode()


def openai_cloud(tmp_path, answer):
    """A provider, a fleet file in which it alone answers to `talk`, and the environment that wants."""
    authority = Authority(tmp_path)
    provider = Provider(authority, "openai/models", answer)
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("fleet: cloud\nmachines: {}\ncloud:\n"
                     "  - {name: S-CLD-PAY-gpt-4o-mini, provider: openai, model: gpt-4o-mini, "
                     f"url: \"{provider.url}\", key: \"env:GPT_KEY\", price_in: 1, price_out: 2}}\n"
                     "categories: {talk: {needs: {task: general}, cloud: [S-CLD-PAY-gpt-4o-mini]}}\n")
    env = {"GPT_KEY": "sk-secret", "SSL_CERT_FILE": str(authority.file)}
    return provider, fleet, env
