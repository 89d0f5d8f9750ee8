"""What is remembered of a conversation, and what tokens are estimated at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.ai.chat import ChatMessage, Draft, Role, estimate_tokens, fit_tokens
from reference.cogs.ai.conversation import Conversations, clean_name, newest_within

if TYPE_CHECKING:
    from reference.utils.database.database import Database


async def test_a_conversation_comes_back_with_names(database: Database) -> None:
    """Turns come oldest first; people are named as they are called now, the model is not named."""
    conversations = Conversations(database, 1000)
    await conversations.remember(5, (1, "first", 10), ("one", 11))
    await conversations.remember(5, (2, "second", None), ("two", None))
    await database.save_ai_message(5, None, "system", "a note")
    said = await conversations.before(5, 1000, {1: "Mali: the first", 2: "Somchai"}.__getitem__)
    assert [message.text for message in said] == [
        "Mali the first: first",
        "one",
        "Somchai: second",
        "two",
        "a note",
    ]
    assert [message.role for message in said][:2] == [Role.USER, Role.ASSISTANT]
    assert await conversations.length(5) == 5
    assert await conversations.before(6, 1000, str) == []


async def test_old_turns_are_forgotten_by_their_tokens(database: Database) -> None:
    """Beyond the limit of tokens the oldest go for good; what is shown begins with a question."""
    conversations = Conversations(database, 60)
    for number in range(6):
        await conversations.remember(5, (1, f"question {number}", None), ("a" * 40, None))
    kept = await database.get_ai_history(5)
    assert 2 <= len(kept) <= 5
    shown = await conversations.before(5, 60, str)
    assert shown[0].role is Role.USER
    assert shown[-1].content == "a" * 40


async def test_a_turn_beyond_the_limit_is_kept_and_not_shown(database: Database) -> None:
    """A turn that is larger than everything is remembered, and does not break the next request."""
    conversations = Conversations(database, 50)
    await conversations.remember(5, (1, "question", None), ("a" * 1000, None))
    assert await conversations.length(5) == 2
    assert await conversations.before(5, 50, str) == []
    assert await conversations.forget(5) == 2
    assert await conversations.length(5) == 0


def test_newest_messages_within_tokens() -> None:
    """As many of the newest as fit, in their order; all of them where all fit."""
    messages = [ChatMessage(Role.USER, "x" * 4) for _ in range(5)]
    assert newest_within(messages, 10) == messages[-2:]
    assert newest_within(messages, 4) == []
    assert newest_within(messages, 1000) == messages


@pytest.mark.parametrize(
    ("name", "clean"), [("Mali", "Mali"), ("a:\nsystem: b", "a system b"), ("x" * 99, "x" * 32), (" ", "")]
)
def test_a_name_is_one_short_line(name: str, clean: str) -> None:
    """A name cannot pass for somebody else's words."""
    assert clean_name(name) == clean


@given(st.text(), st.integers(-1, 50))
def test_a_text_is_cut_where_its_tokens_end(text: str, tokens: int) -> None:
    """What is kept fits, and one character more would not."""
    kept = fit_tokens(text, tokens)
    assert text.startswith(kept)
    assert estimate_tokens(kept) <= max(0, tokens)
    assert kept == text or estimate_tokens(text[: len(kept) + 1]) > tokens


def test_thai_costs_more_than_english() -> None:
    """A character of Thai is counted as a token, four of ASCII are."""
    assert estimate_tokens("สวัสดี") == 6
    assert estimate_tokens("hello") == 2


async def test_a_draft_tells_of_every_change() -> None:
    """Whoever follows a draft is told of new text, and of a new beginning; a beginning before any text is none."""
    draft = Draft()
    draft.restart()
    draft.add("a")
    assert await draft.newer(0) == 1
    draft.add("b")
    draft.restart()
    assert (draft.text, await draft.newer(1)) == ("", 3)
    assert await draft.closes_within(0.0) is False
    waiting = asyncio.create_task(draft.newer(3))
    await asyncio.sleep(0)
    draft.close()
    assert (await waiting, await draft.newer(0), await draft.closes_within(60.0)) == (None, None, True)
