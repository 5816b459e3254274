"""Where requests go and why, through the real gateway."""
import json
import os
import subprocess
import time

from books import create_key, until_known
from node import Node, Text
from world import PATIENCE, TAMPU, Client, until, write_fleet

PATH = "/v1/chat/completions"


def ask(gateway, model, key=None, text="hi", **more):
    headers = {"content-type": "application/json"}
    if key:
        headers["authorization"] = "Bearer " + key
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return Client(gateway.address, "POST", PATH, body, headers)


def why(gateway, answer, *more):
    return subprocess.run([TAMPU, "why", "--gateway", "http://" + gateway.address,
                           answer.headers["x-tampu-request-id"], *more],
                          capture_output=True, text=True, timeout=PATIENCE, check=True).stdout


def test_every_decision_is_explained_also_after_a_restart(start, tmp_path):
    nodes = [Node("a"), Node("b")]
    nodes[0].scripts["chat"] = [["status", "500", Text("out of luck")]]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]},
                        "categories:\n  talk: {needs: {task: general}, primary: a, backups: [b]}\n")
    words = ("serve", fleet, "--state", tmp_path / "state", "--preload", "none")
    gateway = start(*words)
    answer = ask(gateway, "talk").finish()
    assert answer.status == 200
    told = json.loads(why(gateway, answer, "--json"))
    assert (told["category"], told["asked"], told["chosen"]) == ("talk", "talk", "b/ollama/qwen2.5:7b")
    assert [(t["machine"], t["outcome"]) for t in told["attempts"]] == [
        ("a", "upstream_error"), ("b", "answered")]
    assert {c["machine"]: c["rejected"] for c in told["candidates"]} == {"a": "tried", "b": None}
    said = why(gateway, answer)
    assert "it was tried for this request, and failed" in said
    assert told["took_tokens"]["answer"] > 0 and "took load 0.0, prompt" in said
    for node in nodes:
        node.refuse()
    until(lambda: gateway.get("/health/ready").status == 503, "nobody is up")
    refused = ask(gateway, "talk").finish()
    assert refused.status == 503
    told = json.loads(why(gateway, refused, "--json"))
    assert told["chosen"] is None and told["failure"] == "no_candidate"
    assert all(c["words"] == "the machine does not answer" for c in told["candidates"])
    gateway.close()
    gateway = start(*words)
    assert json.loads(why(gateway, refused, "--json")) == told
    rows = json.loads(gateway.get("/admin/v1/requests").body)["requests"]     # nobody asked since
    assert rows and rows[-1]["request"] == refused.headers["x-tampu-request-id"]
    assert (rows[-1]["step"], rows[-1]["endpoint"], rows[-1]["failure"]) == ("settle", "openai_chat", "no_candidate")
    for node in nodes:
        node.drop()


def test_whoever_is_out_of_the_question_has_a_reason(start, tmp_path):
    """Without an address, without eyes, forbidden, too small, drained, benched; and refused requests, too."""
    nodes = [Node(name) for name in ("a", "b", "tight", "shut", "ill")]
    nodes[4].scripts["chat"] = [["html"]]
    extra = """categories:
  talk: {needs: {task: general}, primary: ill, backups: [a, b, tight, shut, far], cloud: [M-CLD-PAY-sky]}
cloud: [{name: M-CLD-PAY-sky, provider: openai, model: gpt-4o-mini, key: "env:NO_SUCH_KEY"}]
"""
    models = {node.name: ["qwen2.5:7b"] for node in nodes}
    models["tight"] = ['{pull: "qwen2.5:7b", context: 64}']
    fleet = write_fleet(tmp_path, nodes, models, extra)
    fleet.write_text(fleet.read_text().replace(
        "categories:", '  far: {engines: [ollama], models: ["qwen2.5:7b"]}\ncategories:'))
    state = tmp_path / "state"
    gateway = start("serve", fleet, "--state", state, "--preload", "none", "--health-interval", "1h",
                    "--breaker-failures", "1", "--breaker-cooldown", "1h")
    key = create_key(state, "--machines", "a,ill,tight,shut,far,cloud:openai")[0]
    poor, boss = (create_key(state, *words)[0] for words in (["--requests-per-minute", "1"], ["--operator"]))
    gateway.bearer = {"authorization": "Bearer " + boss}
    until_known(gateway, state)
    assert gateway.post("/admin/v1/machines/shut/drain", {}, **gateway.bearer).status == 200

    def told(answer):
        """{machine: its words} of that request, and all that was said."""
        found = gateway.get("/admin/v1/why/" + answer.headers["x-tampu-request-id"], **gateway.bearer)
        assert found.status == 200, found.body
        all_of_it = json.loads(found.body)
        return {c["machine"]: c["words"] for c in all_of_it["candidates"]}, all_of_it

    assert ask(gateway, "talk", key).finish().headers["x-tampu-machine"] == "a"     # and ill is benched
    words, _ = told(ask(gateway, "talk", key, "x" * 2000).finish())
    assert words == {
        "a": "chosen",
        "b": "this key may not use it: the machines that have it",
        "tight": "the prompt is longer than its context",
        "shut": "the machine is being drained: nobody new is sent there",
        "far": "it cannot be called: its address is not known",
        "ill": "it failed lately; nobody is sent there until its time is over",
        "cloud:openai": "it cannot be called: its credential is not there"}
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    words, why_not = told(ask(gateway, "talk", key, picture).finish())
    assert words["a"] == words["far"] == "it cannot do what was asked: vision"
    words, why_not = told(ask(gateway, "nothing-like-it", key).finish())
    assert not words and why_not["failure"] == "unknown_model"
    assert why_not["words"].startswith("no copy, category, alias or selector has that name: ")
    garbage = Client(gateway.address, "POST", PATH, "{", {"content-type": "application/json",
                                                          "authorization": "Bearer " + key}).finish()
    assert garbage.status == 400 and told(garbage)[1]["failure"] == "bad_json"
    assert ask(gateway, "talk", poor).finish().status == 200
    words, why_not = told(ask(gateway, "talk", poor).finish())
    assert why_not["failure"] == "over_limit"
    assert words["a"] == "the request was refused before anybody was asked"
    for node in nodes:
        node.drop()


def test_a_drained_machine_gets_nobody_new_and_is_emptied(start, tmp_path):
    nodes = [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"], "b": ["qwen3:8b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--preload", "none",
                    "--health-interval", "1h")
    for node in nodes:      # what its only probe said is known
        gateway.until_logged("engine_up", engine=f"{node.name}/ollama")
    assert ask(gateway, "qwen3:8b").finish().headers["x-tampu-machine"] == "a"
    told = gateway.post("/admin/v1/machines/a/drain", {})
    assert json.loads(told.body) == {"machine": "a", "duty": "drained", "running": 0}
    assert ask(gateway, "qwen3:8b").finish().headers["x-tampu-machine"] == "b"
    until(lambda: [t["keep_alive"] for t in nodes[0].told] == [0], "what is idle is unloaded")
    answer = ask(gateway, "qwen3:8b").finish()
    assert "the machine is being drained" in why(gateway, answer)
    status = json.loads(gateway.get("/admin/v1/status").body)["machines"]
    assert [m["duty"] for m in status] == ["drained", "serves"]
    assert gateway.post("/admin/v1/machines/b/cordon", {}).status == 200
    refused = ask(gateway, "qwen3:8b").finish()
    assert refused.status == 503
    assert gateway.post("/admin/v1/machines/a/uncordon", {}).status == 200
    assert ask(gateway, "qwen3:8b").finish().headers["x-tampu-machine"] == "a"
    assert gateway.post("/admin/v1/machines/c/drain", {}).status == 404
    assert gateway.post("/admin/v1/machines/a/explode", {}).status == 404
    for node in nodes:
        node.drop()


def test_what_an_operator_said_of_a_machine_survives_the_gateway(start, tmp_path):
    nodes = [Node("a"), Node("b")]
    state = tmp_path / "state"
    key = {"authorization": "Bearer " + create_key(state, "--operator")[0]}
    words = ("serve", write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"], "b": ["qwen3:8b"]}),
             "--state", state, "--preload", "none")

    def duties(gateway):
        return [(m["duty"], m.get("duty_by"))
                for m in json.loads(gateway.get("/admin/v1/status", **key).body)["machines"]]

    gateway = start(*words)
    gateway.bearer = key
    assert gateway.post("/admin/v1/machines/a/drain", {}, **key).status == 200
    assert gateway.post("/admin/v1/machines/b/cordon", {}).status == 200    # who needed no key
    until(lambda: (state / "duties.json").exists()
          and len(json.loads((state / "duties.json").read_text())["machines"]) == 2, "it is kept")
    gateway.process.kill()
    gateway.process.wait(PATIENCE)
    gateway.process.returncode = 0      # it was us
    gateway = start(*words)
    gateway.bearer = key
    assert duties(gateway) == [("drained", "k"), ("cordoned", "this machine")]
    shown = subprocess.run([TAMPU, "status", "--gateway", f"http://{gateway.address}"],
                           env={**os.environ, "TAMPU_KEY": key["authorization"][7:], "TAMPU_LOOPBACK_ONLY": "1"},
                           capture_output=True, text=True, timeout=PATIENCE).stdout
    assert "a: drained by k, since 20" in shown
    assert ask(gateway, "qwen3:8b").finish().status == 503
    for name in "ab":
        assert gateway.post(f"/admin/v1/machines/{name}/uncordon", {}, **key).status == 200
    assert ask(gateway, "qwen3:8b").finish().status == 200
    gateway.close()
    gateway = start(*words)
    gateway.bearer = key
    assert duties(gateway) == [("serves", None)] * 2
    for node in nodes:
        node.drop()


def test_a_crowd_of_one_key_delays_anothers_request_by_one_service_at_most(start, tmp_path):
    """A thousand of one key wait for one slot; another key's single one is next but one."""
    node = Node("a")
    node.scripts["chat"] = [["say", Text("o"), "hold", Text("k")]]
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen3:8b"]}, slots={"a": 1})
    state = tmp_path / "state"
    gateway = start("serve", fleet, "--state", state, "--preload", "none",
                    "--queue-max", "2000", "--queue-timeout", "10m")
    keys = [subprocess.run([TAMPU, "key", "create", "--name", name, "--state", state, *role],
                           capture_output=True, text=True, check=True,
                           timeout=PATIENCE).stdout.strip()
            for name, role in (("crowd", []), ("single", []), ("me", ["--operator"]))]
    gateway.bearer = {"authorization": "Bearer " + keys[2]}
    until_known(gateway, state)
    crowd = [ask(gateway, "qwen3:8b", keys[0], "one of many") for _ in range(CROWD)]
    until(lambda: gateway.counter("waiting", {}) == CROWD - 1, "all but one wait", seconds=60)
    for served in range(1, 4):      # some have been served: the key has had service
        node.go()
        until(lambda: len(node.received) == served + 1, "the next one")
    single = ask(gateway, "qwen3:8b", keys[1], "the single one")
    until(lambda: gateway.counter("waiting", {}) == CROWD - 3, "it waits, too")
    for _ in range(2):
        node.go()
    until(lambda: len(node.received) >= 6, "two services later")
    texts = [r["body"]["messages"][-1]["content"] for r in node.received]
    assert "the single one" in texts[4:6], texts
    for one in crowd:
        one.leave()
    single.leave()
    node.drop()


def test_an_interactive_keys_request_goes_before_those_of_a_batch_key_that_waited_first(start, tmp_path):
    """It comes last and is the longest; without classes it would be served last."""
    node = Node("a")
    node.scripts["chat"] = [["say", Text("o"), "hold", Text("k")]]
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen3:8b"]}, slots={"a": 1})
    state, texts = tmp_path / "state", {"batch": "b " * 20, "interactive": "i " * 60}
    gateway = start("serve", fleet, "--state", state, "--preload", "none")
    keys = {name: create_key(state, "--priority", name)[0] for name in texts}
    gateway.bearer = {"authorization": "Bearer " + create_key(state, "--operator")[0]}
    until_known(gateway, state)
    asked = [ask(gateway, "qwen3:8b", keys["batch"], texts["batch"]) for _ in range(4)]
    until(lambda: gateway.counter("waiting", {}) == 3, "three wait for the one slot")
    asked.append(ask(gateway, "qwen3:8b", keys["interactive"], texts["interactive"]))
    until(lambda: gateway.counter("waiting", {}) == 4, "it waits, too")
    node.go("5")
    assert [answer.finish().status for answer in asked] == [200] * 5
    served = [r["body"]["messages"][-1]["content"] for r in node.received]
    assert served == [texts["batch"], texts["interactive"]] + 3 * [texts["batch"]]
    node.drop()


def test_one_request_may_say_that_it_can_wait_and_with_leave_that_it_cannot(start, tmp_path):
    node = Node("a")
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen3:8b"]})
    state = tmp_path / "state"
    gateway = start("serve", fleet, "--state", state, "--preload", "none")
    body = {"model": "qwen3:8b", "messages": [{"role": "user", "content": "hi"}]}

    def granted(wish, key=None):
        headers = {"content-type": "application/json", "x-tampu-priority": wish}
        headers.update({"authorization": "Bearer " + key} if key else {})
        answer = Client(gateway.address, "POST", PATH, body, headers).finish()
        assert answer.status == 200, answer.body
        path = "/admin/v1/why/" + answer.headers["x-tampu-request-id"]
        told = until(lambda: (a := gateway.get(path, **gateway.bearer)).status == 200 and json.loads(a.body),
                     "why is known")
        assert told["priority"] == answer.headers["x-tampu-priority"]
        return told["priority"]

    assert [granted(w) for w in ("batch", "interactive")] == ["batch", "interactive"]    # no keys: no ranks
    refused = Client(gateway.address, "POST", PATH, body,
                     {"content-type": "application/json", "x-tampu-priority": "urgent"}).finish()
    assert refused.status == 400 and "batch, normal or interactive" in refused.error["message"]
    plain, trusted = create_key(state)[0], create_key(state, "--may-raise")[0]
    gateway.bearer = {"authorization": "Bearer " + create_key(state, "--operator")[0]}
    until_known(gateway, state)
    assert [granted(w, plain) for w in ("batch", "interactive")] == ["batch", "normal"]
    assert [granted(w, trusted) for w in ("batch", "interactive")] == ["batch", "interactive"]
    node.drop()


def test_a_batch_request_without_a_token_gives_its_place_to_an_urgent_one_and_is_answered_later(start, tmp_path):
    node = Node("a")
    node.scripts["chat"] = [["say", "hold", Text("o"), Text("k")]]
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen3:8b"]}, slots={"a": 1})
    state = tmp_path / "state"
    gateway = start("serve", fleet, "--state", state, "--preload", "none")

    def call(text, priority):
        body = {"model": "qwen3:8b", "stream": True, "messages": [{"role": "user", "content": text}]}
        return Client(gateway.address, "POST", PATH, body,
                      {"content-type": "application/json", "x-tampu-priority": priority})

    warm = call("warm", "normal")       # what is being loaded is not taken back
    until(lambda: len(node.received) == 1, "it is sent")
    node.go()
    assert warm.finish().status == 200
    patient = call("patient", "batch")
    until(lambda: len(node.received) == 2, "it is sent, and has no token")
    urgent = call("urgent", "interactive")
    until(lambda: len(node.received) == 3, "the urgent one is sent in its place")
    until(lambda: node.left == 1, "the other one was cancelled", node.changed)
    node.go()
    assert urgent.finish().status == 200
    until(lambda: len(node.received) == 4, "it is sent again")
    node.go()
    answer = patient.finish()
    assert (answer.status, answer.text) == (200, "ok")
    asked = [r["body"]["messages"][-1]["content"] for r in node.received]
    assert asked == ["warm", "patient", "urgent", "patient"]
    told = json.loads(why(gateway, answer, "--json"))
    assert [t["outcome"] for t in told["attempts"]] == ["taken_back", "answered"]
    assert gateway.counter("recalls_total", {"machine": "a"}) == 1
    assert gateway.counter("failures_total", {}) == 0
    node.drop()


def test_a_model_that_nobody_can_answer_for_has_a_stand_in_of_its_category_unless_the_caller_minds(start, tmp_path):
    nodes = [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:14b"]},
                        "categories:\n  talk: {needs: {task: general}, primary: a, backups: [b]}\n")
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--preload", "none")

    def call(**headers):
        body = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "hi"}]}
        return Client(gateway.address, "POST", PATH, body,
                      {"content-type": "application/json", **headers}).finish()

    first = call()
    assert (first.headers["x-tampu-machine"], first.headers["x-tampu-parity"]) == ("a", "identical")
    nodes[0].scripts["chat"] = [["status", "500", Text("out of luck")]]
    answer = call()
    assert (answer.status, answer.headers["x-tampu-machine"]) == (200, "b")
    assert answer.headers["x-tampu-parity"] == "degraded"
    told = json.loads(why(gateway, answer, "--json"))
    assert [(t["machine"], t["outcome"]) for t in told["attempts"]] == [("a", "upstream_error"), ("b", "answered")]
    refused = call(x_tampu_parity="equivalent")
    assert refused.status == 502
    assert call(x_tampu_parity="better").status == 400
    nodes[0].refuse()
    until(lambda: gateway.counter("engine_up", {"machine": "a"}) == 0, "a is down")
    answer = call()
    assert (answer.status, answer.headers["x-tampu-machine"], answer.headers["x-tampu-attempts"]) == (200, "b", "1")
    assert "the machine does not answer" in why(gateway, answer)
    refused = call(x_tampu_parity="identical")
    assert refused.status == 503
    assert "the caller takes nothing less than it asked for" in why(gateway, refused)
    for node in nodes:
        node.drop()


def test_a_caller_says_by_when_it_wants_its_first_token(start, tmp_path):
    """Whatever would be later is dearer by 100 s; what is no time is refused."""
    node = Node("a")
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen2.5:7b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--preload", "none")

    def late_ms(**headers):
        body = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "hi"}]}
        answer = Client(gateway.address, "POST", PATH, body, {"content-type": "application/json", **headers}).finish()
        assert answer.status == 200
        return json.loads(why(gateway, answer, "--json"))["candidates"][0]["ms"].get("late", 0)

    assert late_ms(x_tampu_deadline="1h") == 0
    assert late_ms(x_tampu_deadline="1ms") > 90000
    for wrong in ("soon", "0s", "-1s"):
        refused = Client(gateway.address, "POST", PATH, {"model": "qwen2.5:7b", "messages": []},
                         {"content-type": "application/json", "x-tampu-deadline": wrong}).finish()
        assert refused.status == 400 and b"such as 10s or 500ms" in refused.body
    node.drop()


CROWD = 1000


def test_habits_survive_a_restart(start, tmp_path):
    """What is known of a copy's hours lies beside the state; what nobody knows is not written."""
    node, state = Node("a"), tmp_path / "state"
    fleet = write_fleet(tmp_path, [node], {"a": ["qwen2.5:7b", "llama3.2:3b"]})
    hour = int(time.time()) // 3600
    hours = ["00"] * 168
    hours[(hour - 30) % 168] = "42"
    state.mkdir()
    kept = {"place": "a/ollama/qwen2.5:7b", "hour": hour - 2, "seconds": 9.5, "whole": True, "hours": "".join(hours)}
    (state / "habits.json").write_text(json.dumps({"copies": [kept, {"place": "gone/ollama/x", "hours": "zz"}]}))
    gateway = start("serve", fleet, "--state", state)
    until(lambda: gateway.get("/health/ready").status == 200, "the machine is up")
    gateway.close()
    [found] = json.loads((state / "habits.json").read_text())["copies"]
    assert found["place"] == kept["place"] and found["hours"] == kept["hours"]
    node.drop()
