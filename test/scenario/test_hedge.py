"""A first token that is late: an idle copy is asked as well, who begins first goes on, and it is booked once."""
import json

import pytest
from books import rows
from node import Node, Text
from world import Client, until, write_fleet

PATH = "/v1/chat/completions"
EARNED = 60     # requests after which one may be asked twice, and what is usual is known


def ask(gateway, text="hi", headers=None, **more):
    body = {"model": "qwen3:8b", "stream": True, "messages": [{"role": "user", "content": text}], **more}
    return Client(gateway.address, "POST", PATH, body, {"content-type": "application/json", **(headers or {})})


def why(gateway, answer):
    path = "/admin/v1/why/" + answer.headers["x-tampu-request-id"]
    return until(lambda: (a := gateway.get(path)).status == 200 and json.loads(a.body), "why is known")


def got(node, text):
    return [r for r in node.received if r["body"]["messages"][-1]["content"] == text]


def in_order(nodes):
    """Who was asked first, and who as well."""
    return sorted(nodes, key=lambda n: n.received[-1]["at"])


@pytest.fixture(name="nodes")
def two_nodes():
    made = [Node("a", kind="llama-server"), Node("b", kind="llama-server")]
    yield made
    for node in made:
        node.go("40")
        node.drop()


@pytest.fixture(name="serve")
def serving(start, nodes, tmp_path):
    """A gateway that knows how fast both are, and has earned a second asking."""
    def made(*flags):
        fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"], "b": ["qwen3:8b"]})
        gateway = start("serve", fleet, "--state", tmp_path / "state", *flags)
        for alone in nodes:     # each by itself: both are known
            other = nodes[alone is nodes[0]].name
            assert gateway.post(f"/admin/v1/machines/{other}/cordon", {}).status == 200
            for _ in range(EARNED // 2):
                assert ask(gateway).finish().headers["x-tampu-machine"] == alone.name
            assert gateway.post(f"/admin/v1/machines/{other}/uncordon", {}).status == 200
        for node in nodes:
            node.scripts["chat"] = [["say", "hold", Text("Hel"), Text("lo")]]
        return gateway
    return made


def test_who_begins_first_goes_on_and_it_is_booked_once(serve, nodes, tmp_path):
    gateway = serve()
    answer = ask(gateway, "late")
    until(lambda: all(got(node, "late") for node in nodes), "both are asked")
    first, second = in_order(nodes)
    second.go()
    answer.finish()
    assert (answer.status, answer.text) == (200, "Hello")
    assert answer.headers["x-tampu-machine"] == second.name
    assert answer.headers["x-tampu-hedged"] == first.name
    assert answer.headers["x-tampu-attempts"] == "2"
    until(lambda: first.left == 1, "the other one is cancelled", first.changed)
    told = why(gateway, answer)
    assert [(t["machine"], t["outcome"]) for t in told["attempts"]] == [
        (first.name, "overtaken"), (second.name, "answered")]
    assert told["attempts"][0]["wasted_tokens"] > 0 and "wasted_tokens" not in told["attempts"][1]
    assert gateway.counter("hedges_total", {"machine": second.name, "result": "won"}) == 1
    until(lambda: gateway.counter("running", {}) == 0, "no slot is held")
    found = until(lambda: rows(tmp_path / "state").get(answer.headers["x-tampu-request-id"]), "it is booked")
    assert (found["machine"], found["failure"]) == (second.name, "none")
    assert (found["prompt_tokens"], len(rows(tmp_path / "state"))) == (3, EARNED + 1)


def test_the_first_one_may_still_be_first(serve, nodes):
    gateway = serve()
    answer = ask(gateway, "late")
    until(lambda: all(got(node, "late") for node in nodes), "both are asked")
    first, second = in_order(nodes)
    first.go()
    answer.finish()
    assert (answer.text, answer.headers["x-tampu-machine"]) == ("Hello", first.name)
    assert answer.headers["x-tampu-hedged"] == second.name
    until(lambda: second.left == 1, "the second one is cancelled", second.changed)
    assert gateway.counter("hedges_total", {"machine": second.name, "result": "lost"}) == 1


def test_when_the_first_one_fails_the_second_one_goes_on(serve, nodes):
    gateway = serve()
    answer = ask(gateway, "late")
    until(lambda: all(got(node, "late") for node in nodes), "both are asked")
    first, second = in_order(nodes)
    first.cut_all()
    until(lambda: gateway.counter("failures_total", {"machine": first.name}) == 1, "it is lost")
    second.go()
    answer.finish()
    assert (answer.text, answer.headers["x-tampu-machine"]) == ("Hello", second.name)
    assert [t["outcome"] for t in why(gateway, answer)["attempts"]] == ["upstream_gone", "answered"]


def test_both_are_cancelled_when_the_caller_leaves(serve, nodes):
    gateway = serve()
    answer = ask(gateway, "late")
    until(lambda: all(got(node, "late") for node in nodes), "both are asked")
    answer.leave()
    for node in nodes:
        until(lambda node=node: node.left == 1, f"{node.name} is left", node.changed)
    until(lambda: gateway.counter("running", {}) == 0, "no slot is held")


def test_batch_and_tools_are_asked_once(serve, nodes):
    """They were late before the one that is asked twice."""
    gateway = serve()
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    once = [ask(gateway, "batch", {"x-tampu-priority": "batch"}), ask(gateway, "tools", tools=[tool])]
    until(lambda: all(sum(len(got(n, t)) for n in nodes) == 1 for t in ("batch", "tools")), "they are sent")
    late = ask(gateway, "late")
    until(lambda: all(got(node, "late") for node in nodes), "it is asked of both")
    assert [sum(len(got(n, t)) for n in nodes) for t in ("batch", "tools")] == [1, 1]
    for node in nodes:
        node.go("5")
    assert [a.finish().text for a in (*once, late)] == ["Hello"] * 3


def test_it_can_be_turned_off(serve, nodes):
    gateway = serve("--hedge", "false", "--first-byte-timeout", "800ms")
    for node in nodes:
        node.scripts["chat"] = [["hang"]]
    answer = ask(gateway, "late")
    gateway.until_logged("attempt_failed", failure="first_byte_timeout")    # hedged, it would never come to that
    for node in nodes:
        node.cut_all()
    answer.finish()
    assert "x-tampu-hedged" not in answer.headers
    assert gateway.counter("hedges_total", {}) == 0
