"""apply and bench with the real llama-server: what it says of itself is what tampu says of it."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from test_gateway_real import PATIENCE, TAMPU, Engine, ask

FLEET = """
fleet: real
machines:
  one:
    hardware: {{ram: 16 GB}}
    addresses: 127.0.0.1
    engines: [{{kind: llama-server, port: {port}, slots: 1}}]
    models: [{{pull: "llama3.2:3b", context: 2K}}]
"""


def tampu(*words):
    done = subprocess.run([TAMPU, *words], capture_output=True, text=True, timeout=2 * PATIENCE, check=False,
                          env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1"})
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def metrics(engine):
    text = ask(engine.port, "GET", "/metrics").body.decode()
    return {name: float(value) for name, value in re.findall(r"^llamacpp:(\w+) (\S+)$", text, re.M)}


@pytest.fixture
def engine(model):
    made = Engine(model, "--metrics", "--ctx-size", "2048")
    yield made.start()
    made.kill()


@pytest.fixture
def fleet(tmp_path, engine):
    path = pathlib.Path(tmp_path) / "fleet.yaml"
    path.write_text(FLEET.format(port=engine.port))
    return path


def test_bench_says_what_llama_server_says(engine, fleet, tmp_path):
    before = metrics(engine)
    status, answer = tampu("bench", fleet, "--json", "--state", tmp_path / "state")
    after = metrics(engine)
    found, = answer["copies"]
    assert status == 0 and found["wrong"] == ""
    tokens = after["tokens_predicted_total"] - before["tokens_predicted_total"]
    seconds = after["tokens_predicted_seconds_total"] - before["tokens_predicted_seconds_total"]
    assert tokens == found["answer_tokens"] + sum(p["answer_tokens"] for p in found["prompts"])     # the first was cold
    assert tampu("bench", fleet, "--history", "--json", "--state", tmp_path / "state") == (0, answer)
    assert 1 / 3 < found["decode_tps"] / (tokens / seconds) < 3
    assert found["prompt_tokens"] > 100 and found["prefill_tps"] > 0 and found["first_token_s"] > 0
    assert found["expected"]["decode_tps"] > 0


def test_apply_finds_it_there_and_says_what_to_start_when_it_is_not(engine, fleet, tmp_path):
    words = "apply", fleet, "--state", tmp_path / "state", "--json", "-y", "--registry-upstream", "http://127.0.0.1:1"
    status, answer = tampu(*words)
    assert (status, answer["changes"]) == (0, 0), answer
    engine.kill()
    status, answer = tampu(*words)
    assert status == 1
    assert [(s["do"], s["state"]) for s in answer["steps"]] == [("install", "left")]
    assert "does not answer" in answer["steps"][0]["words"]
    assert tampu("bench", fleet, "--json", "--state", tmp_path / "state")[0] == 1
