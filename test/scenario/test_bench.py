"""bench: every copy asked for what it can do; kept in the store, believed by the plan and by routing."""
import json
import os
import subprocess

from node import Node
from world import PATIENCE, TAMPU, Gateway, until

FLEET = """fleet: two
machines:
  a: {{hardware: {{gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}}, addresses: {{}},
      engines: [{{kind: ollama, url: "{talks}", slots: 2}}], models: [{{pull: "qwen2.5:7b", context: 8K}}]}}
  b: {{hardware: {{gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}}, addresses: {{}},
      engines: [{{kind: ollama, url: "{embeds}"}}], models: [{{pull: nomic-embed-text}}]}}
categories:
  talk: {{needs: {{task: general}}, primary: a}}
"""


def tampu(*words):
    done = subprocess.run([TAMPU, *words], capture_output=True, text=True, timeout=4 * PATIENCE, check=False,
                          env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1"})
    assert done.returncode in (0, 1), done.stderr
    return done


def history(*words):
    return json.loads(tampu(*words, "--history", "--json").stdout)


def test_what_a_bench_found_is_kept_and_shown(tmp_path):
    nodes = [Node(name) for name in "ab"]
    try:
        fleet = tmp_path / "fleet.yaml"
        fleet.write_text(FLEET.format(talks="http://127.0.0.1:%d" % nodes[0].port,
                                      embeds="http://127.0.0.1:%d" % nodes[1].port))
        words = "bench", fleet, "--state", tmp_path / "state"
        found = json.loads(tampu(*words, "--json").stdout)["copies"]
        talk, embed = found
        assert (talk["machine"], talk["wrong"], embed["machine"], embed["wrong"]) == ("a", "", "b", "")
        prompts = [asked["body"] for asked in nodes[0].received]
        assert len(prompts) == 1 + len(talk["prompts"]) + talk["together"] and talk["together"] == 2
        assert len({p["prompt"].split("\n")[0] for p in prompts}) == len(prompts)       # nothing is asked twice
        lengths = [len(p["prompt"]) for p in prompts]
        assert len(talk["prompts"]) == 2 and lengths[2] > 4 * lengths[1]        # 3,200 words do not fit 8K
        assert embed["work"] == "text" and embed["work_s"] > 0
        assert [asked["path"] for asked in nodes[1].received] == ["/api/embed"] * 2
        assert history(*words)["copies"] == found
        nodes[1].drop()
        assert tampu(*words, "--machine", "b").returncode == 1
        assert history(*words)["copies"] == found                               # b's older one stays
        again = json.loads(tampu(*words, "--machine", "a", "--json").stdout)["copies"]
        assert history(*words)["copies"] == [talk, *again, embed]
        assert history(*words, "--machine", "b")["copies"] == [embed]
        shown = tampu(*words, "--history").stdout.splitlines()
        assert len(shown) == 4 and shown[0].startswith("MEASURED") and "qwen2.5:7b" in shown[1]
    finally:
        for node in nodes:
            node.drop()


TWINS = """fleet: twins
machines:
  a: {{hardware: {{gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}}, addresses: {{}},
      engines: [{{kind: ollama, url: "{a}", slots: 1}}], models: [{{pull: "qwen2.5:7b", context: 8K}}]}}
  b: {{hardware: {{gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}}, addresses: {{}},
      engines: [{{kind: ollama, url: "{b}", slots: 1}}], models: [{{pull: "qwen2.5:7b", context: 8K}}]}}
categories:
  talk: {{needs: {{task: general}}, primary: a, backups: [b]}}
"""


def test_a_bench_that_finds_a_machine_slow_is_believed_by_the_plan_and_by_the_first_request(tmp_path):
    nodes = {name: Node(name) for name in "ab"}
    fleet, state = tmp_path / "fleet.yaml", tmp_path / "state"
    fleet.write_text(TWINS.format(**{name: "http://127.0.0.1:%d" % node.port for name, node in nodes.items()}))
    plan = "plan", fleet, "--declared", "--state", state

    def serve():
        """Who answers the first request, and in how many seconds each would have."""
        gateway = Gateway(tmp_path, "serve", fleet, "--state", state, "--threads", "1")
        try:
            until(lambda: all(gateway.counter("engine_up", {"machine": m}) == 1 for m in "ab"), "both are up")
            first = gateway.post("/v1/chat/completions", {"model": "talk", "max_tokens": 8, "messages": [
                {"role": "user", "content": "hello"}]})
            assert first.status == 200, first.body
            why = json.loads(gateway.get("/admin/v1/why/" + first.headers["x-tampu-request-id"]).body)
            return first.headers["x-tampu-machine"], {c["machine"]: c["seconds"] for c in why["candidates"]}
        finally:
            gateway.close()

    try:
        who, guessed = serve()
        assert who == "a" and "measured:" not in tampu(*plan).stdout
        nodes["a"].durations = {"prompt_eval_duration": 30_000_000, "eval_duration": 1_000_000_000}  # 2 tokens/s
        nodes["b"].durations = {"prompt_eval_duration": 300_000, "eval_duration": 20_000_000}
        tampu("bench", fleet, "--state", state)
        assert "measured: a is" in tampu(*plan).stdout
        assert "measured:" not in tampu(*plan, "--measured", "none").stdout
        who, known = serve()
        assert who == "b" and known["a"] > guessed["a"] + 3, (guessed, known)
    finally:
        for node in nodes.values():
            node.drop()
