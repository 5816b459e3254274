"""From a fleet file to machines that hold it: real blobs on real disks, through the LAN registry."""
import contextlib
import functools
import json
import mmap
import os
import pathlib
import random
import re
import struct
import subprocess
import threading

import pytest
import yaml
from disk_ollama import DiskOllama, full
from node import Node
from wan import PIECE, Wan, digest_of, make_bytes
from world import PATIENCE, TAMPU, until

THREE = ("akshat-pc", "gtr9-pro", "evo-x2")
ROOT = pathlib.Path(__file__).parents[2]
VIRTUAL_CLOCK = pathlib.Path(__file__).with_name("virtual_clock.c")
# By how much models are scaled down, and how often tampu is killed: 1000 and 50 take minutes.
SCALE = int(os.environ.get("TAMPU_SCALE", "20000"))
KILLS = int(os.environ.get("TAMPU_KILLS", "8"))
HERE_ONLY = {**os.environ, "TAMPU_LOOPBACK_ONLY": "1"}
SHARED = b"a licence that many models share\n" * 64


@functools.cache
def sizes():
    """{tag: (bytes, dimensions)} of the catalog, every spelling."""
    found = {}
    for model in yaml.load((ROOT / "catalog/models.yaml").read_text(), yaml.CSafeLoader)["models"].values():
        for artifact in model["artifacts"]:
            for tag in [artifact["tag"], *artifact.get("also", [])]:
                number, unit = re.match(r"([\d.]+) ?(\w+)", str(artifact["size"])).groups()
                scale = {"GB": 1e9, "MB": 1e6, "GiB": 2**30, "MiB": 2**20}[unit]
                found[tag] = int(float(number) * scale), model.get("dimensions")
    return found


class World:
    """homelab.yaml on loopback: an Ollama with a disk for each that is there, a registry far away."""

    def __init__(self, folder, scale, only=None):
        self.folder, self.scale = pathlib.Path(folder), scale
        self.wan, self.ollamas, self.others, self.wanted = Wan(), {}, [], {}
        self.measures = False
        known = sizes()
        fleet = yaml.safe_load((ROOT / "fleets/homelab.yaml").read_text())
        for name, machine in fleet["machines"].items():
            if machine.get("inference") is not False and (not only or name in only):
                self.add_machine(name, machine, known)
        fleet["machines"] = {name: m for name, m in fleet["machines"].items() if not only or name in only}
        if only:
            del fleet["categories"], fleet["aliases"]
        fleet["gateway"] = {"registry": {"upstream": self.wan.url, "free_min": "0"}}
        self.fleet = self.folder / "fleet.yaml"
        self.fleet.write_text(yaml.safe_dump(fleet, sort_keys=False))

    def add_machine(self, name, machine, known):
        for engine in machine.get("engines", []):
            if engine["kind"] == "ollama":
                dims = {full(m["pull"]): known[m["pull"]][1] for m in machine["models"] if m["pull"] in known}
                self.ollamas[name] = DiskOllama(self.folder / name, dims)
                engine["url"] = self.ollamas[name].url
            else:
                node = Node(engine["kind"] + "-" + name, ["x"])
                self.others.append(node)
                engine["url"] = f"http://{node.host}:{node.port}"
        first = machine["engines"][0].get("name", machine["engines"][0]["kind"])
        for line in machine.get("models", []):
            if line.get("engine", first) != "ollama" or line.get("optional"):
                continue
            tag = line["pull"]
            size = max(known[tag][0] // self.scale, 4096)
            digest = self.wan.publish(tag, [("model", make_bytes(tag, size)), ("license", SHARED)])
            self.wanted.setdefault(name, {})[full(tag)] = digest

    def change(self, machine, env=None, **keys):
        """Writes the file again with other keys of a machine; env goes to its first engine."""
        plan = yaml.safe_load(self.fleet.read_text())
        plan["machines"][machine].update(keys)
        if env:
            plan["machines"][machine]["engines"][0]["env"].update(env)
        if keys.get("ssh") == "":
            del plan["machines"][machine]["ssh"]
        self.fleet.write_text(yaml.safe_dump(plan, sort_keys=False))

    def apply(self, *words, **options):
        words = words if self.measures else (*words, "--no-measure")
        return self.run("apply", *words, **options)

    def run(self, command, *words, **options):
        return subprocess.run([TAMPU, command, self.fleet, "--state", self.folder / "state", *words], capture_output=True,
                              text=True, timeout=PATIENCE * 40, check=False, **{"env": HERE_ONLY, **options})

    def json(self, *words, **options):
        done = self.apply("--json", "-y", *words, **options)
        assert done.returncode in (0, 1), done.stderr
        return done.returncode, json.loads(done.stdout)

    def state(self):
        return {name: ollama.digests() for name, ollama in self.ollamas.items()}

    def distinct(self):
        return sum(map(len, self.wan.blobs.values()))

    def forget_asked(self):
        for ollama in self.ollamas.values():
            ollama.asked.clear()

    def changes(self):
        return [change for ollama in self.ollamas.values() for change in ollama.changes()]

    def close(self):
        self.wan.close()
        for ollama in self.ollamas.values():
            ollama.close()
        for node in self.others:
            node.drop()


@pytest.fixture
def world(tmp_path):
    made = []

    def make(scale=100000, **options):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(World(folder, scale, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_fresh_fleet_is_filled_and_verified_and_the_second_time_nothing_changes(world):
    fleet = world(scale=SCALE)
    fleet.measures = True
    before = fleet.apply("--dry-run")
    assert before.returncode == 0 and "bill" in before.stdout, before.stdout + before.stderr
    assert fleet.changes() == []
    status, first = fleet.json()
    assert status == 0, [s for s in first["steps"] if s["state"] != "done"]
    assert fleet.state() == fleet.wanted
    assert fleet.wan.bytes_given() == fleet.distinct() == first["bill"]["wan_bytes"] == first["sum"]["wan_bytes"]
    assert first["sum"]["lan_bytes"] == first["bill"]["lan_bytes"] == sum(
        ollama.bytes_held() for ollama in fleet.ollamas.values())
    fleet.forget_asked()
    status, second = fleet.json()
    assert (status, second["steps"], fleet.changes()) == (0, [], [])
    assert fleet.wan.bytes_given() == fleet.distinct()


def test_killed_at_random_instants_it_ends_as_if_never_killed(world):
    fleet = world(scale=20000)
    fleet.wan.rate = 4 << 20
    instants = random.Random(7)
    midway = 0
    for kill in range(KILLS):
        process = subprocess.Popen([TAMPU, "apply", fleet.fleet, "--state", fleet.folder / "state", "-y"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=HERE_ONLY)
        share = instants.random() / 4
        target = fleet.wan.bytes_given() + share * (fleet.distinct() - fleet.wan.bytes_given())
        if kill % 2:    # so much further over the WAN; else so much later
            until(lambda p=process, t=target: p.poll() is not None or fleet.wan.bytes_given() > t, "it goes on")
        else:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(instants.uniform(0.02, 1.2))
        process.kill()
        process.wait()
        midway += 0 < fleet.wan.bytes_given() < fleet.distinct()
    assert midway >= KILLS // 4
    status, last = fleet.json()
    assert status == 0, [s for s in last["steps"] if s["state"] != "done"]
    assert fleet.state() == fleet.wanted
    # What the WAN had sent and nobody had written yet: a few pieces of each download, at each kill.
    flying = KILLS * len(fleet.ollamas) * 3 * PIECE
    again = fleet.wan.bytes_given() - fleet.distinct()
    print(f"{KILLS} kills: {again} bytes of {fleet.distinct()} twice, at most {flying} in flight")
    assert 0 <= again <= flying < fleet.distinct() * KILLS / 8
    assert fleet.json()[1]["changes"] == 0


@contextlib.contextmanager
def link(wan, folder, bytes_per_s):
    """What a program must be started with whose clock goes on by what each byte of that WAN takes."""
    library, clock = folder / "virtual_clock.so", folder / "clock"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, VIRTUAL_CLOCK], check=True)
    clock.write_bytes(bytes(8))
    with clock.open("r+b") as file, mmap.mmap(file.fileno(), 8) as ahead:
        def go_on(given):
            ahead[:] = struct.pack("=Q", given * 10**9 // bytes_per_s)

        wan.on_given = go_on
        yield {"LD_PRELOAD": str(library), "VIRTUAL_CLOCK": str(clock), "ASAN_OPTIONS": "verify_asan_link_order=0"}
        wan.on_given = None


def test_the_bill_before_is_the_sum_after(world):
    """On a link as slow as the file says, in a time of its own: how busy this machine is matters little.

    Of one model, in fewer seconds than anybody is patient: its clock jumps."""
    fleet, seconds = world(only=("gtr9-pro",), scale=20000), 16
    fleet.change("gtr9-pro", models=[{"pull": "gpt-oss:120b", "context": 16384}], keep_loaded=[])
    rate = fleet.json("--dry-run")[1]["bill"]["wan_bytes"] // seconds
    plan = yaml.safe_load(fleet.fleet.read_text())
    plan["network"] = {"wan": f"{rate * 8} bit/s", "lan": "1 Gbit/s"}
    fleet.fleet.write_text(yaml.safe_dump(plan, sort_keys=False))
    with link(fleet.wan, fleet.folder, rate) as clock:
        status, answer = fleet.json(env={**HERE_ONLY, **clock})
    bill, spent = answer["bill"], answer["sum"]
    print(f'bill {bill["seconds"]:.2f} s, sum {spent["seconds"]:.2f} s')
    assert status == 0 and (bill["wan_bytes"], bill["lan_bytes"]) == (spent["wan_bytes"], spent["lan_bytes"])
    assert abs(bill["seconds"] - seconds) < 0.1
    assert 0.75 * bill["seconds"] <= spent["seconds"] <= 1.25 * bill["seconds"]


def test_what_came_is_measured_briefly_and_the_bill_says_so(world):
    fleet = world(only=("gtr9-pro",))
    fleet.measures, engine = True, fleet.ollamas["gtr9-pro"]
    fleet.change("gtr9-pro", keep_loaded=["nomic-embed-text"], models=[
        {"pull": "gpt-oss:120b", "context": 16384}, {"pull": "nomic-embed-text"}])
    plan = fleet.apply("--dry-run").stdout
    assert "measure  ollama         gpt-oss:120b" in plan and ", measuring " in plan and fleet.changes() == []
    engine.durations = {"prompt_eval_count": 200, "prompt_eval_duration": 10**9, "eval_count": 64, "eval_duration": 2 * 10**9}
    status, answer = fleet.json()
    bill, measured = answer["bill"], {s["artifact"]: s for s in answer["steps"] if s["do"] == "measure"}
    assert status == 0 and 1 < bill["measure_s"] <= bill["seconds"] and answer["sum"]["measure_s"] > 0
    assert [s["do"] for s in answer["steps"] if s["artifact"] == "nomic-embed-text"] == [
        "pull", "alias", "tidy", "verify", "measure", "load"]
    assert measured["gpt-oss:120b"]["words"].startswith("32.0 tokens/s, expected ")
    assert [body["options"]["num_predict"] for _, path, body in engine.asked if path == "/api/generate"
            and body.get("prompt")] == [64, 64]
    assert engine.loaded == {"nomic-embed-text:latest"}     # the other one was unloaded again
    kept = json.loads(fleet.run("bench", "--history", "--json").stdout)["copies"]
    assert [(c["artifact"], c["decode_tps"]) for c in kept] == [("gpt-oss:120b", 32), ("nomic-embed-text", 0)]
    assert kept[1]["work"] == "text" and kept[1]["work_s"] > 0


def test_what_cannot_be_measured_is_installed_all_the_same(world):
    fleet = world(only=("gtr9-pro",))
    fleet.measures, engine = True, fleet.ollamas["gtr9-pro"]
    fleet.change("gtr9-pro", models=[{"pull": "gpt-oss:120b", "context": 16384}], keep_loaded=["gpt-oss:120b"])
    engine.unable = {"prompt"}
    status, answer = fleet.json()
    states = {s["do"]: s["state"] for s in answer["steps"]}
    assert status == 1 and "does not support prompt" in troubles(answer)["gtr9-pro", "gpt-oss:120b"]
    assert states == {**dict.fromkeys(states, "done"), "measure": "failed"} and states["load"] == "done"
    assert engine.loaded == {"gpt-oss:120b"} and fleet.json()[1]["steps"] == []


def troubles(answer):
    return {(s["machine"], s["artifact"]): s["words"] for s in answer["steps"] if s["state"] == "failed"}


@pytest.mark.parametrize("fault, times", [(429, 2), (500, 2), ("truncate", 3), ("lie", 1), ("hang up", 2)])
def test_what_the_registry_does_wrong_a_few_times_is_tried_again(world, fault, times):
    fleet = world(only=THREE)
    content = make_bytes("qwen3-coder:30b", max(sizes()["qwen3-coder:30b"][0] // fleet.scale, 4096))
    fleet.wan.spoil(digest_of(content), fault, times)
    status, answer = fleet.json()
    assert status == 0, troubles(answer)
    assert fleet.state() == fleet.wanted


def test_a_tag_that_the_registry_does_not_have_fails_alone_and_by_name(world):
    fleet = world(only=THREE)
    gone = next(path for path in fleet.wan.manifests if path.endswith("/qwen2.5/manifests/14b"))
    manifest = fleet.wan.manifests.pop(gone)
    status, answer = fleet.json()
    assert status == 1
    assert {name for _, name in troubles(answer)} == {"qwen2.5:14b"}
    assert all("no such model or tag" in words for words in troubles(answer).values())
    for name, held in fleet.wanted.items():
        assert fleet.state()[name] == {tag: d for tag, d in held.items() if tag != "qwen2.5:14b"}
    fleet.wan.manifests[gone] = manifest
    assert fleet.json()[0] == 0 and fleet.state() == fleet.wanted


def test_a_machine_without_room_says_so_and_the_rest_goes_on(world):
    fleet = world(only=THREE)
    small = fleet.ollamas["gtr9-pro"]
    small.room = 64 << 10
    status, answer = fleet.json()
    assert status == 1 and {machine for machine, _ in troubles(answer)} == {"gtr9-pro"}
    assert all("no space left on device" in words for words in troubles(answer).values())
    assert all(held == fleet.wanted[name] for name, held in fleet.state().items() if name != "gtr9-pro")
    small.room = None
    assert fleet.json()[0] == 0 and fleet.state() == fleet.wanted


def test_a_machine_that_goes_away_is_skipped_and_comes_in_the_next_time(world):
    fleet = world(only=THREE)
    leaving = fleet.ollamas["evo-x2"]
    leaving.on_pull = leaving.leave
    status, answer = fleet.json()
    assert status == 1 and {machine for machine, _ in troubles(answer)} == {"evo-x2"}
    assert all(held == fleet.wanted[name] for name, held in fleet.state().items() if name != "evo-x2")
    leaving.on_pull = None
    leaving.listen()
    assert fleet.json()[0] == 0 and fleet.state() == fleet.wanted


def test_each_thing_that_a_model_can_do_is_asked_for_once(world):
    fleet = world(only=THREE)
    fleet.ollamas["gtr9-pro"].unable = {"tools"}
    status, answer = fleet.json()
    assert status == 1 and {machine for machine, _ in troubles(answer)} == {"gtr9-pro"}
    assert all("does not support tools" in words for words in troubles(answer).values())
    asked = [body for _, path, body in fleet.ollamas["akshat-pc"].asked if path in ("/api/chat", "/api/embed")]
    of_eyes = [b for b in asked if b["model"] == "qwen3-vl:32b"]
    assert [("images" in b["messages"][0], "tools" in b) for b in of_eyes] == [(False, False), (True, False), (False, True)]
    assert {b["options"]["num_ctx"] for b in of_eyes} == {16384}
    assert all(b["keep_alive"] == 0 for b in of_eyes)
    assert [b["input"] for b in asked if b["model"] == "nomic-embed-text"][0] == "caravan"


def test_a_puller_that_fails_in_the_middle_is_asked_again(world):
    fleet = world(only=THREE)
    fleet.ollamas["akshat-pc"].spoiled = 2
    assert fleet.json()[0] == 0 and fleet.state() == fleet.wanted


def test_a_disk_of_the_gateway_without_room_says_so(world):
    fleet = world(only=THREE)
    status, answer = fleet.json("--registry-spool-max", "1 MiB", "--registry-free-min", "900 TiB")
    assert status == 1
    assert all("has not enough left" in words for words in troubles(answer).values()), troubles(answer)
    assert fleet.json()[0] == 0 and fleet.state() == fleet.wanted


def test_only_what_tampu_put_there_is_removed(world):
    fleet = world(only=THREE)
    own = fleet.ollamas["gtr9-pro"]
    status, _ = fleet.json()
    assert status == 0
    manifest = own.path_of("llama3.1:70b").read_bytes()
    own.write_name("llama3.2:3b", manifest)
    text = fleet.fleet.read_text()
    plan = yaml.safe_load(text)
    machine = plan["machines"]["gtr9-pro"]
    machine["models"] = [m for m in machine["models"] if m["pull"] != "llama3.1:70b"]
    fleet.fleet.write_text(yaml.safe_dump(plan, sort_keys=False))
    status, answer = fleet.json()
    assert status == 0 and "llama3.2:3b is not in the file" in answer["kept"]
    assert "llama3.1:70b" not in own.digests() and "llama3.2:3b" in own.digests()
    assert fleet.json("--prune")[0] == 0 and "llama3.2:3b" not in own.digests()


def wanting(world):
    """A fleet where only the last of three lacks a model that both others hold: (fleet, its tag, the last, the others)."""
    fleet = world(only=THREE)
    assert fleet.json()[0] == 0
    for blob in (fleet.folder / "state/blobs").iterdir():
        blob.unlink()
    tag = "nomic-embed-text:latest"
    assert all(tag in ollama.digests() for ollama in fleet.ollamas.values())
    last, *others = [fleet.ollamas[name] for name in reversed(fleet.ollamas)]
    last.path_of(tag).unlink()
    last.prune()
    fleet.forget_asked()
    meeting = threading.Barrier(2)
    for ollama in others:
        ollama.part, ollama.meets = 1000, meeting   # neither begins before both may
    return fleet, tag, last, others


def pushed(ollama):
    return ("POST", "/api/push") in [asked[:2] for asked in ollama.asked]


def test_holders_bring_parts_of_one_blob_at_once(world):
    fleet, _, _, others = wanting(world)
    given = fleet.wan.bytes_given()
    status, answer = fleet.json()
    assert status == 0 and fleet.state() == fleet.wanted, troubles(answer)
    assert fleet.wan.bytes_given() == given and all(ollama.meets is None for ollama in others)
    assert answer["sum"]["lan_bytes"] == answer["bill"]["lan_bytes"]    # no part came twice


@pytest.mark.parametrize("how", ["lies", "breaks off", "dies"])
def test_a_holder_that_does_wrong_is_followed_by_the_next_one(world, how):
    fleet, tag, last, others = wanting(world)
    given, wrong = fleet.wan.bytes_given(), others[-1]
    wrong.pushes = how
    status, answer = fleet.json()
    assert status == 0 and tag in last.digests(), troubles(answer)
    assert fleet.wan.bytes_given() == given and all(map(pushed, others))
    if how == "dies":       # it comes back, with a long name that is still there
        (wrong.folder / "down").unlink()
        assert fleet.json()[0] == 0
    assert fleet.state() == fleet.wanted


def test_nobody_is_asked_without_a_terminal(world):
    fleet = world(only=THREE)
    refused = fleet.apply(stdin=subprocess.DEVNULL)
    assert refused.returncode == 2 and "add -y" in refused.stderr
    assert fleet.changes() == []


def test_what_a_machine_has_comes_from_there_and_not_over_the_wan_again(world):
    fleet = world(only=THREE)
    assert fleet.json()[0] == 0
    given = fleet.wan.bytes_given()
    for blob in (fleet.folder / "state/blobs").iterdir():
        blob.unlink()
    fresh = fleet.ollamas["evo-x2"]
    for tag in ("gpt-oss:120b", "nomic-embed-text:latest"):
        fresh.path_of(tag).unlink()
    fresh.prune()
    status, answer = fleet.json()
    assert status == 0 and fleet.state() == fleet.wanted, troubles(answer)
    assert fleet.wan.bytes_given() == given and answer["bill"]["wan_bytes"] == answer["sum"]["wan_bytes"] == 0
    assert answer["sum"]["lan_bytes"] == answer["bill"]["lan_bytes"] > 0
    assert fleet.json()[1]["changes"] == 0
