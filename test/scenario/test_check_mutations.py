"""The plan that works, changed: what is wrong is found where it is, and what is not wrong is not."""
import collections
import json
import pathlib
import random
import subprocess

import mutations
import pytest
from world import PATIENCE, TAMPU

HOMELAB = (pathlib.Path(__file__).parents[2] / "fleets/homelab.yaml").read_text()
COUNT = 200


@pytest.fixture
def check(tmp_path):
    """check(text): what the lint says of a fleet file, as (code, line, severity, machine, message)."""
    path = tmp_path / "fleet.yaml"

    def run(text):
        path.write_text(text)
        done = subprocess.run([TAMPU, "check", "--json", path], capture_output=True, text=True,
                              timeout=PATIENCE)
        assert done.returncode in (0, 1), done.stderr
        return [(f["code"], int(f["where"].split(":")[-2]), f["severity"], f["machine"],
                 f["message"]) for f in json.loads(done.stdout)["findings"]]

    return run


def what_is_new(findings, before):
    """Those that were not there before, wherever they stand now."""
    old = collections.Counter((code, severity, machine) for code, _, severity, machine, _ in before)
    new = []
    for finding in findings:
        code, _, severity, machine, _ = finding
        if old[code, severity, machine]:
            old[code, severity, machine] -= 1
        else:
            new.append(finding)
    return new


def spread(changes, count, seed):
    """So many of them, from each code as many as from any other while there are some."""
    by_code = collections.defaultdict(list)
    for change in changes:
        by_code[change.code].append(change)
    for some in by_code.values():
        random.Random(seed).shuffle(some)
    while count and any(by_code.values()):
        for some in by_code.values():
            if some and count:
                count -= 1
                yield some.pop()


def test_each_mistake_is_found_at_its_line_and_nothing_else(check):
    before = check(HOMELAB)
    wrong, codes = [], collections.Counter()
    for change in spread(mutations.harm(mutations.Sheet(HOMELAB)), COUNT, seed=7):
        codes[change.code] += 1
        new = [f for f in what_is_new(check(change.text), before) if f[2] != "note"]
        if [f[:2] for f in new] != [(change.code, change.line)]:
            wrong.append((change.what, change.code, change.line, new))
    print(f"{sum(codes.values())} mistakes: {dict(codes)}")
    assert sum(codes.values()) == COUNT
    assert not wrong


def test_what_changes_nothing_that_matters_is_not_found(check):
    before = check(HOMELAB)
    wrong = []
    for change in mutations.harmless(mutations.Sheet(HOMELAB), COUNT):
        new = what_is_new(check(change.text), before)
        if new:
            wrong.append((change.what, new))
    assert not wrong


def test_every_code_is_among_the_mistakes():
    rows = (pathlib.Path(__file__).parents[2] / "src/tables/findings.def").read_text()
    codes = {line.split('"')[1] for line in rows.splitlines() if line.startswith("FINDING(")}
    assert {change.code for change in mutations.harm(mutations.Sheet(HOMELAB))} == codes
