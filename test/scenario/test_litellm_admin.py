"""What scripts ask of a LiteLLM proxy, in its shapes."""
import json

import pytest
from node import Node
from world import until, write_fleet

ASK = {"model": "qwen3:8b", "messages": [{"role": "user", "content": "hi"}]}
PATHS = [("get", "/key/info?key=x"), ("get", "/spend/logs"), ("get", "/model/info"),
         ("post", "/key/generate")]


@pytest.fixture
def gateway(start, nodes, tmp_path):
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b", "gemma3:4b"]})
    made = start("serve", fleet, "--state", tmp_path / "state")
    made.until_logged("engine_up")
    return made


def test_a_key_is_made_used_and_looked_at(gateway):
    asked = {"models": ["qwen3:8b"], "duration": "30d", "max_budget": 2.5, "budget_duration": "30d",
             "rpm_limit": 2, "tpm_limit": 1000000, "max_parallel_requests": 5, "key_alias": "laptop",
             "user_id": "ana", "metadata": {"team": "x"}, "aliases": {}, "team_id": None}
    made = json.loads(gateway.post("/key/generate", asked).body)
    assert made["key"].startswith("tampu-") and made["key"] not in made["key_name"]
    kept = {name: asked[name] for name in ("models", "max_budget", "budget_duration", "rpm_limit",
                                           "tpm_limit", "max_parallel_requests", "key_alias",
                                           "user_id")}
    assert kept.items() <= made.items() and made["spend"] == 0 and made["expires"]
    bearer = {"authorization": f"Bearer {made['key']}"}

    def listed():
        rows = json.loads(gateway.get("/v1/models", **bearer).body).get("data", [])
        return [row["id"] for row in rows]

    until(lambda: listed() == ["qwen3:8b"], "the key is known")
    answers = [gateway.post("/v1/chat/completions", {**ASK, "model": model}, **bearer)
               for model in ("qwen3:8b", "gemma3:4b", "qwen3:8b", "qwen3:8b")]
    assert [answer.status for answer in answers] == [200, 403, 200, 429]
    for which in (made["key"], made["token"]):
        found = json.loads(gateway.get(f"/key/info?key={which}").body)
        assert found["key"] == made["token"] and kept.items() <= found["info"].items()
        assert made["key"] not in json.dumps(found), "a key is never told again"
    until(lambda: not gateway.counter("ledger_waiting", {}), "the store has them")
    rows = json.loads(gateway.get(f"/spend/logs?api_key={made['token']}").body)
    request = answers[0].headers["x-tampu-request-id"]
    [row] = [row for row in rows if row["request_id"] == request]
    assert len(rows) == 4 and row == json.loads(
        gateway.get(f"/spend/logs?request_id={request}").body)[0]
    assert (row["model_group"], row["spend"], row["status"]) == ("qwen3:8b", 0, "success")
    assert row["total_tokens"] == row["prompt_tokens"] + row["completion_tokens"] > 0
    assert json.loads(gateway.get("/spend/logs?request_id=none").body) == []


@pytest.mark.parametrize("body, words", [
    ({"max_budget": 5}, "budget_duration"),
    ({"max_budget": 5, "budget_duration": "90d"}, "budget_duration"),
    ({"team_id": "t"}, "team_id"),
    ({"aliases": {"a": "b"}}, "aliases"),
    ({"key": "sk-mine"}, "key"),
    ({"models": "all"}, "models"),
    ({"duration": "soon"}, "duration"),
    ({"rpm_limit": -1}, "rpm_limit"),
    ([], "a JSON object"),
])
def test_what_would_not_hold_is_refused(gateway, body, words):
    answer = gateway.post("/key/generate", body)
    assert answer.status == 400 and words in answer.error["message"]


def test_models_come_with_what_they_cost(gateway):
    for path in ("/model/info", "/v1/model/info"):
        rows = json.loads(gateway.get(path).body)["data"]
        assert {row["model_name"] for row in rows} >= {"qwen3:8b", "gemma3:4b"}
        assert all(row["litellm_params"]["model"] and row["model_info"]["input_cost_per_token"] == 0
                   for row in rows)


def test_they_are_for_operators(gateway):
    foreign = {"tailscale-user-login": "ana@example.com"}
    for verb, path in PATHS:
        send = {"get": lambda p, **h: gateway.get(p, **h),
                "post": lambda p, **h: gateway.post(p, {}, **h)}[verb]
        assert send(path, **foreign).status == 401
    assert gateway.get("/key/info?key=nobody").status == 404
    assert gateway.get("/key/info").status == 400
    assert gateway.get("/spend/logs?start_date=2026-01-01").status == 400
