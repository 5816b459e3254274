"""An Ollama with a real store: pulls by the registry's protocol as Ollama speaks it, keeps blobs on a disk."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import pathlib
import threading
import time
import urllib.parse

from pages import Page, Pages, free_port
from wan import MANIFEST, digest_of

PARTS, PART_LEAST, TRIES = 4, 64 << 10, 4
CHANGING = {"/api/pull", "/api/copy", "/api/delete", "/api/push", "/api/create", "/api/generate", "/api/embed",
            "/api/chat"}


class Refused(Exception):
    """What a stream of progress ends with."""


class DiskOllama:
    """One engine. `asked`: (method, path, body); `room`: bytes its disk has, or None."""

    def __init__(self, folder, dimensions=None, room=None):
        self.folder, self.dimensions, self.room = pathlib.Path(folder), dimensions or {}, room
        self.blobs, self.names = self.folder / "blobs", self.folder / "manifests"
        self.blobs.mkdir(parents=True, exist_ok=True)
        self.names.mkdir(exist_ok=True)
        self.asked, self.loaded, self.lock = [], set(), threading.RLock()
        self.spoiled = 0        # the next so many pulls end with an error
        self.unable = set()     # of "tools", "images" and "prompt": what its models refuse
        self.durations = {}     # what it says that plain prompts took
        self.on_pull = None     # called with the name when a pull begins
        self.pushes = None      # "lies", "breaks off" or "dies" in mid-part: what it does wrong when it is to push
        self.part = PART_LEAST  # what it pushes at once
        self.meets = None       # a barrier where it waits for others that push, too
        self.port = free_port()     # also while it is switched off
        self.listen()
        self.url = self.server.url

    def listen(self):
        self.server = Pages(handler_of(self), port=self.port).begin()

    def close(self):
        self.server.drop()

    def leave(self, name):
        """For on_pull: the machine is switched off in the middle of this pull."""
        self.close()
        raise ConnectionAbortedError(name)

    def changes(self):
        """Requests that change something, or load a model."""
        return [entry for entry in self.asked if entry[1] in CHANGING]

    def path_of(self, name):
        host, rest = "registry.ollama.ai", name
        parts = name.split("/")
        if len(parts) > 2:
            host, rest = parts[0], "/".join(parts[1:])
        if "/" not in rest:
            rest = "library/" + rest
        path, colon, tag = rest.rpartition(":")
        return self.names / host / (path if colon else rest) / (tag if colon else "latest")

    def tags(self):
        """{name as /api/tags says it: its manifest's bytes}"""
        found = {}
        for path in sorted(self.names.glob("*/*/*/*")):
            host, space, model, tag = path.relative_to(self.names).parts
            name = f"{model}:{tag}" if space == "library" else f"{space}/{model}:{tag}"
            if host != "registry.ollama.ai":
                name = f"{host}/{space}/{model}:{tag}"
            found[name] = path.read_bytes()
        return found

    def digests(self):
        return {name: digest_of(text) for name, text in self.tags().items()}

    def bytes_held(self):
        return sum(path.stat().st_size for path in self.blobs.iterdir())

    def pull(self, name, insecure, tell):
        host, rest = name.split("/", 1) if name.count("/") > 1 else ("registry.ollama.ai", name)
        space, _, tag = rest.rpartition(":")
        tell({"status": "pulling manifest"})
        with self.lock:
            if self.spoiled:
                self.spoiled -= 1
                raise Refused("max retries exceeded: EOF")
        if not insecure:
            raise Refused("pull model manifest: http: server gave HTTP response to HTTPS client")
        status, text, _ = get(host, f"/v2/{space}/manifests/{tag}", {"accept": MANIFEST})
        if status != 200:
            raise Refused("pull model manifest: " + ("file does not exist" if status == 404 else f"status {status}"))
        manifest = json.loads(text)
        for layer in [manifest["config"], *manifest["layers"]]:
            self.pull_blob(host, space, layer["digest"], layer["size"], tell)
        tell({"status": "verifying sha256 digest"})
        tell({"status": "writing manifest"})
        self.write_name(name, text)
        tell({"status": "success"})

    def write_name(self, name, text):
        path = self.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(path.name + f".{threading.get_ident()}")
        beside.write_bytes(text)
        os.replace(beside, path)

    def pull_blob(self, host, space, digest, size, tell):
        path = self.blobs / digest.replace(":", "-")
        where = f"/v2/{space}/blobs/{digest}"
        status = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": size}
        if not path.exists():
            head, _, headers = get(host, where, method="HEAD")
            if head != 200 or int(headers.get("content-length", 0)) != size:
                raise Refused(f"status {head}: {headers}")
            probe, _, headers = get(host, where)
            if probe not in (200, 307) or "location" not in headers:
                raise Refused("http: no Location header in response")
            self.bring_parts(host, urllib.parse.urljoin(where, headers["location"]), path, size, tell, status)
            if "sha256:" + hashlib.sha256(path.with_name(path.name + "-partial").read_bytes()).hexdigest() != digest:
                for left in self.blobs.glob(path.name + "-partial*"):
                    left.unlink()
                raise Refused("digest mismatch, file must be downloaded again")
            os.replace(path.with_name(path.name + "-partial"), path)
            for left in self.blobs.glob(path.name + "-partial-*"):
                left.unlink()
        tell({**status, "completed": size})

    def bring_parts(self, host, where, path, size, tell, status):
        if self.room is not None and self.bytes_held() + size > self.room:
            raise Refused(f"write {path}: no space left on device")
        length = max(size // PARTS, PART_LEAST)
        partial = path.with_name(path.name + "-partial")
        with partial.open("ab"):
            pass
        spans = [(n, at, min(at + length, size)) for n, at in enumerate(range(0, size, length))]
        with concurrent.futures.ThreadPoolExecutor(PARTS) as parts:
            for brought in parts.map(lambda span: self.bring_part(host, where, partial, span), spans):
                tell({**status, "completed": brought})

    def bring_part(self, host, where, partial, span):
        number, at, end = span
        note = partial.with_name(f"{partial.name}-{number}")
        if note.exists():
            return end
        for attempt in range(TRIES):
            status, content, _ = get(host, where, {"range": f"bytes={at}-{end - 1}"})
            if status == 206 and len(content) == end - at:
                descriptor = os.open(partial, os.O_WRONLY)
                os.pwrite(descriptor, content, at)
                os.close(descriptor)
                note.write_text("{}")
                return end
            time.sleep(0.01 * 2 ** attempt)
        raise Refused(f"max retries exceeded: unexpected status code {status}")

    def push(self, name, tell):
        """As Ollama uploads: HEAD, POST, PATCH in parts, PUT; the manifest last."""
        host, rest = name.split("/", 1)
        space, _, tag = rest.rpartition(":")
        text = self.path_of(name).read_bytes()
        manifest = json.loads(text)
        for layer in [*manifest["layers"], manifest["config"]]:
            content = (self.blobs / layer["digest"].replace(":", "-")).read_bytes()
            if self.pushes == "lies":
                content = bytes(byte ^ 255 for byte in content)
            head, _, _ = get(host, f"/v2/{space}/blobs/{layer['digest']}", method="HEAD")
            if head != 200:
                self.push_blob(host, space, layer["digest"], content)
            tell({"status": "pushing", "digest": layer["digest"], "total": len(content), "completed": len(content)})
        status, said, _ = get(host, f"/v2/{space}/manifests/{tag}", {"content-type": MANIFEST}, "PUT", text)
        if status != 201:
            raise Refused(f"on push manifest: status {status}: {said}")
        tell({"status": "success"})

    def push_blob(self, host, space, digest, content):
        status, said, headers = get(host, f"/v2/{space}/blobs/uploads/", method="POST", body=b"")
        if status != 202:
            raise Refused(f"on push blob: status {status}: {said}")
        if self.meets:
            self.meets.wait(30)
            self.meets = None
        for at in range(0, len(content), self.part):
            part = content[at:at + self.part]
            if self.pushes == "dies" and at:
                self.die(host, headers["location"], at, part)
            status, said, headers = get(host, headers["location"], {
                "content-range": f"{at}-{at + len(part) - 1}", "x-redirect-uploads": "1"}, "PATCH", part)
            if status != 202 or self.pushes == "breaks off":
                raise Refused(f"on push part: status {status}: {said}")
        status, said, _ = get(host, headers["location"] + f"?digest={digest}", method="PUT", body=b"")
        if status != 201:
            raise Refused(f"on push end: status {status}: {said}")

    def die(self, host, location, at, part):
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.putrequest("PATCH", location)
        connection.putheader("content-range", f"{at}-{at + len(part) - 1}")
        connection.putheader("content-length", str(len(part)))
        connection.endheaders(part[:len(part) // 2])
        connection.close()
        (self.folder / "down").touch()
        raise ConnectionAbortedError("in the middle of a part")

    def prune(self):
        """Blobs that no manifest names any more go, as Ollama removes them with a model."""
        named = {layer["digest"].replace(":", "-") for text in self.tags().values()
                 for layer in [json.loads(text)["config"], *json.loads(text)["layers"]]}
        for path in self.blobs.iterdir():
            if path.name not in named and "-partial" not in path.name:
                path.unlink()


def get(host, path, headers=None, method="GET", body=None):
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
    except (OSError, http.client.HTTPException) as trouble:
        return 0, str(trouble).encode(), {}
    finally:
        connection.close()


def handler_of(engine):
    class Handler(Page):
        protocol_version = "HTTP/1.1"

        def parse_request(self):
            """Down by the word of whoever runs it: nobody answers."""
            well = super().parse_request() and not (engine.folder / "down").exists()
            self.close_connection = self.close_connection or not well
            return well

        def do_GET(self):
            engine.asked.append(("GET", self.path, None))
            if self.path == "/api/version":
                self.reply(200, {"version": "0.33.0"})
            elif self.path == "/api/tags":
                self.reply(200, {"models": [
                    {"name": name, "digest": digest_of(text)[7:], "size": sum(
                        layer["size"] for layer in json.loads(text)["layers"])}
                    for name, text in engine.tags().items()]})
            elif self.path == "/api/ps":
                self.reply(200, {"models": [{"name": name} for name in sorted(engine.loaded)]})
            else:
                self.reply(404, {"error": "not found"})

        def do_DELETE(self):
            self.do_POST()

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            engine.asked.append((self.command, self.path, body))
            name = full(body.get("model") or body.get("source", ""))
            if self.path == "/api/pull":
                self.stream(lambda: self.pull(name, body))
            elif self.path == "/api/push" and engine.path_of(name).exists():
                self.stream(lambda: engine.push(name, self.tell))
            elif not engine.path_of(name).exists():
                self.reply(404, {"error": f"model '{name}' not found"})
            elif self.path == "/api/copy":
                engine.write_name(full(body["destination"]), engine.path_of(name).read_bytes())
                self.reply(200, None)
            elif self.path == "/api/delete":
                engine.path_of(name).unlink()
                engine.loaded.discard(name)
                engine.prune()
                self.reply(200, None)
            else:
                self.answer(name, body)

        def answer(self, name, body):
            if body.get("keep_alive") == 0:
                engine.loaded.discard(name)
            else:
                engine.loaded.add(name)
            if self.path == "/api/embed":
                size = engine.dimensions.get(name, 3)
                self.reply(200, {"model": name, "embeddings": [[0.5] * size] if body["input"] else []})
            elif self.path == "/api/chat":
                self.chat(name, body)
            elif body.get("prompt") and "prompt" in engine.unable:
                self.reply(400, {"error": f"{name} does not support prompt"})
            else:
                self.reply(200, {"model": name, "response": "here", "done": True, "done_reason": "stop", **engine.durations})

        def chat(self, name, body):
            wants = {"tools"} & body.keys() | {"images"} & body["messages"][0].keys()
            message = {"role": "assistant", "content": "here"}
            if "tools" in body:
                message = {"role": "assistant", "content": "", "tool_calls": [
                    {"function": {"name": body["tools"][0]["function"]["name"], "arguments": {}}}]}
            if wants & engine.unable:
                self.reply(400, {"error": f"{name} does not support {wants.pop()}"})
            else:
                self.reply(200, {"model": name, "message": message, "done": True, "done_reason": "stop"})

        def pull(self, name, body):
            if engine.on_pull:
                engine.on_pull(name)
            engine.pull(name, body.get("insecure"), self.tell)

        def stream(self, work):
            self.send_response(200)
            self.send_header("content-type", "application/x-ndjson")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                self.tell_refusal(work)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:     # whoever asked has gone
                self.close_connection = True

        def tell_refusal(self, work):
            try:
                work()
            except Refused as refused:
                self.tell({"error": str(refused)})

        def tell(self, progress):
            line = json.dumps(progress).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

        def reply(self, status, body):
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def full(name):
    return name if ":" in name.rsplit("/", 1)[-1] else name + ":latest"
