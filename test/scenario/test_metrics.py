"""What /metrics and /sd/prometheus say beside the counters of requests."""
import json
import os
import subprocess
import time

from node import Node
from world import TAMPU, counters_moved, until, write_fleet

EXTRA = """  pi5l: {addresses: {lan: 127.0.0.7}, inference: false, services: [tampu]}
  pi5: {addresses: {}, count: 11, inference: false}
categories:
  talk: {needs: {task: general}, primary: a, backups: [b]}
"""


def serve(start, nodes, tmp_path, *flags):
    nodes += [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]}, EXTRA)
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--drill-every", "0", *flags)
    until(lambda: len(gateway.logged("engine_up")) == 2, "both are up", gateway.changed)
    return gateway


def test_targets_are_every_machine_whose_address_is_known(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path)
    found = json.loads(gateway.get("/sd/prometheus").body)
    assert found[0]["targets"] == [gateway.address] and found[0]["labels"]["job"] == "tampu"
    assert {t["labels"]["machine"]: t["targets"] for t in found[1:]} == {
        "a": ["127.0.0.1:9100"], "b": ["127.0.0.1:9100"], "pi5l": ["127.0.0.7:9100"]}


def test_gauges_are_looked_up_when_they_are_asked_for(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path)
    assert gateway.counter("category_covered", {"category": "talk"}) == 1
    assert gateway.counter("state_free_bytes", {}) > 1 << 20
    assert gateway.counter("ledger_trouble", {}) == 0
    assert gateway.counter("copy_slow", {"machine": "a"}) == 0
    for node in nodes:
        node.drop()
    until(lambda: gateway.counter("category_covered", {"category": "talk"}) == 0, "it is seen")


def test_other_names_and_exemplars_are_there_for_who_asks(start, nodes, tmp_path):
    gateway = serve(start, nodes, tmp_path, "--metrics-also", "all", "--exemplars", "true")
    ask = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "hi"}]}
    answer = gateway.post("/v1/chat/completions", ask)
    assert gateway.counter("request_tokens", {"machine": "a", "kind": "completion"}) == 1
    plain = gateway.get("/metrics", accept="text/plain")
    opened = gateway.get("/metrics", accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    lines = plain.body.decode().splitlines()
    assert 'litellm_output_tokens_metric_total{model="qwen2.5:7b",api_base="a"} 2' in lines
    assert 'gen_ai_client_token_usage_sum{gen_ai_request_model="qwen2.5:7b",server_address="a",gen_ai_token_type="input"} 3' in lines
    last = answer.headers["x-tampu-request-id"]
    text = opened.body.decode()
    assert text.endswith("\n# EOF\n") and f'# {{request_id="{last}"}}' in text
    assert "request_id" not in plain.body.decode()


def test_what_an_engine_has_and_the_file_does_not_declare_is_drift_until_it_is_gone(start, nodes, tmp_path):
    nodes += [Node("a"), Node("b")]
    nodes[0].has, nodes[1].has = ["qwen2.5:7b"], ["mistral:7b"]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--drill-every", "0", "--health-interval", "100ms")
    until(lambda: len(gateway.logged("drift")) == 2, "both differences are told", gateway.changed)
    assert {(e["engine"], e["kind"], e["model"]) for e in gateway.logged("drift")} == {
        ("b/ollama", "missing", "qwen2.5:7b"), ("b/ollama", "undeclared", "mistral:7b")}
    assert gateway.counter("drift", {"machine": "b", "kind": "missing"}) == 1
    assert gateway.counter("drift", {"machine": "a", "kind": "missing"}) == 0
    engine = {m["machine"]: m["engines"][0] for m in json.loads(gateway.get("/admin/v1/status").body)["machines"]}
    assert engine["a"]["drift"] == [] and [d["kind"] for d in engine["b"]["drift"]] == ["missing", "undeclared"]
    shown = subprocess.run([TAMPU, "status", "--gateway", f"http://{gateway.address}"], capture_output=True, text=True,
                           check=True, env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1"}).stdout
    assert "mistral:7b" in shown and "does not declare it" in shown
    nodes[1].has = ["qwen2.5:7b"]
    until(lambda: len(gateway.logged("drift_over")) == 2, "both are over", gateway.changed)
    assert gateway.counter("drift", {"machine": "b"}) == 0


def test_a_tag_that_means_other_bytes_on_one_machine_is_drift(start, nodes, tmp_path):
    nodes += [Node(name) for name in "abc"]
    for node in nodes:
        node.has, node.digests = ["qwen2.5:7b"], {"qwen2.5:7b": "aa" * 32}
    nodes[1].digests = {"qwen2.5:7b": "bb" * 32}
    gateway = start("serve", write_fleet(tmp_path, nodes, {name: ["qwen2.5:7b"] for name in "abc"}),
                    "--state", tmp_path / "state", "--drill-every", "0", "--health-interval", "100ms")
    until(lambda: [e["engine"] for e in gateway.logged("drift", kind="digest")][-1:] == ["b/ollama"]
          and gateway.counter("drift", {"kind": "digest"}) == 1, "b is the odd one out", gateway.changed)
    engine = {m["machine"]: m["engines"][0] for m in json.loads(gateway.get("/admin/v1/status").body)["machines"]}
    assert [engine[name]["drift"] for name in "ac"] == [[], []]
    assert "another digest" in engine["b"]["drift"][0]["words"]
    nodes[1].digests = nodes[0].digests
    until(lambda: gateway.logged("drift_over", engine="b/ollama", kind="digest"), "it has the same", gateway.changed)
    assert gateway.counter("drift", {"kind": "digest"}) == 0


def test_when_the_certificate_ends_is_known(start, nodes, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-keyout", tmp_path / "key.pem", "-out",
                    tmp_path / "cert.pem"], check=True, capture_output=True)
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--drill-every", "0",
                    "--tls-certificate", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem")
    text = subprocess.run(["curl", "-sk", f"https://{gateway.address}/metrics"],
                          capture_output=True, text=True, check=True).stdout
    line = next(x for x in text.splitlines()
                if x.startswith("tampu_certificate_expires_timestamp_seconds "))
    assert 29 < (float(line.split()[1]) - time.time()) / 86400 < 31
    counters_moved.add("certificate_expires_timestamp_seconds")
    gateway.metrics = dict      # which speaks plain HTTP
