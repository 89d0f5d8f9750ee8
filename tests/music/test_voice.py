"""Joining a voice channel, with discord.py's own voice connection, and Discord's answers at any distance."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord.voice_state import ConnectionFlowState, SocketReader

from reference.cogs.music.voice import STEPS, VoiceClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHANNEL: Any = SimpleNamespace(id=2, guild=SimpleNamespace(id=1, change_voice_state=lambda **_: asyncio.sleep(0)))
ANSWERS: tuple[tuple[str, Any], ...] = (
    ("on_voice_state_update", {"guild_id": "1", "channel_id": "2", "user_id": "3", "session_id": "s"}),
    ("on_voice_server_update", {"guild_id": "1", "token": "t", "endpoint": "localhost:1"}),
)


@pytest.fixture
async def voice(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[VoiceClient]:
    """A voice client that has asked to join, and waits for Discord's answers; nothing will be heard."""
    monkeypatch.setattr(SocketReader, "start", lambda _reader: None)
    async with discord.Client(intents=discord.Intents(guilds=True)) as client:
        made = VoiceClient(client, CHANNEL)
        made._connection.state = ConnectionFlowState.set_guild_voice_state
        yield made
        made._connection.socket.close()


@pytest.mark.parametrize("answers", [ANSWERS, ANSWERS[::-1]], ids=["state first", "server first"])
@pytest.mark.parametrize("apart", range(2 * STEPS))
async def test_answers_are_heard_however_close_they_come(voice: VoiceClient, apart: int, answers: Any) -> None:
    """Whatever steps of the event loop lie between the answers, the client goes on to connect."""
    heard = asyncio.create_task(voice._connection._wait_for_state(ConnectionFlowState.got_both_voice_updates))
    async with asyncio.timeout(10), asyncio.TaskGroup() as handling:
        for _ in range(2 * STEPS):
            await asyncio.sleep(0)  # until it waits
        for name, data in answers:
            handling.create_task(getattr(voice, name)(data))
            for _ in range(apart):
                await asyncio.sleep(0)
        await heard
