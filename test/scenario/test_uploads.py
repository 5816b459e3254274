"""Forms with files: of any size, at either end of a failure, and never half understood."""
import hashlib
import http.client
import json
import pathlib
import re
import socket
import threading

import pytest
from media import Engine, form
from world import PATIENCE, TAMPU, Client, until

MIB = 1 << 20
WAV = b"RIFF" + bytes(range(256)) * 40
IS_SANITIZED = b"__asan_init" in pathlib.Path(TAMPU).read_bytes()


@pytest.fixture
def fleet(tmp_path, nodes):
    """fleet({"a": (engine, kind, model, more)}): a file with one machine each."""
    def write(machines, extra=""):
        lines = ["fleet: uploads", "machines:"]
        for name, (engine, kind, model, more) in machines.items():
            nodes.append(engine)
            lines.append(f"  {name}: {{addresses: 127.0.0.1, engines: [{{kind: {kind}, "
                         f"port: {engine.port}{more}}}], models: [{{pull: \"{model}\"}}]}}")
        path = tmp_path / "fleet.yaml"
        path.write_text("\n".join(lines) + "\n" + extra)
        return path
    return write


@pytest.fixture
def serve(start, tmp_path):
    def serve_one(path, *flags):
        return start("serve", path, "--state", tmp_path / "state", "--threads", "1", *flags,
                     env={"ASAN_OPTIONS": "quarantine_size_mb=4"})
    return serve_one


WHISPER, KOKORO = "whisper-large-v3-turbo", "kokoro"


def send(gateway, path, kind, body, length=None):
    """(status, headers, bytes); body: bytes, or pieces of them."""
    host, _, port = gateway.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2 * PATIENCE)
    length = length or (sum(map(len, body)) if isinstance(body, list) else len(body))
    connection.request("POST", path, body=iter(body) if isinstance(body, list) else body,
                       headers={"content-type": kind, "content-length": str(length)})
    answer = connection.getresponse()
    try:
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def transcribe(gateway, *parts, path="/v1/audio/transcriptions", **more):
    return send(gateway, path, *form(*parts, **more))


def memory(gateway, key):
    text = pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", text)[1]) * 1024


def pieces_of(kind, body, many):
    """The same form with `many` MiB in place of the file's bytes."""
    before, after = body.split(WAV)
    return [before, *[bytes([i % 251]) * MIB for i in range(many)], after]


@pytest.mark.parametrize("order", ["before the file", "behind the file"])
def test_a_hundred_megabytes_pass_through_a_megabyte_of_memory(fleet, serve, order):
    engine = Engine()
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER, "")}))
    parts = [("model", WHISPER), ("file", WAV, "a.wav")]
    kind, body = form(*(parts if order == "before the file" else reversed(parts)))
    for many in (1, 2, 2):      # the code's own pages are there before it is measured
        warm = pieces_of(kind, body, many)
        assert send(gateway, "/v1/audio/transcriptions", kind, warm)[0] == 200
    before = memory(gateway, "VmRSS")
    pathlib.Path(f"/proc/{gateway.process.pid}/clear_refs").write_text("5")    # peak: from here on
    pieces = pieces_of(kind, body, 100)
    status, _, said = send(gateway, "/v1/audio/transcriptions", kind, pieces)
    assert (status, json.loads(said)) == (200, {"text": "hi"})
    grown = memory(gateway, "VmHWM") - before
    print(f"\n100 MiB grew memory by {grown >> 10} KiB")
    assert grown <= (16 if IS_SANITIZED else 1) * MIB, f"{grown} bytes more"
    assert engine.seen[-1].digest == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_an_upload_leaves_nothing_in_the_folder_of_the_state(fleet, serve, tmp_path):
    there = []

    def look(path, seen):
        there.extend(p.name for p in (tmp_path / "state").iterdir())
        return 200, "application/json", [b"{}"]

    gateway = serve(fleet({"a": (Engine(look), "whisper-server", WHISPER, "")}))
    assert transcribe(gateway, ("model", WHISPER), ("file", WAV * 200, "a.wav"))[0] == 200
    assert there and set(there) <= {"blobs", "journal", "tampu.db", "tampu.db-wal", "tampu.db-shm"}


def test_what_the_first_machine_did_not_take_goes_whole_to_the_next(fleet, serve):
    dead, well = Engine(lambda path, seen: None), Engine()
    gateway = serve(fleet({"a": (dead, "whisper-server", WHISPER, ""),
                           "b": (well, "whisper-server", WHISPER, "")}))
    file = WAV * 500
    status, headers, said = transcribe(gateway, ("file", file, "a.wav"), ("model", WHISPER))
    assert status == 200, said
    assert headers["x-tampu-machine"] == "b" and headers["x-tampu-attempts"] == "2"
    assert dead.taken >= len(file) and well.taken >= len(file)
    assert gateway.counter("failures_total", {"machine": "a", "failure": "upstream_gone"}) == 1


def test_the_engine_is_asked_where_it_listens_by_its_own_name_of_the_model(fleet, serve):
    engine = Engine()
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER,
                                 ", args: [--inference-path, /v1/hear, --request-path=/x]")}))
    kind, body = form(("language", "de"), ("file", WAV, "ü.wav"), ("model", WHISPER),
                      ("prompt", "a \"quoted\" name"))
    assert send(gateway, "/v1/audio/transcriptions", kind, b"hello\r\n" + body + b"bye")[0] == 200
    assert send(gateway, "/v1/audio/translations", kind, body)[0] == 200
    first, second = engine.seen
    assert first.path == second.path == "/x/v1/hear"
    assert first.fields() == {"language": "de", "model": WHISPER, "prompt": 'a "quoted" name'}
    assert ("file", "ü.wav", WAV) in first.form()
    assert second.fields() == {**first.fields(), "translate": "true"}
    assert first.body.startswith(b"--b0undary") and first.body.endswith(b"--b0undary--\r\n")


def test_other_engines_are_asked_where_openai_would_be(fleet, serve):
    engine = Engine()
    gateway = serve(fleet({"a": (engine, "openai", WHISPER, "")}))
    for path in ("/v1/audio/transcriptions", "/v1/audio/translations"):
        status, headers, _ = transcribe(gateway, ("model", WHISPER), ("file", WAV, "a"), path=path)
        assert status == 200 and headers["x-tampu-parity"] == "identical"
        assert engine.seen[-1].path == path


@pytest.mark.parametrize("wanted, kind, said", [
    ("json", "application/json", b'{"text":"hi"}'),
    ("text", "text/plain; charset=utf-8", b"hi\n"),
    ("srt", "application/x-subrip", b"1\n00:00:00,000 --> 00:00:01,000\nhi\n\n"),
    ("vtt", "text/vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi\n\n"),
    ("verbose_json", "application/json", b'{"task":"transcribe","text":"hi","segments":[]}'),
])
def test_every_form_of_transcript_comes_as_it_was_said(fleet, serve, wanted, kind, said):
    gateway = serve(fleet({"a": (Engine(lambda path, seen: (200, kind, [said])),
                                 "whisper-server", WHISPER, "")}))
    status, headers, body = transcribe(gateway, ("model", WHISPER), ("file", WAV, "a.wav"),
                                       ("response_format", wanted))
    assert (status, headers["content-type"], body) == (200, kind, said)


def test_a_transcript_that_calls_itself_html_is_text_and_a_page_is_none(fleet, serve):
    said = [b" he said <hi>\n", b"<!DOCTYPE html><p>log in</p>"]
    engine = Engine(lambda path, seen: (200, "text/html; charset=utf-8", [said[len(engine.seen) - 1]]))
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER, "")}))
    parts = ("model", WHISPER), ("file", WAV, "a.wav"), ("response_format", "text")
    status, headers, body = transcribe(gateway, *parts)
    assert (status, headers["content-type"], body) == (200, "text/plain; charset=utf-8", said[0])
    status, _, body = transcribe(gateway, *parts)
    assert status == 502 and json.loads(body)["error"]["code"] == "upstream_garbage"


@pytest.mark.parametrize("words", ['{"error":"no sound in it"}', "no sound in it"])
def test_what_an_engine_refuses_is_said_in_openais_shape(fleet, serve, words):
    engine = Engine(lambda path, seen: (400, "text/plain", [words.encode()]))
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER, "")}))
    status, headers, body = transcribe(gateway, ("model", WHISPER), ("file", WAV, "a.wav"))
    error = json.loads(body)["error"]
    assert (status, headers["content-type"], error["code"]) == (400, "application/json", "rejected")
    assert "no sound in it" in error["message"]


def test_a_stream_is_made_for_an_engine_that_has_none(fleet, serve):
    gateway = serve(fleet({"a": (Engine(), "whisper-server", WHISPER, "")}))
    status, headers, body = transcribe(gateway, ("model", WHISPER), ("file", WAV, "a.wav"),
                                       ("stream", "true"))
    events = [json.loads(line[6:]) for line in body.decode().split("\n\n") if line]
    assert status == 200 and headers["content-type"] == "text/event-stream"
    assert events == [{"type": "transcript.text.delta", "delta": "hi"},
                      {"type": "transcript.text.done", "text": "hi"}]


def test_a_stream_passes_event_by_event(fleet, serve):
    may_go = threading.Event()

    def speak(path, seen):
        def pieces():
            yield b'data: {"type":"transcript.text.delta","delta":"h'
            yield b'i"}\n\ndata: {"type":"tran'
            assert may_go.wait(PATIENCE)
            yield b'script.text.done","text":"hi"}\n\n'
        return 200, "text/event-stream", pieces()

    gateway = serve(fleet({"a": (Engine(speak), "openai", WHISPER, "")}))
    kind, body = form(("model", WHISPER), ("stream", "true"), ("file", WAV, "a.wav"))
    host, _, port = gateway.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request("POST", "/v1/audio/transcriptions", body=body, headers={"content-type": kind})
    answer = connection.getresponse()
    assert answer.read1() == b'data: {"type":"transcript.text.delta","delta":"hi"}\n\n'
    may_go.set()
    assert answer.read() == b'data: {"type":"transcript.text.done","text":"hi"}\n\n'
    connection.close()


def test_speech_is_heard_while_it_is_made(fleet, serve):
    may_go = threading.Event()

    def speak(path, seen):
        def pieces():
            yield b"\xff\xfbfirst"
            assert may_go.wait(PATIENCE)
            yield b"last\x00"
        assert path == "/v1/audio/speech" and json.loads(seen.body)["voice"] == "af"
        return 200, "audio/mpeg", pieces()

    gateway = serve(fleet({"a": (Engine(speak), "openai", KOKORO, "")}))
    host, _, port = gateway.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
    connection.request("POST", "/v1/audio/speech", headers={"content-type": "application/json"},
                       body=json.dumps({"model": KOKORO, "input": "hi", "voice": "af"}))
    answer = connection.getresponse()
    assert answer.getheader("content-type") == "audio/mpeg"
    assert answer.read1() == b"\xff\xfbfirst"
    may_go.set()
    assert answer.read() == b"last\x00"
    connection.close()


def test_a_sound_that_breaks_off_is_cut_for_the_caller_too(fleet, serve):
    def speak(path, seen):
        def pieces():
            yield b"first"
            raise ConnectionError
        return 200, "audio/wav", pieces()

    gateway = serve(fleet({"a": (Engine(speak), "openai", KOKORO, "")}))
    with pytest.raises(http.client.IncompleteRead):
        send(gateway, "/v1/audio/speech", "application/json",
             json.dumps({"model": KOKORO, "input": "hi", "voice": "x"}).encode())
    gateway.until_logged("request", failure="stream_cut")


def test_an_image_larger_than_what_is_kept_comes_as_it_is_made(fleet, serve):
    large = json.dumps({"created": 1, "data": [{"b64_json": "A" * (3 * MIB)}]}).encode()
    gateway = serve(fleet({"a": (Engine(lambda path, seen: (200, "application/json", [large])),
                                 "sd-server", "flux-schnell-q8_0", "")}))
    status, _, body = send(gateway, "/v1/images/generations", "application/json",
                           b'{"model":"flux-schnell-q8_0","prompt":"x"}')
    assert status == 200 and body == large


B = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nMODEL\r\n" \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n"
MALFORMED = {
    "nothing": "",
    "no form": "hello",
    "no boundary": B.replace("--b", "--c") + "\r\nx\r\n--c--\r\n",
    "no last boundary": B + "\r\nx",
    "half a last boundary": B + "\r\nx\r\n--b-",
    "a boundary that goes on": B + "\r\nx\r\n--bc\r\ny\r\n--b--\r\n",
    "LF for CR LF": (B + "\r\nx\r\n--b--\r\n").replace("\r\n", "\n"),
    "a folded header": B + " folded: y\r\n\r\nx\r\n--b--\r\n",
    "huge headers": B + "X: " + "y" * 9000 + "\r\n\r\nx\r\n--b--\r\n",
    "many headers": B + "X: y\r\n" * 20 + "\r\nx\r\n--b--\r\n",
    "many parts": (B + "\r\nx\r\n") * 200 + "--b--\r\n",
    "a form within the form": B + "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n",
    "base64": B + "Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--\r\n",
    "no disposition": "--b\r\n\r\nx\r\n--b--\r\n",
    "no name": "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    "two names": "--b\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n--b--\r\n",
    "quotes without end": "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--b--\r\n",
    "filename* in Latin-1": B[:-2] + "; filename*=iso-8859-1''%fc\r\n\r\nx\r\n--b--\r\n",
    "a zero in a header": B + "X: \0\r\n\r\nx\r\n--b--\r\n",
    "a long preamble": "y" * 5000 + "\r\n" + B + "\r\nx\r\n--b--\r\n",
    "a long epilogue": B + "\r\nx\r\n--b--\r\n" + "y" * 5000,
    "text behind the last boundary": B + "\r\nx\r\n--b--y",
    "model twice": B.replace("name=\"file\"; filename=\"a\"", "name=\"model\"") + "\r\nx\r\n--b--\r\n",
    "model as a file": B.replace("name=\"model\"", "name=\"model\"; filename=\"m\"") + "\r\nx\r\n--b--\r\n",
    "no model": B[B.index("--b", 3):] + "\r\nx\r\n--b--\r\n",
    "no file": B.replace("; filename=\"a\"", "") + "\r\nx\r\n--b--\r\n",
    "an empty file": B + "\r\n\r\n--b--\r\n",
    "a long field": B.replace("; filename=\"a\"", "") + "\r\n" + "x" * (300 << 10) + "\r\n--b--\r\n",
    "stream is no word": B.replace("\r\nMODEL", "\r\nMODEL\r\n--b\r\nContent-Disposition: form-data; "
                                   "name=stream\r\n\r\nmaybe") + "\r\nx\r\n--b--\r\n",
}


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    """One gateway for all malformed forms: it must stay well through all of them."""
    from world import Gateway
    folder, engine = tmp_path_factory.mktemp("malformed"), Engine()
    (folder / "fleet.yaml").write_text(
        f"fleet: x\nmachines:\n  a: {{addresses: 127.0.0.1, engines: [{{kind: whisper-server, "
        f"port: {engine.port}}}], models: [{{pull: {WHISPER}}}]}}\n")
    gateway = Gateway(folder, "serve", folder / "fleet.yaml", "--state", folder / "state")
    yield gateway, engine
    gateway.close()
    engine.drop()


@pytest.mark.parametrize("body", [pytest.param(v, id=k) for k, v in MALFORMED.items()])
def test_what_is_malformed_is_refused_and_reaches_no_engine(refusing, body):
    gateway, engine = refusing
    status, headers, said = send(gateway, "/v1/audio/transcriptions",
                                 "multipart/form-data; boundary=b",
                                 body.replace("MODEL", WHISPER).encode("latin-1"))
    error = json.loads(said)["error"]
    assert (status, headers["content-type"]) == (400, "application/json")
    assert (error["code"], error["type"]) == ("bad_form", "invalid_request_error")
    assert len(error["message"]) > 50 and not engine.seen


def test_an_upload_that_is_left_half_way_is_forgotten(fleet, serve):
    engine = Engine()
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER, "")}))
    kind, body = form(("model", WHISPER), ("file", WAV * 200, "a.wav"))
    host, _, port = gateway.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        sock.sendall(f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                     f"{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:-9])
    gateway.until_logged("request", failure="client_gone")
    assert not engine.seen


def test_all_uploads_together_have_a_ceiling(fleet, serve):
    engine = Engine()
    gateway = serve(fleet({"a": (engine, "whisper-server", WHISPER, "")}),
                    "--uploads-max", "1MiB", "--upload-memory", "4KiB")
    kind, body = form(("model", WHISPER), ("file", b"x" * (2 * MIB), "a.wav"))
    status, _, said = send(gateway, "/v1/audio/transcriptions", kind, body)
    assert status == 503 and b"too many uploads are under way" in said
    assert transcribe(gateway, ("model", WHISPER), ("file", WAV * 50, "a.wav"))[0] == 200
    until(lambda: len(engine.seen) == 1, "the small one arrived")


def test_an_upload_takes_as_long_as_uploads_may(fleet, serve):
    engine = Engine()
    path = fleet({"a": (engine, "whisper-server", WHISPER, "")})
    gateway = serve(path, "--body-timeout", "100ms", "--upload-timeout", "1m")
    kind, body = form(("model", WHISPER), ("file", b"x" * (2 * MIB), "a.wav"))

    def slowly():
        yield body[:100]
        # A small body that is late is refused meanwhile: as long as that was too long for small ones.
        late = Client(gateway.address, "POST", "/v1/chat/completions", "{",
                      {"content-type": "application/json", "content-length": "9"})
        assert late.finish().status == 408
        yield body[100:]

    assert send(gateway, "/v1/audio/transcriptions", kind, slowly(), length=len(body))[0] == 200
    gateway.close()
    gateway = serve(path, "--upload-timeout", "100ms")
    host, _, port = gateway.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as sock:
        sock.sendall(f"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                     f"{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body[:100])
        assert sock.recv(100).startswith(b"HTTP/1.1 408")


def test_a_size_goes_only_where_the_model_is_made_for_it(fleet, serve):
    image = b'{"created":1,"data":[{"b64_json":"AA=="}]}'
    small, large = (Engine(lambda path, seen: (200, "application/json", [image])) for _ in "ab")
    gateway = serve(fleet({"a": (small, "sd-server", "sd-turbo", ""),
                           "b": (large, "sd-server", "flux-schnell-q8_0", "")},
                          "categories:\n  image: {needs: {task: image}, primary: a, backups: [b]}\n"))

    def draw(size):
        body = json.dumps({"model": "image", "prompt": "x", "size": size}).encode()
        return send(gateway, "/v1/images/generations", "application/json", body)

    assert draw("512x512")[1]["x-tampu-machine"] == "a"
    status, headers, _ = draw("1024x1024")
    assert (status, headers["x-tampu-machine"]) == (200, "b")
    status, _, said = draw("4096x4096")
    assert status == 400 and b"no copy of 'image' can do what was asked (size)" in said
    assert draw("auto")[1]["x-tampu-machine"] == "a"


@pytest.mark.parametrize("path, asked, said", [
    ("/v1/rerank", {"query": "q", "documents": ["a", "b"]}, {"results": [{"index": 1}]}),
    ("/v1/moderations", {"input": "x"}, {"results": [{"flagged": False}]}),
])
def test_rankings_and_judgements_pass_through(fleet, serve, path, asked, said):
    engine = Engine(lambda p, seen: (200, "application/json", [json.dumps(said).encode()]))
    gateway = serve(fleet({"a": (engine, "openai", "unheard-of", "")}))
    body = json.dumps({"model": "unheard-of", **asked}).encode()
    status, _, answer = send(gateway, path, "application/json", body)
    assert status == 200 and json.loads(answer) == said
    assert engine.seen[0].path == path and json.loads(engine.seen[0].body) == json.loads(body)
    status, _, answer = send(gateway, path, "application/json", b'{"model":"unheard-of"}')
    assert status == 400 and json.loads(answer)["error"]["code"] == "bad_json"
