"""Who of a tailnet answers: a status as tailscale prints it, whose addresses are all loopback's."""
import json
import os
import random
import subprocess

import pytest
from pages import Page, Pages
from world import PATIENCE, TAMPU

FLEET = """fleet: {name: two}
machines:
  here: {tier: 1, os: linux, hardware: {ram: 16 GB}, engines: [{kind: ollama}]}
"""
NET = f"127.{random.SystemRandom().randrange(64, 127)}.{random.SystemRandom().randrange(256)}"    # nobody else's
ADDRESS, PORT = f"{NET}.1", 11434


class Version(Page):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/version" else 404)
        self.end_headers()
        self.wfile.write(b'{"version":"0.33.0"}')


@pytest.fixture
def tailnet(tmp_path):
    """An Ollama on a loopback address of its own; another peer is up and serves nothing, one is away."""
    server = Pages(Version, ADDRESS, PORT).begin()
    status = tmp_path / "status.json"

    def peer(name, address, online=True):
        return {"HostName": name, "DNSName": f"{name}.tail.ts.net.", "TailscaleIPs": [address], "Online": online}

    status.write_text(json.dumps({"Self": peer("idle", f"{NET}.2"), "Peer": {
        "a": peer("HERE", ADDRESS), "b": peer("away", f"{NET}.3", False), "c": peer("new", ADDRESS)}}))
    yield status
    server.drop()


def discover(*words):
    return subprocess.run([TAMPU, "discover", *words], capture_output=True, text=True, timeout=2 * PATIENCE,
                          check=False, env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1"})


def test_lines_for_who_is_new_and_the_address_that_a_machine_lacks(tailnet, tmp_path):
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(FLEET)
    found = discover(fleet, "--tailscale", tailnet)
    assert found.returncode == 0, found.stderr
    assert "# here, which has no such address yet" in found.stdout
    assert "  new:\n" in found.stdout and "engines: [{kind: ollama, port: 11434}]" in found.stdout
    assert "idle" not in found.stdout and "away" not in found.stdout
    whole = discover("--tailscale", tailnet).stdout
    fleet.write_text("fleet: {name: found}\nmachines:\n" + whole.split("  new:\n")[0].replace("HERE", "here"))
    checked = subprocess.run([TAMPU, "check", fleet, "--json"], capture_output=True, text=True, check=False)
    assert checked.returncode in (0, 1) and json.loads(checked.stdout)["findings"] is not None


def test_a_status_that_is_none_is_said_so(tmp_path):
    (tmp_path / "status.json").write_text("logged out")
    said = discover("--tailscale", tmp_path / "status.json")
    assert said.returncode == 1 and "tailscale status" in said.stderr


def test_nobody_answers(tmp_path):
    (tmp_path / "status.json").write_text("{}")
    assert discover("--tailscale", tmp_path / "status.json").returncode == 1


def test_a_hosts_file_gives_a_machine_its_address_and_the_file_keeps_its_comments(tailnet, tmp_path):
    fleet, hosts = tmp_path / "fleet.yaml", tmp_path / "hosts"
    fleet.write_text(FLEET.replace("ram: 16 GB}", "ram: 16 GB}   ").rstrip() + "   # under the desk\n")
    hosts.write_text(f"127.0.0.1 localhost\n127.0.1.1 me\n# nobody\n{ADDRESS}\tHere.lan here # the PC\n{NET}.9 away\n"
                     f"{ADDRESS} spare.lan\nnonsense x\n")
    shown = discover(fleet, "--hosts", hosts)
    assert shown.returncode == 0, shown.stderr
    assert f'# here, which has no such address yet:\n    addresses: {{lan: "{ADDRESS}", hostname: "Here.lan"}}' in shown.stdout
    assert "  spare:\n" in shown.stdout and "away" not in shown.stdout
    before = fleet.read_text()
    written = discover(fleet, "--hosts", hosts, "--write")
    assert (written.returncode, "2 written" in written.stderr) == (0, True), written.stderr
    after = fleet.read_text()
    assert "# under the desk" in after and after != before
    assert f'addresses: {{lan: "{ADDRESS}", hostname: Here.lan}}' in after and "spare:" in after
    again = discover(fleet, "--hosts", hosts, "--write")
    assert again.returncode == 0 and "says all of this already" in again.stderr and fleet.read_text() == after


def test_a_network_is_asked_only_where_it_is_named_and_small(tailnet, tmp_path):
    found = discover("--network", f"{NET}.0/29")
    assert found.returncode == 0 and found.stdout.count(ADDRESS) == 1, found.stderr
    for wrong in ("127.0.0.0/8", f"{NET}.0", f"{NET}.0/33", "::1/128", "somewhere/24"):
        said = discover("--network", wrong)
        assert said.returncode == 1 and "expected one of IPv4" in said.stderr, wrong


def test_beyond_this_machine_nothing_is_asked(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 far\n")
    assert discover("--hosts", hosts).returncode == 1
    assert discover("--network", "192.0.2.0/24").returncode == 1
    assert discover("--hosts", hosts, "--write").returncode == 2


@pytest.mark.parametrize("name", ["x: {}\n  evil", "new\x1b[2J", "a b", "new'\""])
def test_a_peer_s_name_that_is_none_is_neither_shown_nor_written(tailnet, tmp_path, name):
    fleet, status = tmp_path / "fleet.yaml", json.loads(tailnet.read_text())
    fleet.write_text(FLEET)
    status["Peer"] = {"c": {**status["Peer"]["c"], "HostName": name, "DNSName": name + ".tail.ts.net."}}
    tailnet.write_text(json.dumps(status))
    shown = discover(fleet, "--tailscale", tailnet)
    assert shown.returncode == 0, shown.stderr
    assert "  NAME:\n" in shown.stdout and "hostname" not in shown.stdout and "\x1b" not in shown.stdout
    discover(fleet, "--tailscale", tailnet, "--write")
    assert fleet.read_text() == FLEET
