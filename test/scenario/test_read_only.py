"""The disk of the state folder becomes read-only under a gateway that serves, and writable again."""
import json
import os
import pathlib
import subprocess

import pytest
from books import create_key, rows, settled
from canary import CANARY
from node import Node
from world import PATIENCE, TAMPU, until, write_fleet

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


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, in a mount namespace of its own: .folder, .mount("ro"), .program."""
    class Disk:
        folder, program = tmp_path / "disk", tmp_path / "inside"

        def inside(self, *words):
            return ["nsenter", "-t", str(self.holder.pid), "-m", *user, "--", *map(str, words)]

        def do(self, *words):
            return subprocess.run(self.inside(*words), capture_output=True, text=True, timeout=PATIENCE)

        def mount(self, how):
            return self.do("mount", "-o", f"remount,{how}", self.folder)

    user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
    made = Disk()
    made.folder.mkdir()
    made.holder = subprocess.Popen(
        ["unshare", "-m" if not user else "-rm", "sh", "-c",
         'mount -t tmpfs none "$0" && echo there && exec cat', made.folder],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not made.holder.stdout.readline():
        pytest.skip("nobody may mount here: " + made.holder.communicate()[1].strip())
    made.program.write_text("#!/bin/sh\nexec " + " ".join(made.inside(TAMPU)) + ' "$@"\n')
    made.program.chmod(0o700)
    yield made
    made.holder.communicate()


def test_on_a_disk_that_is_read_only_nobody_begins_and_nothing_is_lost(start, nodes, tmp_path, disk):
    """The kernel's own: it lets no disk become so while somebody has files open for writing."""
    nodes.append(Node("a"))
    state = disk.folder / "state"
    words = ("serve", write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]}), "--state", state)

    def serve_and_ask():
        gateway = start(*words, program=disk.program)
        gateway.until_logged("engine_up")
        assert gateway.post("/v1/chat/completions", ASK).status == 200
        assert "busy" in disk.mount("ro").stderr
        until(lambda: settled(gateway), "it is in the store")
        gateway.close()

    def requests():
        told = disk.do(TAMPU, "usage", "--json", "--state", state)
        return sum(row["requests"] for row in json.loads(told.stdout)["rows"])

    serve_and_ask()
    assert disk.mount("ro").returncode == 0
    for refused in (disk.do(TAMPU, *words, "--listen", "127.0.0.1:0"),
                    disk.do(TAMPU, "key", "create", "--name", "late", "--state", state)):
        assert refused.returncode != 0 and "read-only: make it writable" in refused.stderr
    assert disk.mount("rw").returncode == 0
    assert requests() == 1
    serve_and_ask()
    assert requests() == 2
