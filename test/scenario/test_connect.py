"""tampu connect: what it prints is right, and what each client asks is answered."""
import json
import re
import subprocess

import pytest
from world import PATIENCE, TAMPU, Gateway, until

TABLE = (__import__("pathlib").Path(__file__).parents[2] / "src/tables/clients.def").read_text()
CLIENTS = re.findall(r'^CLIENT\(\w+, "([a-z0-9-]+)"', TABLE, re.M)
TOOL = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}

# What each program sends, as far as it matters: members, forms, order of roles.
SHAPES = {
    ("claude-code", "POST /v1/messages"): lambda model, embed: {
        "model": model, "max_tokens": 32000, "stream": True,
        "system": [{"type": "text", "text": "You are a coding agent.",
                    "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>x</system-reminder>"},
            {"type": "text", "text": "write 5 words", "cache_control": {"type": "ephemeral"}}]}],
        "tools": [{"name": "Read", "description": "Reads a file.", "input_schema": TOOL}],
        "metadata": {"user_id": "user_x"}},
    ("claude-code", "POST /v1/messages/count_tokens"): lambda model, embed: {
        "model": model, "messages": [{"role": "user", "content": "how long is this?"}],
        "tools": [{"name": "Read", "description": "Reads a file.", "input_schema": TOOL}]},
    ("codex", "POST /v1/responses"): lambda model, embed: {
        "model": model, "instructions": "You are a coding agent.", "stream": True, "store": False,
        "input": [{"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "write 5 words"}]}],
        "tools": [{"type": "function", "name": "shell", "description": "Runs a command.",
                   "strict": False, "parameters": TOOL}],
        "tool_choice": "auto", "parallel_tool_calls": False, "include": [],
        "prompt_cache_key": "x"},
    ("n8n", "POST /v1/responses"): lambda model, embed: {
        "model": model, "input": [{"role": "user", "content": "write 5 words"}], "stream": False},
    ("POST /v1/chat/completions",): lambda model, embed: {
        "model": model, "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."},
                     {"role": "user", "content": [{"type": "text", "text": "write 5 words"}]}],
        "tools": [{"type": "function", "function": {
            "name": "read", "description": "Reads a file.", "parameters": TOOL}}],
        "tool_choice": "auto", "temperature": 0, "max_tokens": 4096},
    ("open-webui", "POST /v1/chat/completions"): lambda model, embed: {
        "model": model, "stream": True, "messages": [{"role": "user", "content": "write 5 words"}]},
    ("POST /v1/completions",): lambda model, embed: {
        "model": model, "prompt": "def add(a, b):", "stream": True, "max_tokens": 64,
        "temperature": 0.01, "stop": ["\n\n"]},
    ("POST /v1/embeddings",): lambda model, embed: {
        "model": embed, "input": ["a llama", "two llamas"], "encoding_format": "float"},
    ("POST /api/show",): lambda model, embed: {"model": model},
    ("POST /api/chat",): lambda model, embed: {
        "model": model, "stream": True, "keep_alive": "5m", "options": {"num_ctx": 8192},
        "messages": [{"role": "system", "content": "Be brief."},
                     {"role": "user", "content": "write 5 words", "images": None}],
        "tools": [{"type": "function", "function": {
            "name": "HassTurnOn", "description": "Turns on.", "parameters": TOOL}}]},
    ("POST /api/generate",): lambda model, embed: {
        "model": model, "prompt": "write 5 words", "stream": False},
    ("POST /api/embed",): lambda model, embed: {"model": embed, "input": ["a llama"]},
}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    made = Gateway(tmp_path_factory.mktemp("connect"), "demo", "--speed", "200")
    until(lambda: "Ctrl-C stops" in "".join(made.words), "the curl lines", made.changed)
    yield made
    made.close()


def connect(demo, *words):
    return subprocess.run([TAMPU, "connect", *words, "--gateway", f"http://{demo.address}"],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_client_asks_is_answered(demo, client):
    done = connect(demo, client, "--json", "--key", "none")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["model"] and said["embed"]
    for call in said["calls"]:
        method, path = call.split()
        if method == "GET":
            answer = demo.get(path)
        else:
            shape = SHAPES.get((client, call)) or SHAPES[(call,)]
            answer = demo.post(path, shape(said["model"], said["embed"]))
        assert answer.status == 200, (call, answer.body)
        assert answer.body, call


def test_settings_are_for_this_gateway(demo):
    done = connect(demo, "claude-code", "--model", "xl-code", "--key", "tampu-x")
    assert done.returncode == 0
    settings = json.loads(re.search(r"^\{.*^\}", done.stdout, re.M | re.S)[0])["env"]
    assert settings["ANTHROPIC_BASE_URL"] == f"http://{demo.address}"
    assert settings["ANTHROPIC_AUTH_TOKEN"] == "tampu-x"
    assert settings["ANTHROPIC_MODEL"] == "xl-code"


def test_a_client_that_is_not_known_is_named(demo):
    done = connect(demo, "emacs")
    assert done.returncode == 2
    assert "there is no client 'emacs'" in done.stderr


def test_without_a_client_all_are_listed(demo):
    done = connect(demo)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == CLIENTS


def test_without_a_gateway_the_model_must_be_said(tmp_path):
    words = [TAMPU, "connect", "codex", "--gateway", "http://127.0.0.1:9"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "--model NAME" in done.stderr
    done = subprocess.run([*words, "--model", "xl-code"], capture_output=True, text=True,
                          timeout=PATIENCE, check=False)
    assert done.returncode == 0
    assert 'model = "xl-code"' in done.stdout
