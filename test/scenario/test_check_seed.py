"""The plan as it was written: every class of its mistakes is found, and every fix makes its finding go away."""
import collections
import json
import pathlib
import re
import subprocess

import paste
import pytest
from world import PATIENCE, TAMPU

FLEETS = pathlib.Path(__file__).parents[2] / "fleets"
SEED = (FLEETS / "seed.yaml").read_text()

WRONG_TAGS = {"qwen2.5-coder:32b-q4", "llama3.1:70b-q4", "qwen2.5:72b-q4", "mixtral:8x22b-q4",
              "deepseek-coder-v2:236b-q4", "phi-2:2.7b"}
IMAGES_AND_VOICE = {"stable-diffusion-xl", "flux-schnell", "whisper:large-v3",
                    "stable-diffusion-2.1", "stable-diffusion"}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """check(text): all that the lint says of a fleet file."""
    path = tmp_path_factory.mktemp("seed") / "fleet.yaml"

    def run(text):
        path.write_text(text)
        done = subprocess.run([TAMPU, "check", "--json", path], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout)["findings"]

    return run


@pytest.fixture(scope="module")
def found(check):
    """The findings of the plan as it was written, by code."""
    by_code = collections.defaultdict(list)
    for finding in check(SEED):
        by_code[finding["code"]].append(finding)
    return by_code


def subjects(findings):
    return collections.Counter(f["subject"] for f in findings)


def test_fifteen_pulls_cannot_work(found):
    tags = subjects(found["unknown-artifact"])
    assert set(tags) == WRONG_TAGS and sum(tags.values()) == 10
    assert set(subjects(found["wrong-engine"])) == IMAGES_AND_VOICE
    assert len(found["wrong-engine"]) == 5


def test_three_lines_the_engine_cannot_load(found):
    assert subjects(found["engine-cannot-load"]) == {"llama3.2-vision:90b": 1,
                                                     "llama3.2-vision:11b": 2}


def test_what_does_not_fit(found):
    """Two models never; two only with less context; what is kept loaded, and what the kernel gives."""
    places = {(f["machine"], f["subject"]): f for f in found["does-not-fit"]}
    for impossible in (("evo-x2", "deepseek-coder-v2:236b-q4"), ("old-office-pc", "llama3.1:70b-q4")):
        assert "even with" in places[impossible]["message"]
    for too_long in (("gtr9-pro", "llama3.1:70b-q4"), ("gtr9-pro", "mixtral:8x22b-q4")):
        assert places[too_long]["severity"] == "error"
    assert ("akshat-pc", "qwen2.5:72b") in places
    shares = [f for f in found["does-not-fit"] if "gpu_memory" in f["fix"]]
    assert {f["machine"] for f in shares} <= {"gtr9-pro", "evo-x2", "ms-s1"} and shares


def test_a_text_model_under_vision(found):
    assert subjects(found["wrong-modality"]) == {"qwen2.5:72b": 1}


def test_four_rows_of_the_map_are_hollow(found):
    hollow = {(f["subject"], f["machine"]) for f in found["hollow-backup"]}
    assert hollow >= {("xl-code", "gtr9-pro"), ("xl-code", "evo-x2"),
                      ("xl-vision", "old-office-pc"), ("l-code", "ms01"),
                      ("m-vision", "mac-mini-m4-pro"), ("m-vision", "akshat-pc")}
    assert {row for row, _ in hollow} == {"xl-code", "xl-vision", "l-code", "m-vision"}
    assert set(subjects(found["single-point-of-failure"])) == {"xl-code", "xl-vision"}


def test_embeddings_are_missing_and_do_not_mix(found):
    assert {f["machine"] for f in found["missing-copy"]} == {"akshat-pc", "ser9", "ms01"}
    assert {f["machine"] for f in found["not-interchangeable"]} == {"", "gtr9-pro", "ms-s1"}


def test_a_setting_that_does_not_exist(found):
    assert subjects(found["unknown-setting"]) == {"OLLAMA_CTX": 1}


def test_cloud_models_that_are_gone(found):
    gone = {f["subject"] for f in found["retired-model"] if f["severity"] == "error"}
    assert gone == {"o1", "gemini-flash-2.0"}


def test_claims_that_cannot_be(found):
    assert len(found["implausible-speed"]) == 6
    assert len(found["implausible-size"]) == len(found["implausible-duration"]) == 1


def test_ten_machines_without_address(found):
    assert len(found["address-unknown"]) == 10
    assert "akshat-pc" not in {f["machine"] for f in found["address-unknown"]}


def same(finding):
    return tuple(finding[k] for k in ("code", "severity", "machine", "subject"))


def test_each_fix_makes_its_finding_go_away(check):
    """One at a time; those of a kind that several lines share are fewer by one."""
    findings = check(SEED)
    left = []
    for finding in findings:
        fixed = paste.paste(SEED, finding)
        after = check(fixed)
        count = sum(same(f) == same(finding) for f in after)
        if count >= sum(same(f) == same(finding) for f in findings):
            left.append((finding["where"], finding["code"], finding["fix"]))
    codes = {finding["code"] for finding in findings}
    print(f"{len(findings)} fixes of {len(codes)} codes pasted")
    assert not left


def test_all_errors_go_away_when_all_are_fixed(check):
    """Again and again, as a person would, until nothing is wrong that has a fix."""
    text = SEED
    for _ in range(80):
        errors = [f for f in check(text) if f["severity"] == "error"]
        if not errors:
            return
        text = paste.paste(text, errors[0])
    assert not errors


def test_the_plan_that_works_has_no_errors(check):
    assert not [f for f in check((FLEETS / "homelab.yaml").read_text()) if f["severity"] == "error"]
    assert re.search("warning", json.dumps(check((FLEETS / "homelab.yaml").read_text())))
