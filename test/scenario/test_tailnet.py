"""Who asks through `tailscale serve`: believed on its own Unix socket, and nowhere else."""
import http.client
import json
import signal
import socket
import stat
import subprocess

import pytest
from books import create_key
from node import Node
from world import TAMPU, Client, until, write_fleet

ASK = {"model": "qwen3:8b", "messages": [{"role": "user", "content": "hi"}]}
JSON = {"content-type": "application/json"}
ANA, BEA, CAT = ({"tailscale-user-login": f"{name}@example.com", "tailscale-user-name": name}
                 for name in ("ana", "bea", "cat"))
EVE = {"tailscale-user-login": "eve@elsewhere.example"}


class Door(http.client.HTTPConnection):
    """As tailscale serve connects."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


@pytest.fixture
def tailnet(start, nodes, tmp_path):
    nodes.append(Node("a"))
    state, path = tmp_path / "state", tmp_path / "serve.sock"
    _, operator = create_key(state, "--operator")
    key, caller = create_key(state, "--models", "qwen3:*")
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b", "gemma3:4b"]}, f"""\
tailnet:
  - {{login: ana@example.com, key: {operator}}}
  - {{login: bea@example.com, key: {caller}}}
  - login: "*@example.com"
    rules: {{models: "gemma3:*", requests-per-minute: 2}}
""")
    gateway = start("serve", fleet, "--state", state, "--tailscale-socket", path)
    gateway.until_logged("engine_up")
    gateway.door, gateway.key, gateway.caller, gateway.state = path, key, caller, state
    return gateway


def ask(gateway, method, path, body=None, headers=None):
    """Status and JSON, over the socket."""
    door = Door(gateway.door)
    door.request(method, path, body and json.dumps(body), {**JSON, **(headers or {})})
    answer = door.getresponse()
    status, text = answer.status, answer.read()
    door.close()
    return status, json.loads(text)


def chat(gateway, who, model="qwen3:8b"):
    return ask(gateway, "POST", "/v1/chat/completions", {**ASK, "model": model}, who)[0]


def test_people_may_what_the_fleet_file_says(tailnet):
    assert [chat(tailnet, who) for who in (ANA, BEA, CAT, EVE, {})] == [200, 200, 403, 403, 401]
    assert [chat(tailnet, who, "gemma3:4b") for who in (ANA, BEA, CAT)] == [200, 403, 200]
    status = [ask(tailnet, "GET", "/admin/v1/status", headers=who)[0]
              for who in (ANA, BEA, CAT, EVE, {})]
    assert status == [200, 403, 403, 403, 401], "nobody is an operator for coming from this machine"
    _, listed = ask(tailnet, "GET", "/v1/models", headers=BEA)
    assert [row["id"] for row in listed["data"]] == ["qwen3:8b"]
    assert ask(tailnet, "GET", "/health/live")[0] == 200


def test_what_people_use_is_booked_and_limited(tailnet):
    assert [chat(tailnet, CAT, "gemma3:4b") for _ in range(3)] == [200, 200, 429]
    other = {"tailscale-user-login": "dan@example.com"}
    assert chat(tailnet, other, "gemma3:4b") == 429, "a row's people share its limits"
    assert chat(tailnet, BEA) == 200
    until(lambda: not tailnet.counter("ledger_waiting", {}), "the store has them")
    used = json.loads(tailnet.get("/admin/v1/usage?by=key").body)["rows"]
    assert {row["key"]: row["requests"] for row in used}[tailnet.caller] == 1


def test_a_key_that_is_sent_counts_instead(tailnet):
    sent = {"authorization": f"Bearer {tailnet.key}"}
    assert chat(tailnet, sent) == 200 and chat(tailnet, {**EVE, **sent}) == 200
    assert chat(tailnet, {**ANA, "x-api-key": "tampu-of-nobody"}) == 401
    subprocess.run([TAMPU, "key", "revoke", tailnet.caller, "--state", tailnet.state], check=True,
                   capture_output=True)
    until(lambda: chat(tailnet, BEA) == 401, "who has a revoked key's rights has none")
    assert chat(tailnet, ANA) == 200


def test_a_page_that_began_before_the_fleet_file_changed_ends_by_its_own_rules(tailnet, tmp_path):
    fleet = tmp_path / "fleet.yaml"
    doors = [Door(tailnet.door) for _ in range(4)]
    for door in doors:
        door.putrequest("GET", "/v1/models")
        for name, value in {**CAT, "content-length": "2", "expect": "100-continue"}.items():
            door.putheader(name, value)
        door.endheaders()
        assert door.sock.recv(4096).startswith(b"HTTP/1.1 100 "), "it has begun"
    for turn in range(3):
        fleet.write_text(fleet.read_text().replace("gemma3:*", f"gemma3:{turn}*") + f"# {turn}\n")
        tailnet.process.send_signal(signal.SIGHUP)
        until(lambda: len(tailnet.logged("reloaded")) > turn, "the file is read again")
    for door in doors:
        door.send(b"{}")
        listed = json.loads(door.getresponse().read())
        assert [row["id"] for row in listed["data"]] == ["gemma3:4b"]
        door.close()


def test_the_same_headers_give_nothing_by_tcp(tailnet):
    def by_tcp(path, **headers):
        return Client(tailnet.address, "GET", path, headers=headers).finish()

    plain = by_tcp("/admin/v1/status")
    assert plain.status == 200, "this machine needs no key"
    for who in (ANA, BEA, EVE):
        for path in ("/v1/models", "/admin/v1/status"):
            refused = by_tcp(path, **who)
            assert refused.status == 401 and "gateway.tailscale.socket" in refused.error["message"]
    known = by_tcp("/v1/models", x_api_key=tailnet.key, **ANA)
    assert [row["id"] for row in json.loads(known.body)["data"]] == ["qwen3:8b"]


def test_nobody_else_on_the_machine_can_open_it(tailnet):
    mode = tailnet.door.stat().st_mode
    assert stat.S_ISSOCK(mode) and not mode & 0o077
    tailnet.close()
    assert not tailnet.door.exists()


@pytest.mark.parametrize("row, words", [
    ("{login: \"\"}", "empty login"),
    ("{login: a@b, key: k1, rules: {models: x}}", "expected one of them"),
    ("{login: a@b, rules: {modles: x}}", "no rule 'modles'"),
    ("{login: a@b, rules: {parallel: many}}", "expected a whole number"),
])
def test_a_row_that_is_not_right_is_told_at_start(tmp_path, row, words):
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(f"fleet: f\nmachines: {{}}\ntailnet:\n  - {row}\n")
    done = subprocess.run([TAMPU, "serve", fleet, "--state", tmp_path / "state", "--listen",
                           "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and words in done.stderr and "fleet.yaml:4:" in done.stderr
