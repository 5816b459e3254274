"""The performance ledger: a machine that becomes slow is flagged, demoted and named, and recovers."""
import itertools
import json
import pathlib
import subprocess

import pytest
from world import TAMPU, Gateway, until

PATH = "/v1/chat/completions"
FLEET = """fleet: two-alike
machines:
  a: {hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}, addresses: {},
      engines: [{kind: ollama, slots: 1}], keep_loaded: ["qwen2.5:7b"],
      models: [{pull: "qwen2.5:7b", context: 8K}]}
  b: {hardware: {gpu: RTX 5090, cpu: i9-12900K, ram: 64 GB, disk: 1 TB}, addresses: {},
      engines: [{kind: ollama, slots: 1}], keep_loaded: ["qwen2.5:7b"],
      models: [{pull: "qwen2.5:7b", context: 8K}]}
categories:
  talk: {needs: {task: general}, primary: a, backups: [b]}
"""
ASKED = itertools.count()


def ask():
    """Never the same beginning: no prompt is cached."""
    return {"model": "talk", "max_tokens": 24,
            "messages": [{"role": "user", "content": f"{next(ASKED)} " + "word " * 100}]}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured")
    (folder / "fleet.yaml").write_text(FLEET)
    made = Gateway(folder, "demo", folder / "fleet.yaml", "--speed", "1", "--threads", "1",
                   "--alert-hold", "200ms")
    until(lambda: made.post(PATH, ask()).status == 200, "a is loaded")
    yield made
    made.close()


def who(demo):
    answer = demo.post(PATH, ask())
    assert answer.status == 200, answer.body
    return answer.headers["x-tampu-machine"]


def copy_of(demo, machine):
    copies = json.loads(demo.get("/admin/v1/ps").body)["copies"]
    return next(c for c in copies if c["machine"] == machine)


def is_slow(demo):
    return demo.counter("copy_slow", {"machine": "a"}) == 1


def plan(demo):
    measured = demo.folder / "ps.json"
    measured.write_bytes(demo.get("/admin/v1/ps").body)
    done = subprocess.run([TAMPU, "plan", demo.folder / "fleet.yaml", "--measured", measured,
                           "--no-proof"], capture_output=True, text=True)
    return done.stdout


def asked_until(demo, condition, most):
    """How many requests it takes."""
    for count in range(1, most + 1):
        who(demo)
        if condition():
            return count
    return None


def test_three_times_slower_is_flagged_demoted_and_named_within_20_and_recovers(demo):
    for _ in range(8):
        assert who(demo) == "a"
    assert not is_slow(demo) and "measured:" not in plan(demo)
    assert 0.1 < copy_of(demo, "a")["slowness"]["decode"] < 1.6

    demo.post("/imagine", {"machine": "a", "do": "slow", "factor": 3})
    answered = [who(demo) for _ in range(20)]
    assert is_slow(demo) and "b" in answered
    assert answered[answered.index("b"):].count("b") >= 5, answered
    assert [who(demo) for _ in range(8)].count("b") >= 6
    seen = copy_of(demo, "a")
    assert seen["slow"] and "heat" in seen["why_slow"]
    demo.until_logged("copy_slow", machine="a")
    assert "heat" in demo.until_logged("alert", alert="copy_slow")[0]["found"]
    assert 2.4 < max(seen["slowness"]["decode"], seen["slowness"]["prefill"]) < 3.6
    assert "measured: a is" in plan(demo) and "measured: b" not in plan(demo)

    demo.post("/imagine", {"machine": "a", "do": "revive"})
    assert asked_until(demo, lambda: not is_slow(demo), 80)
    demo.until_logged("copy_well", machine="a")
    assert "measured:" not in plan(demo)
    assert copy_of(demo, "a")["slowness"]["decode"] < 1.6 and not copy_of(demo, "a")["slow"]
