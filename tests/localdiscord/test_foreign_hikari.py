"""A client library that is not discord.py, over plain TCP: hikari logs in, hears, answers, and resumes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from localdiscord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import hikari
else:
    hikari = pytest.importorskip("hikari", reason="hikari is not installed; it belongs to the test dependencies")


@contextlib.asynccontextmanager
async def logged_in(discord: LocalDiscord) -> AsyncIterator[hikari.GatewayBot]:
    """Run a hikari bot that echoes messages and answers a slash command, until the body ends."""
    bot = hikari.GatewayBot(
        discord.town.application.token,
        rest_url=f"{discord.url}/api/v10",
        banner=None,
        logs=None,
        intents=hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.MESSAGE_CONTENT,
    )

    @bot.listen()
    async def echo(event: hikari.GuildMessageCreateEvent) -> None:
        if event.is_human:
            await event.message.respond(f"you said {event.content}", reply=True)

    @bot.listen()
    async def answer(event: hikari.InteractionCreateEvent) -> None:
        assert isinstance(event.interaction, hikari.CommandInteraction)
        await event.interaction.create_initial_response(
            hikari.ResponseType.MESSAGE_CREATE, f"hello {event.interaction.user.username}"
        )

    await bot.start(check_for_updates=False)
    try:
        yield bot
    finally:
        await bot.close()


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord with rate limits."""
    async with LocalDiscord(rate_limits=10) as server:
        yield server


async def test_hikari_hears_and_answers(discord: LocalDiscord) -> None:
    """A hikari bot hears a message and replies to it, and answers a slash command that it made."""
    general, carol = discord.town.channels["general"], discord.person(discord.town.members[0])
    async with logged_in(discord) as bot:
        app = discord.town.application.id
        command = bot.rest.slash_command_builder("hello", "Say hello.")
        await bot.rest.set_application_commands(app, [command])
        said = carol.say(general, "good morning")
        reply = await carol.expect(general, lambda message: message.referenced is said)
        assert reply.content == "you said good morning"
        assert (await carol.reply(carol.slash(general, "hello"))).content == "hello carol"


async def test_hikari_resumes(discord: LocalDiscord) -> None:
    """A hikari bot whose connection breaks off resumes, and hears what was said meanwhile, once."""
    general, carol = discord.town.channels["general"], discord.person(discord.town.members[0])
    async with logged_in(discord):
        (session,) = discord.sessions.values()
        await discord.settled()
        discord.faults.close(4000)
        async with asyncio.timeout(10):
            await discord.until(lambda: session.link is None)
        carol.say(general, "while you were away")
        reply = await carol.expect(general, lambda message: message.author.bot, seconds=20)
        assert reply.content == "you said while you were away"
        await discord.settled()
        assert list(discord.sessions.values()) == [session]
        assert [message.author.bot for message in general.messages.values()] == [False, True]
