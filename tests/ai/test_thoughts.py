"""What reasoning models think aloud is not shown."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.ai.thoughts import ThoughtFilter


def seen(*pieces: str) -> str:
    """Return what is to be seen of some pieces."""
    thoughts = ThoughtFilter()
    return "".join(map(thoughts.feed, pieces)) + thoughts.finish()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<think>Hm. a < b?</think>\n\nThe answer.", "The answer."),
        ("\n<think></think>The <think> answer.", "The <think> answer."),
        ("<think>no end", ""),
        ("<thin", "<thin"),
        ("<thinking aloud> is a tag", "<thinking aloud> is a tag"),
        (" An answer. <think>x</think>", " An answer. <think>x</think>"),
        ("", ""),
    ],
)
@given(cuts=st.lists(st.integers(0, 60), max_size=6))
def test_thoughts_at_the_beginning_are_left_out(text: str, shown: str, cuts: list[int]) -> None:
    """However the text is cut into pieces, the thought before an answer is left out and nothing else is."""
    places = sorted({0, *(cut for cut in cuts if cut < len(text)), len(text)})
    assert seen(*(text[start:end] for start, end in itertools.pairwise(places))) == shown


def test_what_is_no_thought_is_shown_at_once() -> None:
    """An answer that begins otherwise is not held back."""
    thoughts = ThoughtFilter()
    assert [thoughts.feed(piece) for piece in ("<", "b> bold", "!")] == ["", "<b> bold", "!"]
    assert thoughts.finish() == ""
