"""pytest collects stories/*.scn; what judges all of them comes last."""
import pathlib
import tempfile

import pytest
import story
from world import Gateway

FOLDER = pathlib.Path(__file__).parent


def pytest_collect_file(file_path, parent):
    return StoryFile.from_parent(parent, path=file_path) if file_path.suffix == ".scn" else None


class StoryFile(pytest.File):
    def collect(self):
        title = " ".join(self.path.read_text().splitlines()[0].split()[1:])
        yield StoryItem.from_parent(self, name=title)


class StoryItem(pytest.Item):
    def runtest(self):
        with tempfile.TemporaryDirectory(prefix="tampu-story-") as folder:
            story.play(self.path.read_text(), self.path.name, pathlib.Path(folder))

    def repr_failure(self, excinfo, style=None):
        if excinfo.errisinstance(story.StoryError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, 0, self.name


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: "judges_all" in item.name)


@pytest.fixture
def start(tmp_path):
    """start("serve", fleet, "--flag", ...): a gateway that ends with the test."""
    started = []

    def start_one(*words, **options):
        started.append(Gateway(tmp_path, *words, **options))
        return started[-1]

    yield start_one
    for gateway in started:
        gateway.close()


@pytest.fixture
def nodes():
    """A list: nodes put into it are dropped with the test."""
    made = []
    yield made
    for node in made:
        node.drop()
