"""SIGTERM and SIGHUP while things are under way."""
import signal
import socket

from node import Node, Text
from world import Client, until, write_fleet

ASK = {"model": "qwen3:8b", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


def serve(start, nodes, folder, *flags):
    nodes.append(Node("a"))
    fleet = write_fleet(folder, nodes, {"a": ["qwen3:8b"]})
    gateway = start("serve", fleet, "--state", folder / "state", "--log-level", "debug", *flags)
    gateway.until_logged("engine_up")
    return gateway, nodes[0]


def connect(gateway):
    host, _, port = gateway.address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def read_all(sock):
    pieces = []
    while (piece := sock.recv(65536)):
        pieces.append(piece)
    return b"".join(pieces)


def is_closed(gateway):
    return isinstance(gateway.get("/health/live").trouble, ConnectionRefusedError)


def begin_stream(gateway, node):
    node.scripts["chat"] = [["say", Text("Hel"), "hold", Text("lo")]]
    caller = Client(gateway.address, "POST", "/v1/chat/completions", ASK,
                    {"content-type": "application/json"})
    until(lambda: caller.text == "Hel", "the first token", caller.changed)
    return caller


def test_a_request_half_sent_when_the_gateway_was_stopped_is_refused(start, nodes, tmp_path):
    """failure=shutting_down"""
    gateway, node = serve(start, nodes, tmp_path, "--threads", "1")    # what came first is read first
    caller = begin_stream(gateway, node)
    late = connect(gateway)
    late.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: local")
    until(lambda: gateway.counter("connections", {}) == 3, "both connections are seen, and this one")
    gateway.signal(signal.SIGTERM)
    until(lambda: is_closed(gateway), "nobody listens any more")
    late.sendall(b"host\r\nContent-Length: 0\r\n\r\n")
    answer = read_all(late)
    assert answer.startswith(b"HTTP/1.1 503 ") and b"the gateway is stopping" in answer
    node.go()
    assert caller.finish().text == "Hello"
    assert gateway.exit_status() == 0


def test_what_runs_longer_than_drain_timeout_is_cut_and_the_gateway_ends(start, nodes, tmp_path):
    gateway, node = serve(start, nodes, tmp_path, "--drain-timeout", "100ms")
    caller = begin_stream(gateway, node)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_status() == 0
    assert "[DONE]" not in caller.finish().body.decode()
    until(lambda: node.left == 1, "the engine is left", node.changed)


def test_idle_connections_do_not_delay_the_end(start, nodes, tmp_path):
    gateway, _ = serve(start, nodes, tmp_path)
    idle = connect(gateway)
    idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert idle.recv(65536).startswith(b"HTTP/1.1 200 ")
    gateway.signal(signal.SIGINT)
    assert gateway.exit_status() == 0
    assert read_all(idle) == b""
