"""pytest collects test_*.js: each test of the file is one of its own.

node runs a whole file, which starts its gateway once, and says in TAP how each test went.
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
NODE = HERE.parents[1] / "build/clients/node"
FILE_SECONDS = 240
RESULT = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # (SKIP|TODO).*)?$", re.MULTILINE)


def missing():
    """Why the tests cannot run here, or None."""
    if not shutil.which("node"):
        return "there is no node: tools/setup clients"
    if not (NODE / "installed.json").exists():
        return "the clients' libraries are not installed: tools/setup clients"
    return None


def pytest_collect_file(file_path, parent):
    wanted = file_path.suffix == ".js" and file_path.name.startswith("test_")
    return NodeFile.from_parent(parent, path=file_path) if wanted else None


class NodeFile(pytest.File):
    """All tests of one file, run while they are collected: their names are known only then."""

    def collect(self):
        if missing():
            yield NodeItem.from_parent(self, name=self.path.stem, said=None, passed=False)
            return
        ran = subprocess.run(["node", "--test", "--test-reporter=tap", self.path],
                             env=dict(os.environ, NODE_PATH=str(NODE / "node_modules")), text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=FILE_SECONDS, check=False)
        results = list(RESULT.finditer(ran.stdout))
        for result, after in zip(results, results[1:] + [None]):
            said = ran.stdout[result.end():after.start() if after else None]
            yield NodeItem.from_parent(self, name=result[2], said=said, passed=result[1] == "ok")
        if ran.returncode and all(r[1] == "ok" for r in results):
            yield NodeItem.from_parent(self, name=f"{self.path.stem} ends well", said=ran.stdout,
                                       passed=False)


class NodeItem(pytest.Item):
    def __init__(self, *, said, passed, **more):
        super().__init__(**more)
        self.said, self.passed = said, passed

    def runtest(self):
        if self.said is None:
            # Where everything can be had, a test that is left out is a failure.
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing())
        if not self.passed:
            pytest.fail(self.said, pytrace=False)

    def reportinfo(self):
        return self.path, None, self.name
