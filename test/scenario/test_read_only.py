"""The disk of the state folder becomes read-only under a gateway that serves, and writable again."""
import pathlib
import subprocess

import pytest
from books import create_key, rows, settled
from canary import CANARY
from node import Node
from world import until, write_fleet

SOURCE = pathlib.Path(__file__).with_name("read_only.c")
ASK = {"model": "qwen3:8b", "messages": [{"role": "user", "content": f"hi {CANARY}"}]}


@pytest.fixture
def preload(tmp_path):
    library = tmp_path / "read_only.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, SOURCE, "-ldl"],
                   check=True)
    return library


def test_a_read_only_disk_is_an_alarm_and_loses_nothing(start, nodes, tmp_path, preload):
    state, flag = tmp_path / "state", tmp_path / "read-only"
    nodes.append(Node("a"))
    hard, _ = create_key(state, "--money-per-day", "1")
    gateway = start(
        "serve", write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]}), "--state", state,
        env={"LD_PRELOAD": str(preload), "READ_ONLY_BELOW": str(state),
             "READ_ONLY_WHILE": str(flag), "ASAN_OPTIONS": "verify_asan_link_order=0"})
    gateway.until_logged("engine_up")
    by_key = {"authorization": f"Bearer {hard}"}
    told = []

    def ask(**headers):
        told.append(gateway.post("/v1/chat/completions", ASK, **headers))
        return told[-1].status

    until(lambda: ask(**by_key) == 200, "the key is known")
    flag.touch()
    until(lambda: (ask(), gateway.logged("journal_lost"))[1], "the alarm")
    assert "Read-only file system" in gateway.logged("journal_lost")[0]["found"]
    assert gateway.counter("ledger_trouble", {"part": "journal"}) == 1
    assert (ask(), ask(**by_key)) == (200, 503)
    assert "retry-after" in told[-1].headers
    flag.unlink()
    gateway.until_logged("journal_back")
    until(lambda: settled(gateway), "it recovers by itself")
    assert gateway.counter("ledger_trouble", {"part": "journal"}) == 0
    assert ask(**by_key) == 200
    until(lambda: settled(gateway), "everything is in the store")
    assert {t.headers["x-tampu-request-id"] for t in told} == set(rows(state))
