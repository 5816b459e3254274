"""Strict JSON at the front door: the cases of test_json_suite.c as request bodies."""
import http.client
import json
import pathlib
import re

import pytest
from node import Node
from world import Gateway, write_fleet

SUITE = pathlib.Path(__file__).parents[1] / "unit" / "wire" / "test_json_suite.c"
ROW = re.compile(r'\{"((?:[^"\\]|\\.)*)",\s*STR\(((?:\s*"(?:[^"\\]|\\.)*")+)\s*\)\}')
ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)", re.S)
SIMPLE = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"f": b"\f", b"b": b"\b", b"v": b"\v", b"a": b"\a"}
PATH = "/v1/chat/completions"


def c_bytes(literals):
    """What one or more adjacent C string literals say."""
    def decode(found):
        word = found[1]
        if word[:1] == b"x":
            return bytes([int(word[1:], 16)])
        return bytes([int(word, 8)]) if word.isdigit() else SIMPLE.get(word, word)

    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', literals)
    return b"".join(ESCAPE.sub(decode, part.encode()) for part in parts)


def cases(table):
    text = SUITE.read_text().split(f"{table}[] = {{")[1].split("\n};")[0]
    found = [pytest.param(c_bytes(text_), id=name) for name, text_ in ROW.findall(text)]
    assert len(found) == len(re.findall(r"^    \{", text, re.M)), "a row that this does not read"
    return found


REJECT = cases("must_reject") + [
    pytest.param(b"[" * 100000, id="n_structure_100000_opening_arrays"),
    pytest.param(b'[{"":' * 50000, id="n_structure_open_array_object")]
ACCEPT = cases("must_accept")


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """A kept connection to a gateway in front of one engine."""
    folder = tmp_path_factory.mktemp("door")
    node = Node("a", "llama-server")
    gateway = Gateway(folder, "serve", write_fleet(folder, [node], {"a": ["qwen3:8b"]}),
                      "--state", folder / "state")
    host, _, port = gateway.address.rpartition(":")
    yield http.client.HTTPConnection(host, int(port), timeout=60), node
    gateway.close()
    node.drop()


def post(door, body, path=PATH):
    connection, node = door
    node.received.clear()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def wrap(value):
    return b'{"model":"qwen3:8b","messages":[],"x":' + value + b"}"


def test_the_suite_is_whole():
    assert (len(REJECT), len(ACCEPT)) == (188, 95)


@pytest.mark.parametrize("body", REJECT)
def test_what_is_not_json_is_refused(door, body):
    for sent in (body, wrap(body)):
        status, answer = post(door, sent)
        assert status == 400
        assert answer["error"]["type"] == "invalid_request_error" and answer["error"]["message"]
        assert door[1].received == []


DOORS = {
    "/api/chat": (b'{"model":"qwen3:8b","messages":[],"x":', lambda e: e),
    "/api/generate": (b'{"model":"qwen3:8b","prompt":"p","x":', lambda e: e),
    "/v1/messages": (b'{"model":"qwen3:8b","max_tokens":9,"messages":[],"x":',
                     lambda e: e["type"] == "invalid_request_error" and e["message"]),
    "/v1beta/models/qwen3:8b:generateContent": (
        b'{"contents":[],"x":', lambda e: e["status"] == "INVALID_ARGUMENT" and e["message"]),
}


@pytest.mark.parametrize("path", DOORS)
def test_it_is_refused_in_the_words_of_each_door(door, path):
    begin, words = DOORS[path]
    for case in REJECT:
        for sent in (case.values[0], begin + case.values[0] + b"}"):
            status, answer = post(door, sent, path)
            assert status == 400 and words(answer["error"]), (case.id, answer)
            assert door[1].received == []


@pytest.mark.parametrize("value", ACCEPT)
def test_what_is_json_reaches_the_engine_as_it_came(door, value):
    status, answer = post(door, wrap(value))
    assert (status, answer["choices"][0]["message"]["content"]) == (200, "Hello")
    assert door[1].received[0]["raw"] == wrap(value)
