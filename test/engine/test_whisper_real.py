"""The real whisper-server behind the real gateway: what it says comes through, whatever the form."""
import contextlib
import http.client
import json
import math
import os
import pathlib
import re
import struct
import subprocess
import sys

import pytest
from test_gateway_real import PATIENCE, ROOT, TAMPU, free_port, until

SERVER = ROOT / "build/engine/whisper-server"
MODEL = "whisper-large-v3-turbo"        # what the fleet file calls it; the bytes are tiny
PATH = "/v1/audio/transcriptions"
SLOW = 4 * PATIENCE                     # seconds that hearing may take on a busy machine
BOUNDARY = "a-boundary-of-our-own"


def tone(seconds):
    """A WAV file: 16 kHz, 16 bit, one voice."""
    data = b"".join(struct.pack("<h", int(8000 * math.sin(i * i / 9000)))
                    for i in range(int(16000 * seconds)))
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
            + b"data" + struct.pack("<I", len(data)) + data)


def form(fields, file):
    body = b""
    for name, value in fields.items():
        body += (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
                 f"{value}\r\n").encode()
    body += (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="t.wav"\r\n'
             "Content-Type: audio/wav\r\n\r\n").encode() + file
    return body + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(port, path, fields, file):
    """(status, type, bytes)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SLOW)
    with contextlib.closing(connection):
        connection.request("POST", path, form(fields, file),
                           {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """The port of a whisper-server with a tiny model."""
    fetched = subprocess.run([ROOT / "tools/whisper-server"], stderr=subprocess.PIPE, text=True,
                             check=False)
    if fetched.returncode:
        why = f"no whisper-server could be fetched: {fetched.stderr.strip()}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    folder, port = tmp_path_factory.mktemp("whisper"), free_port()
    subprocess.run([sys.executable, ROOT / "test/engine/tiny_whisper.py", folder / "tiny.bin"],
                   check=True)
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [SERVER, "-m", folder / "tiny.bin", "-nf", "-bo", "1", "-t", "1", "--host", "127.0.0.1",
             "--port", str(port), "--inference-path", PATH], stdout=log, stderr=log, cwd=folder)

    def is_well():
        assert server.poll() is None, (folder / "log").read_text()
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False

    until(is_well, "whisper-server is well")
    yield port
    server.terminate()
    server.wait(PATIENCE)


@pytest.fixture(scope="module")
def gateway(whisper, tmp_path_factory):
    """The port of a gateway in front of it."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "fleet.yaml").write_text(
        f"fleet: real\nmachines:\n  one:\n    addresses: 127.0.0.1\n"
        f"    engines: [{{kind: whisper-server, port: {whisper}, args: [--inference-path, {PATH}]}}]\n"
        f"    models: [{{pull: {MODEL}}}]\n")
    words = folder / "words"
    with words.open("w") as log:
        tampu = subprocess.Popen(
            [TAMPU, "serve", folder / "fleet.yaml", "--listen", "127.0.0.1:0", "--state",
             folder / "state"], stderr=log, env={**os.environ, "TAMPU_LOOPBACK_ONLY": "1"})
    ready = until(lambda: re.search(r"ready on http://\S+:(\d+)", words.read_text()), "it serves")
    yield int(ready[1])
    tampu.terminate()
    assert tampu.wait(PATIENCE) == 0


SOUND = tone(1)


@pytest.mark.parametrize("wanted", ["json", "text", "srt", "vtt", "verbose_json"])
def test_what_is_heard_comes_through_byte_for_byte(gateway, whisper, wanted):
    fields = {"response_format": wanted, "temperature": "0"}
    alone = ask(whisper, PATH, fields, SOUND)
    through = ask(gateway, PATH, {"model": MODEL, **fields}, SOUND)
    assert alone[0] == 200 and through[0] == 200, (alone, through)
    # It calls text a page of HTML, which no browser shall take for one.
    assert through[1] == ("text/plain; charset=utf-8" if wanted == "text" else alone[1])
    if wanted == "verbose_json":        # which also says how long it took, and how sure it is
        assert json.loads(through[2])["text"] == json.loads(alone[2])["text"]
    else:
        assert through[2] == alone[2]


def test_a_stream_is_made_of_what_it_says(gateway):
    status, kind, said = ask(gateway, PATH, {"model": MODEL, "stream": "true"}, SOUND)
    events = [json.loads(line[6:]) for line in said.decode().split("\n\n") if line]
    assert (status, kind) == (200, "text/event-stream")
    assert [e["type"] for e in events] == ["transcript.text.delta", "transcript.text.done"]
    assert events[0]["delta"] == events[1]["text"]


def test_a_translation_is_asked_for_where_it_listens(gateway):
    """The tiny model knows English alone, so the server hears instead of translating."""
    status, _, said = ask(gateway, "/v1/audio/translations",
                          {"model": MODEL, "response_format": "verbose_json"}, SOUND)
    assert status == 200 and json.loads(said)["text"]


def test_what_is_no_sound_is_refused_in_words(gateway):
    status, _, said = ask(gateway, PATH, {"model": MODEL}, b"this is no sound")
    assert status in (400, 502) and json.loads(said)["error"]["message"]
