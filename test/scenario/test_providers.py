"""Cloud providers behind the gateway, over TLS with a certificate authority of the test's own."""
import json
import subprocess

import pytest
from books import rows
from provider import Authority, Provider, transcript
from world import PATIENCE, TAMPU, Client, until

CLAUDE, GPT = "M-CLD-PAY-claude-sonnet-4.6", "S-CLD-PAY-gpt-4o-mini"
KEYS = {"CLAUDE_KEY": "sk-ant-secret", "GPT_KEY": "sk-secret"}


@pytest.fixture
def cloud(start, tmp_path):
    """cloud(anthropic=[...], openai=[...]): a gateway in front of stand-ins that answer so."""
    authority, made = Authority(tmp_path), []

    def open_one(trusted=True, lists=None, **answers):
        rows = {"anthropic": (CLAUDE, "claude-sonnet-4-6", "CLAUDE_KEY"),
                "openai": (GPT, "gpt-4o-mini", "GPT_KEY")}
        lines, found = ["fleet: cloud", "machines: {}", "cloud:"], []
        for kind, told in answers.items():
            name, model, key = rows[kind]
            found.append(Provider(authority, lists or f"{kind}/models", *told))
            lines.append(f"  - {{name: {name}, provider: {kind}, model: {model}, "
                         f"url: \"{found[-1].url}\", key: \"env:{key}\", "
                         "price_in: 1, price_out: 2}")
        names = ", ".join(rows[kind][0] for kind in answers)
        lines.append(f"categories: {{talk: {{needs: {{task: general}}, cloud: [{names}]}}}}")
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text("\n".join(lines) + "\n")
        made.extend(found)
        env = {**KEYS, "SSL_CERT_FILE": str(authority.file) if trusted else "/dev/null"}
        gateway = start("serve", fleet, "--state", tmp_path / "state", env=env)
        return gateway, *found

    yield open_one
    for provider in made:
        provider.drop()


def openai(model, words="hi", **more):
    return {"model": model, "messages": [{"role": "user", "content": words}], **more}


def anthropic(model, words="hi", **more):
    return {"max_tokens": 64, **openai(model, words), **more}


def test_a_caller_of_openai_is_answered_by_anthropic(cloud):
    gateway, claude = cloud(anthropic=["anthropic/stream"])
    answer = gateway.post("/v1/chat/completions", openai(CLAUDE, stream=True, max_tokens=50))
    assert answer.text == "Hello!"
    assert answer.headers["x-tampu-machine"] == "cloud:anthropic"
    [heard] = claude.heard
    assert heard["path"] == "/v1/messages"
    assert heard["headers"]["x-api-key"] == KEYS["CLAUDE_KEY"]
    assert heard["headers"]["anthropic-version"] == "2023-06-01"
    assert "authorization" not in heard["headers"]
    assert heard["body"] == {"model": "claude-sonnet-4-6", "max_tokens": 50, "stream": True,
                             "messages": [{"role": "user",
                                           "content": [{"type": "text", "text": "hi"}]}]}


def test_a_caller_of_anthropic_is_answered_by_openai(cloud):
    gateway, gpt = cloud(openai=["openai/stream"])
    answer = gateway.post("/v1/messages", anthropic(GPT, top_k=5, metadata={"user_id": "u1"}))
    said = json.loads(answer.body)
    assert said["content"] == [{"type": "text", "text": "Hello!"}]
    assert said["usage"]["input_tokens"] == 9 and said["usage"]["output_tokens"] == 2
    assert answer.headers["x-tampu-dropped"] == "top_k"
    [heard] = gpt.heard
    assert heard["path"] == "/v1/chat/completions"
    assert heard["headers"]["authorization"] == "Bearer " + KEYS["GPT_KEY"]
    assert heard["body"]["max_completion_tokens"] == 64 and heard["body"]["user"] == "u1"


def test_what_anthropics_own_caller_says_goes_through_as_it_is(cloud):
    gateway, claude = cloud(anthropic=["anthropic/stream"])
    body = ('{"max_tokens": 9, "stream":true,  "not_invented_yet": [1, {"a": "\\u00e9"}],'
            f' "model" : "{CLAUDE}", "messages":[{{"role":"user","content":"hi"}}]}}')
    answer = gateway.post("/v1/messages", body, x_api_key="the-callers-own",
                          anthropic_version="2024-12-31", anthropic_beta="thing-2025-01-01,other")
    assert answer.body == transcript("anthropic/stream")[2]
    [heard] = claude.heard
    assert heard["raw"].decode() == body.replace(CLAUDE, "claude-sonnet-4-6")
    assert heard["headers"]["anthropic-version"] == "2024-12-31"
    assert heard["headers"]["anthropic-beta"] == "thing-2025-01-01,other"
    assert heard["headers"]["x-api-key"] == KEYS["CLAUDE_KEY"]


def test_tokens_are_counted_by_the_provider(cloud):
    gateway, claude = cloud(anthropic=["anthropic/tokens"])
    answer = gateway.post("/v1/messages/count_tokens", {"model": CLAUDE, "messages": []})
    assert json.loads(answer.body) == {"input_tokens": 2095}
    assert "x-tampu-estimated" not in answer.headers
    assert claude.heard[0]["path"] == "/v1/messages/count_tokens"


@pytest.mark.parametrize("no", ["rate-limited", "overloaded", "unpaid", "wrong-key"])
def test_the_next_provider_stands_in(cloud, no):
    gateway, claude, gpt = cloud(anthropic=[f"anthropic/{no}"], openai=["openai/stream"])
    answer = gateway.post("/v1/chat/completions", openai("talk", stream=True))
    assert answer.text == "Hello!"
    assert answer.headers["x-tampu-machine"] == "cloud:openai"
    assert answer.headers["x-tampu-attempts"] == "2"
    assert len(claude.heard) == len(gpt.heard) == 1


def test_retry_after_is_obeyed(cloud):
    gateway, claude = cloud(anthropic=["anthropic/rate-limited", "anthropic/message"])
    first = gateway.post("/v1/messages", anthropic(CLAUDE))
    assert first.status == 503 and json.loads(first.body)["error"]["type"] == "overloaded_error"
    [held] = gateway.until_logged("provider_held")
    assert held["wait_ms"] == 30000
    second = gateway.post("/v1/messages", anthropic(CLAUDE))
    assert second.status == 503 and second.headers["x-tampu-attempts"] == "0"
    assert 0 < int(second.headers["retry-after"]) <= 31
    assert len(claude.heard) == 1


def test_a_limit_that_is_used_up_is_obeyed_before_anybody_says_no(cloud):
    gateway, claude = cloud(anthropic=["anthropic/stream-last"])
    assert gateway.post("/v1/messages", anthropic(CLAUDE, stream=True)).status == 200
    assert gateway.until_logged("provider_held")[0]["wait_ms"] == 3600000
    assert gateway.post("/v1/messages", anthropic(CLAUDE, stream=True)).status == 503
    assert len(claude.heard) == 1


def test_openais_limits_are_read_too(cloud):
    gateway, _ = cloud(openai=["openai/rate-limited"])
    assert gateway.post("/v1/chat/completions", openai(GPT)).status == 503
    assert gateway.until_logged("provider_held")[0]["wait_ms"] == 90000


@pytest.mark.parametrize("kind, no", [("anthropic", "unpaid"), ("anthropic", "wrong-key"),
                                      ("openai", "unpaid")])
def test_a_credential_that_is_refused_is_not_tried_again_at_once(cloud, kind, no):
    gateway, provider = cloud(**{kind: [f"{kind}/{no}"]})
    model = CLAUDE if kind == "anthropic" else GPT
    answer = gateway.post("/v1/chat/completions", openai(model))
    assert answer.status == 502
    assert b"secret" not in answer.body and b"balance" not in answer.body
    assert gateway.post("/v1/chat/completions", openai(model)).status == 503
    assert len(provider.heard) == 1


def test_an_error_in_the_middle_of_a_stream_is_one_for_the_caller(cloud):
    gateway, claude = cloud(anthropic=["anthropic/stream-overloaded"])
    asked = [("/v1/messages", anthropic(CLAUDE, stream=True)),
             ("/v1/chat/completions", openai(CLAUDE, stream=True))]
    passed, translated = [Client(gateway.address, "POST", path, body,
                                 {"content-type": "application/json"}) for path, body in asked]
    for client in (passed, translated):
        until(lambda c=client: b"Hello" in c.body, "the first words", client.changed)
    claude.gate.set()
    assert b"event: error\ndata: {" in passed.finish().body and b"Overloaded" in passed.body
    assert translated.finish().text == "Hello" and "Overloaded" in translated.error["message"]


def test_what_a_provider_took_before_it_failed_is_booked(cloud, tmp_path):
    """And what an error instead of an answer would have cost is not: nobody takes that."""
    gateway, claude, gpt = cloud(anthropic=["anthropic/stream-overloaded", "anthropic/rate-limited"],
                                 openai=["openai/stream"])
    claude.gate.set()
    ask = {**openai("talk"), "stream": False}
    asked = [gateway.post("/api/chat", ask) for _ in range(2)]
    assert [json.loads(answer.body)["message"]["content"] for answer in asked] == ["Hello!"] * 2
    assert [answer.headers["x-tampu-attempts"] for answer in asked] == ["2", "2"]
    assert (len(claude.heard), len(gpt.heard)) == (2, 2)
    until(lambda: not gateway.counter("ledger_waiting", {}), "the store has both")
    found = rows(tmp_path / "state")
    # 25 + 10 cached + 2 * 1 of the one that failed, 9 + 2 * 2 of the one that answered
    assert [found[answer.headers["x-tampu-request-id"]][what] for answer in asked
            for what in ("prompt_tokens", "completion_tokens", "money_micro")] == [
        35 + 9, 1 + 2, 37 + 13, 9, 2, 13]
    used = {(machine, kind): gateway.counter("tokens_total", {"machine": machine, "kind": kind})
            for machine in ("cloud:anthropic", "cloud:openai") for kind in ("prompt", "cached")}
    assert used == {("cloud:anthropic", "prompt"): 35, ("cloud:anthropic", "cached"): 10,
                    ("cloud:openai", "prompt"): 18, ("cloud:openai", "cached"): 0}
    done = subprocess.run([TAMPU, "usage", "--reconcile", "--state", tmp_path / "state", "--gateway",
                           f"http://{gateway.address}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_model_that_its_provider_lists_no_more_is_not_asked_for(cloud):
    gateway, claude, gpt = cloud(lists="anthropic/models-later", anthropic=["anthropic/message"],
                                 openai=["openai/stream"])
    for model in (CLAUDE, GPT):     # each would stand in for the other
        gateway.until_logged("model_gone", model=model)
    assert gateway.post("/v1/messages", anthropic(CLAUDE)).status == 503
    assert not claude.heard and not gpt.heard


def test_a_model_is_listed_by_the_name_of_one_of_its_versions(cloud):
    gateway, gpt = cloud(openai=["openai/stream"])
    until(lambda: gpt.listed, "the roll call", gpt.changed)
    assert gateway.post("/v1/chat/completions", openai(GPT, stream=True)).text == "Hello!"
    assert not gateway.logged("model_gone")


def test_a_certificate_that_nobody_vouches_for_is_refused(cloud):
    gateway, claude = cloud(trusted=False, anthropic=["anthropic/message"])
    answer = gateway.post("/v1/messages", anthropic(CLAUDE))
    assert answer.status == 502
    until(lambda: gateway.logged("attempt_failed", failure="tls_failed"), "the failure")
    assert not claude.heard


def test_a_paid_model_without_a_price_is_refused_at_start(tmp_path):
    (tmp_path / "fleet.yaml").write_text(
        "fleet: cloud\nmachines: {}\ncloud:\n"
        "  - {name: M-CLD-PAY-new, provider: anthropic, model: claude-not-yet-known}\n")
    ended = subprocess.run([TAMPU, "serve", "fleet.yaml", "--listen", "127.0.0.1:0"], cwd=tmp_path,
                           capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 2
    assert "fleet.yaml:4:" in ended.stderr and "price_in" in ended.stderr
