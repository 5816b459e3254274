"""Gemini behind the gateway, over TLS with a certificate authority of the test's own."""
import json

import pytest
from provider import Authority, Provider, transcript

MODEL, TAG = "S-CLD-PAY-gemini-3.5-flash-lite", "gemini-3.5-flash-lite"
KEY = "AIza-secret"
TOOL = {"type": "object", "properties": {"city": {"type": "string"}}}
HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


@pytest.fixture
def cloud(start, tmp_path):
    """cloud(transcript, …): a gateway in front of a stand-in that answers so, and the stand-in."""
    authority, made = Authority(tmp_path), []

    def open_one(*answers, capabilities="[completion, tools, thinking, vision]"):
        made.append(Provider(authority, "gemini/models", *[f"gemini/{a}" for a in answers]))
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(
            "fleet: cloud\nmachines: {}\ncloud:\n"
            f"  - {{name: {MODEL}, provider: gemini, model: {TAG}, url: \"{made[-1].url}\", "
            f"key: \"env:GEMINI_KEY\", price_in: 1, price_out: 2, capabilities: {capabilities}}}\n")
        env = {"GEMINI_KEY": KEY, "SSL_CERT_FILE": str(authority.file)}
        return start("serve", fleet, "--state", tmp_path / "state", env=env), made[-1]

    yield open_one
    for provider in made:
        provider.drop()


def openai(**more):
    return {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], **more}


def test_a_caller_of_openai_is_answered_by_gemini(cloud):
    gateway, gemini = cloud("stream")
    answer = gateway.post("/v1/chat/completions", openai(
        stream=True, stream_options={"include_usage": True}, max_tokens=50, seed=7, user="u"))
    assert answer.text == "Hello!"
    assert answer.headers["x-tampu-machine"] == "cloud:gemini"
    assert answer.headers["x-tampu-dropped"] == "user"
    assert '"completion_tokens":5' in answer.body.decode()
    [heard] = gemini.heard
    assert heard["path"] == f"/v1beta/models/{TAG}:streamGenerateContent?alt=sse"
    assert heard["headers"]["x-goog-api-key"] == KEY
    assert "authorization" not in heard["headers"]
    assert heard["body"] == {**HI, "generationConfig": {"maxOutputTokens": 50, "seed": 7}}


def test_a_call_keeps_its_signature_through_a_caller_that_knows_none(cloud):
    gateway, gemini = cloud("call", "stream")
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL}}]
    asked = openai(tools=tools)
    message = json.loads(gateway.post("/v1/chat/completions", asked).body)["choices"][0]["message"]
    [call] = message["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Lima"}
    asked["messages"] += [message, {"role": "tool", "tool_call_id": call["id"], "content": "sun"}]
    assert gateway.post("/v1/chat/completions", asked).status == 200
    said, result = gemini.heard[1]["body"]["contents"][1:]
    assert said["parts"][0]["thoughtSignature"] == "EjQKMgERTTIK"
    assert said["parts"][0]["functionCall"]["args"] == {"city": "Lima"}
    assert result["parts"][0]["functionResponse"]["name"] == "get_weather"
    assert result["parts"][0]["functionResponse"]["response"] == {"result": "sun"}


def test_callers_of_the_others_are_answered_too(cloud):
    gateway, gemini = cloud("stream")
    answer = gateway.post("/v1/messages", {**openai(), "max_tokens": 64})
    assert json.loads(answer.body)["content"] == [{"type": "text", "text": "Hello!"}]
    answer = gateway.post("/api/chat", {**openai(), "stream": False})
    assert json.loads(answer.body)["message"]["content"] == "Hello!"
    assert len(gemini.heard) == 2


@pytest.mark.parametrize("verb, told", [
    ("generateContent", "answer"), ("streamGenerateContent?alt=sse", "stream"),
    ("streamGenerateContent", "list"), ("countTokens", "tokens")])
def test_geminis_own_caller_is_passed_through_byte_for_byte(cloud, verb, told):
    gateway, gemini = cloud(told)
    body = '{ "contents":[{"parts":[{"text":"\\u00e9"}]}],  "not_invented_yet": [1] }'
    answer = gateway.post(f"/v1beta/models/{MODEL}:{verb}", body, x_goog_api_key="the-callers-own")
    assert answer.status == 200
    assert answer.body == transcript(f"gemini/{told}")[2]
    [heard] = gemini.heard
    assert heard["path"] == f"/v1beta/models/{TAG}:{verb}"
    assert heard["raw"].decode() == body
    assert heard["headers"]["x-goog-api-key"] == KEY


def test_vectors(cloud):
    gateway, gemini = cloud("vectors", capabilities="[embedding]")
    answer = gateway.post("/v1/embeddings", {"model": MODEL, "input": ["a", "b"]})
    assert [d["embedding"] for d in json.loads(answer.body)["data"]] == [[0.5, -0.25], [1, 0]]
    [heard] = gemini.heard
    assert heard["path"] == f"/v1beta/models/{TAG}:batchEmbedContents"
    assert [r["content"]["parts"][0]["text"] for r in heard["body"]["requests"]] == ["a", "b"]


def test_a_blocked_prompt_is_filtered_content(cloud):
    gateway, _ = cloud("blocked")
    answer = gateway.post("/v1/chat/completions", openai())
    assert json.loads(answer.body)["choices"][0]["finish_reason"] == "content_filter"


def test_an_error_in_the_stream_reaches_the_caller_as_one(cloud):
    gateway, _ = cloud("error-in-stream")
    answer = gateway.post("/v1/chat/completions", openai(stream=True))
    assert b"[DONE]" not in answer.body
    assert b'"error"' in answer.body and b"overloaded" in answer.body


def test_the_wait_that_the_body_asks_for_is_obeyed(cloud):
    gateway, gemini = cloud("rate-limited")
    assert gateway.post("/v1/chat/completions", openai()).status == 503
    assert gateway.until_logged("provider_held")[0]["wait_ms"] == 46000
    assert gateway.post("/v1/chat/completions", openai()).status == 503
    assert len(gemini.heard) == 1


def test_a_wrong_key_is_nobodys_business_but_the_operators(cloud):
    gateway, _ = cloud("wrong-key")
    answer = gateway.post(f"/v1beta/models/{MODEL}:generateContent", HI)
    assert answer.status == 502
    assert b"API key" not in answer.body
    assert json.loads(answer.body)["error"]["status"] == "UNAVAILABLE"


def test_a_url_that_gemini_would_have_to_fetch_is_refused(cloud):
    gateway, gemini = cloud("answer")
    url = {"type": "image_url", "image_url": {"url": "https://pictures.example/llama.png"}}
    answer = gateway.post("/v1/chat/completions", openai(messages=[{"role": "user",
                                                                    "content": [url]}]))
    assert answer.status == 400 and b"does not fetch" in answer.body
    assert gemini.heard == []
