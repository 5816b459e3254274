"""What every test with the real llama-server needs: the program, and a model small enough."""
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A model file, once there is a llama-server to load it."""
    fetched = subprocess.run([ROOT / "tools/llama-server"], stderr=subprocess.PIPE, text=True,
                             check=False)
    if fetched.returncode:
        why = f"no llama-server could be fetched: {fetched.stderr.strip()}"
        # Where everything can be had, a test that is left out is a failure.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    subprocess.run([sys.executable, ROOT / "test/engine/tiny_gguf.py", path], check=True)
    return path
