"""A voice client of discord.py that misses none of the answers it joins by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import discord

if TYPE_CHECKING:
    from discord.types.gateway import VoiceServerUpdateEvent
    from discord.types.voice import GuildVoiceState

STEPS = 4
"""Steps of the event loop after which who has looked at the state waits for the next one, with one to spare."""


class VoiceClient(discord.VoiceClient):
    """Joins, however close to each other Discord's two answers come.

    discord.py 2.7 waits for each in turn, and begins to wait some steps of the event loop after it looked. An answer
    that comes in between wakes nobody, and joining ends by its time-out. So who waits is woken once more.
    """

    async def on_voice_state_update(self, data: GuildVoiceState) -> None:  # noqa: D102
        await super().on_voice_state_update(data)
        await self._wake()

    async def on_voice_server_update(self, data: VoiceServerUpdateEvent) -> None:  # noqa: D102
        await super().on_voice_server_update(data)
        await self._wake()

    async def _wake(self) -> None:
        for _ in range(STEPS):
            await asyncio.sleep(0)
        self._connection.state = self._connection.state
