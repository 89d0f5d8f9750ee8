"""A real discord.py client through everything that can go wrong: it hears each message once, in order."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import discord as dpy
import pytest

from localdiscord import LocalDiscord
from tests.bot.settling import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localdiscord.faults import Faults


class Listener(dpy.AutoShardedClient):
    """A client that writes down what it hears.

    Attributes:
        heard: the contents of messages, in order.
    """

    def __init__(self, discord: LocalDiscord, **options: object) -> None:
        """Bring its connections to a local Discord."""
        intents = dpy.Intents.all()
        super().__init__(intents=intents, connector=discord.connector(), guild_ready_timeout=0, **options)  # type: ignore[arg-type]
        self.heard: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait: the server's limits of sessions are off."""

    async def on_message(self, message: dpy.Message) -> None:
        """Write down a message."""
        self.heard.append(message.content)


@contextlib.asynccontextmanager
async def listening(discord: LocalDiscord, **options: object) -> AsyncIterator[Listener]:
    """Run a client until the body ends."""
    client = Listener(discord, **options)
    async with client:
        task = asyncio.create_task(client.start(discord.town.application.token))
        await asyncio.wait_for(client.wait_until_ready(), 10)
        await settled(discord)
        yield client
    await task


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients come back at once, rather than after some seconds."""
    monkeypatch.setattr("discord.backoff.ExponentialBackoff.delay", lambda _self: 0.0)


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord."""
    async with LocalDiscord() as server:
        yield server


async def test_a_thousand_messages_arrive(discord: LocalDiscord) -> None:
    """Of a thousand messages none is lost, and all come in order."""
    async with listening(discord) as client:
        owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
        for number in range(1000):
            owner.say(general, f"{number}")
        await settled(discord, 20)
        assert client.heard == [str(number) for number in range(1000)]


@pytest.mark.parametrize(
    "fault",
    [
        lambda faults: faults.drop(),
        lambda faults: faults.half_frame(),
        lambda faults: faults.close(4000),
        lambda faults: faults.reconnect(),
        lambda faults: faults.invalidate(resumable=True),
    ],
    ids=["drop", "half frame", "close 4000", "op 7", "op 9"],
)
@pytest.mark.usefixtures("impatient")
async def test_nothing_is_lost_or_doubled(discord: LocalDiscord, fault: Callable[[Faults], int]) -> None:
    """Whatever ends the connection, the client resumes its session and hears each message once."""
    async with listening(discord) as client:
        owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
        (session,) = discord.sessions.values()
        link = session.link
        owner.say(general, "before")
        assert fault(discord.faults) == 1
        for number in range(10):
            owner.say(general, f"meanwhile {number}")
        async with asyncio.timeout(10):
            await discord.until(lambda: session.link not in {None, link})
        owner.say(general, "after")
        await settled(discord)
        assert client.heard == ["before", *(f"meanwhile {number}" for number in range(10)), "after"]
        assert list(discord.sessions.values()) == [session]


@pytest.mark.usefixtures("impatient")
async def test_an_invalid_session_begins_anew(discord: LocalDiscord) -> None:
    """A client whose session is invalid identifies anew, and is as before."""
    async with listening(discord) as client:
        (session,) = discord.sessions.values()
        discord.faults.invalidate()
        async with asyncio.timeout(20):
            await discord.until(lambda: any(each is not session and each.link for each in discord.sessions.values()))
        discord.person(discord.town.owner).say(discord.town.channels["general"], "hello again")
        await settled(discord)
        assert client.heard == ["hello again"]


@pytest.mark.usefixtures("impatient")
async def test_a_refused_connection_is_tried_again(discord: LocalDiscord) -> None:
    """A client that is refused when it comes back tries again; discord.py begins anew then, rather than resume."""
    async with listening(discord) as client:
        (session,) = discord.sessions.values()
        discord.faults.refuse_connections(2)
        discord.faults.drop()
        async with asyncio.timeout(20):
            await discord.until(lambda: any(each is not session and each.link for each in discord.sessions.values()))
        discord.person(discord.town.owner).say(discord.town.channels["general"], "hello again")
        await settled(discord)
        assert discord.faults.counts["refuse_connections"] == 2
        assert client.heard == ["hello again"]


async def test_shards_of_one_client(discord: LocalDiscord) -> None:
    """A client with three shards sees each guild once."""
    for number in range(5):
        guild = discord.world.add_guild(f"Guild {number}", discord.town.owner)
        discord.world.add_member(guild, discord.town.application.bot)
    discord.shards = 3
    async with listening(discord) as client:
        assert sorted(session.shard for session in discord.sessions.values()) == [0, 1, 2]
        assert {guild.id for guild in client.guilds} == set(discord.world.guilds)


async def test_members_are_chunked(discord: LocalDiscord) -> None:
    """A client with the intent for members knows all members when it is ready."""
    for number in range(1200):
        user = discord.world.add_user(f"Many {number}")
        discord.world.add_member(discord.town.guild, user)
    async with listening(discord) as client:
        guild = client.get_guild(discord.town.guild.id)
        assert guild is not None
        async with asyncio.timeout(10):
            await guild.chunk()
        assert {member.id for member in guild.members} == set(discord.town.guild.members)


WITHOUT_ZSTANDARD = """
import asyncio, sys
sys.modules["zstandard"] = None
sys.modules["compression.zstd"] = None
import discord
from localdiscord.connector import LocalConnector

class Client(discord.Client):
    async def on_ready(self):
        await self.get_channel(int(sys.argv[3])).send(type(self.ws._decompressor).COMPRESSION_TYPE)

async def main():
    async with Client(intents=discord.Intents.default(), connector=LocalConnector(int(sys.argv[1]))) as client:
        await client.start(sys.argv[2])

asyncio.run(main())
"""


async def test_without_zstandard_the_gateway_speaks_zlib(discord: LocalDiscord) -> None:
    """A client on whose Python zstandard is missing talks over zlib."""
    general = discord.town.channels["general"]
    arguments = (str(discord.port), discord.town.application.token, str(general.id))
    process = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", "-c", WITHOUT_ZSTANDARD, *arguments)
    try:
        said = await discord.person(discord.town.owner).expect(general, lambda message: message.author.bot, 60)
    finally:
        process.kill()
        await process.wait()
    assert said.content == "zlib-stream"
