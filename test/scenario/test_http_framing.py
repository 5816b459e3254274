"""The framing rules of HTTP/1 at the real door: what is ambiguous is refused."""
import json
import re
import socket

import pytest
from node import Node
from world import PATIENCE, Gateway, write_fleet

HEAD = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/json\r\n")
BODY = b'{"model":"qwen3:8b","messages":[]}'
CLOSE = b"Connection: close\r\n"
SMUGGLED = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def node():
    made = Node("a", "llama-server")
    yield made
    made.drop()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, node):
    folder = tmp_path_factory.mktemp("framing")
    fleet = write_fleet(folder, [node], {"a": ["qwen3:8b"]})
    made = Gateway(folder, "serve", fleet, "--state", folder / "state")
    yield made
    made.close()


@pytest.fixture
def talk(gateway, node):
    """talk(bytes): all that comes back until the gateway ends the connection."""
    node.received.clear()

    def send(data, half_close=False, to=gateway):
        host, _, port = to.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
            try:
                sock.sendall(data)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
                pieces = []
                while (piece := sock.recv(65536)):
                    pieces.append(piece)
            except ConnectionResetError:
                pass
            return b"".join(pieces)

    return send


def statuses(answer):
    return [int(s) for s in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def get(*lines, host=b"Host: localhost\r\n"):
    return b"GET /health/live HTTP/1.1\r\n" + host + b"".join(lines) + b"\r\n"


def chunked(chunks, header=b"Transfer-Encoding: chunked\r\n"):
    return HEAD + header + b"\r\n" + chunks


def counted(length, body=BODY, more=b""):
    return HEAD + b"Content-Length: " + length + b"\r\n" + more + b"\r\n" + body


SIZE = b"%d" % len(BODY)
CHUNK = b"%x\r\n%s\r\n" % (len(BODY), BODY)
REFUSED = {
    "bare CR in a value": get(b"X: a\rb\r\n"),
    "bare CR ends a line": get(b"X: a\rY: b\r\n"),
    "bare LF ends a line": get(b"X: a\n"),
    "bare LF ends the head": b"GET /health/live HTTP/1.1\nHost: localhost\n\n",
    "bare LF in a chunk's line": chunked(CHUNK.replace(b"\r\n", b"\n", 1) + b"0\r\n\r\n"),
    "bare LF behind a chunk": chunked(CHUNK[:-2] + b"\n0\r\n\r\n"),
    "NUL in a value": get(b"X: a\0b\r\n"),
    "NUL in the target": b"GET /health\0/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "folded header": get(b"X: a\r\n b\r\n"),
    "folded first header": b"GET /health/live HTTP/1.1\r\n X: a\r\nHost: localhost\r\n\r\n",
    "space in a name": get(b"X Y: a\r\n"),
    "parenthesis in a name": get(b"X(: a\r\n"),
    "byte above 127 in a name": get(b"X\xff: a\r\n"),
    "empty name": get(b": a\r\n"),
    "no colon": get(b"X\r\n"),
    "space before the colon": get(b"X : a\r\n"),
    "space before the colon of Content-Length": counted(SIZE).replace(b"Length:", b"Length :"),
    "two lengths that differ": counted(b"5", more=b"Content-Length: 6\r\n"),
    "two lengths that agree": counted(SIZE, more=b"Content-Length: " + SIZE + b"\r\n"),
    "list of lengths": counted(SIZE + b", " + SIZE),
    "length with plus": counted(b"+" + SIZE),
    "length with minus": counted(b"-" + SIZE),
    "length in hex": counted(b"0x22"),
    "length with underscore": counted(b"3_4"),
    "length with a point": counted(b"34.0"),
    "empty length": counted(b""),
    "length of 20 digits": counted(b"99999999999999999999"),
    "length and chunked": counted(SIZE, CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n"),
    "chunked and length": chunked(CHUNK + b"0\r\n\r\n",
                                  b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    "chunked twice": chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: chunked, chunked\r\n"),
    "chunked in two headers": chunked(CHUNK + b"0\r\n\r\n", 2 * b"Transfer-Encoding: chunked\r\n"),
    "chunked not last": chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: chunked, gzip\r\n"),
    "gzip before chunked": chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: gzip, chunked\r\n"),
    "identity": chunked(BODY, b"Transfer-Encoding: identity\r\n"),
    "xchunked": chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: xchunked\r\n"),
    "quoted chunked": chunked(CHUNK + b"0\r\n\r\n", b'Transfer-Encoding: "chunked"\r\n'),
    "vertical tab before chunked": chunked(CHUNK + b"0\r\n\r\n",
                                           b"Transfer-Encoding: \x0bchunked\r\n"),
    "empty transfer coding": chunked(CHUNK + b"0\r\n\r\n", b"Transfer-Encoding: \r\n"),
    "chunked with HTTP/1.0": chunked(CHUNK + b"0\r\n\r\n").replace(b"HTTP/1.1", b"HTTP/1.0"),
    "chunk size with 0x": chunked(b"0x" + CHUNK + b"0\r\n\r\n"),
    "chunk size with plus": chunked(b"+" + CHUNK + b"0\r\n\r\n"),
    "chunk size with minus": chunked(b"-" + CHUNK + b"0\r\n\r\n"),
    "chunk size with underscore": chunked(b"2_2\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "space before a chunk size": chunked(b" " + CHUNK + b"0\r\n\r\n"),
    "empty chunk size": chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size of 17 digits": chunked(b"0000000000000000022\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size that overflows": chunked(b"10000000000000022\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk longer than it says": chunked(b"5\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "endless chunk extension": chunked(b"22;" + b"x" * 70000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no Host": get(host=b""),
    "two Hosts": get(b"Host: localhost\r\n"),
    "Host with a space": get(host=b"Host: local host\r\n"),
    "Host with a path": get(host=b"Host: localhost/#@x\r\n"),
    "Host with a user": get(host=b"Host: x@localhost\r\n"),
    "Host with a comma": get(host=b"Host: localhost, localhost\r\n"),
    "authority as the target": b"GET localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target without a slash": b"GET health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "space in the target": b"GET /health /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two spaces": b"GET  /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab instead of a space": b"GET\t/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /health/live\r\nHost: localhost\r\n\r\n",
    "lower-case version": b"GET /health/live http/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/2.0 in the line": b"GET /health/live HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "version with a comma": b"GET /health/live HTTP/1,1\r\nHost: localhost\r\n\r\n",
    "method with a lower case letter": b"get /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "expectation that nobody knows": get(b"Expect: the-spanish-inquisition\r\n"),
}


@pytest.mark.parametrize("data", [pytest.param(d, id=i) for i, d in REFUSED.items()])
def test_ambiguous_framing_is_refused_and_ends_the_connection(talk, node, data):
    answer = talk(data + SMUGGLED)
    head, _, body = answer.partition(b"\r\n\r\n")
    found = statuses(answer)
    assert len(found) == 1 and found[0] in (400, 405, 413, 417, 431, 501, 505), answer
    assert b"connection: close" in head.lower()
    assert json.loads(body)["error"]["message"]
    assert node.received == []


def test_a_chunk_extension_within_reason_is_ignored(talk, node):
    chunk = CHUNK.replace(b"\r\n", b";a=b\r\n", 1)
    answer = talk(chunked(chunk + b"0\r\n\r\n", b"Transfer-Encoding: chunked\r\n" + CLOSE))
    assert statuses(answer) == [200] and len(node.received) == 1


def test_pipelined_requests_are_answered_in_order(talk):
    answer = talk(get() + get().replace(b"/health/live", b"/nothing") + get(CLOSE))
    assert statuses(answer) == [200, 404, 200]


def test_an_absolute_target_names_the_same_host(talk):
    ask = b"GET http://%s/health/live HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
    assert statuses(talk(ask % (b"localhost", b"localhost"))) == [200]
    assert statuses(talk(ask % (b"evil.example", b"localhost"))) == [400]
    assert statuses(talk(ask % (b"evil.example", b"evil.example"))) == [403]


def test_http_1_0_needs_no_host_and_ends_the_connection(talk):
    assert statuses(talk(b"GET /health/live HTTP/1.0\r\n\r\n" + SMUGGLED)) == [200]


def test_a_caller_that_expects_100_hears_it_before_its_body(gateway, node):
    host, _, port = gateway.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        sock.sendall(counted(SIZE, b"", b"Expect: 100-continue\r\nConnection: close\r\n"))
        assert statuses(sock.recv(65536)) == [100]
        sock.sendall(BODY)
        answer = b""
        while (piece := sock.recv(65536)):
            answer += piece
    assert statuses(answer) == [200]
    assert "expect" not in node.received[-1]["headers"]


def test_a_refused_caller_that_expects_100_sends_no_body(talk):
    asked = counted(SIZE, b"", b"Expect: 100-continue\r\n" + CLOSE)
    assert statuses(talk(asked.replace(b"application/json", b"text/plain"))) == [400]


def test_headers_of_the_caller_never_reach_an_engine(talk, node):
    more = (b"Transfer-Encoding: chunked\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\n"
            b"TE: trailers\r\nUpgrade: h2c\r\nCookie: a=b\r\nAuthorization: Bearer mine\r\n"
            b"X-Forwarded-Host: 1.2.3.4\r\nAccept-Encoding: gzip\r\n")
    assert statuses(talk(chunked(CHUNK + b"0\r\n\r\n", more))) == [200]
    assert set(node.received[0]["headers"]) <= {"host", "content-type", "content-length", "accept",
                                               "user-agent", "connection"}
    assert node.received[0]["headers"]["content-length"] == str(len(BODY))


def test_who_comes_by_a_proxy_needs_a_key(talk, node):
    by_proxy = b"X-Forwarded-For: 127.0.0.1\r\n" + CLOSE
    assert statuses(talk(counted(SIZE, BODY, by_proxy))) == [403]
    assert node.received == []


def test_too_many_or_too_long_headers_are_refused(talk):
    assert statuses(talk(get(b"X: y\r\n" * 101))) == [431]
    assert statuses(talk(get(b"X: " + b"y" * 40000 + b"\r\n"))) == [431]
    assert statuses(talk(get().replace(b"/health/live", b"/" + b"y" * 40000)))[0] in (414, 431)


def test_a_head_that_dribbles_in_is_cut_off(talk, start, node, tmp_path):
    strict = start("serve", write_fleet(tmp_path, [node], {"a": ["qwen3:8b"]}), "--state", tmp_path / "state",
                   "--head-timeout", "100ms")
    assert statuses(talk(b"GET /health/live HTTP/1.1\r\nHost: loc", to=strict)) == [408]


def test_a_request_without_its_end_gets_no_answer_of_an_engine(talk, node):
    assert 200 not in statuses(talk(counted(SIZE, BODY[:-1]), half_close=True))
    assert 200 not in statuses(talk(chunked(CHUNK), half_close=True))
    assert node.received == []


def test_head_says_what_get_would_and_nothing_more(talk):
    answer = talk(get(CLOSE).replace(b"GET", b"HEAD"))
    assert statuses(answer) == [200] and answer.endswith(b"\r\n\r\n")
    assert re.search(rb"content-length: [1-9]", answer, re.I)


@pytest.mark.parametrize("path", [
    b"//health/live", b"/health//live", b"/health/live/", b"/health%2flive", b"/./health/live",
    b"/x/../health/live", b"/health/live;a", b"/HEALTH/live", b"/health/live%00",
    b"/v1/../metrics"])
def test_a_path_is_what_it_is_and_nothing_else(talk, path):
    answer = talk(get(CLOSE).replace(b"/health/live", path))
    assert statuses(answer)[0] in (400, 404)


def test_a_query_does_not_change_the_path(talk):
    assert statuses(talk(get(CLOSE).replace(b"live", b"live?a=/metrics"))) == [200]
