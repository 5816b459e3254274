"""The gateway is killed again and again under load: one request, exactly one row, in every store."""
import json
import os
import random
import time

import pytest
from books import Load, create_key, rows, settled, tampu
from servers import Server
from world import Gateway, until

KILLS = int(os.environ.get("LEDGER_KILLS", "4"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where the books are: a folder, or a server's URL."""
    if request.param == "sqlite":
        yield tmp_path / "state"
    else:
        server = Server(request.param)
        yield server.url
        server.close()


def kill(gateway):
    """As a power cut would, but for the disk."""
    gateway.process.kill()
    gateway.process.wait()
    gateway.reader.join()
    gateway.process.stderr.close()


def test_no_row_is_lost_and_none_doubled_however_often_it_is_killed(place, tmp_path):
    told, store = {}, ["--store", place] if "://" in str(place) else []
    key, key_id = create_key(place, "--parallel", 64, "--tokens-per-day", 10**9)
    chance = random.Random(7)
    for turn in range(KILLS + 1):
        gateway = Gateway(tmp_path, "demo", "--state", tmp_path / "state", *store, "--speed", 50)
        load = [Load(gateway.address, key, "s-fast", 100 * turn + i) for i in range(6)]
        until(lambda: any(caller.told for caller in load), "somebody has an answer, or its beginning")
        time.sleep(0.5 * chance.random())    # the instant is the test's own
        if turn < KILLS:
            kill(gateway)
        for caller in load:
            told.update(caller.stop())
    # Those who left at once may be heard of only now.
    until(lambda: gateway.counter("connections", {}) == 1 and settled(gateway), "everything is in the store")
    [account] = json.loads(gateway.get("/admin/v1/usage").body)["accounts"]
    agreed = tampu("usage", "--reconcile", "--json", "--state", place, "--gateway",
                   f"http://{gateway.address}")
    gateway.close()
    found = rows(place)
    assert len(told) > 2 * KILLS
    assert set(told) - set(found) == set()
    assert {row["key_id"] for row in found.values()} == {key_id}
    assert agreed.returncode == 0, agreed.stdout
    tokens = sum(r["prompt_tokens"] + r["completion_tokens"] for r in found.values())
    assert (account["key"], account["running"]) == (key_id, 0)
    assert {"used_micro": 0, "used_tokens": tokens, "reserved_micro": 0,
            "reserved_tokens": 0}.items() <= account["day"].items()
    cut = [i for i, whole in told.items() if whole and found[i]["failure"] == "interrupted"]
    print(f"\n{len(found)} rows of {KILLS} lives, {len(told)} told of, "
          f"{sum(r['failure'] == 'interrupted' for r in found.values())} interrupted, "
          f"{len(cut)} of them whole for the caller")
