"""What is known of models: read from engines and files, put into a folder, and used from there."""
import json
import pathlib
import subprocess
import sys

import pytest
from world import PATIENCE, TAMPU

ROOT = pathlib.Path(__file__).parents[2]
MINE = """models:
  somebody-8b:
    family: somebody
    engines: [ollama]
    params: 8B
    context: 32K
    capabilities: [completion]
    tasks: [general]
    source: mine
    artifacts: [{tag: "somebody/made-this:8b", quant: Q4_K_M, size: 5 GB}]
"""
FLEET = """machines:
  a:
    hardware: {cpu: i5-12400, ram: 32 GB}
    addresses: {lan: 127.0.0.1}
    engines: [ollama]
    models: [{pull: "somebody/made-this:8b", context: 8K}]
"""


@pytest.fixture
def tampu(tmp_path):
    """tampu("word", ...): what it said, when it ended as expected."""
    def run(*words, status=0):
        done = subprocess.run([TAMPU, *map(str, words)], cwd=tmp_path, capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    return run


def fields(row):
    """A row as it is printed, as {key: text}."""
    return dict(line.strip(" -").split(": ", 1) for line in row.splitlines() if ": " in line)


def test_a_row_is_read_from_a_files_header(tampu, tmp_path):
    subprocess.run([sys.executable, ROOT / "test/engine/tiny_gguf.py", tmp_path / "tiny.gguf",
                    "layers=3", "heads=8"], check=True, timeout=PATIENCE)
    size = (tmp_path / "tiny.gguf").stat().st_size
    row = fields(tampu("catalog", "add", "tiny.gguf"))
    assert (row["family"], row["engines"], row["layers"]) == ("llama", "[llama-server]", "3")
    assert (row["heads"], row["hidden"], row["context"]) == ("8", "64", "2048")
    assert (row["tag"], row["quant"]) == ("tiny.gguf", "F32")
    assert float(row["size"].split()[0]) * 1e9 == pytest.approx(size, abs=1)
    # Every weight of four bytes is a parameter; the rest is the header.
    assert 0.5 < float(row["params"].rstrip("M")) * 4e6 / size < 1


def test_a_split_model_is_read_from_all_its_files(tampu, tmp_path):
    subprocess.run([sys.executable, ROOT / "test/engine/tiny_gguf.py", tmp_path / "tiny.gguf"],
                   check=True, timeout=PATIENCE)
    whole = (tmp_path / "tiny.gguf").read_bytes()
    tensors, settings = (int.from_bytes(whole[at:at + 8], "little") for at in (8, 16))
    split = len("split.count").to_bytes(8, "little") + b"split.count" + b"\2\0\0\0" + b"\2\0"
    for number in (1, 2):
        head = whole[:8] + tensors.to_bytes(8, "little") + (settings + 1).to_bytes(8, "little")
        path = tmp_path / f"tiny-0000{number}-of-00002.gguf"
        path.write_bytes(head + split + whole[24:])
    row = tampu("catalog", "add", "tiny-00001-of-00002.gguf")
    once = tampu("catalog", "add", "tiny.gguf")
    assert row.splitlines()[0] == "  tiny:"
    amount = [float(fields(text)["params"].rstrip("M")) for text in (once, row)]
    assert amount[1] == pytest.approx(2 * amount[0])
    (tmp_path / "tiny-00002-of-00002.gguf").unlink()
    assert "tiny-00002-of-00002.gguf" in tampu("catalog", "add", "tiny-00001-of-00002.gguf",
                                               status=1)


def test_a_row_is_read_from_a_live_engine(tampu, tmp_path, start):
    demo = start("demo")
    engine = next(e["address"] for m in json.loads(demo.get("/imagine").body)["machines"]
                  if m["machine"] == "gtr9-pro" for e in m["engines"] if e["engine"] == "ollama")
    row = tampu("catalog", "add", "ollama:gpt-oss:120b", "--engine", f"http://{engine}", "--to",
                tmp_path / "models.yaml")
    known = fields(tampu("catalog", "show", "gpt-oss:120b"))
    for key in ("layers", "heads", "kv_heads", "key_length", "context", "size", "experts"):
        assert fields(row)[key] == known[key], key
    listed = json.loads(tampu("catalog", "list", "--json", "--catalog", tmp_path))["models"]
    # The tag is the program's own already, under a row of another name only if that differs.
    assert [m["name"] for m in listed].count("gpt-oss-120b") == 1
    said = tampu("catalog", "add", "ollama:nobody:1b", "--engine", f"http://{engine}", status=1)
    assert "has no 'nobody:1b'" in said


def test_a_folder_makes_a_model_known(tampu, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/models.yaml").write_text(MINE)
    (tmp_path / "fleet.yaml").write_text(FLEET)
    assert "unknown-artifact" in tampu("check", "fleet.yaml")
    assert "unknown-artifact" not in tampu("check", "fleet.yaml", "--catalog", "mine")


def test_what_is_wrong_in_a_folder_is_named_by_line_and_column(tampu, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/models.yaml").write_text(MINE.replace("family:", "famly:"))
    (tmp_path / "fleet.yaml").write_text(FLEET)
    for command in ("check", "serve", "demo"):
        said = tampu(command, "fleet.yaml", "--catalog", "mine", status=2)
        assert "mine/models.yaml:3:5: found unknown key 'famly'" in said
    assert "expected one of them" in tampu("check", "fleet.yaml", "--catalog", "none", status=2)


def test_a_row_that_is_there_is_not_added_again(tampu, tmp_path):
    subprocess.run([sys.executable, ROOT / "test/engine/tiny_gguf.py", tmp_path / "tiny.gguf"],
                   check=True, timeout=PATIENCE)
    tampu("catalog", "add", "tiny.gguf", "--to", "models.yaml")
    before = (tmp_path / "models.yaml").read_text()
    assert "a second time" in tampu("catalog", "add", "tiny.gguf", "--to", "models.yaml", status=1)
    assert (tmp_path / "models.yaml").read_text() == before


def test_what_is_no_model_is_refused(tampu, tmp_path):
    (tmp_path / "text.gguf").write_text("GGUF, or so it says")
    assert "text.gguf: " in tampu("catalog", "add", "text.gguf", status=2)
    assert "missing.gguf: No such file" in tampu("catalog", "add", "missing.gguf", status=1)
    assert "expected ollama:TAG or a FILE.gguf" in tampu("catalog", "add", "what", status=2)
