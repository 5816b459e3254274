"""pytest collects test_*.js: each test of the file is one of its own.

node runs a whole file, which starts its gateway once, and says in TAP how each test went. A
conftest.py says pytest_collect_file = collector(FOLDER OF NODE MODULES, GROUP OF tools/setup).
"""
import os
import pathlib
import re
import shutil
import subprocess

import pytest

FILE_SECONDS = 240
RESULT = re.compile(r"^(ok|not ok) \d+ - (.*?)(?: # (SKIP|TODO).*)?$", re.MULTILINE)


def collector(modules, group, *programs):
    """What pytest calls for each file; programs must be there beside node."""
    modules = pathlib.Path(__file__).resolve().parents[1] / modules

    def missing():
        """Why the tests cannot run here, or None."""
        for program in ("node", *programs):
            if not shutil.which(program):
                return f"there is no {program}: tools/setup {group}"
        if not (modules / "installed.json").exists():
            return f"{modules} is not installed: tools/setup {group}"
        return None

    def collect(file_path, parent):
        wanted = file_path.suffix == ".js" and file_path.name.startswith("test_")
        if not wanted:
            return None
        return NodeFile.from_parent(parent, path=file_path, modules=modules, missing=missing())

    return collect


class NodeFile(pytest.File):
    """All tests of one file, run while they are collected: their names are known only then."""

    def __init__(self, *, modules, missing, **more):
        super().__init__(**more)
        self.modules, self.missing = modules, missing

    def collect(self):
        if self.missing:
            yield NodeItem.from_parent(self, name=self.path.stem, said=None, passed=False)
            return
        ran = subprocess.run(["node", "--test", "--test-reporter=tap", self.path],
                             env=dict(os.environ, NODE_PATH=str(self.modules / "node_modules")),
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
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
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(self.parent.missing)
        if not self.passed:
            pytest.fail(self.said, pytrace=False)

    def reportinfo(self):
        return self.path, None, self.name
