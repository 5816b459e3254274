"""tampu drill: every backup answers alone, holes are found, and nobody else notices."""
import json
import pathlib
import subprocess
import threading

import pytest
from node import Node, Text
from world import PATIENCE, TAMPU, Client, Gateway, until, write_fleet

FLEETS = pathlib.Path(__file__).parents[2] / "fleets"
PATH = "/v1/chat/completions"
PAGE = "/admin/v1/drills"


def demo_of(folder, fleet, *flags):
    return Gateway(folder, "demo", FLEETS / fleet, "--speed", "100", *flags)


def drill(gateway, fleet, *flags):
    """(exit status, report, what was said)"""
    done = subprocess.run([TAMPU, "drill", fleet, "--gateway", f"http://{gateway.address}", *flags],
                          capture_output=True, text=True, timeout=8 * PATIENCE)
    return done.returncode, json.loads(done.stdout) if "--json" in flags else done.stdout, \
        done.stderr


def report(gateway):
    return json.loads(gateway.get(PAGE).body)


def states(rows):
    return {(r["category"], r["machine"]): r["state"] for r in rows}


@pytest.fixture(scope="module")
def homelab(tmp_path_factory):
    made = demo_of(tmp_path_factory.mktemp("drill"), "homelab.yaml")
    yield made
    made.close()


def map_of(fleet):
    """The rows of the redundancy map, as the file says them."""
    import yaml
    read = yaml.safe_load((FLEETS / fleet).read_text())
    return {(name, machine) for name, c in read["categories"].items() if "primary" in c
            for machine in [c["primary"], *c.get("backups", [])]}


def test_a_drill_proves_every_backup_of_the_homelab_and_disturbs_no_request(homelab):
    asks = [{"model": m, "max_tokens": 8, "messages": [{"role": "user", "content": f"hello {m}"}]}
            for m in ("s-fast", "xl-code", "m-vision")]

    def answer_to(ask):
        said = homelab.post(PATH, ask)
        return said.status, said.headers.get("x-tampu-attempts"), said.text

    undisturbed = [answer_to(ask) for ask in asks]
    heard, over = [], threading.Event()

    def keep_asking(ask, wanted):
        while not over.wait(2):
            heard.append((answer_to(ask), wanted))

    callers = [threading.Thread(target=keep_asking, args=pair, daemon=True)
               for pair in zip(asks, undisturbed)]
    for caller in callers:
        caller.start()
    status, found, words = drill(homelab, FLEETS / "homelab.yaml", "--json")
    over.set()
    for caller in callers:
        caller.join(PATIENCE)
    assert status == 0, (words, [r for r in found["rows"] if r["state"] != "proven"])
    rows = states(found["rows"])
    assert set(rows.values()) == {"proven"} and map_of("homelab.yaml") <= set(rows)
    assert all(r["last_proven"] for r in found["rows"])
    assert len(heard) >= 3 and all(one == wanted for one, wanted in heard), heard
    metrics = homelab.metrics()
    for category, machine in rows:
        labels = frozenset({("category", category), ("machine", machine)})
        assert metrics["drill_proven", labels] == 1
        assert metrics["drill_last_proven_timestamp_seconds", labels] > 1.7e9
    assert metrics["drills_total", frozenset({("result", "ok")})] == 1


def test_the_table_says_what_was_proven_last(homelab):
    drill(homelab, FLEETS / "homelab.yaml", "--category", "video")
    status, table, _ = drill(homelab, FLEETS / "homelab.yaml", "--last")
    assert "CATEGORY" in table and "video       akshat-pc" in table and status == 0


def test_a_backup_that_died_is_named_and_was_proven_before(homelab):
    homelab.post("/imagine", {"machine": "mac-mini-m4-pro", "do": "error"})
    status, found, _ = drill(homelab, FLEETS / "homelab.yaml", "--machine", "mac-mini-m4-pro",
                             "--category", "m-vision", "--json")
    homelab.post("/imagine", {"machine": "mac-mini-m4-pro", "do": "revive"})
    rows = [r for r in found["rows"] if r["state"] == "failed"]
    assert status == 1 and [(r["category"], r["machine"]) for r in rows] == \
        [("m-vision", "mac-mini-m4-pro")]
    assert rows[0]["found"]
    homelab.until_logged("drill_failed", machine="mac-mini-m4-pro")


def test_what_nobody_can_ask_for_is_said(homelab):
    done = drill(homelab, FLEETS / "homelab.yaml", "--category", "xl-coed")
    assert done[0] == 1
    assert homelab.post(PAGE, {"machine": "nobody"}).status == 404
    assert homelab.post(PAGE, "[").status == 400
    assert "not 'lan-llm-fleet'" not in done[2]
    other = drill(homelab, FLEETS / "seed.yaml")
    assert other[0] == 1 and "serves 'homelab'" in other[2]


def test_a_drill_finds_the_holes_of_the_seed(tmp_path):
    seed = demo_of(tmp_path, "seed.yaml")
    status, found, _ = drill(seed, FLEETS / "seed.yaml", "--json")
    seed.close()
    rows = states(found["rows"])
    checked = json.loads(subprocess.run([TAMPU, "check", FLEETS / "seed.yaml", "--json"],
                                        capture_output=True, text=True).stdout)["findings"]
    hollow = {(f["subject"], f["machine"]) for f in checked
              if f["code"] in ("hollow-backup", "missing-copy")
              and "does" not in f["message"].split("qualifies")[-1]}
    assert status == 1 and hollow and found["counts"]["proven"] > 10
    assert all(rows[row] == "hole" for row in hollow), hollow
    for row in [("xl-code", "gtr9-pro"), ("xl-code", "evo-x2"), ("xl-vision", "old-office-pc")]:
        assert rows[row] == "hole"


def test_only_operators_may_call_machines_dead(start, nodes, tmp_path):
    nodes += [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]})
    state = tmp_path / "state"
    keys = {role: subprocess.run([TAMPU, "key", "create", "--name", role, "--state", state, *flag],
                                 capture_output=True, text=True, check=True).stdout.strip()
            for role, flag in (("caller", []), ("operator", ["--operator"]))}
    gateway = start("serve", fleet, "--state", state, "--require-keys", "true", "--drill-every", "0")
    gateway.bearer = {"authorization": f"Bearer {keys['operator']}"}
    until(lambda: len(gateway.logged("engine_up")) == 2, "both are up", gateway.changed)
    ask = {"model": "qwen2.5:7b", "messages": [{"role": "user", "content": "hi"}]}

    def machine_of(role, **headers):
        answer = gateway.post(PATH, ask, authorization=f"Bearer {keys[role]}", **headers)
        return answer.headers.get("x-tampu-machine") or answer.status

    assert machine_of("operator") == "a"
    assert machine_of("operator", x_tampu_drill="a") == "b"
    assert machine_of("operator", x_tampu_drill="a, b") == 503
    assert machine_of("caller", x_tampu_drill="a") == 403
    assert machine_of("caller") == "a"


def test_drills_run_by_themselves_and_are_remembered(start, nodes, tmp_path):
    nodes += [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]},
                        "categories:\n  talk: {needs: {task: general}, primary: a, backups: [b]}\n")
    serve = ["serve", fleet, "--state", tmp_path / "state"]
    gateway = start(*serve, "--drill-every", "1s")
    gateway.until_logged("drill_ended", rows="2", proven="2")
    gateway.close()
    again = start(*serve, "--drill-every", "0")
    rows = report(again)["rows"]
    assert [r["state"] for r in rows] == ["never", "never"] and all(r["last_proven"] for r in rows)
    assert again.counter("drill_last_proven_timestamp_seconds", {"machine": "b"}) > 1.7e9


def test_a_drill_gives_way_to_what_is_real(start, nodes, tmp_path):
    nodes += [Node("a"), Node("b")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen2.5:7b"], "b": ["qwen2.5:7b"]},
                        "categories:\n  talk: {needs: {task: general}, primary: a, backups: [b]}\n")
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--drill-every", "0")
    until(lambda: len(gateway.logged("engine_up")) == 2, "both are up", gateway.changed)
    held = ["say", Text("Hel"), "hold", Text("lo")]
    nodes[0].scripts["chat"] = [held, held, ["say", Text("Hello")]]
    assert gateway.post(PAGE, {"machine": "a"}).status == 200
    until(lambda: gateway.counter("running", {"machine": "a"}) == 1, "the drill is there")
    assert gateway.post(PAGE, {}).status == 409
    caller = Client(gateway.address, "POST", PATH, {
        "model": "talk", "messages": [{"role": "user", "content": "hi"}]},
        {"content-type": "application/json"})
    until(lambda: gateway.counter("drill_questions_total", {"result": "yielded"}) == 1, "it yields")
    nodes[0].go()
    assert caller.finish().status == 200
    until(lambda: not report(gateway)["running"], "the drill came back to it", seconds=PATIENCE)
    assert states(report(gateway)["rows"])["talk", "a"] == "proven"
