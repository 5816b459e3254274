"""The wall clock jumps under a gateway that serves: no budget begins anew twice."""
import datetime
import glob
import json
import pathlib

import pytest
from books import create_key, settled
from node import Node
from world import TAMPU, until, write_fleet

LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
ASK = {"model": "qwen3:8b", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
ONE = len(json.dumps(ASK)) + 1024 + 100 + 1    # tokens of a budget that one request leaves no room in


class Clock:
    """The wall clock of a gateway; `env` is what it must be started with."""

    def __init__(self, folder, zone):
        self.file = folder / "clock"
        self.env = {"LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": str(self.file),
                    "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "FAKETIME_FMT": "%s", "TZ": zone, "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def set(self, text):
        moment = datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)
        fresh = self.file.with_suffix(".fresh")
        fresh.write_text(f"{int(moment.timestamp())}\n")
        fresh.rename(self.file)


# What the clock says one after the other, in UTC, and whether the day's and the month's budget are
# there anew.
STEPS = {
    "an hour forth and back at the end of a month": ("UTC", [
        ("2026-10-31 23:30", True, True),
        ("2026-11-01 00:30", True, True),
        ("2026-10-31 23:30", False, False),
        ("2026-11-01 00:30", False, False),
        "again",
        ("2026-11-01 00:30", False, False),
        ("2026-10-31 23:30", False, False),
        "again",
        ("2026-10-31 23:30", False, False),
        ("2026-11-01 00:30", False, False),
        ("2026-11-02 00:30", True, False)]),
    "the end of summer time": ("Europe/Berlin", [
        ("2026-10-24 23:30", True, True),
        ("2026-10-25 00:30", True, False),      # 02:30, and an hour later once more
        ("2026-10-25 01:30", False, False),
        ("2026-10-25 22:30", False, False),
        ("2026-10-25 23:30", False, False),     # half past midnight there
        ("2026-10-26 00:30", True, False)]),
}


@pytest.mark.skipif(b"__tsan_init" in pathlib.Path(TAMPU).read_bytes(),
                    reason="libfaketime itself has races, and hides what waits for a condition")
@pytest.mark.parametrize("name", STEPS)
def test_no_budget_begins_twice_when_the_clock_steps(name, start, nodes, tmp_path):
    zone, steps = STEPS[name]
    nodes.append(Node("a"))
    clock, state = Clock(tmp_path, zone), tmp_path / "state"
    clock.set(steps[0][0])
    keys = [create_key(state, f"--tokens-per-{period}", ONE)[0] for period in ("day", "month")]
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]})

    def serve():
        gateway = start("serve", fleet, "--state", state, env=clock.env)
        gateway.until_logged("engine_up")
        return gateway

    gateway = serve()
    for step in steps:
        if step == "again":
            until(lambda: settled(gateway), "everything is in the store")
            gateway.close()
            gateway = serve()
            continue
        text, *anew = step
        clock.set(text)
        for key, is_anew in zip(keys, anew):
            by_key = {"authorization": f"Bearer {key}"}
            answers = [gateway.post("/v1/chat/completions", ASK, **by_key).status for _ in range(2)]
            assert answers == [200 if is_anew else 402, 402], (text, step)
