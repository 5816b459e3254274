"""TAMPU_LOOPBACK_ONLY: nothing but loopback is ever connected to, whatever the fleet file says."""
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from node import Node
from world import TAMPU, Gateway, until, write_fleet

FOREIGN = ["10.0.0.5", "100.111.115.92", "192.0.2.1", "[fd00::5]", "akshat-pc.tailf49db2.ts.net",
           "0x0a000005", "0.0.0.0"]


@pytest.fixture
def traced(tmp_path):
    """start(...): the gateway under strace, and what it connected and sent to."""
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    wrapper, trace = tmp_path / "traced", tmp_path / "trace"
    wrapper.write_text("#!/bin/sh\nexport ASAN_OPTIONS=detect_leaks=0  # not under strace\n"
                       f"exec strace -f -D -qq -o {trace} "
                       f"-e trace=connect,sendto,sendmsg,sendmmsg {TAMPU} \"$@\"\n")
    wrapper.chmod(0o755)
    started = []

    def start(*words):
        started.append(Gateway(tmp_path, *words, program=wrapper))
        return started[0], trace

    yield start
    for gateway in started:
        gateway.close()


def foreign_calls(trace):
    """Lines of the trace that name an address which is not on this machine."""
    named = [line for line in trace.read_text().splitlines() if re.search(r"AF_INET6?", line)]
    return [line for line in named
            if not re.search(r'inet_addr\("127\.|"::1"|"::ffff:127\.', line)]


def test_engines_elsewhere_never_get_a_packet(traced, nodes, tmp_path):
    nodes.append(Node("here"))
    models = {"here": ["qwen2.5:7b"]}
    for number, host in enumerate(FOREIGN):
        there = Node(f"there{number}")
        there.drop()
        there.host = f'"{host.strip("[]")}"'
        nodes.append(there)
        models[there.name] = ["qwen2.5:7b"]
    fleet = write_fleet(tmp_path, nodes, models)
    gateway, trace = traced("serve", fleet, "--state", tmp_path / "state", "--log-level", "debug")
    gateway.until_logged("engine_up", engine="here/ollama")
    for number in range(len(FOREIGN)):
        gateway.until_logged("engine_down", engine=f"there{number}/ollama")
    ask = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "hi"}]}
    assert gateway.post("/v1/chat/completions", ask).headers["x-tampu-machine"] == "here"
    nodes[0].drop()
    assert gateway.post("/v1/chat/completions", ask).status in (502, 503)
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_status() == 0
    assert re.search(r"inet_addr\(\"127\.", trace.read_text()), "the trace saw nothing at all"
    assert foreign_calls(trace) == []


def test_demo_of_the_real_fleet_stays_on_this_machine(traced, tmp_path):
    gateway, trace = traced("demo", "--speed", "100")
    until(lambda: len(gateway.logged("engine_up")) > 5, "imagined machines are seen")
    ask = {"model": "s-fast", "messages": [{"role": "user", "content": "hi"}]}
    assert gateway.post("/v1/chat/completions", ask).status == 200
    machines = json.loads(gateway.get("/admin/v1/status").body)["machines"]
    addresses = {e["address"].rpartition(":")[0] for m in machines for e in m["engines"]} - {""}
    assert addresses == {"127.0.0.1"}
    gateway.signal(signal.SIGTERM)
    assert gateway.exit_status() == 0
    assert foreign_calls(trace) == []


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, unshare")
def test_demo_needs_nothing_but_lo():
    """In a network namespace of its own, and without the variable: demo closes the door itself."""
    script = ("ip link set lo up 2>/dev/null || ifconfig lo up; "
              f"exec timeout 60 {TAMPU} demo --speed 100 --listen 127.0.0.1:0")
    env = {k: v for k, v in os.environ.items() if k != "TAMPU_LOOPBACK_ONLY"}
    child = subprocess.Popen(["unshare", "-n", "sh", "-c", script], stderr=subprocess.PIPE,
                             text=True, env=env)
    try:
        assert any("tampu: ready" in line for line in child.stderr)
        assert any('"engine_up"' in line for line in child.stderr)
    finally:
        child.terminate()
        child.communicate(timeout=15)
