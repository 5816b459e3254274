"""tampu plan: what it says, what it writes, and whether the certificate tells the truth."""
import html.parser
import json
import os
import pathlib
import pty
import re
import shutil
import subprocess

import pytest
from world import PATIENCE, TAMPU, Gateway, has_terminals, until

ROOT = pathlib.Path(__file__).parents[2]
HOMELAB, SEED = ROOT / "fleets" / "homelab.yaml", ROOT / "fleets" / "seed.yaml"
PATH = "/v1/chat/completions"


def plan(*words, fleet=HOMELAB):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([TAMPU, "plan", "--no-proof", str(fleet), *map(str, words)],
                          capture_output=True, text=True, timeout=8 * PATIENCE)
    return done.returncode, done.stdout, done.stderr


def as_json(*words, fleet=HOMELAB):
    status, out, err = plan("--json", *words, fleet=fleet)
    assert status in (0, 1), err
    return json.loads(out)


def placed(answer):
    return sorted((c["machine"], c["engine"], c["artifact"]) for c in answer["copies"])


def test_the_json_is_as_promised():
    answer = as_json()
    assert {"copies", "changes", "bill", "certificate", "objective", "bound", "gap", "solver",
            "seconds"} <= answer.keys()
    assert all({"machine", "engine", "artifact", "name", "categories", "disk_bytes", "memory_bytes",
                "context", "keep_loaded", "expected", "why"} <= c.keys() for c in answer["copies"])
    assert all({"load_s", "prefill_tps", "decode_tps"} == c["expected"].keys()
               for c in answer["copies"])
    assert all({"do", "machine", "artifact", "bytes", "seconds"} <= c.keys()
               for c in answer["changes"])
    assert {"wan_bytes", "lan_bytes", "disk_bytes", "seconds", "evictions"} <= answer["bill"].keys()
    first, *others = answer["certificate"]
    assert first["lost"] is None and all(c["lost"] for c in others)
    assert all({"category", "machine", "name", "parity", "decode_tps", "covered"} <= r.keys()
               for c in answer["certificate"] for r in c["rows"])


def test_every_category_of_the_homelab_survives_every_machine():
    status, out, _ = plan()
    assert status == 0 and re.search(r"certificate +12 cases, 0 holes", out)
    answer = as_json()
    assert len(answer["certificate"]) == 12 and answer["holes"] == 0 and not answer["faults"]
    assert all(r["covered"] for c in answer["certificate"] for r in c["rows"])


def test_the_same_question_has_the_same_answer():
    one, two = as_json(), as_json("--threads", 1)
    one["seconds"] = two["seconds"] = 0
    assert one == two


def test_a_hole_is_named_with_what_would_close_it():
    status, out, _ = plan("--declared", fleet=SEED)
    assert status == 1
    assert "hole: xl-vision is not answered when akshat-pc is lost" in out
    assert re.search(r"to close the hole of xl-vision: .* GiB of GPU memory would take ", out)


def test_pairs_are_certified_when_asked_for():
    answer = as_json("--survive", 2)
    pairs = [c for c in answer["certificate"] if c["kind"] == "pair"]
    assert len(pairs) == 11 * 10 // 2 and pairs[0]["lost"] == "akshat-pc + old-office-pc"


@pytest.mark.parametrize("words, complaint", [
    (["--survive", "3"], "from 0 to 2"), (["--gap", "much"], "such as 0.5%"),
    (["--time-limit", "soon"], "such as 60s"), (["--seed", "x"], "a whole number"),
    (["--what-if", "lose=gtr9-pr"], "did you mean 'gtr9-pro'"),
    (["--what-if", "ctx=many"], "such as ctx=65536"),
    (["--what-if", "add=spare"], "add=NAME:HARDWARE"),
    (["--what-if", "add=ser9:RTX 5090"], "there is a machine of that name"),
    (["--what-if", "add=spare:RTX 5090X Titan"], "nearest"),
    (["--what-if", "add=spare:RTX 5091"], "the nearest is 'RTX 5090'"),
    (["--what-if", "add=spare:i5-12400"], "needs its RAM"),
    (["--what-if", "rain"], "without-cloud"), (["--why", "nothing"], "has no copy 'nothing'"),
    (["--why-not", "gpt-oss:120b"], "needs a machine"),
    (["--holdings", "/nonexistent"], "cannot open"),
    (["--write", "--declared"], "without --declared"), (["--gaps", "1"], "did you mean --gap?")])
def test_a_wrong_word_is_answered_in_words(words, complaint):
    status, out, err = plan(*words)
    assert status == 2 and not out and complaint in err.replace("'--gap'", "--gap"), err


def test_why_and_why_not():
    status, out, _ = plan("--why", "gtr9-pro/gpt-oss:120b")
    assert status == 0 and "without gtr9-pro, xl-code is answered by gpt-oss:120b on evo-x2" in out
    status, out, _ = plan("ser9", "--why-not", "gpt-oss:120b")
    assert status == 0 and out.startswith("gpt-oss:120b is not on ser9: ")


def test_what_if_shows_what_it_changes():
    answer = as_json("--what-if", "lose=gtr9-pro", "--what-if", "add=spare:AI Max+ 395,128 GB",
                     "--what-if", "without-cloud")
    machines = {c["machine"] for c in answer["copies"]}
    assert "gtr9-pro" not in machines and "spare" in machines
    changes = {(d["do"], d["machine"]) for d in answer["difference"]["copies"]}
    assert {("remove", "gtr9-pro"), ("add", "spare")} <= changes
    shown = plan("--what-if", "lose=akshat-pc")[1]
    assert re.search(r"^remove +akshat-pc +flux-schnell-q8_0", shown, re.M)
    assert re.search(r"^category .* -  2  3  4  5  6  7  8  9 10 11$", shown, re.M)
    assert not any(c["machine"] == "gtr9-pro" for c in answer["changes"])
    assert not any(r["machine"].startswith("cloud:") for c in answer["certificate"]
                   for r in c["rows"])


def test_from_nothing_each_artifact_is_pulled_once(tmp_path):
    nothing = tmp_path / "ps.json"
    nothing.write_text('{"copies": []}')
    answer = as_json("--holdings", nothing)
    sizes = {c["artifact"]: c["disk_bytes"] for c in answer["copies"]}
    assert answer["bill"]["wan_bytes"] == sum(sizes.values())
    pulled = [c["artifact"] for c in answer["changes"] if c["do"] == "pull"]
    assert sorted(pulled) == sorted(sizes)
    assert answer["bill"]["wan_bytes"] + answer["bill"]["lan_bytes"] == answer["bill"]["disk_bytes"]


def test_with_everything_there_nothing_is_to_be_done(tmp_path):
    there = tmp_path / "ps.json"
    copies = as_json()["copies"]
    there.write_text(json.dumps({"copies": [
        {**c, "state": "loaded" if c["keep_loaded"] else "disk"} for c in copies]}))
    answer = as_json("--holdings", there)
    assert [c for c in answer["changes"] if c["do"] != "configure"] == []
    assert answer["bill"]["wan_bytes"] == answer["bill"]["lan_bytes"] == 0


def test_a_little_more_or_less_demand_moves_nothing(tmp_path):
    usual = {"xl-code": 10, "xl-vision": 4, "l-code": 20, "m-vision": 10, "s-fast": 60,
             "embeddings": 100, "reasoning": 6, "general": 30}
    answers = []
    for factor in (1, 1.05, 0.95):
        file = tmp_path / "demand.json"
        file.write_text(json.dumps({k: {"per_hour": v * factor} for k, v in usual.items()}))
        answers.append(placed(as_json("--demand", file)))
    assert answers[0] == answers[1] == answers[2]


def test_the_written_file_says_the_plan_and_keeps_its_comments(tmp_path):
    copy = tmp_path / "fleet.yaml"
    shutil.copy(HOMELAB, copy)
    status, _, err = plan("--write", fleet=copy)
    assert status == 0 and "written" in err
    before, after = HOMELAB.read_text().splitlines(), copy.read_text().splitlines()
    comments = [line for line in before if "#" in line]
    assert [line for line in after if "#" in line] == comments
    assert len(set(before) - set(after)) < 30
    assert placed(as_json("--declared", fleet=copy)) == placed(as_json())
    assert "says this already" in plan("--write", fleet=copy)[2]
    assert subprocess.run([TAMPU, "check", str(copy)], capture_output=True).returncode == 0


def test_the_document_becomes_what_the_planner_makes_of_it(tmp_path):
    copy = tmp_path / "fleet.yaml"
    shutil.copy(SEED, copy)
    assert plan("--write", fleet=copy)[0] == 1      # what the document asks of middle vision nobody has
    answer = as_json("--declared", fleet=copy)
    assert placed(answer) == placed(as_json(fleet=SEED))
    holes = {r["category"] for c in answer["certificate"] for r in c["rows"] if not r["covered"]}
    assert holes == {"m-vision"}


def test_a_fleet_of_several_files_is_written_file_by_file(tmp_path):
    text = HOMELAB.read_text()
    cut = text.index("\ncategories:")
    (tmp_path / "machines.yaml").write_text(text[text.index("machines:"):cut] + "\n")
    rest = text[:text.index("machines:")] + text[cut:]
    (tmp_path / "fleet.yaml").write_text(rest + "\ninclude: [machines.yaml]\n")
    status, _, err = plan("--write", fleet=tmp_path / "fleet.yaml")
    assert status == 0, err
    assert placed(as_json("--declared", fleet=tmp_path / "fleet.yaml")) == placed(as_json())


class Page(html.parser.HTMLParser):
    """What a page opens and closes, and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.fetched = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [v for k, v in attrs if k in ("src", "href", "xlink:href")]


def test_the_page_needs_nothing_else(tmp_path):
    page = tmp_path / "plan.html"
    assert plan("--html", page)[0] == 0
    read = Page(page.read_text())
    assert not read.fetched and "script" not in read.tags and "{{" not in page.read_text()
    assert read.tags.count("svg") == 1 + 11 and read.tags.count("rect") >= 11 * 12


def test_names_in_a_fleet_are_text_in_the_page(tmp_path):
    fleet, page = tmp_path / "fleet.yaml", tmp_path / "plan.html"
    fleet.write_text("""
fleet: {name: "<script>alert(1)</script>"}
machines:
  a: {hardware: {cpu: i5-12400, ram: 32 GB}, engines: [ollama]}
categories:
  "<b>fast&": {needs: {task: general, params: 3-8B}, machines: any}
""")
    assert plan("--html", page, fleet=fleet)[0] == 1
    assert Page(page.read_text()).tags.count("b") == 1 and "<script>" not in page.read_text()


def on_a_terminal(**env):
    """What plan prints where there is a terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen([TAMPU, "plan", "--no-proof", str(HOMELAB)], stdout=child,
                               stderr=child, env={**os.environ, "TERM": "xterm", **env})
    os.close(child)
    out = b""
    try:
        while piece := os.read(parent, 65536):
            out += piece
    except OSError:     # the other end is closed
        pass
    os.close(parent)
    assert process.wait(PATIENCE) == 0
    return out.decode()


@pytest.mark.skipif(not has_terminals(), reason="no pseudo-terminals")
def test_colours_are_for_terminals_that_want_them():
    colour = re.compile("\033\\[[0-9;]*m")    # and a plan that takes a second wipes its own progress
    assert "\033[32m" in on_a_terminal(NO_COLOR="")
    assert not colour.search(on_a_terminal(NO_COLOR="1"))
    assert "\033[" not in plan()[1]


# The certificate against the code that plans, and against the gateway.

def test_the_certificate_is_linked_to_nothing_that_plans():
    """From its object files along every symbol they need: no file that decides is ever reached."""
    objects = sorted(pathlib.Path(os.environ.get("BUILD", ROOT / "build")).glob("obj/src/*/*.o"))
    if not objects:
        pytest.skip("no object files here")
    listed = subprocess.run(["nm", "-A", *map(str, objects)], capture_output=True, text=True,
                            check=True).stdout
    defined, needs = {}, {str(o): set() for o in objects}
    for path, kind, name in re.findall(r"^(.*?):.{16} ([A-Za-z]) (\S+)$", listed, re.M):
        if kind in "TDBRVW":
            defined[name] = path
        elif kind == "U":
            needs[path].add(name)
    reached, queue = set(), [str(o) for o in objects if o.name.startswith("certificate")]
    while queue:
        at = queue.pop()
        if at not in reached:
            reached.add(at)
            queue += {defined[s] for s in needs[at] if s in defined}
    of_plan = {o.stem for o in map(pathlib.Path, reached) if o.parent.name == "plan"}
    assert {"certificate", "certificate_proof"} <= of_plan
    assert all(name.startswith("certificate") for name in of_plan), of_plan


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(the plan's fleet file, its answer)"""
    fleet = tmp_path_factory.mktemp("plan") / "fleet.yaml"
    shutil.copy(HOMELAB, fleet)
    assert plan("--write", fleet=fleet)[0] == 0
    return fleet, as_json("--declared", fleet=fleet)


@pytest.fixture(scope="module")
def demo(written, tmp_path_factory):
    made = Gateway(tmp_path_factory.mktemp("demo"), "demo", written[0], "--speed", "200",
                   *"--breaker-cooldown 200ms --breaker-cooldown-max 200ms --health-interval 100ms".split())
    yield made
    made.close()


def asks_for(row):
    return not re.search("vision|embeddings|transcribe|image|video", row["category"])


def is_up(demo, name):
    machines = json.loads(demo.get("/admin/v1/status").body)["machines"]
    return next(m for m in machines if m["machine"] == name)["up"]


def test_the_certificate_agrees_with_killing_each_machine(written, demo):
    """Each machine dies in turn; each text category is asked: who was covered is answered, by one
    of the category's machines. Which of them is a matter of cost: who has the model in memory."""
    fleet, answer = written
    categories = {r["category"] for c in answer["certificate"] for r in c["rows"] if asks_for(r)}
    assert len(categories) == 5
    for case in answer["certificate"]:
        if case["lost"]:
            assert demo.post("/imagine", {"machine": case["lost"], "do": "die"}).status == 200
            until(lambda: not is_up(demo, case["lost"]), f"{case['lost']} is missed")
        for row in filter(asks_for, case["rows"]):
            got = demo.post(PATH, {"model": row["category"], "max_tokens": 4,
                                   "messages": [{"role": "user", "content": "hello"}]})
            assert (got.status == 200) == row["covered"], (case["lost"], row, got.body)
            if "machines: any" not in category_text(fleet, row["category"]):
                assert got.headers["x-tampu-machine"] != case["lost"], row
                assert got.headers["x-tampu-machine"] in category_text(fleet, row["category"])
        if case["lost"]:
            assert demo.post("/imagine", {"machine": case["lost"], "do": "revive"}).status == 200
            until(lambda: is_up(demo, case["lost"]), f"{case['lost']} is back")


def category_text(fleet, name):
    return re.search(rf"\n  {name}:\n((?:    .*\n)+)", fleet.read_text())[1]
