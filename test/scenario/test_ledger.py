"""One request, exactly one row, whatever dies; and no budget is passed."""
import json
import pathlib
import resource
import sqlite3
import time

import pytest
from books import HI, answer_of, create_key, rows, send, settled, tampu, until_known
from canary import CANARY
from node import Node, Text
from provider import openai_cloud
from world import PATIENCE, Client, until, write_fleet

ASK = {"model": "qwen3:8b", "messages": [{"role": "user", "content": f"hi {CANARY}"}]}
NOBODY_HIM = {"content-type": "application/json"}
CLAUDE = {"anthropic_version": "2023-06-01"}


def serve(start, nodes, folder, *flags):
    if not nodes:
        nodes.append(Node("a"))
    fleet = write_fleet(folder, nodes, {"a": ["qwen3:8b"]})
    gateway = start("serve", fleet, "--state", folder / "state", *flags)
    gateway.until_logged("engine_up")
    return gateway


def test_what_was_streamed_is_charged_when_the_gateway_dies(start, nodes, tmp_path):
    """failure=interrupted"""
    gateway = serve(start, nodes, tmp_path)
    nodes[0].scripts["chat"] = [["say", *[Text("word ")] * 5, "hold", Text("end")]]
    caller = Client(gateway.address, "POST", "/v1/chat/completions", {**ASK, "stream": True},
                    NOBODY_HIM)
    until(lambda: caller.text == "word " * 5, "five words", caller.changed)
    request = caller.headers["x-tampu-request-id"]
    gateway.process.kill()
    gateway.process.wait()
    caller.finish()
    gateway.process.returncode = 0    # as far as the test's end is concerned: it was us
    again = serve(start, nodes, tmp_path)
    assert again.logged("recovered")[0]["requests"] == 1
    row = rows(tmp_path / "state")[request]
    assert row["failure"] == "interrupted" and row["machine"] == "a"
    assert row["prompt_tokens"] > 0
    assert again.counter("ledger_held", {}) == 0


def test_a_thousand_at_once_spend_what_is_there_for_ten(start, tmp_path):
    """failure=over_budget"""
    provider, fleet, env = openai_cloud(tmp_path, "openai/stream")
    gate, once = provider.gate, provider.next_answer
    provider.next_answer = lambda: (gate.wait(PATIENCE), once())[1]
    # every byte of the body and the 1024 tokens that a template may add, at 1; 64 tokens of answer at 2
    body = {**HI, "max_tokens": 64, "stream": True}
    most_micro = len(json.dumps(body)) + 1024 + 2 * 64
    dollars = f"{10 * most_micro / 1e6:.6f}"
    key, key_id = create_key(tmp_path / "state", "--money-per-day", dollars)
    gateway = start("serve", fleet, "--state", tmp_path / "state", env=env)
    asked = [send(gateway, key, max_tokens=64, stream=True) for _ in range(1000)]
    until(lambda: gateway.counter("refusals_total", {"failure": "over_budget"}) == 990,
          "990 are refused", seconds=4 * PATIENCE)
    gate.set()
    answers = [answer_of(sock) for sock in asked]
    assert sorted({status for status, _, _ in answers}) == [200, 402]
    assert sum(status == 200 for status, _, _ in answers) == 10
    _, headers, body = next(a for a in answers if a[0] == 402)
    assert 0 < int(headers["retry-after"]) <= 86400
    assert "budget" in json.loads(body)["error"]["message"]
    until(lambda: settled(gateway), "everything is in the store")
    ours = [row for row in rows(tmp_path / "state").values() if row["key_id"] == key_id]
    assert len(ours) == 1000
    spent = sum(row["money_micro"] for row in ours)
    assert 0 < spent <= 10 * most_micro
    assert gateway.counter("ledger_money_micro_total", {}) == spent
    provider.drop()


@pytest.mark.parametrize("more, tokens", [
    ({"max_tokens": 64, "n": 3}, 3 * 64),
    ({"max_tokens": 64, "max_completion_tokens": 1}, 64),
    ({"max_tokens": 64, "tools": [{"type": "function", "function": {"name": "f" * 900}}]}, 64),
], ids=["choices", "two limits", "tools"])
def test_all_that_a_request_may_cost_is_kept_free_for_it(start, tmp_path, more, tokens):
    """failure=over_budget"""
    provider, fleet, env = openai_cloud(tmp_path, "openai/stream")
    most_micro = len(json.dumps({**HI, **more})) + 1024 + 2 * tokens
    poor, _ = create_key(tmp_path / "state", "--money-per-day", f"{(most_micro - 1) / 1e6:.6f}")
    gateway = start("serve", fleet, "--state", tmp_path / "state", env=env)
    assert answer_of(send(gateway, poor, **more))[0] == 402
    rich, _ = create_key(tmp_path / "state", "--money-per-day", f"{most_micro / 1e6:.6f}")
    until(lambda: answer_of(send(gateway, rich, **more))[0] not in (401, 402), "there is room")
    provider.drop()


def test_limits_of_a_minute_and_at_once_are_told_with_the_wait(start, nodes, tmp_path):
    """failure=over_limit"""
    gateway = serve(start, nodes, tmp_path)
    state = tmp_path / "state"
    often, _ = create_key(state, "--requests-per-minute", 2)
    alone, _ = create_key(state, "--parallel", 1)
    by_key = {"authorization": f"Bearer {often}"}
    until_known(gateway, state)
    until(lambda: gateway.post("/v1/chat/completions", ASK, **by_key).status == 429, "a limit")
    refused = gateway.post("/v1/chat/completions", ASK, **by_key)
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "requests a minute" in refused.error["message"]
    by_key = {"authorization": f"Bearer {alone}"}
    nodes[0].scripts["chat"] = [["say", Text("Hel"), "hold", Text("lo")],
                                ["say", Text("again")]]
    first = Client(gateway.address, "POST", "/v1/chat/completions", {**ASK, "stream": True},
                   {**NOBODY_HIM, **by_key})
    until(lambda: first.text == "Hel", "the first token", first.changed)
    second = gateway.post("/v1/messages", {**ASK, "max_tokens": 9}, **by_key)
    assert second.status == 429
    assert json.loads(second.body)["error"]["type"] == "rate_limit_error"
    nodes[0].go()
    assert first.finish().text == "Hello"
    assert gateway.post("/v1/chat/completions", ASK, **by_key).status == 200, "its place was free before it had its answer"


def test_a_key_goes_where_it_may_and_nowhere_else(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path)
    state = tmp_path / "state"
    cases = [(("--models", "qwen3:*"), "/v1/chat/completions", 200),
             (("--models", "llama*,XL-*-code"), "/v1/chat/completions", 403),
             (("--machines", "a,b"), "/v1/chat/completions", 200),
             (("--machines", "b"), "/v1/chat/completions", 403),
             (("--dialects", "openai"), "/v1/chat/completions", 200),
             (("--dialects", "anthropic"), "/v1/chat/completions", 403),
             (("--private",), "/v1/chat/completions", 200)]
    keys = [(create_key(state, *words)[0], path, status) for words, path, status in cases]
    until_known(gateway, state)
    for (key, path, status), (words, _, _) in zip(keys, cases):
        answer = gateway.post(path, ASK, authorization=f"Bearer {key}")
        assert answer.status == status, (words, answer.body)
    assert gateway.post("/v1/chat/completions", ASK, authorization=f"Bearer {keys[0][0]}",
                        x_goog_api_key=keys[2][0]).status == 400


def test_lists_of_models_have_the_names_that_the_key_may_ask_for(start, nodes, tmp_path):
    nodes.append(Node("a"))
    nodes.append(Node("b"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b", "gemma3:4b"], "b": ["llama3.1:8b"]},
                        "aliases: {mine: \"qwen3:8b\"}\n")
    state = tmp_path / "state"
    gateway = start("serve", fleet, "--state", state)
    every = {"qwen3:8b", "gemma3:4b", "llama3.1:8b", "mine"}
    cases = [((), every), (("--models", "qwen3:*"), {"qwen3:8b", "mine"}),
             (("--machines", "b"), {"llama3.1:8b"}), (("--models", "nothing"), set())]
    keys = [create_key(state, *words)[0] for words, _ in cases]
    until_known(gateway, state)
    for key, (words, names) in zip([None, *keys], [("no key", every), *cases]):
        by_key = {"authorization": f"Bearer {key}"} if key else {}
        lists = [gateway.get("/v1/models", **by_key), gateway.get("/v1/models", **by_key, **CLAUDE),
                 gateway.get("/v1beta/models", **by_key), gateway.get("/api/tags", **by_key)]
        for found in lists:
            rows = json.loads(found.body)
            listed = {row.get("id") or row["name"].removeprefix("models/")
                      for row in rows.get("data", rows.get("models"))}
            assert listed == names, words
        if key:
            for name in every:
                status = 200 if name in names else 403
                assert gateway.get(f"/v1/models/{name}", **by_key).status == status
                assert gateway.post("/v1/chat/completions", {**ASK, "model": name},
                                    **by_key).status == status
                assert gateway.post("/api/show", {"model": name}, **by_key).status == status


def test_what_is_loaded_is_shown_to_who_may_ask_for_it(start, tmp_path):
    state = tmp_path / "state"
    key, _ = create_key(state, "--models", "s-fast")
    gateway = start("demo", "--state", state, "--speed", 50)

    def loaded(**headers):
        return {row["name"] for row in json.loads(gateway.get("/api/ps", **headers).body)["models"]}

    mine = until(lambda: loaded(x_api_key=key), "what may be asked for is loaded")
    until(lambda: mine < loaded(), "what may not be asked for is loaded, too")
    assert all(name.startswith("S-") for name in mine)


def test_a_wrong_key_opens_nothing_even_here(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path)
    wrong = {"x_api_key": "tampu-of-nobody"}
    assert gateway.get("/v1/models", **wrong).status == 200, "no key is configured"
    until_known(gateway, tmp_path / "state")
    for path in ("/v1/models", "/admin/v1/status"):
        assert gateway.get(path, **wrong).status == 401
        assert gateway.get(path).status == 200
        assert gateway.get(f"{path}?key=a", **wrong).status == 400
    assert gateway.counter("refusals_total", {"failure": "unauthorized"}) == 2


def test_a_revoked_key_is_refused_within_a_tenth_of_a_second(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path, "--require-keys", "true")
    state = tmp_path / "state"
    key, key_id = create_key(state)
    until(lambda: gateway.get("/v1/models", x_api_key=key).status == 200, "the key is known")


    def usual():
        """The middle one of five: the machine may be busy."""
        took = []
        for _ in range(5):
            key, key_id = create_key(state)
            until(lambda: gateway.get("/v1/models", x_api_key=key).status == 200, "it is known")
            with_revoked(state, key_id)
            begun = time.monotonic()
            until(lambda: gateway.get("/v1/models", x_api_key=key).status == 401, "it is refused")
            took.append(time.monotonic() - begun)
        return sorted(took)[2]

    took = []
    while not took or (took[-1] >= 0.1 and len(took) < 5):    # and again: it may be busy for long
        took.append(usual())
    assert took[-1] < 0.1, took


def with_revoked(state, key_id):
    with sqlite3.connect(f"{state}/tampu.db", timeout=5) as store:
        store.execute("UPDATE keys SET revoked_us = 1 WHERE id = ?", (key_id,))
    store.close()


def limit_files(gateway, size):
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.parametrize("unbooked, status", [("serve", 200), ("refuse", 503)])
def test_a_full_disk_is_an_alarm_and_loses_nothing(start, nodes, tmp_path, unbooked, status):
    """failure=books_closed"""
    gateway = serve(start, nodes, tmp_path, "--unbooked", unbooked)
    hard, _ = create_key(tmp_path / "state", "--money-per-day", "1")
    by_key = {"authorization": f"Bearer {hard}"}
    until_known(gateway, tmp_path / "state")
    told = [gateway.post("/v1/chat/completions", ASK) for _ in range(3)]
    limit_files(gateway, 1)
    until(lambda: (told.append(gateway.post("/v1/chat/completions", ASK)),
                   gateway.logged("journal_lost"))[1], "the alarm")
    assert gateway.counter("ledger_trouble", {"part": "journal"}) == 1
    told.append(gateway.post("/v1/chat/completions", ASK))
    assert told[-1].status == status
    refused = gateway.post("/v1/chat/completions", ASK, **by_key)
    assert refused.status == 503 and "retry-after" in refused.headers
    until(lambda: gateway.logged("store_lost") or status == 503, "the store, too", gateway.changed)
    limit_files(gateway, resource.RLIM_INFINITY)
    gateway.until_logged("journal_back")
    until(lambda: settled(gateway), "it recovers by itself")
    assert gateway.counter("ledger_trouble", {"part": "journal"}) == 0
    assert gateway.post("/v1/chat/completions", ASK, **by_key).status == 200
    assert {t.headers["x-tampu-request-id"] for t in told} <= set(rows(tmp_path / "state"))


def test_usage_is_told_by_what_is_asked_and_saved_while_serving(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path)
    state, key = tmp_path / "state", None
    key, key_id = create_key(state, "--owner", "=ana", "--tokens-per-day", 10**6)
    by_key = {"authorization": f"Bearer {key}"}
    until_known(gateway, tmp_path / "state")
    for _ in range(3):
        assert gateway.post("/v1/chat/completions", ASK, **by_key).status == 200
    until(lambda: settled(gateway), "everything is in the store")
    told = json.loads(tampu("usage", "--by", "owner,machine", "--json", "--state", state).stdout)
    [row] = told["rows"]
    assert (row["owner"], row["machine"], row["requests"]) == ("=ana", "a", 3)
    [same] = json.loads(gateway.get("/admin/v1/usage?by=owner,machine").body)["rows"]
    assert same == row
    csv = tampu("usage", "--by", "owner", "--csv", "--state", state).stdout.splitlines()
    assert csv[0].startswith("owner,requests,") and csv[1].startswith("\"'=ana\",3,")
    assert "REQUESTS" in tampu("usage", "--state", state).stdout
    assert gateway.get("/admin/v1/usage?by=moon").status == 400
    agreed = tampu("usage", "--reconcile", "--state", state, "--gateway",
                   f"http://{gateway.address}")
    assert agreed.returncode == 0 and "they agree" in agreed.stdout, agreed.stdout
    saved = tmp_path / "saved.db"
    assert tampu("backup", saved, "--state", state).returncode == 0
    assert saved.stat().st_mode & 0o777 == 0o600
    done = tampu("key", "revoke", key_id, "--state", state)
    assert done.returncode == 0, done.stderr
    until(lambda: gateway.get("/v1/models", **by_key).status == 401, "it is revoked")
    assert tampu("restore", saved, "--state", state).returncode == 0
    until(lambda: gateway.get("/v1/models", **by_key).status == 200, "it is as it was")
    with sqlite3.connect(f"{state}/tampu.db") as store:    # as when somebody meddles
        store.execute("UPDATE exchanges SET completion_tokens = completion_tokens + 1")
    store.close()
    differ = tampu("usage", "--reconcile", "--state", state, "--gateway",
                   f"http://{gateway.address}")
    assert differ.returncode == 1 and "they differ" in differ.stdout


def test_a_rotated_key_keeps_its_budget_and_the_old_text_its_grace(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path, "--require-keys", "true")
    state = tmp_path / "state"
    asked = {**ASK, "max_tokens": 100}
    room = len(json.dumps(asked)) + 1024 + 100 + 20  # for one at a time, and a little more
    old, key_id = create_key(state, "--tokens-per-day", room)
    until(lambda: gateway.get("/v1/models", x_api_key=old).status == 200, "the key is known")
    new = tampu("key", "rotate", key_id, "--grace", "1h", "--state", state).stdout.strip()
    until(lambda: gateway.get("/v1/models", x_api_key=new).status == 200, "the new one is known")
    assert gateway.get("/v1/models", x_api_key=old).status == 200
    newest = tampu("key", "rotate", key_id, "--state", state).stdout.strip()
    until(lambda: gateway.get("/v1/models", x_api_key=newest).status == 200, "the newest")
    assert [gateway.get("/v1/models", x_api_key=k).status for k in (old, new)] == [401, 401]
    shown = json.loads(tampu("key", "show", key_id, "--json", "--state", state).stdout)
    assert shown["rules"] == {"tokens_per_day": room} and shown["state"] == "good"
    answers = [gateway.post("/v1/chat/completions", asked, x_api_key=newest).status
               for _ in range(40)]
    assert answers[0] == 200 and set(answers) == {200, 402}


def test_a_corrupted_store_is_an_alarm_and_is_saved_while_serving(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path, "--require-keys", "true")
    state = tmp_path / "state"
    key, _ = create_key(state)
    by_key = gateway.bearer = {"authorization": f"Bearer {key}"}
    until(lambda: gateway.get("/v1/models", **by_key).status == 200, "the key is known")
    told = [gateway.post("/v1/chat/completions", ASK, **by_key) for _ in range(30)]
    until(lambda: settled(gateway), "everything is in the store")
    with sqlite3.connect(f"{state}/tampu.db") as store:    # into the file, from the log beside it
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root, = store.execute("SELECT rootpage FROM sqlite_master WHERE name = "
                              "'sqlite_autoindex_exchanges_1'").fetchone()
    store.close()
    with open(f"{state}/tampu.db", "r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xa5" * 4096)
    create_key(state)    # nobody's copy of a page in memory counts any more; may find it first
    until(lambda: (told.append(gateway.post("/v1/chat/completions", ASK, **by_key)),
                   gateway.logged("store_lost") or list(state.glob("*.corrupt-*")))[1], "the alarm")
    until(lambda: settled(gateway), "it recovers by itself")
    until(lambda: gateway.get("/v1/models", **by_key).status == 200, "the key is still good")
    assert gateway.post("/v1/chat/completions", ASK, **by_key).status == 200
    assert {t.headers["x-tampu-request-id"] for t in told} <= set(rows(state))


def test_a_canary_is_found_nowhere(start, nodes, tmp_path):
    provider, fleet, env = openai_cloud(tmp_path, "openai/stream")
    env["GPT_KEY"] = f"sk-{CANARY}-credential"
    state = tmp_path / "state"
    key, key_id = create_key(state)
    gateway = start("serve", fleet, "--state", state, "--log-level", "debug", env=env)
    ask = {"model": "talk", "messages": [{"role": "user", "content": f"{CANARY} prompt"}]}
    for asked in ({**ask, "stream": True}, {**ask, "max_tokens": "x"}, {**ask, "model": "none"}):
        gateway.post("/v1/chat/completions", asked, x_api_key=key)
    gateway.post("/v1/chat/completions", ask, x_api_key=f"tampu-{CANARY}")
    gateway.get(f"/v1/models?key=tampu-{CANARY}")
    until(lambda: settled(gateway), "everything is in the store")
    shown = b"".join(gateway.get(path).body for path in (
        "/metrics", "/admin/v1/status", "/admin/v1/ps", "/admin/v1/usage", "/admin/v1/requests"))
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text()
    assert "Max core file size        0 " in limits
    gateway.close()
    provider.drop()
    logged = "".join(map(json.dumps, gateway.log)) + "".join(gateway.words)
    assert CANARY.encode() not in shown and CANARY not in logged
    assert key.encode() not in shown and key not in logged
    for path in state.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
            assert key.encode() not in path.read_bytes(), path
