"""tampu top in a real terminal: tmux shows what a person would see, and types what they would."""
import json
import os
import shutil
import subprocess

import pytest
from world import TAMPU, Client, has_terminals, until

needs_a_terminal = pytest.mark.skipif(not shutil.which("tmux") or not has_terminals(),
                                      reason="no tmux, or no pseudo-terminals")
ASK = {"model": "s-fast", "messages": [{"role": "user", "content": "hello"}]}


class Screen:
    """`tampu top` in a tmux server of its own, COLUMNS × LINES."""

    def __init__(self, folder, address, columns, lines):
        self.socket = str(folder / "tmux")
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                 f"env TERM=screen-256color TAMPU_LOOPBACK_ONLY=1 {TAMPU} top "
                 f"--gateway http://{address}; echo ended with $?; sleep 30")

    def run(self, *words):
        done = subprocess.run(["tmux", "-S", self.socket, *words], capture_output=True, text=True,
                              timeout=15, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def lines(self):
        return self.run("capture-pane", "-p").split("\n")

    def shows(self, *words):
        """Waits until all the words are on the screen; the screen."""
        return until(lambda: (lines := self.lines()) and all(
            any(w in line for line in lines) for w in words) and lines, f"{words} in\n"
            + "\n".join(self.lines()))

    def type(self, *keys):
        self.run("send-keys", *keys)

    def close(self):
        self.run("kill-server")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    from world import Gateway
    made = Gateway(tmp_path_factory.mktemp("top"), "demo", "--speed", "20",
                   "--health-interval", "100ms")
    yield made
    made.close()


@pytest.fixture(params=[(80, 24), (200, 60)], ids=["80x24", "200x60"])
def screen(demo, tmp_path, request):
    made = Screen(tmp_path, demo.address, *request.param)
    made.size = request.param
    yield made
    made.close()


@needs_a_terminal
def test_every_sheet_is_shown_within_the_screen(demo, screen):
    answer = demo.post("/v1/chat/completions", ASK)
    machine = answer.headers["x-tampu-machine"]
    lines = screen.shows("MACHINE", "LOADED", machine, " up ", "TEMP", " 38 C", "q quit")
    assert lines[0].startswith("tampu ") and "fleet homelab" in lines[0]
    assert all(len(line) <= screen.size[0] for line in lines)
    screen.type("2")
    screen.shows("NAME", "CONTEXT", "loaded")
    screen.type("3")
    screen.shows("CATEGORY", "s-fast", "ready")
    screen.type("Tab")
    screen.shows("LOADED")


@needs_a_terminal
def test_a_machine_that_dies_is_seen(demo, screen):
    screen.shows("gtr9-pro")
    tell(demo, "gtr9-pro", "die")
    try:
        until(lambda: any("gtr9-pro" in line and "down" in line for line in screen.lines()),
              "gtr9-pro down")
    finally:
        tell(demo, "gtr9-pro", "revive")
    until(lambda: any("gtr9-pro" in line and " up " in line for line in screen.lines()),
          "gtr9-pro up")


@needs_a_terminal
def test_filter_sort_and_details(screen):
    screen.shows("akshat-pc", "retromac")
    screen.type("/", "r", "e", "t", "r", "o", "Enter")
    screen.shows("filtered: retro", "retromac")
    assert not any("akshat-pc" in line for line in screen.lines())
    screen.type("Enter")
    screen.shows("WHAT", "WHERE", "ollama", "127.0.0.1:")
    screen.type("Escape")
    screen.shows("MACHINE", "retromac")
    screen.type("Escape")
    screen.shows("akshat-pc")
    screen.type("r")
    until(lambda: first_machine(screen) == "ser9", "sorted by name, the last first")
    screen.type("Down", "Enter")
    screen.shows("WHAT")


def first_machine(screen):
    lines = screen.lines()
    title = next(i for i, line in enumerate(lines) if line.startswith("MACHINE"))
    return lines[title + 1].split()[0]


@needs_a_terminal
def test_keys_take_a_machine_out_of_service_and_back(demo, screen):
    """What the screen says is what the gateway was told."""
    screen.type("1")
    screen.shows("MACHINE", "retromac")
    screen.type("/", "r", "e", "t", "r", "o", "Enter")
    screen.shows("filtered: retro")
    for key, verb, duty in (("d", "drain", "drained"), ("c", "cordon", "cordoned")):
        screen.type(key)
        screen.shows(f"retromac, {verb}: done")
        assert duty_of(demo, "retromac") == duty
        until(lambda: duty in next(line for line in screen.lines() if line.startswith("retromac ")), duty)
    screen.type("Enter")
    screen.shows("WHAT", "by this machine", "since 20")
    screen.type("u")                            # the one whose details are shown
    screen.shows("retromac, uncordon: done")
    assert duty_of(demo, "retromac") == "serves"
    screen.type("Escape", "Escape")
    screen.shows("akshat-pc")


def duty_of(demo, name):
    machines = json.loads(demo.get("/admin/v1/status").body)["machines"]
    return next(m["duty"] for m in machines if m["machine"] == name)


@needs_a_terminal
def test_it_ends_when_told(screen):
    screen.shows("q quit")
    screen.type("q")
    screen.shows("ended with 0")


@needs_a_terminal
def test_a_gateway_that_goes_away_is_said(tmp_path, start):
    gateway = start("demo", "--speed", "20")
    screen = Screen(tmp_path, gateway.address, 80, 24)
    try:
        screen.shows("LOADED")
        gateway.close()
        screen.shows("connect", "akshat-pc")    # and what was known stays
    finally:
        screen.close()


def test_without_a_terminal_or_a_gateway_it_says_so():
    done = subprocess.run([TAMPU, "top"], capture_output=True, text=True, timeout=15)
    assert done.returncode == 2 and "needs a terminal" in done.stderr


def tell(demo, machine, what):
    body = json.dumps({"machine": machine, "do": what})
    assert Client(demo.address, "POST", "/imagine", body,
                  {"content-type": "application/json"}).finish().status == 200
