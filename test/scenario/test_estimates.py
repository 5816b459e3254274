"""Counting a prompt's tokens where no engine counts: an estimate, at once, and nobody is asked."""
import json

from node import Node
from world import write_fleet

BODY = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "word " * 400}]}


def test_an_engine_that_cannot_count_is_not_asked(start, nodes, tmp_path):
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--log-level", "debug")
    answer = gateway.post("/v1/messages/count_tokens", BODY, **{"anthropic-version": "2023-06-01"})
    assert answer.status == 200, answer.body
    assert answer.headers["x-tampu-estimated"], answer.headers
    assert 300 < json.loads(answer.body)["input_tokens"] < 1000    # a token is about four letters
    assert not nodes[0].received
    gateway.until_logged("step", **{"from": "decode", "to": "settle"})
