"""tampu demo: the whole imagined fleet behind the real gateway."""
import json
import re
import subprocess

import pytest
from world import PATIENCE, Gateway, until

QUESTION = {"model": "s-fast", "messages": [{"role": "user", "content": "hello"}]}
PATH = "/v1/chat/completions"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    made = Gateway(tmp_path_factory.mktemp("demo"), "demo", "--speed", "20",
                   *"--breaker-cooldown 200ms --breaker-cooldown-max 200ms --health-interval 100ms "
                   "--health-timeout 2s --first-byte-timeout 2s --load-timeout 6s "
                   "--idle-timeout 2s".split())
    until(lambda: "Ctrl-C stops" in "".join(made.words), "the curl lines", made.changed)
    yield made
    made.close()


@pytest.fixture
def imagine(demo):
    """imagine(machine, what, ...); whoever was told to be ill is well after the test."""
    told = set()

    def tell(machine, what, **more):
        told.add(machine)
        answer = demo.post("/imagine", {"machine": machine, "do": what, **more})
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    yield tell
    for machine in told:
        tell(machine, "revive")
        until(lambda: is_up(demo, machine), f"{machine} is well again")


def printed_curl(demo):
    """The first command that demo prints, as a person would paste it."""
    words = "".join(demo.words)
    return words[words.index("  curl -iN"):].split("\n\n")[0]


def paste(command):
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                          timeout=4 * PATIENCE)
    head, _, body = done.stdout.replace("\r", "").partition("\n\n")
    return head, dict(re.findall(r"^(x-tampu-[a-z-]+): (.*)$", head, re.M)), body


def is_up(demo, name):
    machines = json.loads(demo.get("/admin/v1/status").body)["machines"]
    return next(m for m in machines if m["machine"] == name)["up"]


def states(demo):
    return {m["machine"]: m["state"] for m in json.loads(demo.get("/imagine").body)["machines"]}


def nobody_is_benched(demo):
    return not any(line.startswith("tampu_breaker_open{") and line.endswith(" 1")
                   for line in demo.get("/metrics").body.decode().splitlines())


def primary_and_backups(demo, category):
    categories = json.loads(demo.get("/admin/v1/status").body)["categories"]
    return next(c for c in categories if c["category"] == category)


def test_the_dashboards_address_is_printed(demo):
    assert f"Look at it: http://{demo.address}/\n" in "".join(demo.words)
    assert b"<html" in demo.get("/", accept="text/html").body


def test_the_printed_curl_works_as_it_stands(demo):
    head, headers, body = paste(printed_curl(demo))
    assert head.startswith("HTTP/1.1 200 ")
    assert headers["x-tampu-attempts"] == "1" and headers["x-tampu-parity"] == "identical"
    assert headers["x-tampu-machine"] == primary_and_backups(demo, "xl-code")["primary"]
    assert body.rstrip().endswith("data: [DONE]")


def test_the_machine_that_answered_dies_and_the_next_in_the_map_answers(demo, imagine):
    first = paste(printed_curl(demo))[1]["x-tampu-machine"]
    assert imagine(first, "die")["state"] == "dead"
    head, headers, body = paste(printed_curl(demo))
    assert head.startswith("HTTP/1.1 200 ") and body.rstrip().endswith("data: [DONE]")
    second = headers["x-tampu-machine"]
    assert second != first
    assert headers["x-tampu-attempts"] in ("1", "2")     # 1: the probe or the breaker was faster
    imagine(first, "revive")
    until(lambda: is_up(demo, first), "it is seen again")
    imagine(second, "die")      # which has the model in memory now, and would be asked again
    again = paste(printed_curl(demo))
    assert again[0].startswith("HTTP/1.1 200 ") and again[1]["x-tampu-machine"] != second
    imagine(second, "revive")


def test_the_second_printed_command_kills_a_machine(demo, imagine):
    words = "".join(demo.words)
    kill = words[words.index("  curl -XPOST"):].split("\n\n")[0]
    imagine("ser9", "revive")
    subprocess.run(["bash", "-c", kill.replace("NAME", "ser9")], check=True, capture_output=True,
                   timeout=PATIENCE)
    assert states(demo)["ser9"] == "dead"


@pytest.mark.parametrize("what, state, more", [
    ("die", "dead", {}), ("hang", "hung", {}), ("wedge", "wedged", {}), ("garbage", "garbage", {}),
    ("error", "error", {}), ("cut", "cut", {"after_tokens": 2}), ("slow", "slow", {"factor": 2})])
def test_what_is_imagined_is_survived(demo, imagine, what, state, more):
    until(lambda: nobody_is_benched(demo), "what the test before did is over")
    first = demo.post(PATH, QUESTION).headers["x-tampu-machine"]
    assert imagine(first, what, **more)["state"] == state
    answer = demo.post(PATH, QUESTION)
    assert answer.status == 200 and answer.text
    assert states(demo)[first] == state
    assert (answer.headers["x-tampu-machine"] == first) == (what == "slow")
    assert demo.get("/health/live").status == 200


def test_a_cut_stream_ends_in_a_well_formed_error(demo, imagine):
    first = demo.post(PATH, QUESTION).headers["x-tampu-machine"]
    imagine(first, "cut", after_tokens=3)
    answer = demo.post(PATH, {**QUESTION, "stream": True})
    assert answer.status == 200 and answer.events()
    if answer.headers["x-tampu-machine"] == first:
        assert answer.error or answer.body.endswith(b"[DONE]\n\n")


def test_get_imagine_lists_every_machine(demo):
    listed = states(demo)
    machines = json.loads(demo.get("/admin/v1/status").body)["machines"]
    assert set(listed) == {m["machine"] for m in machines} and len(listed) > 5


@pytest.mark.parametrize("body, words", [
    ({"machine": "akshat-pc", "do": "dye"}, "did you mean 'die'"),
    ({"machine": "akshat-pz", "do": "die"}, "did you mean 'akshat-pc'"),
    ({"do": "die"}, "'machine' is missing"),
    ({"machine": "akshat-pc"}, "'do' is missing"),
    ({"machine": "akshat-pc", "do": "slow", "factor": -1}, "'factor' is to be above 0"),
    ("{", "")])
def test_imagine_refuses_in_words(demo, body, words):
    before = states(demo)
    answer = demo.post("/imagine", body)
    assert answer.status == 400 and words in json.loads(answer.body)["error"]
    assert states(demo) == before


def test_imagine_is_not_for_pages_of_other_sites(demo):
    order = {"machine": "akshat-pc", "do": "die"}
    assert demo.post("/imagine", order, origin="http://evil.example").status == 403
    assert demo.post("/imagine", order, host="evil.example").status == 403
    assert demo.post("/imagine", json.dumps(order), **{"content-type": "text/plain"}).status == 400
    assert states(demo)["akshat-pc"] == "well"


def test_demo_reads_no_secrets_and_calls_nobody(tmp_path):
    fleet = tmp_path / "fleet.yaml"
    (tmp_path / "secret").write_text("canary-7f3a")
    fleet.write_text("fleet: x\nmachines:\n  a: {addresses: 10.0.0.5, engines: [{kind: openai, "
                     f"key: \"file:{tmp_path}/secret\"}}], models: [{{pull: \"qwen2.5:7b\"}}]}}\n")
    started = Gateway(tmp_path, "demo", fleet, "--speed", "1000", "--breaker-failures", "100")
    ask = {**QUESTION, "model": "qwen2.5:7b"}
    until(lambda: started.post(PATH, ask).status == 200, "the model is loaded")
    status = started.get("/admin/v1/status").body.decode()
    started.close()
    assert "127.0.0.1" in status and "10.0.0.5" not in status
