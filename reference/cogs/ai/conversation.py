"""The conversation of a channel: what a model is shown of it, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference.cogs.ai.chat import ChatMessage, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reference.utils.database.database import Database

__all__ = ["MOST_MESSAGES", "Conversations", "newest_within"]

MOST_MESSAGES = 100
"""Messages of a channel that are looked at."""

LONGEST_AUTHOR = 32
"""Characters of a name."""


class Conversations:
    """The conversations of all channels, in the database.

    Args:
        database: where they are kept.
        context_tokens: the most tokens of a conversation; what is older is forgotten.
    """

    def __init__(self, database: Database, context_tokens: int) -> None:
        self._database = database
        self._context_tokens = context_tokens

    async def before(self, channel_id: int, tokens: int, name_of: Callable[[int], str]) -> list[ChatMessage]:
        """Return what was said before, as far as it fits.

        Args:
            channel_id: the channel.
            tokens: the room for it.
            name_of: gives the name of a user.
        """
        rows = await self._database.get_ai_history(channel_id, MOST_MESSAGES)
        messages = [_message(row, name_of) for row in rows]
        kept = newest_within(messages, min(tokens, self._context_tokens))
        while kept and kept[0].role is Role.ASSISTANT:
            kept = kept[1:]  # an answer whose question is gone
        return list(kept)

    async def remember(
        self, channel_id: int, question: tuple[int, str, int | None], answer: tuple[str, int | None]
    ) -> None:
        """Keep a question and its answer, both or neither, and forget what no longer fits.

        Args:
            channel_id: the channel.
            question: who asked, what, and the number of the message.
            answer: the answer, and the number of the message.
        """
        user_id, asked, question_id = question
        text, answer_id = answer
        turn: list[dict[str, Any]] = [
            {"role": "user", "user_id": user_id, "content": asked, "message_id": question_id},
            {"role": "assistant", "user_id": None, "content": text, "message_id": answer_id},
        ]
        await self._database.save_ai_messages_batch({"channel_id": channel_id, **message} for message in turn)
        rows = await self._database.get_ai_history(channel_id, MOST_MESSAGES)
        kept = newest_within([_message(row, str) for row in rows], self._context_tokens)
        await self._database.prune_ai_history(channel_id, max(len(kept), len(turn)))

    async def forget(self, channel_id: int) -> int:
        """Forget a channel; return how many messages there were."""
        return await self._database.delete_ai_history(channel_id)

    async def length(self, channel_id: int) -> int:
        """Tell how many messages of a channel are remembered."""
        return len(await self._database.get_ai_history(channel_id, MOST_MESSAGES))


def newest_within(messages: Sequence[ChatMessage], tokens: int) -> Sequence[ChatMessage]:
    """Return the newest messages whose tokens together are within a limit, oldest first."""
    for place in range(len(messages) - 1, -1, -1):
        tokens -= messages[place].tokens
        if tokens < 0:
            return messages[place + 1 :]
    return messages


def clean_name(name: str) -> str:
    """Make a member's name fit to stand before what the member says: one short line without a colon."""
    return " ".join(name.replace(":", " ").split())[:LONGEST_AUTHOR]


def _message(row: dict[str, Any], name_of: Callable[[int], str]) -> ChatMessage:
    if row["role"] in {"assistant", "model"}:
        return ChatMessage(Role.ASSISTANT, row["content"])
    if row["role"] == "system" or row["user_id"] is None:
        return ChatMessage(Role(row["role"]), row["content"])
    return ChatMessage(Role.USER, row["content"], clean_name(name_of(row["user_id"])))
