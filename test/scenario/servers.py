"""Real PostgreSQL and Valkey (or Redis) on loopback, from Debian's packages, for one test."""
import pathlib
import shutil
import subprocess
import tempfile

from books import sql
from canary import look_through
from world import PATIENCE

ROOT = pathlib.Path(__file__).parents[2]


class Server:
    """Server("postgresql") or Server("valkey"); .url; pause(), resume(), kill(), again(), close()."""

    def __init__(self, kind):
        self.folder = tempfile.mkdtemp(prefix="tampu-server-")
        self.url = self._do("start", kind).strip()

    def _do(self, *words):
        done = subprocess.run([ROOT / "test" / "servers", *words, self.folder], text=True,
                              stdout=subprocess.PIPE, timeout=2 * PATIENCE)
        assert done.returncode == 0, f"test/servers {' '.join(words)}"
        return done.stdout

    def pause(self):
        self._do("pause")

    def resume(self):
        self._do("resume")

    def kill(self):
        self._do("kill")

    def again(self):
        self._do("again")

    def close(self):
        self._do("stop")
        look_through(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, text):
        return sql(self.url, text)
