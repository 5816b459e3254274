"""A bare machine over a real sshd becomes a running llama-server: installed, its model fetched through the
LAN registry, its unit started, every thing it can do asked for. systemctl does what units do."""
import os
import pathlib
import re
import signal
import sys

import pytest
from test_gateway_real import LLAMA_SERVER, ask, free_port, until

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "scenario"))

from sshd import Sshd  # noqa: E402
from test_apply_real import tampu  # noqa: E402
from wan import Wan, digest_of  # noqa: E402

MODEL = "tinyllama:1.1b"      # what the fleet file calls it; the weights are tiny
FLEET = """
fleet: bare
gateway: {{registry: {{upstream: "{upstream}", files: "{upstream}", free_min: "0"}}}}
machines:
  one:
    hardware: {{ram: 16 GB}}
    addresses: 127.0.0.1
    ssh: box
    engines: [{{kind: llama-server, port: {port}, slots: 2, args: [--offline, --no-webui, -t, "1"{more}]}}]
    models: [{{pull: "{pull}", context: 1K}}]
"""
# The package's program appears when the package is installed.
APT = """#!/bin/sh
echo "$0 $*" >>{folder}/apt.log
case "$*" in *install*llama.cpp*)
    printf '#!/bin/sh\\nexec {server} "$@"\\n' >{folder}/programs/llama-server
    chmod +x {folder}/programs/llama-server
    ;;
esac
"""
SYSTEMCTL = """#!/bin/sh
echo "$*" >>{folder}/systemctl.log
case $1 in restart | disable) kill "$(cat {folder}/pid)" 2>/dev/null ;; esac
[ "$1" = restart ] || exit 0
start=$(sed -n 's/^ExecStart=//p' "$TAMPU_UNITS/$2" | sed "s#/var/lib/tampu/models#$TAMPU_MODELS#g")
eval "set -- $start"
setsid "$@" </dev/null >{folder}/server.log 2>&1 &
echo $! >{folder}/pid
"""


class Box:
    def __init__(self, folder, model):
        self.folder, self.wan, self.port = folder, Wan(), free_port()
        self.content = pathlib.Path(model).read_bytes()
        self.wan.publish(MODEL, [("model", self.content), ("license", b"a licence\n")])
        ssh, self.models = folder / "ssh", folder / "models"
        ssh.mkdir()
        words = {"folder": ssh, "server": LLAMA_SERVER}
        self.sshd = Sshd(ssh, {"systemctl": SYSTEMCTL.format(**words), "apt-get": APT.format(**words),
                               "apt-cache": "#!/bin/sh\n"}, TAMPU_MODELS=self.models)
        self.file(MODEL)

    def file(self, pull, more=""):
        (self.folder / "fleet.yaml").write_text(
            FLEET.format(upstream=self.wan.url, port=self.port, pull=pull, more=more))

    def apply(self, *words):
        return tampu("apply", self.folder / "fleet.yaml", "--state", self.folder / "state", "--ssh-config",
                     self.sshd.config, "--json", "-y", *words)

    def done(self, answer):
        return [(s["do"], s["state"]) for s in answer["steps"]]

    def close(self):
        pid = self.folder / "ssh/pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
        self.sshd.close()
        self.wan.close()


@pytest.fixture
def box(model, tmp_path):
    made = Box(tmp_path, model)
    yield made
    made.close()


def test_a_bare_machine_becomes_a_llama_server_that_was_asked_everything(box):
    status, answer = box.apply("--dry-run")
    assert status == 0 and [do for do, _ in box.done(answer)] == ["install", "fetch", "configure", "verify", "measure"]
    assert not (box.folder / "ssh/apt.log").exists() and box.sshd.asked() == [] and not box.models.exists()
    assert answer["bill"]["wan_bytes"] == answer["bill"]["lan_bytes"] == len(box.content)

    status, answer = box.apply()
    assert status == 0 and {state for _, state in box.done(answer)} == {"done"}, [s["words"] for s in answer["steps"]]
    assert [p.name for p in box.models.iterdir()] == ["sha256-" + digest_of(box.content)[7:]]
    assert answer["sum"]["wan_bytes"] == box.wan.bytes_given() == len(box.content)
    assert re.match(r"\d+\.\d tokens/s, expected ", answer["steps"][-1]["words"]), answer["steps"]
    unit = (box.sshd.units / "tampu-llama-server.service").read_text()
    assert '"--host" "127.0.0.1"' in unit and '"-c" "2048" "-np" "2"' in unit and unit.count("ExecStart=") == 1
    assert '"id":"tinyllama:1.1b"' in ask(box.port, "GET", "/v1/models").body.decode().replace(" ", "")

    asked = len(box.sshd.asked())
    status, answer = box.apply()
    assert (status, answer["steps"], len(box.sshd.asked())) == (0, [], asked)


def test_settings_with_which_it_does_not_come_up_are_taken_back(box):
    assert box.apply()[0] == 0
    before = (box.sshd.units / "tampu-llama-server.service").read_text()
    box.file(MODEL, ", --no-such-argument")
    status, answer = box.apply("--patience", "1s")
    assert status == 1 and box.done(answer)[0] == ("configure", "failed"), answer
    assert "the old ones are in place again" in answer["steps"][0]["words"]
    assert (box.sshd.units / "tampu-llama-server.service").read_text() == before
    until(lambda: ask(box.port, "GET", "/health").status == 200, "the old one answers")


def test_a_file_that_is_not_what_it_was_said_to_be_is_not_kept(box):
    box.wan.spoil(digest_of(box.content), "lie", 100)
    status, answer = box.apply()
    assert status == 1
    states = dict(box.done(answer))
    assert states["fetch"] == "failed" and states["configure"] == "skipped", answer
    assert not list(box.models.glob("sha256-*")) if box.models.exists() else True
    assert not (box.sshd.units / "tampu-llama-server.service").exists()
