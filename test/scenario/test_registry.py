"""The LAN registry on the gateway's port: as stock Ollama asks, and each byte over the WAN once."""
import concurrent.futures
import contextlib
import hashlib
import json
import signal
import socket
import subprocess
import time

import pytest
from wan import MANIFEST, Wan, make_bytes
from world import PATIENCE, TAMPU, Client, until

FLEET = """fleet: {name: one}
machines:
  a: {tier: 1, os: linux, hardware: {ram: 16 GB}, engines: [{kind: ollama}], models: [{pull: "tiny:1b"}, {pull: "tiny:70b"}]}
"""
SIZE = 3 << 20


@pytest.fixture
def wan():
    registry = Wan()
    registry.publish("tiny:1b", [("model", make_bytes("tiny", SIZE)), ("license", b"free")])
    yield registry
    registry.close()


def serve(start, folder, upstream, *words):
    path = folder / "one.yaml"
    path.write_text(FLEET)
    return start("serve", path, "--state", folder / "state", "--registry-upstream", upstream,
                 "--registry-free-min", "0", "--drain-timeout", "200ms", *words)


def pull(gateway, digest):
    """What Ollama does: HEAD, a GET that must name a Location, then GETs with Range."""
    path = f"/v2/library/tiny/blobs/{digest}"
    head = Client(gateway.address, "HEAD", path).finish()
    size = int(head.headers["content-length"])
    probe = gateway.get(path)
    assert (probe.status, probe.body) == (200, b"")
    whole = b""
    while len(whole) < size:
        last = min(len(whole) + (1 << 20), size) - 1
        part = gateway.get(probe.headers["location"], range=f"bytes={len(whole)}-{last}")
        assert part.status == 206
        whole += part.body
    return "sha256:" + hashlib.sha256(whole).hexdigest()


def layers_of(gateway):
    manifest = gateway.get("/v2/library/tiny/manifests/1b", accept=MANIFEST)
    assert manifest.status == 200
    found = json.loads(manifest.body)
    return [found["config"]["digest"], *(layer["digest"] for layer in found["layers"])]


def test_eight_pullers_take_what_crosses_the_wan_once(start, tmp_path, wan):
    gateway = serve(start, tmp_path, wan.url)
    digests = layers_of(gateway)
    with concurrent.futures.ThreadPoolExecutor(8) as pullers:
        for digest in digests:
            assert set(pullers.map(pull, [gateway] * 8, [digest] * 8)) == {digest}
    assert wan.bytes_given() == sum(map(len, wan.blobs.values()))


def test_what_no_manifest_named_is_not_brought(start, tmp_path, wan):
    gateway = serve(start, tmp_path, wan.url)
    assert gateway.get("/v2/library/tiny/blobs/sha256:" + "0" * 64).status == 404
    assert gateway.get("/v2/library/tiny/manifests/70b").status == 404
    assert gateway.post("/v2/library/tiny/blobs/uploads/", {}).status == 405


def raw(gateway, sent):
    """The status line's number, or None when the connection is just closed."""
    host, port = gateway.address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as link:
        link.sendall(sent)
        with contextlib.suppress(ConnectionError):
            found = link.recv(4096)
            return int(found.split()[1]) if found else None
    return None


def test_an_attacker_gets_nothing_but_what_the_fleet_file_names(start, tmp_path, wan):
    wan.publish("secret:1b", [("model", make_bytes("secret", SIZE))])
    gateway = serve(start, tmp_path, wan.url)
    secret = wan.manifests["/v2/library/secret/manifests/1b"]
    digest = json.loads(secret)["layers"][0]["digest"]
    tiny = layers_of(gateway)[1]
    asked = len(wan.asked)
    for path in ["/v2/library/secret/manifests/1b", f"/v2/library/secret/blobs/{digest}", f"/v2/library/tiny/blobs/{digest}",
                 f"/v2/library/secret/blobs/{tiny}", "/v2/library/tiny/../secret/manifests/1b", "/v2/_catalog",
                 "/v2/library/tiny/tags/list", "/v2/library/tiny/manifests/" + "9" * 3000]:
        answer = gateway.get(path, range="bytes=0-9")
        assert answer.status == 404, path
    assert b"must stand in the fleet file" in gateway.get("/v2/library/secret/manifests/1b").body
    for line in ["GET /v2/library/tiny/manifests/../../secret/manifests/1b", "GET //v2/library/secret/manifests/1b",
                 f"PUT /v2/library/tiny/blobs/{tiny}", "POST /v2/library/tiny/blobs/uploads/", "DELETE /v2/library/tiny/manifests/1b",
                 "PATCH /v2/" + "0" * 32 + "/tiny/blobs/uploads/1", "PUT /v2/" + "0" * 32 + "/tiny/manifests/1b"]:
        status = raw(gateway, f"{line} HTTP/1.1\r\nhost: {gateway.address}\r\ncontent-length: 0\r\n\r\n".encode())
        assert status in (400, 401, 403, 404, 405), line
    with concurrent.futures.ThreadPoolExecutor(16) as many:
        flood = list(many.map(lambda n: gateway.get(f"/v2/library/x{n}/manifests/1b").status, range(200)))
    assert set(flood) == {404} and len(wan.asked) == asked
    assert not list((tmp_path / "state/blobs").iterdir())
    assert pull(gateway, tiny) == tiny


def test_a_ceiling_holds_for_wan_and_lan(start, tmp_path, wan):
    gateway = serve(start, tmp_path, wan.url, "--registry-wan-rate", "4 MB")
    digest = layers_of(gateway)[1]
    began = time.monotonic()
    assert pull(gateway, digest) == digest
    assert time.monotonic() - began > (SIZE - (1 << 20)) / 4e6    # a burst is allowed
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_status() == 0
    gateway = serve(start, tmp_path, wan.url, "--registry-lan-rate", "4 MB")
    layers_of(gateway)
    began = time.monotonic()
    assert pull(gateway, digest) == digest
    assert time.monotonic() - began > (SIZE - (1 << 20)) / 4e6


def test_a_gateway_without_an_upstream_is_no_registry(start, tmp_path):
    answer = serve(start, tmp_path, "").get("/v2/library/tiny/manifests/1b")
    assert answer.status == 404 and b"gateway.registry.upstream" in answer.body


def test_the_gateway_ends_in_the_middle_of_a_pull(start, tmp_path, wan):
    gateway = serve(start, tmp_path, wan.url)
    digest = layers_of(gateway)[1]
    wan.rate = 200 << 10
    puller = Client(gateway.address, "GET", f"/v2/library/tiny/blobs/{digest}", headers={"range": "bytes=0-"})
    until(lambda: puller.body, "the blob begins to come", puller.changed)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_status() == 0
    puller.join(PATIENCE)
    assert len(puller.body) < SIZE


def test_an_apply_beside_the_gateway_says_how_to_go_through_it(start, tmp_path, wan):
    gateway = serve(start, tmp_path, wan.url)
    words = [TAMPU, "apply", tmp_path / "one.yaml", "--state", tmp_path / "state", "--dry-run"]
    refused = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert refused.returncode == 1 and "--registry" in refused.stderr
    done = subprocess.run([*words, "--registry", "http://" + gateway.address], capture_output=True, text=True,
                          timeout=2 * PATIENCE, check=False)
    assert "--registry" not in done.stderr and "its address is not known" in done.stdout
