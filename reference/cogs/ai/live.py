"""An answer that is shown while it grows, by edits of its message at a pace that Discord allows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

import discord

from reference.cogs.ai.rendering import split_text, with_footer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.cogs.ai.chat import Draft

__all__ = ["CURSOR", "NOBODY", "LiveAnswer", "Shown"]

logger = logging.getLogger(__name__)

NOBODY = discord.AllowedMentions.none()
"""Whom an answer may call: nobody, whatever a model was made to write."""

FIRST_SECONDS = 0.25
"""How long an answer may take to be complete before a part of it is shown."""

CURSOR = " …"
"""Stands at the end of an answer that grows."""


class Shown(Protocol):
    """A message that was sent and can be changed."""

    id: int

    async def edit(self, *, content: str, allowed_mentions: discord.AllowedMentions) -> object:
        """Change its text."""

    async def delete(self) -> object:
        """Take it away."""


class LiveAnswer:
    """The messages of one answer.

    Args:
        send: sends the next message; it calls nobody.
        seconds: the least time between two edits while the answer grows.

    Attributes:
        messages: those that were sent, in order.
    """

    def __init__(self, send: Callable[[str], Awaitable[Shown]], seconds: float) -> None:
        self.messages: list[Shown] = []
        self._texts: list[str] = []
        self._send = send
        self._seconds = seconds

    async def follow(
        self, draft: Draft, before: Callable[[], Awaitable[object]], on_sent: Callable[[int], object]
    ) -> None:
        """Show a draft as it grows, until it is closed; a request to Discord that is under way is not broken off.

        What was shown of a try that broke off stays until there is something new to show.

        Args:
            draft: the answer.
            before: called once, before anything is shown.
            on_sent: told Discord's number of each message that was sent.

        Raises:
            discord.NotFound: somebody deleted the answer.
        """
        seen = 0
        if await draft.newer(seen) is None or await draft.closes_within(min(FIRST_SECONDS, self._seconds)):
            return
        await before()
        while (version := await draft.newer(seen)) is not None:
            seen = version
            try:
                await self._show(split_text(draft.text + CURSOR) if draft.text.strip() else [], on_sent)
            except discord.NotFound:
                raise
            except discord.HTTPException as error:
                logger.warning("an answer could not be shown as it grows: %s", error)
            if await draft.closes_within(self._seconds):
                return

    async def finish(self, text: str, footer: str = "") -> None:
        """Show the whole answer.

        Args:
            text: the answer.
            footer: a line below it.

        Raises:
            discord.HTTPException: Discord does not take it.
        """
        parts = with_footer(split_text(text), footer)
        await self._show(parts, lambda _number: None)
        for message in self.messages[len(parts) :]:
            await message.delete()
        del self.messages[len(parts) :], self._texts[len(parts) :]

    async def withdraw(self) -> None:
        """Take away what was shown: there is no answer after all."""
        messages, self.messages, self._texts = self.messages, [], []
        for message in messages:
            try:
                await message.delete()
            except discord.HTTPException as error:
                logger.warning("an answer could not be taken away: %s", error)

    async def _show(self, parts: list[str], on_sent: Callable[[int], object]) -> None:
        for place, part in enumerate(parts):
            if place == len(self.messages):
                message = await self._send(part)
                self.messages.append(message)
                self._texts.append(part)
                on_sent(message.id)
            elif self._texts[place] != part:
                await self.messages[place].edit(content=part, allowed_mentions=NOBODY)
                self._texts[place] = part
