"""The language itself: what is misspelt is said with file, line and the words there are."""
import pathlib

import pytest
import story
from node import Text


@pytest.mark.parametrize("text, message", [
    ("story x\n\nclinet chat a \"hi\"\n",
     "broken.scn:3: no verb 'clinet' (have story, node, gateway, client,"),
    ("    status 200\n", "broken.scn:1: indented, but under nothing"),
    ("story x\nthen\n    countre a 1\n", "broken.scn:3: no fact 'countre' (have counter, log,"),
    ("story x\nnode a serves m\n    if chat close\n", "broken.scn:3: expected on chat|embed"),
])
def test_a_misspelt_word_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(story.StoryError) as error:
        story.play(text, "broken.scn", pathlib.Path(tmp_path))
    assert message in str(error.value)


def test_quoted_words_are_never_keywords():
    words = story.split('say "hang" hang "a \\"b\\""')
    assert words == ["say", "hang", "hang", 'a "b"']
    assert [isinstance(w, Text) for w in words] == [False, True, False, True]


def test_every_verb_says_what_it_does():
    assert all(verb.__doc__ for verb in story.VERBS.values())
    assert len(story.VERBS) <= 12
