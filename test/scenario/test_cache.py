"""Answers that are kept: for whom, for how long, and what they are booked as."""
import json
import subprocess

import pytest
from books import create_key, rows
from node import Node, Text
from world import TAMPU, Client, until, write_fleet

JSON = {"content-type": "application/json"}
HI = [{"role": "user", "content": "hi"}]
SAYS = ("text", "content", "response", "delta")


def ask(model="qwen3:8b", **more):
    return {"model": model, "messages": HI, "temperature": 0, **more}


CALLS = {
    "openai": ("/v1/chat/completions", ask()),
    "completions": ("/v1/completions", {"model": "qwen3:8b", "prompt": "hi", "temperature": 0}),
    "anthropic": ("/v1/messages", ask(max_tokens=9)),
    "responses": ("/v1/responses", {"model": "qwen3:8b", "input": "hi", "temperature": 0}),
    "ollama": ("/api/chat", {"model": "qwen3:8b", "messages": HI, "options": {"temperature": 0},
                             "stream": False}),
}
GEMINI = {"contents": [{"parts": [{"text": "hi"}]}], "generationConfig": {"temperature": 0}}


@pytest.fixture
def kept(start, nodes, tmp_path):
    """kept("--cache", 60): a gateway, its node, and the header of a key with those rules."""
    def open_one(*words, extra="", flags=(), models=("qwen3:8b",)):
        nodes.append(Node("a"))
        fleet = write_fleet(tmp_path, nodes, {"a": list(models)}, extra)
        key, _ = create_key(tmp_path / "state", *words)
        gateway = start("serve", fleet, "--state", tmp_path / "state", "--log-level", "debug",
                        *flags)
        gateway.until_logged("engine_up")
        return gateway, nodes[0], {"authorization": f"Bearer {key}"}

    return open_one


def word(answer):
    """Who asks in the moment in which the answer is put away has waited for it: a hit all the same."""
    found = answer.headers.get("x-tampu-cache")
    return "hit" if found == "shared" else found


def said(body):
    """Every piece of text in an answer of whichever dialect, however it came."""
    found = []

    def look(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name in SAYS and isinstance(inner, str):
                    found.append(inner)
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    for line in body.decode().splitlines():
        line = line.removeprefix("data: ")
        if line.startswith("{"):
            look(json.loads(line))
    return "".join(found)


def test_an_equal_request_is_answered_without_an_engine(kept, tmp_path):
    gateway, node, key = kept("--cache", 60)
    node.scripts["chat"] = [["say", Text("Hel"), Text("lo")]]
    first = gateway.post("/v1/chat/completions", ask(), **key)
    same = json.dumps({"temperature": 0.0, "stream": True, "messages": HI, "model": "qwen3:8b"})
    again = gateway.post("/v1/chat/completions", same, **key)
    assert (word(first), word(again)) == ("miss", "hit")
    assert first.text == again.text == "Hello"
    assert again.headers["content-type"].startswith("text/event-stream")
    assert again.headers["x-tampu-machine"] == "a" and again.headers["x-tampu-attempts"] == "0"
    assert int(again.headers["age"]) < 60 and "age" not in first.headers
    other = gateway.post("/v1/chat/completions", ask(max_tokens=5), **key)
    assert word(other) == "miss" and len(node.received) == 2
    until(lambda: not gateway.counter("ledger_waiting", {}), "the store has them")
    found = rows(tmp_path / "state")
    booked = [[found[a.headers["x-tampu-request-id"]][what] for what in
               ("failure", "status", "machine", "prompt_tokens", "completion_tokens")]
              for a in (first, again)]
    assert booked == [["none", 200, "a", 3, 2], ["none", 200, "a", 0, 0]]
    done = subprocess.run([TAMPU, "usage", "--reconcile", "--state", tmp_path / "state", "--gateway",
                           f"http://{gateway.address}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    counted = {name: gateway.counter("cache_requests_total", {"result": name})
               for name in ("hit", "miss", "shared")}
    assert counted["miss"] == 2 and counted["hit"] + counted["shared"] == 1
    assert gateway.counter("cache_answers", {}) == 2 and gateway.counter("cache_bytes", {}) > 0


@pytest.mark.parametrize("dialect", CALLS)
def test_it_comes_back_in_the_callers_dialect_in_pieces_or_whole(kept, dialect):
    gateway, node, key = kept("--cache", 60)
    path, body = CALLS[dialect]
    asked = [gateway.post(path, {**body, "stream": streams}, **key)
             for streams in (True, False, True, False)]
    assert [word(answer) for answer in asked] == ["miss", "hit", "hit", "hit"]
    assert len(node.received) == 1
    assert said(asked[0].body) == said(asked[2].body) and said(asked[1].body) == said(asked[3].body)
    assert all(said(answer.body).startswith("Hello") for answer in asked)
    kinds = [answer.headers["content-type"] for answer in asked]
    assert kinds[0] == kinds[2] and kinds[1] == kinds[3] and kinds[1].startswith("application/json")


def test_it_comes_back_in_geminis_words(kept):
    gateway, node, key = kept("--cache", 60)
    asked = [gateway.post(f"/v1beta/models/qwen3:8b:{verb}", GEMINI, **key) for verb in
             ("generateContent", "generateContent", "streamGenerateContent?alt=sse",
              "streamGenerateContent?alt=sse")]
    assert [word(answer) for answer in asked] == ["miss", "hit", "miss", "hit"]
    assert [said(answer.body) for answer in asked] == ["Hello"] * 4
    assert len(node.received) == 2


def test_vectors_are_kept_as_they_are_wanted(kept):
    gateway, node, key = kept("--cache", 60, models=["nomic-embed-text"])
    body = {"model": "nomic-embed-text", "input": "hi"}
    asked = [gateway.post("/v1/embeddings", {**body, **more}, **key)
             for more in ({}, {}, {"encoding_format": "base64"}, {"encoding_format": "base64"})]
    assert [word(answer) for answer in asked] == ["miss", "hit", "miss", "hit"]
    vectors = [json.loads(answer.body)["data"][0]["embedding"] for answer in asked]
    assert vectors[0] == vectors[1] == [0.25, 0.5]
    assert isinstance(vectors[2], str) and vectors[2] == vectors[3]
    assert len({answer.headers["x-tampu-vector-space"] for answer in asked}) == 1


def test_what_might_differ_the_next_time_is_kept_by_who_says_so(kept, tmp_path):
    gateway, node, strict = kept("--cache", 60)
    free = {"authorization": "Bearer " + create_key(tmp_path / "state", "--cache", 60,
                                                    "--cache-all")[0]}
    off = {"authorization": "Bearer " + create_key(tmp_path / "state")[0]}
    until(lambda: gateway.get("/v1/models", **off).status == 200, "the keys are known")
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    unlike = [{"temperature": 0.7}, {"tools": [tool]},
              {"messages": [*HI, {"role": "assistant", "content": "", "tool_calls": [
                  {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                  {"role": "tool", "tool_call_id": "1", "content": "done"}]}]
    for more in unlike:
        words = [word(gateway.post("/v1/chat/completions", ask(**more), **key))
                 for key in (strict, strict, free, free)]
        assert words == [None, None, "miss", "hit"], more
    never = [word(gateway.post("/v1/chat/completions", ask(**more), **free))
             for more in ({"n": 2}, {"n": 2}, {"logprobs": True}, {"logprobs": True})]
    assert never == [None] * 4
    assert [word(gateway.post("/v1/chat/completions", ask(), **off)) for _ in range(2)] == [None] * 2
    declined = [word(gateway.post("/v1/chat/completions", ask(), cache_control="no-cache", **strict))
                for _ in range(2)]
    assert declined == [None, None]


def test_what_a_key_keeps_is_its_own(kept, tmp_path):
    gateway, node, one = kept("--cache", 60)
    other = {"authorization": "Bearer " + create_key(tmp_path / "state", "--cache", 60)[0]}
    until(lambda: gateway.get("/v1/models", **other).status == 200, "the key is known")
    words = [word(gateway.post("/v1/chat/completions", ask(), **key))
             for key in (one, other, one, other)]
    assert words == ["miss", "miss", "hit", "hit"]


def test_what_a_category_keeps_is_for_who_may_ask_what_gave_it(start, nodes, tmp_path):
    """Not for a key that may only ask the other machine."""
    for name in "ab":
        nodes.append(Node(name))
        nodes[-1].scripts["chat"] = [["say", Text(f"from {name}")]]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"], "b": ["qwen3:8b"]}, """\
categories:
  talk: {needs: {task: general}, machines: any, models: ["qwen3:8b"], cache: 10m}
""")
    keys = {only: create_key(tmp_path / "state", "--machines", only)[0] for only in "ab"}
    gateway = start("serve", fleet, "--state", tmp_path / "state")
    until(lambda: len(gateway.logged("engine_up")) == 2, "both are up", gateway.changed)

    def said_to(key):
        by = {"authorization": f"Bearer {keys[key]}"} if key else {}
        answer = gateway.post("/v1/chat/completions", ask("talk"), **by)
        assert answer.status == 200, answer.body
        return word(answer), answer.text

    assert [said_to(key) for key in ("a", "a", None, "b", "b")] == [
        ("miss", "from a"), ("hit", "from a"), ("hit", "from a"), ("miss", "from b"),
        ("miss", "from b")]
    direct = [word(gateway.post("/v1/chat/completions", ask())) for _ in range(2)]
    assert direct == [None, None], "by its own name it is nobody's to keep"


def test_equal_requests_wait_for_one(kept):
    gateway, node, key = kept("--cache", 60)
    node.scripts["chat"] = [["say", Text("Hel"), "hold", Text("lo")]]
    asked = [Client(gateway.address, "POST", "/v1/chat/completions",
                    ask(stream=i % 2 == 0), {**JSON, **key}) for i in range(8)]
    until(lambda: node.received, "one is asked", node.changed)
    for client in asked:
        client.sent.wait()
    node.go()
    words = sorted(client.finish().headers["x-tampu-cache"] for client in asked)
    assert {client.text for client in asked} == {"Hello"}
    assert words[-1] == "shared" and words.count("miss") == 1 and len(node.received) == 1


def test_the_next_one_leads_when_the_first_leaves(kept):
    gateway, node, key = kept("--cache", 60)
    node.scripts["chat"] = [["say", Text("Hel"), "hold", Text("lo")]]
    first = Client(gateway.address, "POST", "/v1/chat/completions", ask(stream=True),
                   {**JSON, **key})
    until(lambda: first.text == "Hel", "the first leads", first.changed)
    others = [Client(gateway.address, "POST", "/v1/chat/completions", ask(),
                     {**JSON, **key}) for _ in range(3)]
    for client in others:
        client.sent.wait()
    first.leave()
    until(lambda: node.left == 1 and len(node.received) == 2, "another one leads", node.changed)
    node.go()
    assert {client.finish().text for client in others} == {"Hello"}
    assert len(node.received) == 2


def test_errors_are_not_kept_and_who_waited_asks_itself(kept):
    gateway, node, key = kept("--cache", 60)
    node.scripts["chat"] = [["status", "400", Text("no")], ["say", Text("Hello")]]
    first = gateway.post("/v1/chat/completions", ask(), **key)
    assert first.status == 400
    words = [word(gateway.post("/v1/chat/completions", ask(), **key)) for _ in range(2)]
    assert words == ["miss", "hit"]


def test_what_is_too_large_or_too_old_is_not_kept(kept):
    gateway, node, key = kept("--cache", 1, flags=["--cache-answer-max", "1024"])
    node.scripts["chat"] = [["say", Text("long " * 1000)], ["say", Text("Hello")]]
    assert [word(gateway.post("/v1/chat/completions", ask(stream=True), **key))
            for _ in range(2)] == ["miss", "miss"]
    assert gateway.post("/v1/chat/completions", ask(), **key).text == "Hello"
    until(lambda: word(gateway.post("/v1/chat/completions", ask(), **key)) == "miss",
          "it is older than a second")
    assert gateway.counter("cache_answers", {}) == 1
