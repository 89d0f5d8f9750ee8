"""Long answers in messages of Discord's size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.ai.rendering import split_text, with_footer

MARKDOWN = st.lists(
    st.one_of(st.text(alphabet="ab \n`", max_size=60), st.sampled_from(["```", "```py\n", "\n```\n", "word " * 20])),
    max_size=12,
).map("".join)


def bare(text: str) -> str:
    """Leave out what splitting may change: blanks and the marks of code blocks."""
    return "".join(text.replace("`", "").split())


@given(MARKDOWN, st.integers(50, 120))
def test_parts_are_whole(text: str, limit: int) -> None:
    """Every part fits, shows something, and closes the code blocks that it opens; nothing of the text is lost."""
    parts = split_text(text, limit)
    assert all(0 < len(part) <= limit for part in parts)
    assert all(part.count("```") % 2 == 0 for part in parts)
    shown = iter(bare("".join(parts)))
    assert all(letter in shown for letter in bare(text))


@given(MARKDOWN, st.text(alphabet="ab \n`", max_size=80))
def test_full_parts_stay_as_they_are(text: str, more: str) -> None:
    """As an answer grows, only its last part changes, where no mark of a code is torn."""
    if text.endswith("`") or "`" in more:
        return
    before, after = split_text(text, 60), split_text(text + more, 60)
    assert after[: max(0, len(before) - 1)] == before[:-1]


def test_a_code_block_is_opened_again_in_its_language() -> None:
    """A block that goes on in the next message is closed in the first one and opened in the second one."""
    code = "\n".join(f"print({number})" for number in range(8))
    parts = split_text(f"Look:\n```py\n{code}\n```\nDone.", 70)
    assert parts[0].startswith("Look:\n```py\nprint(0)")
    assert parts[0].endswith("\n```")
    assert parts[1].startswith("```py\nprint(")
    assert parts[-1].endswith("```\nDone.")


def test_a_block_that_ends_at_the_cut_is_not_opened_again() -> None:
    """No empty block begins a message."""
    text = "```\n" + "x" * 40 + "\n```\nand then a sentence that is long enough to need another one"
    parts = split_text(text, 50)
    assert parts[0] == "```\n" + "x" * 40 + "\n```"
    assert parts[1].startswith("and then")


def test_text_is_cut_between_words() -> None:
    """Words stay whole where there are blanks; a text without blanks is cut where it must be."""
    assert all(set(part.split()) == {"word"} for part in split_text("word " * 100, 77))
    assert [len(part) for part in split_text("x" * 120, 54)] == [50, 50, 20]


@pytest.mark.parametrize("text", ["", " \n "])
def test_nothing_has_no_parts(text: str) -> None:
    """Discord takes no empty message."""
    assert split_text(text) == []


def test_a_footer_has_room() -> None:
    """The footer stands below the last part, or alone where there is no room or no part."""
    assert with_footer(["a"], "-# f") == ["a\n-# f"]
    assert with_footer(["a"], "") == ["a"]
    assert with_footer(["a" * 50], "-# f", 50) == ["a" * 50, "-# f"]
    assert with_footer([], "-# f") == ["-# f"]
