"""The imagined llama-server beside the real one: one script of requests, answered by both.

What must be the same: the status, the headers a client looks at, how the body is framed, and
which fields stand in it. What is said may differ, and numbers, names and times. And the imagined
one's formulas, fitted to one run of the real one, must foretell another.
"""
import http.client
import json
import os
import pathlib
import re
import socket
import statistics
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
REAL = ROOT / "build/engine/llama-server"
TAMPU = os.environ.get("TAMPU", str(ROOT / "build/tampu"))
FLEET = """
fleet: twin
machines:
  box:
    hardware: {cpu: i9-12900K, gpu: RTX 5090, ram: 64 GB}
    engines: [llama-server]
    models: [{pull: "qwen2.5:7b", context: 2K}]
"""
HEADERS = ("server", "access-control-allow-origin", "content-type", "x-accel-buffering",
           "transfer-encoding")
ASK = [{"role": "user", "content": "hello there"}]
LONG = [{"role": "user", "content": "hello " * 4000}]
CHAT, TEXT = "/v1/chat/completions", "/v1/completions"
SCRIPT = [
    ("GET", "/health", None),
    ("HEAD", "/health", None),
    ("GET", "/v1/models", None),
    ("GET", "/nope", None),
    ("POST", "/nope", {}),
    ("GET", CHAT, None),
    ("DELETE", CHAT, None),
    ("PUT", "/health", {}),
    ("GET", "/metrics", None),
    ("POST", CHAT, {}),
    ("POST", CHAT, {"messages": "x"}),
    ("POST", CHAT, []),
    ("POST", CHAT, b"{nope"),
    ("POST", CHAT, b""),
    ("POST", CHAT, {"messages": LONG, "max_tokens": 2}),
    ("POST", CHAT, {"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}]}),
    ("POST", CHAT, {"messages": ASK, "max_tokens": 4}),
    ("POST", CHAT, {"messages": ASK, "max_tokens": 2, "model": "unheard-of"}),
    ("POST", CHAT, {"messages": ASK, "max_tokens": 4, "stream": True}),
    ("POST", CHAT, {"messages": ASK, "max_tokens": 3, "stream": True,
                    "stream_options": {"include_usage": True}}),
    ("POST", TEXT, {"prompt": "hello", "max_tokens": 3}),
    ("POST", TEXT, {"prompt": "hello", "max_tokens": 3, "stream": True}),
    ("POST", TEXT, {}),
    ("POST", "/v1/embeddings", {"input": "hello"}),
]


def wait_until(what, seconds=20):
    """The first true answer of what(), asked again and again."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("it did not come to pass")


def is_healthy(address):
    try:
        return request(address, "GET", "/health", None)[0] == 200
    except OSError:
        return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start_real(model):
    port = free_port()
    process = subprocess.Popen(
        [REAL, "-m", model, "--host", "127.0.0.1", "--port", str(port), "--offline", "--no-webui",
         "-np", "1", "-t", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def real(model):
    process, address = start_real(model)
    wait_until(lambda: is_healthy(address))
    yield address
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    fleet = tmp_path_factory.mktemp("twin") / "fleet.yaml"
    fleet.write_text(FLEET)
    process = subprocess.Popen([TAMPU, "demo", fleet, "--listen", "127.0.0.1:0", "--speed", "100"],
                               stderr=subprocess.PIPE, text=True)
    line = next(l for l in process.stderr if "ready on" in l)
    gateway = re.search(r"http://(\S+)", line)[1]
    listing = json.loads(request(gateway, "GET", "/imagine", None)[2])
    address = listing["machines"][0]["engines"][0]["address"]
    wait_until(lambda: is_healthy(address))
    yield address
    process.terminate()
    process.communicate()


def request(address, method, path, body):
    """Status, headers in lower case, the body."""
    host, port = address.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    text = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
    answer = connection.getresponse()
    found = (answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    connection.close()
    return found


def chunks(address, path, body):
    """The pieces of a chunked answer, as the server cut them."""
    host, port = address.split(":")
    text = json.dumps(body).encode()
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: "
                  b"application/json\r\nContent-Length: %d\r\n\r\n%s"
                  % (path.encode(), len(text), text))
        data = b""
        while piece := s.recv(65536):
            data += piece
    at, found = data.index(b"\r\n\r\n") + 4, []
    while size := int(data[at:data.index(b"\r\n", at)], 16):
        at = data.index(b"\r\n", at) + 2
        found.append(data[at:at + size])
        at += size + 2
    assert data[at:] == b"0\r\n\r\n"
    return found


def shape(value):
    """A JSON value without what may differ: its fields, in their order, and their kinds."""
    if isinstance(value, dict):
        return [(k, shape(v)) for k, v in value.items()]
    if isinstance(value, list):
        return [shape(v) for v in value]
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else \
        type(value).__name__


def events(chunk):
    lines = chunk.decode().split("\n\n")
    assert lines.pop() == ""
    assert all(l.startswith("data: ") for l in lines)
    return ["[DONE]" if l == "data: [DONE]" else shape(json.loads(l[6:])) for l in lines]


def body_shape(path, body):
    if not body:
        return None
    value = json.loads(body)
    if "error" not in value:
        return shape(value)
    # What is wrong is said in the same words, but for the place in a text and for counts.
    if "parse_error" in value["error"]["message"]:
        value["error"]["message"] = "parse error"
    value["error"] = {k: re.sub(r"\d+ tokens", "N tokens", str(v)) if k == "message" else
                      0 if k.startswith("n_") else v for k, v in value["error"].items()}
    return list(value["error"].items())


@pytest.mark.parametrize("method, path, body", SCRIPT,
                         ids=[f"{m} {p} {str(b)[:60]}" for m, p, b in SCRIPT])
def test_both_answer_alike(real, twin, method, path, body):
    answers = [request(address, method, path, body) for address in (real, twin)]
    assert answers[1][0] == answers[0][0]
    for name in HEADERS:
        assert answers[1][1].get(name) == answers[0][1].get(name), name
    if isinstance(body, dict) and body.get("stream"):
        cut = [[events(c) for c in chunks(address, path, body)] for address in (real, twin)]
        assert cut[1] == cut[0]
    else:
        assert body_shape(path, answers[1][2]) == body_shape(path, answers[0][2])


def test_whole_answers_repeat_the_beginning_they_were_given_and_streams_do_not(real, twin):
    for address in (real, twin):
        ask = {"messages": ASK, "temperature": 0, "max_tokens": 9}
        whole = said(address, ask)
        start = whole[:len(whole) // 2].rsplit(" ", 1)[0]
        more = dict(ask, messages=ASK + [{"role": "assistant", "content": start}])
        assert said(address, more).startswith(start)
        streamed = "".join(
            choice["delta"].get("content") or ""
            for chunk in chunks(address, CHAT, dict(more, stream=True))
            for line in chunk.decode().split("\n\n") if line.startswith("data: {")
            for choice in json.loads(line[6:])["choices"])
        assert not streamed.startswith(start)


def said(address, body):
    return json.loads(request(address, "POST", CHAT, body)[2])["choices"][0]["message"]["content"]


def timings(address, words, tokens):
    """Milliseconds for a prompt and for the tokens, and how many they were."""
    body = {"prompt": "llama " * words, "max_tokens": tokens, "ignore_eos": True,
            "cache_prompt": False, "temperature": 0}
    found = json.loads(request(address, "POST", TEXT, body)[2])["timings"]
    return [found[k] for k in ("prompt_ms", "prompt_n", "predicted_ms", "predicted_n")]


def curve_through(points):
    """The polynomial through so many points."""
    def at(x):
        total = 0
        for i, (xi, yi) in enumerate(points):
            for k, (xk, _) in enumerate(points):
                if k != i:
                    yi *= (x - xk) / (xi - xk)
            total += yi
        return total
    return at


def test_the_formulas_fitted_to_one_run_foretell_another(real):
    """src/model/speed.h's forms: reading u tokens takes a + b u + c u², decoding one among c
    tokens of context takes d + e c."""
    def off():
        fit = [timings(real, words, 60) for words in (100, 350, 900)]
        other = timings(real, 600, 90)
        prompt = curve_through([(r[1], r[0]) for r in fit])
        step = curve_through([(r[1] + r[3] / 2, r[2] / (r[3] - 1)) for r in (fit[0], fit[2])])
        told = step(other[1] + other[3] / 2) * (other[3] - 1)
        return prompt(other[1]) / other[0], told / other[2]

    # Others may use this machine: a run and its forecast are of the same moment, the medians of many.
    tries = [off() for _ in range(25)]
    assert abs(statistics.median(t[0] for t in tries) - 1) < 0.2
    assert abs(statistics.median(t[1] for t in tries) - 1) < 0.2


def test_the_time_to_load_fitted_to_one_run_foretells_another(model):
    """A model this small is all start and no bytes; runs alternate, as others use this machine."""
    def load():
        start = time.monotonic()
        process, address = start_real(model)
        wait_until(lambda: is_healthy(address))
        process.kill()
        process.wait()
        return time.monotonic() - start

    times = [load() for _ in range(24)]
    assert abs(statistics.median(times[::2]) / statistics.median(times[1::2]) - 1) < 0.2
