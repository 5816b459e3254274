"""How warm machines are: their node exporters, asked by the gateway, never on a request's way."""
import http.server
import json
import signal
import threading

import pytest
from node import Node
from world import until, write_fleet

PAGE = """# HELP node_hwmon_temp_celsius Hardware monitor for temperature (input)
# TYPE node_hwmon_temp_celsius gauge
node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 54
node_hwmon_temp_celsius{chip="pci0000:00_0000:01:00_0",sensor="edge"} 71.5
node_hwmon_temp_celsius{chip="nothing is connected",sensor="temp9"} 65261.85
node_thermal_zone_temp{type="acpitz",zone="0"} 27.8
"""


class Exporter(http.server.ThreadingHTTPServer):
    def __init__(self):
        exporter = self
        self.page, self.asked, self.changed = PAGE, 0, threading.Condition()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):    # pylint: disable=invalid-name
                body = exporter.page.encode() if self.path == "/metrics" else b"?"
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:    # too long for whoever asks
                    pass
                with exporter.changed:
                    exporter.asked += 1
                    exporter.changed.notify_all()

            def log_message(self, *_):    # pylint: disable=arguments-differ
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def exporter():
    made = Exporter()
    yield made
    made.shutdown()
    made.server_close()


def temperature(gateway):
    machines = json.loads(gateway.get("/admin/v1/status").body)["machines"]
    return {m["machine"]: m.get("temperature_celsius") for m in machines}


def test_the_hottest_sensor_counts_while_somebody_says_it(start, nodes, tmp_path, exporter):
    nodes += [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]})
    port = exporter.server_address[1]
    fleet.write_text(fleet.read_text().replace("  a: {", f'  a: {{exporter: "127.0.0.1:{port}", ', 1)
                     .replace("  b: {", '  b: {exporter: "127.0.0.1:1", ', 1))
    gateway = start("serve", fleet, "--state", tmp_path / "state")
    until(lambda: temperature(gateway) == {"a": 71.5, "b": None}, "a is warm", gateway.changed)
    assert gateway.counter("machine_temperature_celsius", {"machine": "a"}) == 71.5
    said = json.loads(gateway.get("/sd/prometheus").body)
    assert {t["labels"].get("machine"): t["targets"] for t in said}["a"] == [f"127.0.0.1:{port}"]

    for page in ("node_load1 0.5\n", PAGE + "x" * (5 << 20)):    # without sensors; without end
        exporter.page = PAGE
        gateway.signal(signal.SIGHUP)
        until(lambda: temperature(gateway)["a"] == 71.5, "a is warm", gateway.changed)
        exporter.page = page
        gateway.signal(signal.SIGHUP)
        until(lambda: temperature(gateway)["a"] is None, "nobody says how warm it is", gateway.changed)
        assert not [key for key in gateway.metrics() if key[0] == "machine_temperature_celsius"]
    assert exporter.asked <= 6    # seldom
