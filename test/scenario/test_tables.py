"""What the tables promise is in the stories: failures, steps, counters."""
import pathlib
import re

import canary
import pytest
import world

HERE = pathlib.Path(__file__).parent
TABLES = HERE.parents[1] / "src" / "tables"
STORIES = sorted((HERE / "stories").glob("*.scn"))


def rows(table, macro):
    return re.findall(rf"^{macro}\((\w+),(.*?)\)$", (TABLES / table).read_text(), re.M | re.S)


def told():
    """Every line of every story and scenario."""
    files = [*STORIES, *HERE.glob("test_*.py")]
    return "\n".join(f.read_text() for f in files)


@pytest.mark.parametrize("failure", [name for name, _ in rows("failures.def", "FAILURE")])
def test_every_failure_has_a_story(failure):
    assert re.search(rf"failure=[\"']?{failure}\b", told()), f"no story ends in failure={failure}"


def test_titles_are_sentences_of_their_own():
    titles = [s.read_text().splitlines()[0] for s in STORIES]
    assert all(re.match(r"story [^A-Z]\S*( \S+){3,}[^.]$", t) for t in titles), titles
    assert len(set(titles)) == len(titles)


@pytest.fixture
def whole_run(request):
    played = [i for i in request.session.items if i.fspath.ext == ".scn"]
    if len(played) < len(STORIES):
        pytest.skip("only after all stories")


def test_every_arrow_was_taken_judges_all(whole_run):
    arrows = {(name, to) for name, rest in rows("exchange_steps.def", "STEP")
              for to in re.findall(r"TO\((\w+)\)", rest)}
    assert world.steps_taken == arrows


def test_no_secret_was_left_behind_judges_all():
    """In no log, metric, error, store, journal or core of all gateways of this run."""
    assert not canary.left_behind(), "\n".join(canary.left_behind())


def test_every_counter_moved_judges_all(whole_run):
    counters = {name for name, _ in rows("counters.def", "COUNTER")}
    assert counters - world.counters_moved == set()
