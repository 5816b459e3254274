"""Videos: asked for once, looked at until they are made, fetched; by whoever asked, after a restart."""
import base64
import json

import pytest
from media import Engine, form
from test_uploads import send
from world import PATIENCE

MODEL = "wan2.1-t2v-1.3b-q8_0"
FILE = b"\x1a\x45\xdf\xa3 a film"


class Films(Engine):
    """An engine whose one job is as far as .status says."""

    def __init__(self, native):
        super().__init__(self.make)
        self.native, self.status, self.asked = native, "queued", []

    def make(self, path, seen):
        if self.native:
            return 202, "application/json", [json.dumps(
                {"id": "job_1", "kind": "vid_gen", "status": "queued",
                 "poll_url": "/sdcpp/v1/jobs/job_1"}).encode()]
        return 200, "application/json", [json.dumps(
            {"id": "video_x/1", "object": "video", "status": "queued", "progress": 0}).encode()]

    def get(self, path):
        """What GET answers: (status, type, bytes)."""
        self.asked.append(path)
        if path == "/v1/videos/video_x%2F1/content":
            return 200, "video/mp4", FILE
        done = self.status == "completed"
        if path == "/sdcpp/v1/jobs/job_1":
            result = {"mime_type": "video/webm", "b64_json": base64.b64encode(FILE).decode()}
            return 200, "application/json", json.dumps(
                {"id": "job_1", "status": self.status, "result": result if done else None,
                 "error": {"code": "generation_failed", "message": "no memory"}
                 if self.status == "failed" else None}).encode()
        if path == "/v1/videos/video_x%2F1":
            return 200, "application/json", json.dumps(
                {"id": "video_x/1", "object": "video", "status": self.status, "progress": 40}).encode()
        if "jobs" in path or "videos" in path:
            return 404, "application/json", b'{"error":"job not found"}'
        return 200, "application/json", b'{"data":[]}'


@pytest.fixture
def films(start, tmp_path, nodes):
    """films(native): (gateway, engine); films.again(): the gateway anew, from the same state."""
    def write(native):
        engine = Films(native)
        nodes.append(engine)
        kind = "sd-server" if native else "openai"
        (tmp_path / "fleet.yaml").write_text(
            f"fleet: films\nmachines:\n  a: {{addresses: 127.0.0.1, engines: [{{kind: {kind}, "
            f"port: {engine.port}}}], models: [{{pull: {MODEL}}}]}}\n")
        return write.again(), engine

    write.again = lambda: start("serve", tmp_path / "fleet.yaml", "--state", tmp_path / "state")
    return write


def ask(gateway, **more):
    status, _, said = send(gateway, "/v1/videos", "application/json", json.dumps(
        {"model": MODEL, "prompt": "a llama", "seconds": "2", "size": "320x240", **more}).encode())
    assert status == 200, said
    return json.loads(said)


def look(gateway, video, what=""):
    answer = gateway.get(f"/v1/videos/{video['id']}{what}")
    answer.join(PATIENCE)
    return answer


@pytest.mark.parametrize("native", [True, False], ids=["sd-server", "openai"])
def test_a_video_from_words_to_bytes(films, native):
    gateway, engine = films(native)
    video = ask(gateway)
    assert video["id"].startswith("video_") and video["object"] == "video"
    assert (video["status"], video["progress"], video["model"]) == ("queued", 0, MODEL)
    assert (video["seconds"], video["size"]) == ("2", "320x240")
    sent = json.loads(engine.seen[0].body)
    assert sent["prompt"] == "a llama"
    if native:
        assert engine.seen[0].path == "/sdcpp/v1/vid_gen"
        assert (sent["width"], sent["height"], sent["video_frames"], sent["fps"]) == (320, 240, 33, 16)
    engine.status = "generating" if native else "in_progress"
    assert json.loads(look(gateway, video).body) == {
        **video, "status": "in_progress", "progress": 0 if native else 40}
    if native:
        early = look(gateway, video, "/content")
        assert early.status == 409 and b"not made yet" in early.body
        gateway.until_logged("request", failure="video_not_made")
    engine.status = "completed"
    assert json.loads(look(gateway, video).body)["progress"] == 100
    file = look(gateway, video, "/content")
    assert (file.status, file.body) == (200, FILE)
    assert file.headers["content-type"] == ("video/webm" if native else "video/mp4")


def test_what_went_wrong_is_told(films):
    gateway, engine = films(True)
    video = ask(gateway)
    engine.status = "failed"
    told = json.loads(look(gateway, video).body)
    assert told["status"] == "failed"
    assert told["error"] == {"code": "generation_failed", "message": "no memory"}


def test_an_id_outlives_the_gateway(films):
    gateway, engine = films(True)
    video = ask(gateway)
    gateway.close()
    again = films.again()
    engine.status = "completed"
    assert json.loads(look(again, video).body)["status"] == "completed"
    assert look(again, video, "/content").body == FILE


def test_an_id_that_was_changed_is_none(films):
    gateway, engine = films(True)
    video = ask(gateway)
    before = len(engine.asked)
    for at in range(6, len(video["id"]), 9):
        other = "A" if video["id"][at] != "A" else "B"
        changed = {"id": video["id"][:at] + other + video["id"][at + 1:]}
        answer = look(gateway, changed)
        assert answer.status == 404 and b"there is no such video" in answer.body
    assert [p for p in engine.asked[before:] if "jobs" in p] == []


def test_what_the_engine_forgot_is_gone(films):
    gateway, engine = films(True)
    video = ask(gateway)
    engine.get = lambda path: (410, "application/json", b'{"error":"job expired"}') \
        if "jobs" in path else (200, "application/json", b"{}")
    answer = look(gateway, video)
    assert answer.status == 404 and json.loads(answer.body)["error"]["code"] == "unknown_video"


def test_a_form_asks_for_a_video_too(films):
    gateway, engine = films(True)
    parts = [("model", MODEL), ("prompt", "a llama"), ("seconds", "8")]
    status, _, said = send(gateway, "/v1/videos", *form(*parts))
    assert status == 200 and json.loads(said)["seconds"] == "8"
    assert json.loads(engine.seen[0].body)["video_frames"] == 129
    status, _, said = send(gateway, "/v1/videos", *form(*parts, ("input_reference", b"x", "a.png")))
    assert status == 400 and b"input_reference" in said and len(engine.seen) == 1
