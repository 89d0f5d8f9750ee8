"""The gateway's protocol, said word by word."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord import LocalDiscord, server
from localdiscord.actions import interactions
from localdiscord.gateway.codes import Close, Op
from localdiscord.intents import NO_INTENTS, Intents
from localdiscord.model.interaction import Act, InteractionType
from tests.localdiscord.gateway_peer import peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord."""
    async with LocalDiscord() as server:
        yield server


# -- beginning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compress", ["", "zlib-stream", "zstd-stream"])
@pytest.mark.parametrize("version", ["9", "10"])
async def test_a_session_begins(discord: LocalDiscord, compress: str, version: str) -> None:
    """After Hello and Identify come READY with guilds that are unavailable, and then each guild, in any packing."""
    async with peer(discord, compress=compress, v=version) as client:
        ready = await client.identify()
        guild = await client.event("GUILD_CREATE")
    assert ready["v"] == int(version)
    assert ready["guilds"] == [{"id": str(discord.town.guild.id), "unavailable": True}]
    assert ready["shard"] == [0, 1]
    assert ready["resume_gateway_url"] == discord.gateway_url
    assert guild["name"] == "Local Town"
    assert guild["member_count"] == len(discord.town.guild.members)


async def test_single_payloads_are_compressed_where_asked(discord: LocalDiscord) -> None:
    """With `compress` in Identify, large payloads come packed by themselves and small ones as text."""
    async with peer(discord) as client:
        await client.identify(compress=True)
        guild = await client.event("GUILD_CREATE")
        assert guild["unavailable"] is False
        assert await client.quiet() == ["PRESENCE_UPDATE"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"v": "6"}, Close.INVALID_VERSION),
        ({"encoding": "etf"}, Close.DECODE_ERROR),
        ({"compress": "brotli"}, Close.DECODE_ERROR),
    ],
)
async def test_what_is_not_spoken_is_refused(discord: LocalDiscord, query: dict[str, str], code: Close) -> None:
    """Another version, another encoding or an unknown compression ends the connection with a code."""
    async with peer(discord, greet=False, **query) as client:
        assert await client.closed() == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "wrong"}, Close.AUTHENTICATION_FAILED),
        ({"token": None}, Close.DECODE_ERROR),
        ({"properties": None}, Close.DECODE_ERROR),
        ({"properties": "none"}, Close.DECODE_ERROR),
        ({"intents": None}, Close.INVALID_INTENTS),
        ({"intents": "all"}, Close.INVALID_INTENTS),
        ({"intents": 1 << 30}, Close.INVALID_INTENTS),
        ({"shard": [1, 1]}, Close.INVALID_SHARD),
        ({"shard": ["0", "1"]}, Close.INVALID_SHARD),
        ({"presence": {"status": "asleep"}}, Close.DECODE_ERROR),
    ],
)
async def test_a_wrong_identify_is_refused(discord: LocalDiscord, changes: dict[str, Any], code: Close) -> None:
    """Each thing that is wrong in Identify has its own close code."""
    fields = {"token": discord.town.application.token, "intents": 1, "properties": {}} | changes
    async with peer(discord) as client:
        await client.send(Op.IDENTIFY, {name: value for name, value in fields.items() if value is not None})
        assert await client.closed() == code


async def test_intents_that_are_not_granted_are_refused(discord: LocalDiscord) -> None:
    """An intent that the application was not granted ends the connection with 4014."""
    discord.town.application.granted = NO_INTENTS
    async with peer(discord) as client:
        await client.send(Op.IDENTIFY, {"token": discord.town.application.token, "intents": 2, "properties": {}})
        assert await client.closed() == Close.DISALLOWED_INTENTS


async def test_too_many_guilds_take_shards(discord: LocalDiscord) -> None:
    """A shard with more guilds than one may have is refused with 4011."""
    discord.guilds_per_shard = 0
    async with peer(discord) as client:
        await client.send(Op.IDENTIFY, {"token": discord.town.application.token, "intents": 1, "properties": {}})
        assert await client.closed() == Close.SHARDING_REQUIRED


@pytest.mark.parametrize("op", [Op.IDENTIFY, Op.RESUME])
async def test_nobody_begins_twice(discord: LocalDiscord, op: Op) -> None:
    """Identify or Resume on a connection that has a session ends it with 4005."""
    async with peer(discord) as client:
        await client.identify()
        await client.send(op, {"token": "any"})
        assert await client.closed() == Close.ALREADY_AUTHENTICATED


@pytest.mark.parametrize(
    "op",
    [Op.PRESENCE_UPDATE, Op.VOICE_STATE_UPDATE, Op.REQUEST_GUILD_MEMBERS, Op.REQUEST_SOUNDBOARD_SOUNDS],
)
async def test_without_a_session_nothing_is_done(discord: LocalDiscord, op: Op) -> None:
    """What takes a session ends a connection without one with 4003."""
    async with peer(discord) as client:
        await client.send(op, {"guild_id": 1, "status": "online", "guild_ids": []})
        assert await client.closed() == Close.NOT_AUTHENTICATED


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("{", Close.DECODE_ERROR),
        ("[]", Close.DECODE_ERROR),
        ('{"d": 1}', Close.DECODE_ERROR),
        ('{"op": 99}', Close.UNKNOWN_OPCODE),
        ('{"op": 0}', Close.UNKNOWN_OPCODE),
        ('{"op": 1, "d": "one"}', Close.DECODE_ERROR),
        ('{"op": 1, "d": "' + "x" * 15_360 + '"}', Close.DECODE_ERROR),
    ],
)
async def test_nonsense_ends_the_connection(discord: LocalDiscord, said: str, code: Close) -> None:
    """What is no payload, unknown, or too large ends the connection with its code."""
    async with peer(discord) as client:
        await client.socket.send_str(said)
        assert await client.closed() == code


# -- heartbeats and limits ---------------------------------------------------------------------------------------------


async def test_a_missed_heartbeat_ends_the_connection(discord: LocalDiscord) -> None:
    """A client that sends no heartbeat is closed on, and may resume."""
    discord.heartbeat_interval = 0.05
    async with peer(discord) as client:
        await client.identify()
        assert await client.closed() == Close.UNKNOWN_ERROR
    async with peer(discord) as again:
        await again.resume(client.session_id, client.sequence)
        assert await again.event("RESUMED") is not None


async def test_heartbeats_are_answered_and_asked_for(discord: LocalDiscord) -> None:
    """A heartbeat is acknowledged; `settled` asks for one, and waits until it tells that all events have come."""
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.person(discord.town.owner).say(discord.town.channels["general"], "hello")
        with pytest.raises(TimeoutError, match=r"Reference has \d of 4 events"):
            await discord.settled(0.05)
        assert await client.op(Op.HEARTBEAT) is None
        await client.send(Op.HEARTBEAT, client.sequence)
        await discord.settled()


async def test_nobody_waits_longer_than_an_interaction_may_be_answered(
    discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`settled` ends as soon as the time is over in which a bot could have answered, although nothing else happens."""
    for module in (server, interactions):
        monkeypatch.setattr(module, "ANSWER_WITHIN", 0.2)
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        act = Act(InteractionType.COMMAND, {"name": "x", "type": 1})
        town = discord.town
        interactions.begin(discord.world, town.application, town.owner, town.channels["general"], act)
        await client.event("INTERACTION_CREATE")
        await client.send(Op.HEARTBEAT, client.sequence)
        await discord.settled(5.0)
        assert interactions.waiting(discord.world) == []


async def test_a_heartbeat_is_answered_after_the_time_of_a_good_line(discord: LocalDiscord) -> None:
    """The answer does not come sooner than a client in a thread of its own can note when it asked."""
    async with peer(discord) as client:
        await client.identify()
        asked = time.perf_counter()
        await client.send(Op.HEARTBEAT, client.sequence)
        await client.op(Op.HEARTBEAT_ACK)
        assert time.perf_counter() - asked >= 0.045


async def test_a_client_that_says_too_much_is_closed_on() -> None:
    """The 121st payload within a minute ends the connection with 4008; without rate limits it does not."""
    async with LocalDiscord(rate_limits=1) as discord, peer(discord) as client:
        for _ in range(121):
            await client.send(Op.HEARTBEAT)
        assert await client.closed() == Close.RATE_LIMITED


async def test_sessions_begin_one_after_the_other() -> None:
    """A second session of the same shard within five seconds is invalid at once, with rate limits."""
    async with LocalDiscord(rate_limits=1) as discord, peer(discord) as one, peer(discord) as two:
        await one.identify()
        await two.send(Op.IDENTIFY, {"token": discord.town.application.token, "intents": 1, "properties": {}})
        assert await two.op(Op.INVALID_SESSION) is False


async def test_a_client_that_does_not_read_is_cut_off(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a client that does not read is bounded; then its connection is cut, and it may resume."""
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        (session,) = discord.sessions.values()
        discord.faults.lag(60)
        with monkeypatch.context() as patch:
            patch.setattr("localdiscord.gateway.connection.LONGEST_OUTBOX", 50)
            for number in range(60):
                discord.person(discord.town.owner).say(discord.town.channels["general"], f"{number}")
        await discord.until(lambda: session.link is None)
    async with peer(discord) as again:
        await again.resume(client.session_id, client.sequence)
        await again.event("RESUMED")
        assert again.events.count("MESSAGE_CREATE") == 60


# -- presence, members, sounds ---------------------------------------------------------------------------------------


async def test_a_bot_says_how_it_is(discord: LocalDiscord) -> None:
    """A bot is online while it is connected, as it says, and offline afterwards; those with the intent are told."""
    bot = discord.town.application.bot
    assert bot.presence.status == "offline"
    async with peer(discord) as client:
        await client.identify(presence={"status": "idle", "activities": [{"name": "chess", "type": 0}]})
        assert (await client.event("PRESENCE_UPDATE"))["status"] == "idle"
        await client.send(Op.PRESENCE_UPDATE, {"since": None, "afk": False, "status": "dnd", "activities": []})
        told = await client.event("PRESENCE_UPDATE")
        assert told["user"] == {"id": str(bot.id)}
        assert told["client_status"] == {"desktop": "dnd"}
        discord.person(discord.town.owner).be("invisible")
        assert (await client.event("PRESENCE_UPDATE"))["status"] == "offline"
        await client.socket.close(code=1000)
        await discord.until(lambda: bot.presence.status == "offline")


async def test_members_are_told_as_intents_allow(discord: LocalDiscord) -> None:
    """GUILD_CREATE tells of those who are there with the intent for presences, otherwise of the bot alone."""
    async with peer(discord) as client:
        await client.identify()
        whole = await client.event("GUILD_CREATE")
    async with peer(discord) as other:
        await other.identify(intents=int(Intents.GUILDS | Intents.GUILD_MEMBERS))
        few = await other.event("GUILD_CREATE")
    assert len(whole["members"]) == len(discord.town.guild.members)
    assert len(whole["presences"]) == len(discord.town.guild.members) - 1
    assert [member["user"]["username"] for member in few["members"]] == ["Reference"]
    assert few["presences"] == []


async def test_a_large_guild_tells_of_those_who_are_there(discord: LocalDiscord) -> None:
    """Of a guild above the threshold only members who are there come at the beginning."""
    for number in range(60):
        user = discord.world.add_user(f"Sleeper {number}")
        user.presence.status = "offline"
        discord.world.add_member(discord.town.guild, user)
    async with peer(discord) as client:
        await client.identify(large_threshold=50)
        guild = await client.event("GUILD_CREATE")
    assert guild["large"] is True
    assert not [member for member in guild["members"] if member["user"]["username"].startswith("sleeper")]


@pytest.mark.parametrize("as_text", [True, False])
async def test_members_come_in_chunks(discord: LocalDiscord, as_text: bool) -> None:
    """All members come in chunks of a thousand; the id of the guild may be a number."""
    for number in range(1500):
        discord.world.add_member(discord.town.guild, discord.world.add_user(f"Many {number}"))
    guild_id = discord.town.guild.id
    async with peer(discord) as client:
        await client.identify()
        wanted = {"query": "", "limit": 0, "nonce": "n1", "presences": True}
        await client.send(Op.REQUEST_GUILD_MEMBERS, {"guild_id": str(guild_id) if as_text else guild_id, **wanted})
        chunks = [await client.event("GUILD_MEMBERS_CHUNK") for _ in range(2)]
    assert [chunk["chunk_index"] for chunk in chunks] == [0, 1]
    assert [len(chunk["members"]) for chunk in chunks] == [1000, len(discord.town.guild.members) - 1000]
    assert {chunk["nonce"] for chunk in chunks} == {"n1"}
    assert len(chunks[0]["presences"]) == 1000


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"query": "CA", "limit": 5}, ["carol"]),
        ({"query": "", "limit": 2}, ["alice", "carol"]),
        ({"query": "nobody", "limit": 5}, []),
    ],
)
async def test_members_are_found_by_name(discord: LocalDiscord, asked: dict[str, Any], names: list[str]) -> None:
    """Members are found by the beginning of a name, up to a limit."""
    async with peer(discord) as client:
        await client.identify()
        await client.send(Op.REQUEST_GUILD_MEMBERS, {"guild_id": [str(discord.town.guild.id)], **asked})
        chunk = await client.event("GUILD_MEMBERS_CHUNK")
    assert [member["user"]["username"] for member in chunk["members"]] == names


async def test_members_are_found_by_id(discord: LocalDiscord) -> None:
    """Members are found by id, numbers or text; ids of nobody are named, and a nonce that is too long is not."""
    owner = discord.town.owner
    async with peer(discord) as client:
        await client.identify()
        asked = {"guild_id": discord.town.guild.id, "user_ids": [owner.id, "5"], "nonce": "x" * 33}
        await client.send(Op.REQUEST_GUILD_MEMBERS, asked)
        chunk = await client.event("GUILD_MEMBERS_CHUNK")
        await client.send(Op.REQUEST_GUILD_MEMBERS, {"guild_id": 5, "query": "", "limit": 0})
        assert "GUILD_MEMBERS_CHUNK" not in await client.quiet()
    assert [member["user"]["id"] for member in chunk["members"]] == [str(owner.id)]
    assert chunk["not_found"] == ["5"]
    assert "nonce" not in chunk
    assert "presences" not in chunk


async def test_all_members_take_the_intent(discord: LocalDiscord) -> None:
    """Asking for all members without the intent for members ends the connection."""
    async with peer(discord) as client:
        await client.identify(intents=1)
        await client.send(Op.REQUEST_GUILD_MEMBERS, {"guild_id": discord.town.guild.id, "query": "", "limit": 0})
        assert await client.closed() == Close.DISALLOWED_INTENTS


async def test_sounds_are_told_when_asked_for(discord: LocalDiscord) -> None:
    """Op 31 is answered for guilds that the bot is in, and for no others."""
    async with peer(discord) as client:
        await client.identify()
        await client.send(Op.REQUEST_SOUNDBOARD_SOUNDS, {"guild_ids": [discord.town.guild.id, 5]})
        assert await client.event("SOUNDBOARD_SOUNDS") == {
            "guild_id": str(discord.town.guild.id),
            "soundboard_sounds": [],
        }
