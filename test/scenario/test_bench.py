"""bench: every copy asked for what it can do; kept beside the state, and believed by the plan."""
import json
import os
import subprocess

from node import Node
from world import PATIENCE, TAMPU

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


def test_what_a_bench_found_is_kept_and_the_plan_believes_it(tmp_path):
    nodes = [Node(name) for name in "ab"]
    try:
        fleet, kept = tmp_path / "fleet.yaml", tmp_path / "state/bench.json"
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
        assert json.loads(kept.read_text())["copies"] == found
        nodes[1].drop()
        assert tampu(*words, "--machine", "b").returncode == 1
        assert {c["machine"] for c in json.loads(kept.read_text())["copies"]} == {"a", "b"}   # b's older one stays
        assert tampu("plan", fleet, "--declared", "--measured", kept, "--json").returncode in (0, 1)
    finally:
        for node in nodes:
            node.drop()
