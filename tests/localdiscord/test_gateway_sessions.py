"""Sessions of the gateway: what is told to whom, and that nothing is lost or doubled when a client comes back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from localdiscord import LocalDiscord
from localdiscord.actions import members
from localdiscord.gateway.codes import Close, Op
from localdiscord.intents import ALL_INTENTS, Intents
from localdiscord.model.channel import Overwrite
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions
from tests.localdiscord.gateway_peer import peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Begin in the middle of 2026."""
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        """Tell the time in Unix seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture
async def discord(clock: Clock) -> AsyncIterator[LocalDiscord]:
    """A local Discord."""
    async with LocalDiscord(clock=clock) as server:
        yield server


# -- coming back ---------------------------------------------------------------------------------------------------


async def test_what_was_missed_is_replayed_once(discord: LocalDiscord) -> None:
    """After a broken connection all events that were missed come in order, none twice, and then RESUMED."""
    owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        (session,) = discord.sessions.values()
        discord.faults.drop()
        await discord.until(lambda: session.link is None)
    for number in range(20):
        owner.say(general, f"{number}")
    async with peer(discord, compress="zlib-stream") as again:
        await again.resume(client.session_id, client.sequence)
        await again.event("RESUMED")
        assert again.events == ["MESSAGE_CREATE"] * 20 + ["RESUMED"]
        owner.say(general, "live")
        assert (await again.event("MESSAGE_CREATE"))["content"] == "live"


async def test_a_client_that_comes_back_twice_takes_over(discord: LocalDiscord) -> None:
    """A resume while the old connection is still there closes the old one; events go to the new one alone."""
    async with peer(discord) as one, peer(discord) as two:
        await one.identify()
        await one.quiet()
        await two.resume(one.session_id, one.sequence)
        await two.event("RESUMED")
        assert await one.closed() == Close.UNKNOWN_ERROR
        discord.person(discord.town.owner).say(discord.town.channels["general"], "hello")
        assert (await two.event("MESSAGE_CREATE"))["content"] == "hello"


async def test_a_session_waits_only_so_long(discord: LocalDiscord, clock: Clock) -> None:
    """After the time for coming back a session is invalid, and the client may identify on the same connection."""
    async with peer(discord) as client:
        await client.identify()
        discord.faults.drop()
        await discord.until(lambda: all(each.link is None for each in discord.sessions.values()))
    clock.now += discord.resume_window + 1
    async with peer(discord) as again:
        await again.resume(client.session_id, client.sequence)
        assert await again.op(Op.INVALID_SESSION) is False
        again.sequence = 0
        ready = await again.identify()
    assert ready["session_id"] != client.session_id


async def test_who_says_good_bye_does_not_come_back(discord: LocalDiscord) -> None:
    """A client that closes with 1000 ends its session; one that closes with 4000 may resume."""
    async with peer(discord) as client:
        await client.identify()
        await client.socket.close(code=4000)
    assert client.session_id in discord.sessions
    async with peer(discord) as again:
        await again.resume(client.session_id, client.sequence)
        await again.event("RESUMED")
        await again.socket.close(code=1000)
    await discord.until(lambda: not discord.sessions)
    async with peer(discord) as third:
        await third.resume(client.session_id, 1)
        assert await third.op(Op.INVALID_SESSION) is False


async def test_impossible_resumes_are_refused(discord: LocalDiscord) -> None:
    """A wrong token, a sequence of the future, or one that is no longer kept end connection or session."""
    async with peer(discord) as client:
        await client.identify()
        (session,) = discord.sessions.values()
        async with peer(discord) as thief:
            await thief.send(Op.RESUME, {"token": "wrong", "session_id": session.id, "seq": 1})
            assert await thief.closed() == Close.AUTHENTICATION_FAILED
        async with peer(discord) as other:
            await other.resume(session.id, 1000)
            assert await other.closed() == Close.INVALID_SEQUENCE
        session.history.popleft()
        async with peer(discord) as late:
            await late.resume(session.id, 0)
            assert await late.op(Op.INVALID_SESSION) is False
    assert not discord.sessions


async def test_a_bot_that_begins_anew_ends_what_it_left(discord: LocalDiscord) -> None:
    """A new session of a shard ends an older one that nobody is connected to."""
    async with peer(discord) as client:
        await client.identify()
        discord.faults.drop()
        await discord.until(lambda: all(each.link is None for each in discord.sessions.values()))
    async with peer(discord) as again:
        await again.identify()
        assert list(discord.sessions) == [again.session_id]


# -- who hears what --------------------------------------------------------------------------------------------------


async def test_without_the_intent_content_is_hidden(discord: LocalDiscord) -> None:
    """Without MESSAGE_CONTENT a bot reads its own messages, mentions and direct messages, and no others."""
    bot, owner = discord.town.application.bot, discord.person(discord.town.owner)
    general = discord.town.channels["general"]
    async with peer(discord) as client:
        await client.identify(intents=int(ALL_INTENTS & ~Intents.MESSAGE_CONTENT))
        secret = owner.say(general, "secret")
        owner.say(general, f"dear {bot.mention}", reply_to=secret)
        owner.say(owner.open_dm(bot), "direct")
        discord.person(bot).say(general, "own")
        told = [await client.event("MESSAGE_CREATE") for _ in range(4)]
    assert [message["content"] for message in told] == ["", f"dear {bot.mention}", "direct", "own"]
    assert told[1]["referenced_message"]["content"] == ""


@pytest.mark.parametrize(
    ("intents", "names"),
    [
        (Intents.GUILDS, set()),
        (Intents.GUILD_MESSAGES, {"MESSAGE_CREATE"}),
        (Intents.GUILD_MESSAGE_REACTIONS, {"MESSAGE_REACTION_ADD"}),
        (Intents.GUILD_MESSAGE_TYPING, {"TYPING_START"}),
        (Intents.GUILD_PRESENCES, {"PRESENCE_UPDATE"}),
        (Intents.GUILD_MEMBERS, {"GUILD_MEMBER_ADD", "GUILD_MEMBER_UPDATE"}),
        (Intents.GUILD_VOICE_STATES, {"VOICE_STATE_UPDATE"}),
        (Intents.DIRECT_MESSAGES, set()),
    ],
)
async def test_only_what_was_asked_for_is_told(discord: LocalDiscord, intents: Intents, names: set[str]) -> None:
    """Of all that happens in a guild a session hears what its intents name."""
    town, carol = discord.town, discord.person(discord.town.members[0])
    async with peer(discord) as client:
        await client.identify(intents=int(intents))
        await client.quiet()
        carol.react(carol.say(town.channels["general"], "hello"), "👍")
        carol.type(town.channels["general"])
        carol.be("idle")
        carol.join_voice(town.channels["Lounge"])
        discord.person(discord.world.add_user("New")).join(town.guild)
        discord.person(town.owner).rename(town.guild, carol.user, "Caroline")
        assert set(await client.quiet()) == names


async def test_what_a_bot_does_not_see_it_does_not_hear(discord: LocalDiscord) -> None:
    """A session hears nothing of a channel that its bot does not see, nor of messages that one person alone sees."""
    town = discord.town
    town.guild.member(town.application.bot.id).roles.clear()
    hidden = town.channels["mod-log"]
    hidden.overwrites.append(Overwrite(town.application.bot.id, 1, deny=Permissions.VIEW_CHANNEL))
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.person(town.owner).say(hidden, "not for bots")
        assert await client.quiet() == []


async def test_a_bot_hears_of_itself_without_the_intent(discord: LocalDiscord) -> None:
    """A change of the bot's own membership is told without the intent for members."""
    town = discord.town
    async with peer(discord) as client:
        await client.identify(intents=int(Intents.GUILDS))
        await client.quiet()
        discord.person(town.owner).rename(town.guild, town.application.bot, "Robot")
        assert await client.quiet() == ["GUILD_MEMBER_UPDATE"]


async def test_a_bot_is_told_of_guilds_it_comes_into_and_leaves(discord: LocalDiscord) -> None:
    """Coming into a guild is told by GUILD_CREATE alone, being put out by GUILD_DELETE alone."""
    town = discord.town
    guild = discord.world.add_guild("Elsewhere", town.owner)
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        members.join(discord.world, guild, town.application.bot)
        assert (await client.event("GUILD_CREATE"))["name"] == "Elsewhere"
        discord.person(town.owner).kick(guild, town.application.bot)
        assert await client.event("GUILD_DELETE") == {"id": str(guild.id)}
        assert await client.quiet() == []


async def test_an_outage_silences_a_guild(discord: LocalDiscord) -> None:
    """During an outage a guild is told as unavailable and not heard from, and afterwards as it is then."""
    town = discord.town
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.faults.outage(town.guild)
        assert await client.event("GUILD_DELETE") == {"id": str(town.guild.id), "unavailable": True}
        discord.person(town.owner).say(town.channels["general"], "unheard")
        assert await client.quiet() == []
        discord.faults.restore(town.guild)
        assert (await client.event("GUILD_CREATE"))["unavailable"] is False


async def test_shards_share_the_guilds(discord: LocalDiscord, clock: Clock) -> None:
    """Each guild is told to one shard by its id, and direct messages to the first."""
    town, world = discord.town, discord.world
    for number in range(6):
        clock.now += 0.001  # the shard follows from the time in the id
        world.add_member(world.add_guild(f"Guild {number}", town.owner), town.application.bot)
    async with peer(discord) as one, peer(discord) as two:
        served = [
            {guild["id"] for guild in (await client.identify(shard=[shard, 2]))["guilds"]}
            for shard, client in enumerate((one, two))
        ]
        assert served[0] | served[1] == {str(guild) for guild in world.guilds}
        assert not served[0] & served[1]
        assert all((int(guild) >> 22) % 2 == shard for shard, guilds in enumerate(served) for guild in guilds)
        for client in (one, two):
            await client.quiet()
        owner = discord.person(town.owner)
        owner.say(owner.open_dm(town.application.bot), "to the first")
        assert await one.quiet() == ["MESSAGE_CREATE"]
        assert await two.quiet() == []


async def test_a_guild_that_is_no_more_is_told_to_those_who_knew_it(discord: LocalDiscord) -> None:
    """GUILD_DELETE of a guild that a session was never told of is not passed on."""
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.world.emit(Event("GUILD_DELETE", {"id": "5"}, Intents.GUILDS, 5))
        discord.world.emit(Event("GUILD_CREATE", {"id": "5"}, Intents.GUILDS, 5))
        assert await client.quiet() == []


async def test_the_server_says_good_bye() -> None:
    """A server that stops closes its connections with 1001, and keeps nobody waiting."""
    discord = LocalDiscord()
    await discord.start()
    async with peer(discord) as client:
        await client.identify()
        code, _ = await asyncio.gather(client.closed(), discord.stop())
    assert code == Close.GOING_AWAY
