"""A caller that reads slowly holds up its engine, not the gateway's memory."""
import json
import socket

from node import Answer, Node, Text
from world import until, write_fleet

MANY = 64 << 20


class Flood(Answer):
    """Says 64 MiB as fast as it is taken; counts what was taken."""

    def give(self):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n")
        while self.node.taken < MANY:
            self.chunk(self.frame(Text("x" * 60000)))
            self.node.taken += 60000
        self.chunk(self.last_frame())
        self.sock.sendall(b"0\r\n\r\n")
        return True


def test_a_slow_caller_pauses_the_engine_and_memory_stays_bounded(start, nodes, tmp_path,
                                                                  monkeypatch):
    monkeypatch.setattr("node.Answer", Flood)
    nodes.append(Node("a", "llama-server"))
    nodes[0].taken = 0
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state",
                    env={"ASAN_OPTIONS": "quarantine_size_mb=4"})    # else that is what grows
    host, _, port = gateway.address.rpartition(":")
    body = json.dumps({"model": "qwen3:8b", "stream": True, "messages": []}).encode()
    before = gateway.memory()
    with socket.create_connection((host, int(port)), timeout=60) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Type: application/json\r\nConnection: close\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        seen = [-1, 0]      # what the node could say, until it cannot say more

        def stands_still():
            seen[:] = [nodes[0].taken, seen[1] + 1 if nodes[0].taken == seen[0] > 0 else 0]
            return seen[1] >= 15

        until(stands_still, "the engine is paused")
        assert nodes[0].taken < MANY // 2
        assert gateway.memory() - before < 16 << 20
        got = b""
        total = 0
        while (piece := slow.recv(1 << 20)):
            total += len(piece)
            got = (got + piece)[-200:]
        assert total > MANY and b"[DONE]" in got
    assert gateway.memory() - before < 24 << 20
