"""A fake engine: one thread per connection, speaks what its kind speaks, and does as it is told.

A script is a list of words: `say "Hel" hold "lo"` answers in two frames and waits for go() between
them; behind the frames may stand `cut`, `hang`, `junk`, `badchunk`, `error WORDS` or `short`.
Instead of `say`: `close`, `hang`, `status N WORDS`, `html`, `reset`. Under `show`: `open`, `trimmed`,
`closed`, or `status N WORDS`: what its template makes of an answer's beginning.
"""
import json
import os
import select
import socket
import ssl
import struct
import threading
import time

from pages import free_port

LATEST = 120    # seconds after which a hanging thread gives up


class Text(str):
    """A quoted word of a story: never a keyword."""


class Gone(Exception):
    """The peer closed the connection."""


class Node:
    def __init__(self, name, kind="ollama", tls=None):
        self.name, self.kind, self.tls, self.plain = name, kind, tls, False
        self.host, self.key = "127.0.0.1", None
        self.scripts, self.received, self.probes, self.left = {}, [], [], 0
        self.told = []      # what it was asked to load and to unload
        self.durations = {}     # what an Ollama says its answers took, in nanoseconds
        self.has = None     # names on its disk; None: it does not say
        self.digests = {}   # of them
        self.changed, self.dropping = threading.Condition(), threading.Lock()
        self.gate, self.opener = os.pipe()
        self.sockets, self.fillers, self.listener, self.port = set(), [], None, 0
        self.accept()

    def now(self, what, *rest):
        """go [N], refuse, ignore, accept, plain: see the functions of these names."""
        getattr(self, what)(*rest)

    def go(self, times="1"):
        os.write(self.opener, b"g" * int(times))

    def accept(self, backlog=128):
        self.drop()
        self.port = self.port or free_port()    # its own also while it refuses
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=backlog)
        if backlog:
            threading.Thread(target=self.serve, args=[self.listener], daemon=True).start()

    def refuse(self):
        """Nobody listens any more, and what was connected is cut."""
        self.drop()

    def ignore(self):
        """Connections are never accepted: the queue of the listener is full."""
        self.accept(backlog=0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)

    def plain_text(self):
        """A TLS node that has forgotten how."""
        self.cut_all()
        self.plain = True

    def drop(self):
        with self.dropping:
            listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut_all()
        while self.fillers:
            self.fillers.pop().close()

    def cut_all(self):
        for sock in list(self.sockets):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=[sock, listener], daemon=True).start()

    def talk(self, sock, listener):
        try:
            if self.plain:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.dropping:
                if self.listener is not listener:
                    raise Gone      # it came just before this node was dropped, which must not miss it
                self.sockets.add(sock)
            stream = sock.makefile("rb")
            while not self.plain and self.answer(sock, stream):
                pass
        except (OSError, ssl.SSLError, ValueError, Gone):
            pass
        finally:
            self.sockets.discard(sock)
            sock.close()

    def answer(self, sock, stream):
        """One request; false when the connection ends with it."""
        line = stream.readline().decode().split()
        if not line:
            return False
        headers = {}
        while (row := stream.readline().decode().strip()):
            name, _, value = row.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        method, path = line[0], line[1]
        if path == "/api/generate" and not json.loads(body).get("prompt"):
            return self.load(sock, json.loads(body))
        shows = path == "/apply-template" or b"_debug_render_only" in body
        with self.changed:
            if method == "GET" or shows:
                self.probes.append("template" if shows else path)
                told = self.scripts.get("show", [["open"]])[0]
            else:
                told = self.next_script(path)
                self.received.append({"at": time.monotonic(), "path": path, "headers": headers, "raw": body,
                                      "body": json.loads(body) if body else None})
            self.changed.notify_all()
        if method == "GET":
            return self.send_plain(sock, 200, self.health(path))
        if shows and told[0] != "status":
            return self.send_plain(sock, 200, self.rendered(json.loads(body), told[0]))
        return Answer(self, sock, path, json.loads(body), told).give()

    def load(self, sock, asked):
        """Ollama loads or unloads what it is asked for without a prompt."""
        with self.changed:
            self.told.append(asked)
            self.changed.notify_all()
        if self.scripts.get("load"):
            return Answer(self, sock, "/api/generate", asked, self.scripts["load"].pop(0)).give()
        reason = "unload" if asked.get("keep_alive") == 0 else "load"
        return self.send_plain(sock, 200, json.dumps(
            {"model": asked["model"], "response": "", "done": True, "done_reason": reason}))

    def next_script(self, path):
        task = "embed" if "embed" in path else "chat"
        lines = self.scripts.get(task) or [["say", Text("Hello")]]
        return lines.pop(0) if len(lines) > 1 else lines[0]

    def rendered(self, asked, how):
        """What its template makes of a chat: the last turn open, trimmed or closed."""
        text = "".join(f"<{m['role']}>{m['content']}" for m in asked["messages"])
        text = {"open": text, "trimmed": text.strip(), "closed": text + "</s>"}[how]
        return json.dumps({"_debug_info": {"rendered_template": text}} if self.kind == "ollama"
                          else {"prompt": text})

    def health(self, path):
        if path == "/api/tags":
            return json.dumps({"models": [{"name": name, "digest": self.digests.get(name, "")} for name in self.has]} if self.has is not None else {})
        if path == "/api/ps":
            return json.dumps({"models": []})
        return json.dumps({"version": "0.99.0", "status": "ok", "data": [], "models": []})

    def send_plain(self, sock, status, text, kind="application/json", more=0):
        body = text.encode()
        sock.sendall(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n"
                     f"Content-Length: {len(body) + more}\r\n\r\n".encode() + body)
        return not more


class Answer:
    """One answer to one request."""

    def __init__(self, node, sock, path, asked, told):
        self.node, self.sock, self.path, self.asked, self.told = node, sock, path, asked, told
        self.streams = asked.get("stream", path.startswith("/api/")) and "embed" not in path
        self.ollama = path.startswith("/api/")

    def give(self):
        word, rest = self.told[0], self.told[1:]
        if word == "close":
            return False
        if word == "reset":
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if word == "hang":
            return self.hang()
        if word == "html":
            return self.node.send_plain(self.sock, 200, "<html>Welcome</html>", "text/html")
        if word == "status":
            error = {"error": rest[1]} if self.ollama else {"error": {"message": rest[1]}}
            return self.node.send_plain(self.sock, int(rest[0]), json.dumps(error))
        return self.say(rest)

    def say(self, words):
        ends = {"cut", "hang", "junk", "badchunk", "error", "short", "linger"}
        end = next((i for i, w in enumerate(words) if w in ends and not isinstance(w, Text)),
                   len(words))
        frames, end = words[:end], words[end:]
        if not self.streams:
            return self.say_whole([f for f in frames if isinstance(f, Text)], frames, end)
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: "
                          + (b"application/x-ndjson" if self.ollama else b"text/event-stream")
                          + b"\r\nTransfer-Encoding: chunked\r\n\r\n")
        for frame in frames:
            if isinstance(frame, Text):
                self.chunk(self.frame(frame))
            else:
                self.hold()
        if end:
            return self.end_badly(*end)
        self.chunk(self.last_frame())
        self.sock.sendall(b"0\r\n\r\n")
        return True

    def end_badly(self, how, *words):
        if how == "hang":
            return self.hang()
        if how == "linger":         # all is said, but the answer does not end
            self.chunk(self.last_frame())
            return self.hang()
        if how == "short":          # ends as HTTP says, without the mark of a complete answer
            self.sock.sendall(b"0\r\n\r\n")
            return True
        if how == "error":
            line = json.dumps({"error": words[0] if self.ollama else {"message": words[0]}})
            self.chunk(line + "\n" if self.ollama else f"data: {line}\n\n")
            self.sock.sendall(b"0\r\n\r\n")
        if how == "junk":
            self.chunk("{\"mess\n" if self.ollama else "data: {\"cho\n\n")
        if how == "badchunk":
            self.sock.sendall(b"xyz\r\nwhat\r\n")
        return how == "error"

    def say_whole(self, texts, frames, end):
        for _ in range(len(frames) - len(texts)):
            self.hold()
        whole = json.dumps(self.whole("".join(texts)))
        if not end:
            return self.node.send_plain(self.sock, 200, whole)
        if end[0] == "junk":
            return self.node.send_plain(self.sock, 200, whole[:-5])
        self.node.send_plain(self.sock, 200, whole[:len(whole) // 2], more=1000)
        return self.hang() if end[0] == "hang" else False

    def chunk(self, text):
        data = text.encode()
        self.sock.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def frame(self, text):
        model = self.asked["model"]
        if self.ollama and "chat" in self.path:
            return json.dumps({"model": model, "message": {"role": "assistant", "content": text},
                               "done": False}) + "\n"
        if self.ollama:
            return json.dumps({"model": model, "response": text, "done": False}) + "\n"
        delta = {"delta": {"content": text}} if "chat" in self.path else {"text": text}
        return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "model": model,
                                      "choices": [{"index": 0, **delta}]}) + "\n\n"

    def last_frame(self):
        counts = {"prompt_eval_count": 3, "eval_count": 2, **self.node.durations}
        if self.ollama:
            said = json.loads(self.frame(""))
            return json.dumps({**said, "done": True, "done_reason": "stop", **counts}) + "\n"
        end = {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
               "usage": {"prompt_tokens": 3, "completion_tokens": 2,
                         "prompt_tokens_details": {"cached_tokens": 1}}}
        return f"data: {json.dumps(end)}\n\ndata: [DONE]\n\n"

    def whole(self, text):
        model = self.asked["model"]
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        if self.path == "/api/embed":
            return {"model": model, "embeddings": [[0.25, 0.5]], "prompt_eval_count": 3}
        if "embed" in self.path:
            vectors = [{"index": 0, "embedding": [0.25, 0.5]}]
            return {"object": "list", "data": vectors, "usage": usage}
        return {"id": "c", "object": "chat.completion", "model": model, "usage": usage,
                "choices": [{"index": 0, "text": text, "finish_reason": "stop",
                             "message": {"role": "assistant", "content": text}}]}

    def hang(self):
        self.wait([self.sock])
        return False

    def hold(self):
        self.wait([self.sock, self.node.gate])

    def wait(self, files):
        """Until go() or until the peer leaves."""
        ready = select.select(files, [], [], LATEST)[0]
        if self.node.gate in ready:
            os.read(self.node.gate, 1)
            return
        if self.sock in ready and not self.sock.recv(1):
            with self.node.changed:
                self.node.left += 1
                self.node.changed.notify_all()
        raise Gone
