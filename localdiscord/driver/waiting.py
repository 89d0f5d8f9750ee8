"""Waiting for what bots do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from localdiscord.actions.answers import LOADING
from localdiscord.driver.acting import Acting
from localdiscord.model.interaction import Callback

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.channel import Channel
    from localdiscord.model.interaction import Interaction
    from localdiscord.model.message import Message

__all__ = ["Waiting"]

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds: far more than a bot takes, since the machine may be busy."""


class Waiting(Acting):
    """Somebody who waits for an answer; each wait ends by the change itself, and by TimeoutError after its seconds."""

    async def reply(self, interaction: Interaction, seconds: float = PATIENCE) -> Message:
        """Return the bot's answer as soon as it is there: a new message, a promised one, or the one that it changed.

        Raises:
            TimeoutError: it does not come.
        """

        def look() -> Message | None:
            message = interaction.original
            return message if message is not None and not message.flags & LOADING else None

        return await self._wait(look, interaction, "a message", seconds)

    async def follow_ups(self, interaction: Interaction, count: int = 1, seconds: float = PATIENCE) -> list[Message]:
        """Return the messages after the bot's first answer, as soon as there are so many.

        Raises:
            TimeoutError: they do not come.
        """

        def look() -> list[Message] | None:
            return list(interaction.followups) if len(interaction.followups) >= count else None

        return await self._wait(look, interaction, f"{count} more messages", seconds)

    async def form(self, interaction: Interaction, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the form that the bot opens, as soon as it is open.

        Raises:
            TimeoutError: it opens none.
        """
        return await self._wait(
            lambda: interaction.form if interaction.is_open else None, interaction, "a form", seconds
        )

    async def choices(self, interaction: Interaction, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """Return what the bot offers for what was typed, possibly nothing, as soon as it is there.

        Raises:
            TimeoutError: it does not come.
        """

        def look() -> bool:
            return interaction.kind is Callback.CHOICES

        await self._wait(look, interaction, "choices", seconds)
        return interaction.choices

    async def answered(self, interaction: Interaction, seconds: float = PATIENCE) -> Callback:
        """Return how the bot answered first, as soon as it has.

        Raises:
            TimeoutError: it does not answer.
        """
        return await self._wait(lambda: interaction.kind, interaction, "any answer", seconds)

    async def expect(
        self, channel: Channel, matches: Callable[[Message], bool], seconds: float = PATIENCE, after: int = 0
    ) -> Message:
        """Return the oldest message that matches, and that they see, as soon as it is there.

        Args:
            channel: where.
            matches: tells whether a message is the one.
            seconds: how long it may take.
            after: the id after which to look; 0 for all messages.

        Raises:
            TimeoutError: it does not come.
        """

        def look() -> Message | None:
            seen = (each for each in tuple(channel.messages.values()) if each.id > after and self.sees(each))
            return next((message for message in seen if matches(message)), None)

        try:
            async with asyncio.timeout(seconds):
                return await self.discord.until(look)
        except TimeoutError:
            last = next((each for each in reversed(channel.messages.values()) if self.sees(each)), None)
            words = f"; the last one is {last.author.username}'s {last.content!r}" if last else ""
            raise TimeoutError(f"{self.name} saw no such message in #{channel.name} in {seconds:g} s{words}.") from None

    async def _wait(self, look: Callable[[], T | None], interaction: Interaction, what: str, seconds: float) -> T:
        try:
            async with asyncio.timeout(seconds):
                return await self.discord.until(look)
        except TimeoutError:
            kind = interaction.kind
            done = f"answered with {kind.name}" if kind else "did not answer"
            bot = interaction.application.name
            raise TimeoutError(f"{self.name} waited {seconds:g} s for {what}; {bot} {done}.") from None
