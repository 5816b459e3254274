"""A real Prometheus and a real node exporter watch a demo: every expression gives data."""
import contextlib
import json
import pathlib
import re
import subprocess
import threading
import time
import urllib.parse
import urllib.request

import pytest
from pages import free_port
from world import TAMPU, until

ROOT = pathlib.Path(__file__).parents[2]
BIN = ROOT / "build" / "monitoring" / "usr" / "bin"
SHARE = ROOT / "share"
ALIASES = ROOT / "src" / "tables" / "aliases.def"
PATH = "/v1/chat/completions"

pytestmark = pytest.mark.skipif(not (BIN / "prometheus").exists(),
                                reason="no Prometheus: tools/setup test gets it")


def expressions():
    """(where, expression) of every panel and every rule."""
    for path in sorted((SHARE / "grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"].replace("$machine", ".*")
    rules = (SHARE / "prometheus" / "tampu-rules.yml").read_text()
    for name, words in re.findall(r"- record: (.*)\n +expr: (.*)", rules):
        yield name, words
    for name, counter in re.findall(r'^ALIAS\(\w+, "(\w+)", (\w+)', ALIASES.read_text(), re.M):
        is_histogram = counter.endswith(("_seconds", "_tokens"))
        yield f"another name of {counter}", name + "_count" * is_histogram


@contextlib.contextmanager
def running(*command):
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def make_config(folder, gateway, exporter):
    """As it is exported, quicker; the exporter of this machine stands for retromac's."""
    config = subprocess.run([TAMPU, "export", "prometheus", ROOT / "fleets" / "homelab.yaml"],
                            capture_output=True, text=True, check=True).stdout
    config = config.replace("127.0.0.1:4000", gateway).replace("15s", "1s")
    config += f"""  - job_name: exporter
    static_configs: [{{targets: ["127.0.0.1:{exporter}"], labels: {{machine: retromac}}}}]
"""
    (folder / "prometheus.yml").write_text(config)
    rules = subprocess.run([TAMPU, "export", "rules", ROOT / "fleets" / "homelab.yaml"],
                           capture_output=True, text=True, check=True).stdout
    (folder / "tampu-rules.yml").write_text(re.sub(r"for: \S+", "for: 1s", rules))
    subprocess.run([BIN / "promtool", "check", "config", folder / "prometheus.yml"], check=True,
                   capture_output=True)


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/api/v1/"

    def get(self, path, **query):
        with urllib.request.urlopen(self.url + path + "?" + urllib.parse.urlencode(query)) as said:
            return json.load(said)["data"]

    def query(self, words):
        try:
            return self.get("query", query=words)["result"]
        except OSError:
            return []

    def firing(self):
        return {a["labels"]["alertname"] for a in self.get("alerts")["alerts"]
                if a["state"] == "firing"}


def keep_asking(demo, over):
    """Something of everything: answers, refusals, and a machine that fails."""
    hello = [{"role": "user", "content": "hello"}]
    while not over.wait(0.3):
        for model in ("s-fast", "xl-code", "mistral:7b", "phi:2.7b", "nobody"):
            demo.post(PATH, {"model": model, "max_tokens": 16, "messages": hello})
        demo.post("/v1/embeddings", {"model": "embeddings", "input": "x"})


def test_every_panel_and_rule_has_data_and_alerts_fire_live(start, tmp_path):
    demo = start("demo", ROOT / "fleets" / "homelab.yaml", "--speed", "50", "--breaker-cooldown", "200ms",
                 "--breaker-cooldown-max", "200ms", "--metrics-also", "all", "--exemplars", "true")
    web, node, over = free_port(), free_port(), threading.Event()
    make_config(tmp_path, demo.address, node)
    asking = [threading.Thread(target=keep_asking, args=[demo, over], daemon=True)
              for _ in range(3)]
    with running(BIN / "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}"), \
            running(BIN / "prometheus", "--enable-feature=exemplar-storage", f"--config.file={tmp_path}/prometheus.yml",
                    f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{web}"):
        prometheus = Prometheus(web)
        for machine in ("borgcube", "ser9"):
            demo.post("/imagine", {"machine": machine, "do": "cut", "after_tokens": 2})
        for caller in asking:
            caller.start()
        assert demo.post("/admin/v1/drills", {"category": "s-fast"}).status == 200
        empty = {words: where for where, words in expressions()}

        def all_have_data():
            for words in list(empty):
                if any(s["value"][1] != "NaN" for s in prometheus.query(words)):
                    empty.pop(words)
            return not empty

        try:
            until(all_have_data, "data everywhere", seconds=45)
        finally:
            assert not empty, empty
        found = prometheus.get("query_exemplars", query="tampu_request_seconds_bucket",
                               start=time.time() - 300, end=time.time() + 60)
        request = found[0]["exemplars"][-1]["labels"]["request_id"]
        assert demo.get("/admin/v1/why/" + request).status == 200
        for machine in ("retromac",):
            demo.post("/imagine", {"machine": machine, "do": "die"})
        wanted = {"TampuMachineDown", "TampuDrillStale"}
        until(lambda: wanted <= prometheus.firing(), f"{wanted} fire", seconds=30)
        over.set()
        for caller in asking:
            caller.join(15)


def test_rules_pass_their_unit_tests():
    done = subprocess.run([BIN / "promtool", "test", "rules", "minutes.yml", "days.yml"],
                          cwd=ROOT / "test" / "prometheus", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_caused_in_a_unit_test_and_says_what_to_do():
    rules = (SHARE / "prometheus" / "tampu-rules.yml").read_text()
    caused = "".join(p.read_text() for p in (ROOT / "test" / "prometheus").glob("*.yml"))
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert len(alerts) > 10 and rules.count("todo:") == len(alerts)
    assert [a for a in alerts if f'alertname="{a}"' not in caused] == []
