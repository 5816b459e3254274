"""Alerts out: a real receiver on loopback, and a sendmail that keeps what it is given."""
import email
import json
import os
import threading

import pytest
from books import create_key
from node import Node
from pages import Page, Pages
from world import Gateway, until, write_fleet

# Who is dead refuses at once: the timeout is for those that are only slow, because the machine is busy.
QUICK = ("--alert-hold", "300ms", "--alert-group", "300ms", "--health-interval", "200ms",
         "--health-timeout", "20s", "--speed", "100")


class Receiver:
    """Takes what is posted, or answers 503."""

    def __init__(self):
        self.posts, self.refused, self.takes = [], 0, True
        self.changed = threading.Condition()
        outer = self

        class Hook(Page):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer.changed:
                    if outer.takes:
                        outer.posts.append((self.path, dict(self.headers), json.loads(body)))
                    else:
                        outer.refused += 1
                    outer.changed.notify_all()
                self.send_response(200 if outer.takes else 503)
                self.send_header("content-length", "0")
                self.end_headers()

        self.server = Pages(Hook).begin()
        self.url, self.close = self.server.url, self.server.drop

    def told(self):
        """{(alertname, subject): [firing, resolved, ...]} in the order of the posts."""
        found = {}
        for _, _, post in list(self.posts):
            for a in post.get("alerts", []):
                found.setdefault((a["labels"]["alertname"], a["labels"]["subject"]), []).append(a["status"])
        return found

    def until_told(self, name, subject, states):
        until(lambda: self.told().get((name, subject)) == states,
              f"{name} {subject} {states}, found {self.told()}", self.changed)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def imagine(gateway, machine, what):
    answer = gateway.post("/imagine", {"machine": machine, "do": what}).finish()
    assert answer.status == 200


def test_a_dead_machine_is_told_once_with_what_to_do_and_so_is_its_end(start, receiver):
    gateway = start("demo", *QUICK, "--alert-webhook", receiver.url + "/hook?x=1")
    imagine(gateway, "gtr9-pro", "die")
    receiver.until_told("machine_down", "gtr9-pro", ["firing"])
    path, headers, post = next(p for p in receiver.posts if "gtr9-pro" in json.dumps(p[2]))
    alert = next(a for a in post["alerts"] if a["labels"]["subject"] == "gtr9-pro")
    assert path == "/hook?x=1" and headers["content-type"] == "application/json"
    assert post["version"] == "4" and post["status"] == "firing"
    assert "See whether it is on" in alert["annotations"]["todo"]
    gateway.until_logged("alert", alert="machine_down", subject="gtr9-pro")
    assert gateway.counter("alerts", {"alert": "machine_down"}) == 1
    imagine(gateway, "gtr9-pro", "revive")
    receiver.until_told("machine_down", "gtr9-pro", ["firing", "resolved"])
    assert gateway.counter("alerts", {"alert": "machine_down"}) == 0
    until(lambda: gateway.counter("notices_total", {"channel": "webhook", "result": "taken"}) >= 2, "both are counted")


def test_what_fails_together_is_told_together(start, receiver):
    gateway = start("demo", *QUICK, "--alert-group", "2s", "--alert-webhook", receiver.url)
    for machine in ("gtr9-pro", "evo-x2", "ms-s1"):
        imagine(gateway, machine, "die")
    receiver.until_told("category_uncovered", "xl-code", ["firing"])
    post = next(p for _, _, p in receiver.posts if "xl-code" in json.dumps(p))
    told = {a["labels"]["subject"] for a in post["alerts"]}
    assert {"gtr9-pro", "evo-x2", "ms-s1", "xl-code"} <= told
    assert post["alerts"][0]["labels"]["alertname"] == "category_uncovered"    # most urgent first


def test_an_outage_of_the_receiver_loses_nothing(start, receiver):
    receiver.takes = False
    gateway = start("demo", *QUICK, "--alert-webhook", receiver.url)
    imagine(gateway, "ms01", "die")
    until(lambda: receiver.refused >= 1, "a notice that was refused", receiver.changed)
    imagine(gateway, "ms01", "revive")
    gateway.until_logged("alert_over", subject="ms01")
    imagine(gateway, "ser9", "die")
    gateway.until_logged("alert", subject="ser9")
    receiver.takes = True
    receiver.until_told("machine_down", "ser9", ["firing"])
    assert receiver.told()["machine_down", "ms01"] == ["resolved"]
    assert len(gateway.until_logged("notice_failed")) == 1
    assert gateway.counter("notices_total", {"channel": "webhook", "result": "failed"}) >= 1


def test_ntfy_gets_its_topic_a_title_and_a_key(start, receiver, tmp_path):
    (tmp_path / "key").write_text("secret\n")
    (tmp_path / "fleet.yaml").write_text(f"""gateway:
  alert_ntfy: "{receiver.url}/pis"
  alert_ntfy_key: "file:{tmp_path}/key"
  alert_hold: 300ms
  alert_group: 100ms
machines:
  desk: {{addresses: {{lan: 127.0.0.1}}, engines: [{{kind: ollama, port: 9}}], hardware: {{ram: 64 GB}}}}
""")
    start("serve", tmp_path / "fleet.yaml", "--state", tmp_path)
    until(lambda: receiver.posts, "a notice", receiver.changed)
    path, headers, post = receiver.posts[0]
    assert path == "/" and post["topic"] == "pis" and headers["authorization"] == "Bearer secret"
    assert post["title"] == "tampu: does not answer: machine desk" and post["priority"] == 5
    assert "See whether it is on" in post["message"]


def test_a_restart_tells_nothing_twice_and_what_was_over_meanwhile(start, receiver, nodes, tmp_path):
    nodes += [Node("a"), Node("b"), Node("c")]
    words = ("serve", write_fleet(tmp_path, nodes, {n.name: ["qwen3:8b"] for n in nodes}), *QUICK[:8],
             "--state", tmp_path / "state", "--alert-hold", "1s", "--alert-webhook", receiver.url)
    gateway = start(*words)
    for node in nodes:
        gateway.until_logged("engine_up", engine=f"{node.name}/ollama")
    for node in nodes[:2]:
        node.refuse()
        receiver.until_told("machine_down", node.name, ["firing"])
    kept = tmp_path / "state" / "alerts.json"
    until(lambda: kept.read_text().count('"told":{"webhook":{"version":1') == 2, "what was told is kept")
    gateway.process.kill()
    gateway.process.wait()
    gateway.process.returncode = 0      # it was us
    nodes[1].accept()
    nodes[2].refuse()
    gateway = start(*words)
    receiver.until_told("machine_down", "b", ["firing", "resolved"])
    receiver.until_told("machine_down", "c", ["firing"])
    assert receiver.told()["machine_down", "a"] == ["firing"]
    assert gateway.counter("alerts", {"alert": "machine_down"}) == 2


def test_a_key_is_told_of_before_its_budget_is_used_up(start, receiver, nodes, tmp_path):
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]})
    keys = [create_key(tmp_path / "state", "--operator", "--tokens-per-day", n) for n in (6000, 10**9)]
    gateway = start("serve", fleet, "--state", tmp_path / "state", *QUICK[:6], "--require-keys", "true",
                    "--alert-webhook", receiver.url, "--alert-budget", "1")
    gateway.bearer = {"authorization": f"Bearer {keys[0][0]}"}

    def asked():
        for key, _ in keys:     # a prompt's 3 and an answer's 2 tokens each
            gateway.post("/v1/chat/completions", {"model": "qwen3:8b", "max_tokens": 2, "messages": [
                {"role": "user", "content": "hi"}]}, authorization=f"Bearer {key}")
        return gateway.logged("alert", alert="budget_near")

    until(asked, "an alert")
    receiver.until_told("budget_near", f"k {keys[0][1]}", ["firing"])
    found = gateway.until_logged("alert", alert="budget_near")
    assert len(found) == 1 and "% of the 6000 tokens of this day are used" in found[0]["found"]
    assert gateway.counter("alerts", {"alert": "budget_near"}) == 1


def sendmail(folder, body):
    program = folder / "sendmail"
    program.write_text("#!/bin/sh\n" + body)
    program.chmod(0o755)
    return program


def test_a_mail_goes_through_sendmail(start, tmp_path):
    program = sendmail(tmp_path, f'echo "$*" >{tmp_path}/words; cat >{tmp_path}/part; mv {tmp_path}/part {tmp_path}/mail\n')
    gateway = start("demo", *QUICK, "--alert-mail-to", "me@example.org", "--alert-sendmail", program,
                    env={"TAMPU_ALLOW_PROGRAM": str(program)})
    imagine(gateway, "ms01", "die")
    until((tmp_path / "mail").exists, "a mail")
    mail = email.message_from_bytes((tmp_path / "mail").read_bytes())
    assert (tmp_path / "words").read_text() == "-oi -t\n"
    assert mail["To"] == "me@example.org" and mail["From"] == "tampu"
    assert mail["Subject"].startswith("tampu: ") and "See whether it is on" in mail.get_payload()


def test_a_sendmail_that_fails_is_tried_again(start, tmp_path):
    program = sendmail(tmp_path, f"cat >/dev/null; [ -e {tmp_path}/once ] && exit 0; : >{tmp_path}/once; exit 75\n")
    gateway = start("demo", *QUICK, "--alert-mail-to", "me@example.org", "--alert-sendmail", program,
                    env={"TAMPU_ALLOW_PROGRAM": str(program)})
    imagine(gateway, "ms01", "die")
    assert "ended with status 75" in gateway.until_logged("notice_failed")[0]["found"]
    gateway.until_logged("notice", channel="mail")


@pytest.mark.parametrize("words, found", [
    (("--alert-webhook", "http://192.0.2.1/hook"), "EPERM|permitted"),
    (("--alert-mail-to", "me@example.org"), "TAMPU_LOOPBACK_ONLY"),
])
def test_nothing_goes_beyond_loopback(start, words, found):
    gateway = start("demo", *QUICK, *words)
    imagine(gateway, "ms01", "die")
    said = gateway.until_logged("notice_failed")[0]["found"]
    assert any(f in said for f in found.split("|")), said


@pytest.mark.parametrize("words, said", [
    (("--alert-ntfy", "https://ntfy.example/"), "expected https://HOST/TOPIC"),
    (("--alert-webhook", "nowhere"), "gateway.alert_webhook"),
    (("--alert-mail-to", "me@example.org", "--alert-sendmail", "sendmail"), "expected a whole path"),
])
def test_a_setting_that_is_not_right_ends_the_start(tmp_path, words, said):
    with pytest.raises(AssertionError, match=said):
        Gateway(tmp_path, "demo", *words)


def test_a_disk_without_room_is_told(start, receiver, tmp_path):
    gateway = start("demo", *QUICK, "--alert-disk", "1024 TiB", "--alert-webhook", receiver.url,
                    "--state", tmp_path)
    receiver.until_told("disk_low", str(tmp_path), ["firing"])
    assert gateway.counter("alerts", {"alert": "disk_low"}) == 1


def test_a_certificate_that_ends_soon_is_told(start, receiver, tmp_path):
    made = os.system(f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3 "
                     f"-subj /CN=x -keyout {tmp_path}/k -out {tmp_path}/c 2>/dev/null")
    assert made == 0
    gateway = start("demo", *QUICK, "--alert-webhook", receiver.url, "--tls-certificate",
                    tmp_path / "c", "--tls-key", tmp_path / "k")
    receiver.until_told("certificate_ends", str(tmp_path / "c"), ["firing"])
    gateway.until_logged("alert", alert="certificate_ends")


class Ollama(Page):
    """Has one model loaded, a third of it on the graphics card."""

    def do_GET(self):
        loaded = [{"name": "qwen3-coder:30b", "model": "qwen3-coder:30b", "size": 21000000000,
                   "size_vram": 7000000000, "context_length": 32768}]
        body = json.dumps({"models": loaded, "version": "0.12.0"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_model_that_fell_off_its_graphics_card_is_told(start, receiver, tmp_path):
    server = Pages(Ollama).begin()
    (tmp_path / "fleet.yaml").write_text(f"""gateway: {{alert_webhook: "{receiver.url}", alert_hold: 300ms, alert_group: 100ms}}
machines:
  desk:
    hardware: {{gpu: RTX 5090, ram: 64 GB}}
    addresses: {{lan: 127.0.0.1}}
    engines: [{{kind: ollama, port: {server.port}}}]
    models: [{{pull: "qwen3-coder:30b", context: 32K}}]
""")
    gateway = start("serve", tmp_path / "fleet.yaml", "--state", tmp_path)
    receiver.until_told("copy_on_cpu", "desk/ollama/qwen3-coder:30b", ["firing"])
    assert "7.0 of its 21.0 GB" in gateway.until_logged("alert", alert="copy_on_cpu")[0]["found"]
    server.drop()


def test_a_machine_that_no_drill_has_proven_is_told(start, receiver):
    gateway = start("demo", *QUICK, "--drill-every", "1s", "--alert-webhook", receiver.url)
    imagine(gateway, "ser9", "die")
    until(lambda: any(name == "drill_stale" and subject.endswith(" on ser9")
                      for name, subject in receiver.told()), "a drill that is due", receiver.changed)
