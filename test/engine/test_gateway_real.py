"""The real llama-server behind the real gateway: the same answers, and what happens when it dies."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LLAMA_SERVER = ROOT / "build/engine/llama-server"
TAMPU = os.environ.get("TAMPU", str(ROOT / "build/tampu"))
PATIENCE = 30    # seconds that anything may take before a test gives up
NAME = "XS-LOC-FRE-tiny"
EMBED = "XS-LOC-FRE-nomic-embed-text"
FLEET = """
fleet: real
gateway: {{health_interval: 200ms, breaker_cooldown: 200ms}}
machines:
  one:
    addresses: 127.0.0.1
    engines: [{{kind: llama-server, port: {one}, slots: 2}}]
    models: [{{pull: tiny, name: {name}, context: 2K}}]
  two:
    addresses: 127.0.0.1
    engines: [{{kind: llama-server, port: {two}, slots: 2}}]
    models: [{{pull: tiny, name: {name}, context: 2K}}]
  three:
    addresses: 127.0.0.1
    engines: [{{kind: llama-server, port: {three}}}]
    models: [{{pull: nomic-embed-text, name: {embed}, context: 2K}}]
  four:
    addresses: 127.0.0.1
    engines: [{{kind: llama-server, port: {four}}}]
    models: [{{pull: tiny-too, name: {name}-too, context: 2K}}, {{pull: tiny, name: {name}, context: 2K}}]
"""
CHAT, TEXT, VECTORS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"


def until(condition, what):
    """Wait until condition() is true; what it returned then."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.005)
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def events(self):
        """What stands behind each `data:`, parsed but for [DONE]."""
        frames = self.body.decode().split("\n\n")
        assert frames.pop() == "", f"an unfinished event: {self.body[-200:]}"
        assert all(f.startswith("data: ") for f in frames), frames
        return [f[6:] if f == "data: [DONE]" else json.loads(f[6:]) for f in frames]

    @property
    def text(self):
        return "".join(e["choices"][0]["delta"].get("content") or "" for e in self.events
                       if e != "[DONE]" and e["choices"])


def ask(port, method, path, body=None, begun=None):
    """One request on a connection of its own; begun(answer) at the first byte of the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    with contextlib.closing(connection):
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
        got = connection.getresponse()
        answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read(1))
        if begun:
            begun(answer)
        answer.body += got.read()
        return answer


class Engine:
    """A llama-server on a port that it keeps when it is started anew."""

    def __init__(self, model, *more):
        self.port, self.process = free_port(), None
        self.command = [LLAMA_SERVER, "-m", model, "--host", "127.0.0.1", "--port", str(self.port),
                        "--offline", "--no-webui", "-t", "1", *map(str, more)]

    def start(self, state="ok"):
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        until(lambda: state in self.health(), f"llama-server says {state}")
        return self

    def health(self):
        assert self.process.poll() is None, "llama-server ended by itself"
        with contextlib.suppress(OSError):
            return ask(self.port, "GET", "/health").body.decode()
        return ""

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def engines(model, tmp_path_factory):
    """Two that chat, one that embeds, and one that loads for ever: its projector is a pipe."""
    pipe = tmp_path_factory.mktemp("pipe") / "projector.gguf"
    os.mkfifo(pipe)
    made = {"one": Engine(model, "-np", 2, "-c", 4096), "two": Engine(model, "-np", 2, "-c", 4096),
            "three": Engine(model, "--embeddings", "--pooling", "mean"),
            "four": Engine(model, "--mmproj", pipe)}
    try:
        for name, engine in made.items():
            engine.start("Loading model" if name == "four" else "ok")
        yield made
    finally:
        for engine in made.values():
            engine.kill()


class Gateway:
    def __init__(self, folder, engines):
        fleet = folder / "fleet.yaml"
        fleet.write_text(FLEET.format(name=NAME, embed=EMBED,
                                      **{name: e.port for name, e in engines.items()}))
        self.process = subprocess.Popen(
            [TAMPU, "serve", fleet, "--listen", "127.0.0.1:0", "--state", folder,
             "--load-timeout", "3s"],
            stderr=subprocess.PIPE, text=True)
        said = []
        ready = next((line for line in self.process.stderr if said.append(line) or "ready on" in line),
                     None)
        assert ready, f"tampu did not start: {said}"
        self.port = int(ready.rsplit(":", 1)[1])
        self.drain = threading.Thread(target=self.process.stderr.read)
        self.drain.start()

    def is_up(self, machine):
        text = ask(self.port, "GET", "/metrics").body.decode()
        found = re.search(rf'^tampu_engine_up{{machine="{machine}".*}} (\d)$', text, re.M)
        return found and found[1] == "1"

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0
        self.drain.join()


@pytest.fixture(scope="module")
def gateway(engines, tmp_path_factory):
    started = Gateway(tmp_path_factory.mktemp("gateway"), engines)
    for machine in ("one", "two", "three"):
        until(lambda machine=machine: started.is_up(machine), f"{machine} is up")
    yield started
    started.stop()


def chat(words, **more):
    return {"model": "tiny", "messages": [{"role": "user", "content": words}], "temperature": 0,
            "max_tokens": 24, **more}


def both(gateway, engine, path, body):
    """Tampu's answer and the engine's own."""
    return ask(gateway.port, "POST", path, body), ask(engine.port, "POST", path, body)


def without_accidents(body):
    """Bytes of an answer without what differs from one to the next: id, time and timings."""
    text = re.sub(r'"timings":\{[^}]*\}', "TIMINGS", body.decode())
    return re.sub(r'"(id|created|model)":("[^"]*"|\d+)', r"\1", text)


def assert_marked(answer, machines, name):
    assert answer.headers["x-tampu-machine"] in machines
    assert answer.headers["x-tampu-model"] == name
    assert answer.headers["x-tampu-parity"] == "identical"
    assert answer.headers["x-tampu-attempts"] == "1"
    assert answer.headers["x-tampu-request-id"]


@pytest.mark.parametrize("more", [{}, {"stop": ["road"]}, {"max_tokens": 1},
                                  {"messages": [{"role": "system", "content": "stay calm"},
                                                {"role": "user", "content": "na\u00efve \u2603 \\ \""}]}],
                         ids=["short", "stop", "one token", "two messages"])
def test_a_chat_is_byte_for_byte_what_the_engine_says(gateway, engines, more):
    body = chat("where does the road go", cache_prompt=False, **more)
    ours, theirs = both(gateway, engines["one"], CHAT, body)
    assert ours.status == theirs.status == 200
    assert without_accidents(ours.body) == without_accidents(theirs.body)
    assert ours.headers["content-type"].split(";")[0] == "application/json"
    assert_marked(ours, ("one", "two"), NAME)


def test_a_caller_of_anthropic_hears_the_words_that_the_engine_itself_says_to_one(gateway, engines):
    body = chat("where does the road go", system="stay calm")
    ours, theirs = both(gateway, engines["one"], "/v1/messages", body)
    assert ours.status == theirs.status == 200
    for key in ("type", "role", "content", "stop_reason", "stop_sequence"):
        assert ours.json[key] == theirs.json[key]
    for key in ("input_tokens", "output_tokens"):
        assert ours.json["usage"][key] > 0
    assert_marked(ours, ("one", "two"), NAME)


def test_tokens_are_counted_by_the_engine(gateway, engines):
    body = {"model": "tiny", "messages": [{"role": "user", "content": "where does the road go"}]}
    ours, theirs = both(gateway, engines["one"], "/v1/messages/count_tokens", body)
    assert ours.json == theirs.json and ours.json["input_tokens"] > 0
    assert "x-tampu-estimated" not in ours.headers


@pytest.mark.parametrize("more", [{}, {"stream_options": {"include_usage": True}}], ids=["", "usage"])
def test_a_stream_is_byte_for_byte_what_the_engine_says(gateway, engines, more):
    body = chat("where does the road go", stream=True, cache_prompt=False, **more)
    ours, theirs = both(gateway, engines["one"], CHAT, body)
    assert ours.status == theirs.status == 200
    assert without_accidents(ours.body) == without_accidents(theirs.body)
    assert ours.events[-1] == "[DONE]"
    assert ours.headers["content-type"].startswith("text/event-stream")
    assert ours.text == ask(engines["two"].port, "POST", CHAT, chat(
        "where does the road go", cache_prompt=False)).json["choices"][0]["message"]["content"]
    assert_marked(ours, ("one", "two"), NAME)


@pytest.mark.parametrize("stream", [False, True])
def test_a_text_completion_is_byte_for_byte_what_the_engine_says(gateway, engines, stream):
    body = {"model": "tiny", "prompt": "the llama", "temperature": 0, "max_tokens": 24,
            "stream": stream, "cache_prompt": False}
    ours, theirs = both(gateway, engines["one"], TEXT, body)
    assert ours.status == theirs.status == 200
    assert without_accidents(ours.body) == without_accidents(theirs.body)
    assert_marked(ours, ("one", "two"), NAME)


def test_embeddings_are_byte_for_byte_what_the_engine_says(gateway, engines):
    for more in ({}, {"encoding_format": "base64"}):
        body = {"model": "nomic-embed-text", "input": ["a llama", "two llamas"], **more}
        ours, theirs = both(gateway, engines["three"], VECTORS, body)
        assert ours.status == theirs.status == 200
        assert without_accidents(ours.body) == without_accidents(theirs.body)
        assert len(ours.json["data"]) == 2
        assert_marked(ours, ("three",), EMBED)


def test_what_does_not_fit_is_refused_in_the_engines_own_words(gateway, engines):
    ours, theirs = both(gateway, engines["one"], CHAT, chat("hello " * 4000))
    assert ours.status == theirs.status == 400
    assert theirs.json["error"]["type"] == "exceed_context_size_error"
    assert ours.body == theirs.body
    assert ours.headers["x-tampu-attempts"] == "1"    # no other machine is asked for the same


def test_a_faulty_request_is_refused_and_benches_nobody(gateway, engines):
    faulty = [chat("hello", seed="x"), chat("", messages=[{"content": "no role"}]),
              chat("hello", tools=[{"x": 1}])]
    for body in faulty * 2:
        assert ask(gateway.port, "POST", CHAT, body).status == 400
    for name in ("one", "two"):
        assert gateway.is_up(name)
    ours, theirs = both(gateway, engines["one"], CHAT, faulty[0])
    assert ours.body == theirs.body
    assert ask(gateway.port, "POST", CHAT, chat("hello")).headers["x-tampu-attempts"] == "1"


def test_what_tampu_does_not_offer_is_404_in_openai_s_form(gateway):
    for method, path in (("GET", "/nope"), ("POST", "/v1/fine_tuning/jobs"), ("GET", "/slots")):
        answer = ask(gateway.port, method, path, {} if method == "POST" else None)
        assert answer.status == 404
        assert set(answer.json["error"]) == {"message", "type", "param", "code"}
    assert ask(gateway.port, "GET", CHAT).status == 405
    answer = ask(gateway.port, "POST", CHAT, chat("hello", model="nobody"))
    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")


class Load:
    """Callers that ask one after the other, plain and streaming, until stopped."""

    def __init__(self, port, callers):
        self.port, self.over = port, threading.Event()
        self.answers, self.trouble, self.streaming = [], [], {}
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(callers)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        stream = number % 2 == 0
        try:
            while not self.over.is_set():
                body = chat(f"caller {number}", stream=stream, max_tokens=200, ignore_eos=True)
                begun = self.streaming.__setitem__
                answer = ask(self.port, "POST", CHAT, body,
                             lambda a: stream and begun(number, a.headers.get("x-tampu-machine")))
                self.streaming.pop(number, None)
                self.answers.append((stream, answer))
        except Exception as problem:    # also what pytest's asserts raise: it is told in the end
            self.trouble.append(problem)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        assert not self.trouble, self.trouble


def test_a_machine_that_still_loads_costs_nobody_an_answer(gateway, engines):
    assert ask(engines["four"].port, "POST", CHAT, chat("hello")).status == 503
    load = Load(gateway.port, callers=8)    # more than one and two have slots for
    try:
        until(lambda: len(load.answers) > 24 or load.trouble, "24 answers")
    finally:
        load.stop()
    for _, answer in load.answers:
        assert answer.status == 200
        assert answer.headers["x-tampu-machine"] in ("one", "two")
    alone = ask(gateway.port, "POST", CHAT, chat("hello", model="tiny-too"))
    assert alone.status == 503
    assert int(alone.headers["retry-after"]) >= 1
    assert alone.json["error"]["type"] == "api_error"


def dies_after(gateway, engines, path, body, events):
    """The answer to a stream whose machine is killed when so many of its events have come, and which
    machine that was."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE)
    with contextlib.closing(connection):
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        got = connection.getresponse()
        answer = Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, b"")
        while answer.body.count(b"\n\n") < events:
            answer.body += got.read1(64)
        machine = answer.headers["x-tampu-machine"]
        engines[machine].kill()
        answer.body += got.read()
    return answer, machine


def cuts(gateway, machine):
    text = ask(gateway.port, "GET", "/metrics").body.decode()
    found = re.search(rf'^tampu_cuts_total{{machine="{machine}",result="elsewhere"}} (\d+)$', text, re.M)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("events", [2, 3, 17, 200])
def test_a_stream_whose_machine_is_killed_goes_on_to_the_same_bytes(gateway, engines, events):
    for machine in ("one", "two"):
        until(lambda machine=machine: gateway.is_up(machine), f"{machine} is up")
    body = chat("where does the road go", max_tokens=1500, stream=True, cache_prompt=False,
                stream_options={"include_usage": True})
    whole = ask(engines["two"].port, "POST", CHAT, body)
    answer, machine = dies_after(gateway, engines, CHAT, body, events)
    try:
        assert cuts(gateway, machine) >= 1, "the machine died too late"
        assert answer.text == whole.text
        assert answer.events[-1] == "[DONE]"
        assert [e["choices"][0]["finish_reason"] for e in answer.events[:-1]
                if e["choices"] and e["choices"][0]["finish_reason"]] == ["length"]
        assert answer.events[-2]["usage"]["completion_tokens"] == 1500
        assert answer.events[-2]["usage"]["prompt_tokens"] == whole.events[-2]["usage"]["prompt_tokens"]
    finally:
        engines[machine].start()


def test_a_completion_whose_machine_is_killed_goes_on_to_the_same_bytes(gateway, engines):
    for machine in ("one", "two"):
        until(lambda machine=machine: gateway.is_up(machine), f"{machine} is up")
    body = {"model": "tiny", "prompt": "the llama", "temperature": 0, "max_tokens": 1500,
            "stream": True, "cache_prompt": False}
    whole = ask(engines["two"].port, "POST", TEXT, body)
    answer, machine = dies_after(gateway, engines, TEXT, body, 9)
    try:
        assert cuts(gateway, machine) >= 1
        assert said(answer) == said(whole)
    finally:
        engines[machine].start()


def said(answer):
    return "".join(e["choices"][0]["text"] for e in answer.events if e != "[DONE]" and e["choices"])


def test_a_machine_that_dies_under_load_costs_nobody_an_answer(gateway, engines):
    before = cuts(gateway, "one")
    load = Load(gateway.port, callers=10)
    try:
        until(lambda: list(load.streaming.values()).count("one"), "one streams")
        engines["one"].kill()
        done = len(load.answers)
        until(lambda: len(load.answers) > done + 20, "two goes on alone")
    finally:
        load.stop()
        engines["one"].start()
    for stream, answer in load.answers:
        assert answer.status == 200, answer.body
        if not stream:
            assert answer.json["usage"]["completion_tokens"] == 200
            continue
        events = answer.events
        assert events[-1] == "[DONE]"
        assert not any("error" in e for e in events[:-1])
    assert cuts(gateway, "one") > before, "no stream was cut: the machine died too late"

    until(lambda: gateway.is_up("one"), "one is up again")
    load = Load(gateway.port, callers=10)
    try:
        until(lambda: "one" in load.streaming.values(), "one is used again")
    finally:
        load.stop()
    assert all(a.status == 200 for _, a in load.answers)
