"""The voice, image and video categories of the fleet that ships, when machines die one by one."""
import json

import pytest
from media import form
from test_uploads import WAV, send
from world import PATIENCE


def imagine(gateway, machine, do):
    answer = gateway.post("/imagine", {"machine": machine, "do": do})
    answer.join(PATIENCE)
    assert answer.status == 200, answer.body


def hear(gateway):
    return send(gateway, "/v1/audio/transcriptions",
                *form(("file", WAV, "a.wav"), ("model", "transcribe")))


def post(gateway, path, **body):
    return send(gateway, path, "application/json", json.dumps(body).encode())


CATEGORIES = {
    "transcribe": (["akshat-pc", "gtr9-pro", "mac-mini-m4-pro"], hear),
    "image": (["akshat-pc", "ms-s1", "old-office-pc"],
              lambda gateway: post(gateway, "/v1/images/generations", model="image", prompt="x",
                                   size="512x512")),
    "video": (["akshat-pc", "ms-s1"],
              lambda gateway: post(gateway, "/v1/videos", model="video", prompt="x")),
}


@pytest.mark.parametrize("machines, call", CATEGORIES.values(), ids=CATEGORIES)
def test_each_backup_takes_over_until_nobody_is_left(start, tmp_path, machines, call):
    gateway = start("demo", "--speed", "2000", "--state", tmp_path / "state")
    said = set()
    for machine in machines:
        status, headers, body = call(gateway)
        assert (status, headers["x-tampu-machine"]) == (200, machine), body
        said.add(json.loads(body).get("text"))
        imagine(gateway, machine, "die")
    assert len(said) == 1       # every copy of one artifact hears the same
    status, headers, body = call(gateway)
    assert status in (502, 503) and json.loads(body)["error"]["message"]


def test_an_image_that_is_too_large_for_a_backup_does_not_go_there(start, tmp_path):
    gateway = start("demo", "--speed", "2000", "--state", tmp_path / "state")
    for machine in ("akshat-pc", "ms-s1"):
        imagine(gateway, machine, "die")
    asked = {"model": "image", "prompt": "x"}
    assert post(gateway, "/v1/images/generations", **asked, size="512x512")[0] == 200
    assert post(gateway, "/v1/images/generations", **asked, size="1024x1024")[0] in (502, 503)
