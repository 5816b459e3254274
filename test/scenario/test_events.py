"""tampu events: what a person, or a program, is told of a running demo."""
import json
import os
import subprocess
import threading

import pytest
from world import PATIENCE, TAMPU, Client, Gateway, until

ASK = {"model": "s-fast", "messages": [{"role": "user", "content": "hello"}]}
ENV = {**os.environ, "TAMPU_LOOPBACK_ONLY": "1"}


@pytest.fixture
def demo(tmp_path):
    made = Gateway(tmp_path, "demo", "--speed", "20", "--health-interval", "100ms")
    yield made
    made.close()


def words(gateway, *more):
    return [TAMPU, "events", "--gateway", f"http://{gateway.address}", *more]


def run(gateway, *more):
    return subprocess.run(words(gateway, *more), capture_output=True, text=True, env=ENV,
                          timeout=PATIENCE)


class Follower:
    """`tampu events -f`; its lines are in .lines as they come."""

    def __init__(self, gateway, *more):
        self.lines, self.changed = [], threading.Condition()
        self.process = subprocess.Popen(words(gateway, *more), stdout=subprocess.PIPE, text=True,
                                        env=ENV)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def told(self, *parts):
        return until(lambda: next((line for line in list(self.lines)
                                   if all(p in line for p in parts)), None),
                     f"a line with {parts}", self.changed)

    def ended(self):
        self.reader.join(PATIENCE)
        self.process.stdout.close()
        return self.process.wait(PATIENCE)


def test_what_is_remembered_is_told_and_that_is_all(demo):
    answer = demo.post("/v1/chat/completions", ASK)
    assert demo.post("/v1/chat/completions", {**ASK, "model": "nope"}).status == 404
    told = run(demo)
    assert told.returncode == 0 and told.stderr == ""
    good, bad = told.stdout.splitlines()
    assert f"done      s-fast on {answer.headers['x-tampu-machine']} as " in good
    assert "; status 200, " in good
    assert "failed    nope; status 404" in bad and bad.endswith("unknown_model")
    rows = [json.loads(line) for line in run(demo, "--json").stdout.splitlines()]
    assert [(r["event"], r["data"]["asked"], r["data"]["status"]) for r in rows] == [
        ("request", "s-fast", 200), ("request", "nope", 404)]


def test_what_happens_is_followed_until_the_gateway_ends(demo):
    plain, objects = Follower(demo, "-f"), Follower(demo, "--follow", "--json")
    plain.told("fleet     homelab: ", "machines up")
    objects.told('{"event":"status"')
    answer = demo.post("/v1/chat/completions", ASK)
    plain.told("request ", "done      s-fast on " + answer.headers["x-tampu-machine"])
    objects.told('{"event":"request"', '"step":"settle"')
    demo.post("/admin/v1/machines/gtr9-pro/cordon", {})
    plain.told("machine   gtr9-pro: cordoned")
    demo.post("/imagine", {"machine": "gtr9-pro", "do": "die"})
    plain.told("machine   gtr9-pro: down")
    demo.close()
    assert plain.ended() == 0 and objects.ended() == 0
    assert {json.loads(line)["event"] for line in objects.lines} == {
        "facts", "status", "ps", "map", "request"}


def test_a_gateway_that_wants_a_key_or_is_none_is_told(demo, tmp_path):
    locked = Gateway(tmp_path, "demo", "--require-keys", "true")
    for more in ([], ["-f"]):
        told = run(locked, *more)
        assert told.returncode == 1 and "wants an operator's key" in told.stderr
    locked.close()
    told = run(locked, "-f")
    assert told.returncode == 1 and "no gateway answers" in told.stderr
    assert run(demo, "--gateway", "ftp://x").returncode == 2


def test_the_log_of_a_demo_is_read_by_what_it_is_about(demo, tmp_path):
    answer = demo.post("/v1/chat/completions", ASK)
    request, machine = answer.headers["x-tampu-request-id"], answer.headers["x-tampu-machine"]
    demo.until_logged("request", request=request)
    path = tmp_path / "log"
    path.write_text("".join(json.dumps(e) + "\n" for e in list(demo.log)) + "last words\n")

    def lines(*more, file=path, **kept):
        done = subprocess.run([TAMPU, "logs", *map(str, more), *([file] if file else [])], text=True,
                              capture_output=True, env={**ENV, **kept}, timeout=PATIENCE)
        return done.returncode, done.stdout.splitlines() + done.stderr.splitlines()

    status, found = lines("--request", request)
    assert status == 0 and len(found) == 1 and f"machine={machine}" in found[0]
    assert json.loads(lines("--json", "--request", request)[1][0])["request"] == request
    assert lines()[1][-1] == "last words" and "last words" not in lines("--since", "1h")[1]
    assert any("engine=" + machine in line for line in lines("--machine", machine)[1])
    assert lines("--since", "2999-01-01")[1] == []
    status, told = lines("--level", "loud")
    assert status == 2 and "expected debug, info" in told[0]
    (tmp_path / "journalctl").write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/asked\ncat {path}\n')
    (tmp_path / "journalctl").chmod(0o755)
    status, found = lines("-f", "--request", request, file=None, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert status == 0 and len(found) == 1
    assert (tmp_path / "asked").read_text().split()[:4] == ["--unit", "tampu", "--output", "cat"]


def test_a_log_that_grows_is_followed(tmp_path):
    path = tmp_path / "log"
    path.write_text("first\n")
    with subprocess.Popen([TAMPU, "logs", "-f", path], stdout=subprocess.PIPE, text=True, env=ENV) as reading:
        assert reading.stdout.readline() == "first\n"
        with path.open("a") as file:
            file.write("second\n")
        assert reading.stdout.readline() == "second\n"
        reading.terminate()


def test_who_has_read_enough_ends_it(demo):
    follower = subprocess.Popen(words(demo, "-f"), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env=ENV)
    assert "homelab" in follower.stdout.readline()
    follower.stdout.close()
    demo.post("/admin/v1/machines/gtr9-pro/cordon", {})
    assert follower.wait(PATIENCE) == 1
    assert follower.stderr.read() == ""
    follower.stderr.close()


def test_no_more_watch_than_are_let_in(start):
    demo = start("demo", "--viewers-max", "2")
    paths = ["/admin/v1/events"] * 2
    viewers = [Client(demo.address, "GET", path) for path in paths]
    for viewer in viewers:
        until(lambda v=viewer: v.status == 200, "somebody watches", viewer.changed)
    refused = demo.get("/admin/v1/events")
    assert refused.status == 503 and "gateway.viewers_max" in refused.error["message"]
    assert demo.counter("refusals_total", {"failure": "out_of_room"}) == 1
    assert demo.get("/admin/v1/status").status == 200
    viewers[0].leave()

    def is_let_in():
        viewers.append(Client(demo.address, "GET", "/admin/v1/events"))
        return until(lambda: viewers[-1].status, "an answer", viewers[-1].changed) == 200

    until(is_let_in, "there is room for another")
    for viewer in viewers[1:]:
        viewer.leave()
