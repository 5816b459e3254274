"""What is wrong in a command or a file: exit 2, one clear message, nothing half-started."""
import os
import re
import socket
import subprocess

import pytest
from world import PATIENCE, TAMPU

GOOD = """fleet: x
machines:
  a: {addresses: 127.0.0.1, engines: [{kind: ollama, port: 9}], models: [{pull: "qwen3:8b"}]}
"""


def run(folder, *words, env=None):
    """(exit status, stderr) of a command that must end by itself."""
    done = subprocess.run([TAMPU, *map(str, words)], cwd=folder, capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, **(env or {})})
    assert done.stdout == ""
    return done.returncode, done.stderr


def is_one_message(text):
    """One line; below it at most where to read on."""
    lines = text.splitlines()
    return len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("see: tampu help"))


FILES = {
    "unknown key": (GOOD.replace("addresses", "adresses"),
                    r"3:7: found unknown key 'adresses', .*did you mean 'addresses'\?"),
    "duplicate machine": (GOOD + "  a: {addresses: 127.0.0.1}\n",
                          r"4:3: found 'a' a second time \(first in .* line 3\)"),
    "unknown machine": (GOOD + "categories:\n  c: {needs: {task: general}, primary: b}\n",
                        r"5:3: found unknown machine 'b' under 'primary', expected"),
    "no memory": (GOOD.replace("{addresses", "{hardware: {ram: 0 GB}, addresses"),
                  r"3:\d+: found '0 GB' under 'ram', expected some memory, or unknown"),
    "unknown kind": (GOOD.replace("ollama", "olama"),
                     r"3:\d+: found 'olama' under 'kind', expected .*did you mean 'ollama'\?"),
    "bad setting": (GOOD + "gateway: {queue_max: lots}\n",
                    r"4:11: found 'lots' for gateway.queue_max, expected a whole number"),
    "unknown setting": (GOOD + "gateway: {queue_maxx: 1}\n", r"4:11: .*queue_maxx.*queue_max"),
    "not YAML": ("fleet: [x\n", r"\d+:1: found what is not YAML"),
    "empty file": ("", r"1:1: found nothing, expected a fleet file"),
    "secret in the file": (GOOD.replace("port: 9", "port: 9, key: sk-1234567890"),
                           r"3:\d+: .*env:"),
}


@pytest.mark.parametrize("text, words", [pytest.param(*v, id=k) for k, v in FILES.items()])
def test_a_wrong_file_is_named_by_line_and_column(tmp_path, text, words):
    (tmp_path / "fleet.yaml").write_text(text)
    status, said = run(tmp_path, *"serve fleet.yaml --listen 127.0.0.1:0 --state state".split())
    assert status == 2 and is_one_message(said), said
    assert re.match(r"fleet\.yaml:" + words, said), said
    assert not (tmp_path / "state").exists()
    assert "sk-1234567890" not in said


COMMANDS = {
    "serve missing.yaml": r"missing\.yaml: .*No such file",
    "serve": r"FLEET is missing",
    "serve fleet.yaml more": r"one word too many: 'more'",
    "srve fleet.yaml": r"no command 'srve' \(did you mean serve\?\)",
    "serve fleet.yaml --listn x": r"unknown option '--listn' \(did you mean --listen\?\)",
    "serve fleet.yaml --queue-maxx 3":
        r"unknown option '--queue-maxx' \(did you mean --queue-max\?\)",
    "serve fleet.yaml --queue-max many": r"--queue-max: found 'many'.*expected a whole number",
    "serve fleet.yaml --attempts-max 99": r"--attempts-max: found 99 .*expected 1 to 32",
    "serve fleet.yaml --queue-max": r"--queue-max needs a value",
    "serve fleet.yaml --listen nonsense": r"'nonsense' is not ADDRESS:PORT",
    "serve fleet.yaml --listen 192.0.2.7:0": r"cannot listen on 192\.0\.2\.7:0: ",
    "serve fleet.yaml --listen 127.0.0.1:0 --tls-certificate no.pem --tls-key no.pem":
        r"TLS: cannot read the certificate \(no\.pem\): No such file or directory",
    "serve fleet.yaml --listen 127.0.0.1:0 --tls-certificate fleet.yaml --tls-key fleet.yaml":
        r"TLS: cannot read the certificate \(fleet\.yaml\): no start line",
    "serve fleet.yaml --state /proc/nope": r"/proc/nope: cannot be made",
    "demo --speed fast": r"--speed: found 'fast', expected a number above 0",
    "demo --speed -1": r"--speed: found '-1', expected a number above 0",
    "demo --speed nan": r"--speed: found 'nan', expected a number above 0",
    "key create": r"--name laptop",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_command_is_answered_in_one_line(tmp_path, command):
    (tmp_path / "fleet.yaml").write_text(GOOD)
    status, said = run(tmp_path, *command.split(), env={"XDG_STATE_HOME": str(tmp_path / "home")})
    assert status == 2 and is_one_message(said), said
    assert re.search(COMMANDS[command], said), said


def test_a_wrong_environment_is_named(tmp_path):
    (tmp_path / "fleet.yaml").write_text(GOOD)
    status, said = run(tmp_path, "serve", "fleet.yaml", env={"TAMPU_QUEUE_MAX": "lots"})
    assert status == 2 and is_one_message(said), said
    assert "TAMPU_QUEUE_MAX: found 'lots' for gateway.queue_max, expected" in said


def test_a_variable_that_is_no_setting_is_told(tmp_path, start):
    (tmp_path / "fleet.yaml").write_text(GOOD)
    gateway = start("serve", "fleet.yaml", "--state", "state", env={"TAMPU_QUEU_MAX": "3"})
    assert gateway.until_logged("stray_variable", name="TAMPU_QUEU_MAX", meant="TAMPU_QUEUE_MAX")


def test_a_file_that_is_no_store_is_named_with_what_to_do(tmp_path):
    (tmp_path / "tampu.db").write_text("a shopping list: bread, and whatever else is needed")
    status, said = run(tmp_path, "key", "list", "--state", ".")
    assert status == 1 and "it is no store of this program's: move it aside" in said, said


def test_a_port_in_use_is_said_and_nothing_listens_or_is_left(tmp_path):
    (tmp_path / "fleet.yaml").write_text(GOOD)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = run(tmp_path, "serve", "fleet.yaml", "--listen", f"127.0.0.1:{port}",
                           "--state", "state")
    assert status == 2 and is_one_message(said), said
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use; end what" in said, said
    assert not list(tmp_path.glob("state/*"))


def test_help_goes_to_standard_output_and_is_no_error(tmp_path):
    for words in (["help"], ["help", "serve"], ["serve", "--help"], ["version"]):
        done = subprocess.run([TAMPU, *words], cwd=tmp_path, capture_output=True, text=True,
                              timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout, words
