"""What the ledger holds, read from the store's own file; and load that leaves traces to compare."""
import contextlib
import json
import random
import socket
import sqlite3
import subprocess
import threading

from canary import CANARY, plant
from world import PATIENCE, TAMPU, until

ROW = ("id", "failure", "status", "key_id", "machine", "prompt_tokens", "completion_tokens",
       "money_micro")


def rows(books):
    """{request id: row} of the store in that folder, or at that URL."""
    columns = ", ".join(ROW)
    if "://" in str(books):
        found = [tuple(row.values()) for row in json.loads(sql(
            books, f"SELECT coalesce(json_agg(e), '[]') FROM (SELECT {columns} FROM "
            "tampu.exchanges) e"))]
    else:
        with contextlib.closing(sqlite3.connect(f"file:{books}/tampu.db?mode=ro", uri=True)) as db:
            found = db.execute(f"SELECT {columns} FROM exchanges").fetchall()
    assert len({row[0] for row in found}) == len(found)
    return {row[0]: dict(zip(ROW, row)) for row in found}


def sql(url, text):
    """What psql prints of it, bare."""
    done = subprocess.run(["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", url], input=text, text=True,
                          capture_output=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tampu(*words):
    return subprocess.run([TAMPU, *map(str, words)], capture_output=True, text=True)


def create_key(books, *words):
    """The text of a new key and its id."""
    done = tampu("key", "create", "--state", books, "--json", "--name", "k", *words)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    return plant(made["key"]), made["id"]


def until_known(gateway, state):
    """The gateway knows every key that is in the store by now: also the last, which sees nothing."""
    key, _ = create_key(state, "--models", "nothing")

    def sees_nothing():
        answer = gateway.get("/v1/models", x_api_key=key)
        return answer.status == 200 and json.loads(answer.body)["data"] == []

    until(sees_nothing, "keys are read anew")


def counted(limits, key_id):
    """What the server says of a key: running, and of the day: tokens, tokens held; None: nothing yet."""
    script = ("local key = 'tampu:{' .. ARGV[1] .. '}:' "
              "local day = redis.call('KEYS', key .. 'day:*')[1] "
              "if not day or redis.call('HEXISTS', day, 'loaded') == 0 then return '' end "
              "return cjson.encode({redis.call('HGET', key .. 'held', 'running'), "
              "redis.call('HGET', day, 'tokens'), redis.call('HGET', day, 'held_tokens')})")
    done = subprocess.run(["redis-cli", "-u", limits.url, "--raw", "EVAL", script, "0", key_id],
                          capture_output=True, text=True, timeout=PATIENCE)
    return [int(number or 0) for number in json.loads(done.stdout)] if done.stdout[:1] == "[" else None


def settled(gateway):
    """Nothing is held, and the store has every row."""
    return (gateway.counter("ledger_held", {}), gateway.counter("ledger_waiting", {})) == (0, 0)


HI = {"model": "talk", "messages": [{"role": "user", "content": "hi"}]}


def send(gateway, key, **more):
    """A request on a connection of its own, which is returned while the answer is still to come."""
    host, _, port = gateway.address.rpartition(":")
    body = json.dumps({**HI, **more})
    sock = socket.create_connection((host, int(port)), timeout=2 * PATIENCE)
    sock.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                  f"x-api-key: {key}\r\ncontent-type: application/json\r\n"
                  f"content-length: {len(body)}\r\n\r\n{body}").encode())
    return sock


def answer_of(sock):
    """(status, headers, body)"""
    got = b""
    with sock:
        while (piece := sock.recv(65536)):
            got += piece
    head, _, body = got.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    return int(lines[0].split()[1]), dict(line.lower().split(": ", 1) for line in lines[1:]), body


class Load(threading.Thread):
    """One caller, one request after the other until stop(); what it was told is in .told.

    told: {request id: whether the answer came whole}
    """

    def __init__(self, address, key, model, seed):
        super().__init__(daemon=True)
        host, _, port = address.rpartition(":")
        self.place, self.key, self.model = (host, int(port)), key, model
        self.chance, self.told, self.stopping = random.Random(seed), {}, False
        self.start()

    def run(self):
        while not self.stopping:
            with contextlib.suppress(OSError):
                self.ask()

    def ask(self):
        stream, leaves = self.chance.random() < 0.5, self.chance.random() < 0.2
        body = json.dumps({"model": self.model, "stream": stream, "max_tokens": 40,
                           "messages": [{"role": "user", "content": f"count to ten {CANARY}"}]})
        with socket.create_connection(self.place, timeout=PATIENCE) as sock:
            sock.sendall((f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n"
                          f"authorization: Bearer {self.key}\r\nconnection: close\r\n"
                          f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
                          f"{body}").encode())
            if leaves and self.chance.random() < 0.5:
                return
            got = b""
            while (piece := sock.recv(65536)):
                got += piece
                self.note(got)
                if leaves:
                    return

    def note(self, got):
        head, end, body = got.partition(b"\r\n\r\n")
        if not end:
            return
        headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
        whole = (body.endswith(b"0\r\n\r\n") if "transfer-encoding" in headers
                 else len(body) == int(headers.get("content-length", -1)))
        if "x-tampu-request-id" in headers:
            self.told[headers["x-tampu-request-id"]] = whole

    def stop(self):
        self.stopping = True
        self.join(PATIENCE)
        assert not self.is_alive()
        return self.told
