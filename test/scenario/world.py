"""The world of one scenario: the real program on loopback, and callers that talk to it."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import threading
import time

from canary import hear, look_through, plant

TAMPU = os.environ.get("TAMPU", str(pathlib.Path(__file__).parents[2] / "build" / "tampu"))
PATIENCE = 60       # seconds that anything may take before a test gives up: the machine may be busy
SAMPLE = re.compile(r"^tampu_(\w+?)(?:\{(.*)\})? (\S+)$", re.M)

steps_taken, counters_moved = set(), set()    # by all gateways of this session


def until(condition, what, changed=None, seconds=PATIENCE):
    """Wait until condition() is true; look again whenever `changed` says so, and now and then."""
    changed = changed or threading.Condition()
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        with changed:
            changed.wait(0.02)
    return found


def has_terminals():
    """Whether this machine gives out pseudo-terminals: bare containers may not."""
    try:
        for end in os.openpty():
            os.close(end)
    except OSError:
        return False
    return True


class Gateway:
    """`tampu COMMAND ...`, until close(). Log lines are in .log, the rest of stderr in .words."""

    def __init__(self, folder, *words, env=None, program=TAMPU):
        self.folder, self.log, self.words, self.ended = pathlib.Path(folder), [], [], False
        self.bearer = {}    # for metrics, where keys are required
        self.state = words[words.index("--state") + 1] if "--state" in words else None
        for name, value in (env or {}).items():
            if "_KEY" in name and len(value) > 7:    # shorter ones are words
                plant(value)
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            [program, *map(str, words), "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE,
            text=True, cwd=folder, env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1", **(env or {})})
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        ready = re.compile(r"tampu: ready on \S+://(.*)$")
        found = until(lambda: self.ended or next(filter(None, map(ready.match, self.words)), None),
                      "the line that says ready", self.changed)
        assert found is not True, "".join(self.words)
        self.address = found[1]

    def read(self):
        for line in self.process.stderr:
            hear(line)
            with self.changed:
                if line.startswith("{"):
                    event = json.loads(line)
                    self.log.append(event)
                    if event["event"] == "step":
                        steps_taken.add((event["from"], event["to"]))
                else:
                    self.words.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def logged(self, event, **fields):
        return [e for e in list(self.log) if e["event"] == event
                and all(str(e.get(k)) == v for k, v in fields.items())]

    def until_logged(self, event, **fields):
        return until(lambda: self.logged(event, **fields), f"log {event} {fields}", self.changed)

    def metrics(self):
        """{(name, frozenset of labels): value}, histograms by their _count."""
        text = self.get("/metrics", **self.bearer).body.decode()
        found = {}
        for name, labels, value in SAMPLE.findall(text):
            found[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))] = float(value)
            if float(value) and not name.endswith(("_bucket", "_sum")):
                counters_moved.add(name.removesuffix("_count"))
        return found

    def counter(self, name, labels):
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.metrics().items()
                   if n in (name, name + "_count") and wanted <= have)

    def memory(self):
        """Bytes of RAM that the process has now."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024

    def get(self, path, **headers):
        return Client(self.address, "GET", path, headers=headers).finish()

    def post(self, path, body, **headers):
        headers = {"content-type": "application/json", **headers}
        return Client(self.address, "POST", path, body, headers).finish()

    def signal(self, number):
        self.process.send_signal(number)

    def exit_status(self):
        status = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return status

    def close(self):
        """Ends it if it runs; it must have been well until now."""
        if self.process.poll() is None:
            with contextlib.suppress(OSError, AssertionError):
                self.metrics()
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self.reader.join(PATIENCE)
        self.process.stderr.close()
        if self.state:
            look_through(self.state)
        assert not list(self.folder.glob("core*")), "a core would hold everything"
        assert self.process.returncode in (0, 2), f"exit {self.process.returncode}: {self.words}"


class Client(threading.Thread):
    """One request on a connection of its own. What has come so far is in .body and .text."""

    def __init__(self, address, method, path, body=None, headers=None):
        super().__init__(daemon=True)
        host, _, port = address.rpartition(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=2 * PATIENCE)
        self.asked = method, path, body, headers or {}
        self.status, self.headers, self.body, self.trouble = None, {}, b"", None
        self.changed = threading.Condition()
        self.sent = threading.Event()
        self.start()

    def run(self):
        method, path, body, headers = self.asked
        body = json.dumps(body) if isinstance(body, (dict, list)) else body
        try:
            self.connection.putrequest(method, path, skip_host="host" in headers,
                                       skip_accept_encoding=True)
            if body is not None and "content-length" not in headers:
                headers = {**headers, "content-length": str(len(body.encode()))}
            for name, value in headers.items():
                self.connection.putheader(name.replace("_", "-"), value)
            self.connection.endheaders(body.encode() if body else None)
            self.sent.set()
            answer = self.connection.getresponse()
            self.headers = {k.lower(): v for k, v in answer.getheaders()}
            self.note(answer.status, b"")
            while (piece := answer.read1()):
                self.note(answer.status, piece)
            if self.status >= 400 or path.startswith(("/metrics", "/admin")):
                hear(self.body.decode(errors="replace"))
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as trouble:
            self.trouble = trouble
        finally:
            self.sent.set()
            self.connection.close()

    def note(self, status, piece):
        with self.changed:
            self.status, self.body = status, self.body + piece
            self.changed.notify_all()

    def events(self):
        """The JSON of a stream's whole events, or of the whole answer."""
        text = self.body.decode()
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            return [json.loads(text)] if text else []
        whole, _, rest = text.rpartition("\n\n")
        assert not rest or self.is_alive(), f"the stream ends within an event: {rest!r}"
        lines = [line for line in whole.split("\n") if line]
        assert all(line.startswith("data: ") for line in lines), text
        return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]

    @property
    def text(self):
        said = [c.get("delta") or c.get("message") or {"content": c.get("text")}
                for e in self.events() for c in e.get("choices", [])]
        return "".join(s.get("content") or "" for s in said)

    @property
    def error(self):
        return next((e["error"] for e in self.events() if "error" in e), None)

    def leave(self):
        """Close the connection, whatever is still to come."""
        sock = self.connection.sock
        if sock:
            sock.shutdown(2)
        self.join(PATIENCE)

    def finish(self):
        self.join(PATIENCE)
        assert not self.is_alive(), f"no end of the answer to {self.asked[:2]}"
        return self


def write_fleet(folder, nodes, models, extra="", slots=None):
    """fleet.yaml with one machine per node; models: {node name: [tag or "{pull: ...}"]}."""
    lines = ["fleet: scenario", "machines:"]
    for node in nodes:
        engine = f"kind: {node.kind}, port: {node.port}"
        engine += ", tls: true" if node.tls else ""
        engine += f", slots: {(slots or {}).get(node.name, 4)}"
        engine += f", key: \"{node.key}\"" if node.key else ""
        held = ", ".join(m if m.startswith("{") else f'{{pull: "{m}", context: 8K}}'
                         for m in models[node.name])
        lines.append(f"  {node.name}: {{addresses: {node.host}, "
                     f"engines: [{{{engine}}}], models: [{held}]}}")
    path = pathlib.Path(folder) / "fleet.yaml"
    path.write_text("\n".join(lines) + "\n" + extra)
    return path
