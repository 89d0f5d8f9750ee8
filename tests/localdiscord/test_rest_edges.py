"""Edges of the REST API: what hardly ever happens, and what happens twice."""

from __future__ import annotations

import pytest

from localdiscord.actions import members, polls, reactions, threads
from localdiscord.actions.direct import open_direct
from localdiscord.errors import DiscordError
from localdiscord.model.message import EPHEMERAL
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import peer

READ = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY


async def test_a_message_for_one_is_not_there_for_others() -> None:
    """An ephemeral message is in no list, and cannot be fetched, changed or deleted by its id."""
    async with peer() as bot:
        message = bot.say("x")
        message.flags, message.audience = EPHEMERAL, bot.carol.user
        path = f"{bot.here}/messages"
        assert await bot.ask("GET", path) == []
        for method, body in (("GET", None), ("PATCH", {"content": "y"}), ("DELETE", None)):
            assert await bot.refused(method, f"{path}/{message.id}", body) == (404, 10008)
        assert (await bot.ask("GET", f"{bot.home}/messages/search"))["total_results"] == 0


async def test_flags_are_those_that_an_author_chooses() -> None:
    """A bot cannot make its message ephemeral, crossposted or the head of a thread."""
    async with peer() as bot:
        made = await bot.ask("POST", f"{bot.here}/messages", {"content": "x", "flags": 1 | 32 | 64 | 4096})
        assert made["flags"] == 4096


async def test_nobody_deletes_what_the_other_wrote_directly() -> None:
    """In direct messages one deletes one's own alone."""
    async with peer() as bot:
        channel = open_direct(bot.world, bot.bot, bot.carol.user)
        said = bot.discord.person(bot.carol.user).say(channel, "x")
        assert await bot.refused("DELETE", f"/channels/{channel.id}/messages/{said.id}") == (403, 50003)
        assert (await bot.ask("DELETE", f"/channels/{channel.id}"))["id"] == str(channel.id)
        await bot.ask("PUT", f"/channels/{channel.id}/messages/{said.id}/reactions/%F0%9F%91%8D/@me")
        assert "guild_id" not in bot.told("MESSAGE_REACTION_ADD")[0]
        await bot.ask("PUT", f"/channels/{channel.id}/pins/{said.id}")
        assert bot.told("CHANNEL_PINS_UPDATE")[0].keys() == {"channel_id", "last_pin_timestamp"}


async def test_a_bot_joins_and_is_told_of_the_guild() -> None:
    """A bot that joins gets the guild; who joins twice is told once; who is banned stays out."""
    async with peer() as bot:
        other = bot.world.add_application("Other", bot.town.owner).bot
        for _ in range(2):
            members.join(bot.world, bot.guild, other)
        (welcome,) = [event for event in bot.events if event.name == "GUILD_CREATE"]
        assert (welcome.only, welcome.data["id"]) == (other.id, str(bot.guild.id))
        assert len(bot.told("GUILD_MEMBER_ADD")) == 1
        await bot.ask("PUT", f"{bot.home}/bans/{other.id}", {})
        with pytest.raises(DiscordError, match="Unknown Invite"):
            members.join(bot.world, bot.guild, other)


async def test_moving_needs_a_channel_that_can_be_entered() -> None:
    """A move to text, to nowhere, or to where the bot may not connect leaves everything as it was."""
    async with peer() as bot:
        lounge, studio = bot.town.channels["Lounge"], bot.town.channels["Studio"]
        bot.discord.person(bot.carol.user).join_voice(lounge)
        path = f"{bot.home}/members/{bot.carol.user.id}"
        assert await bot.refused("PATCH", path, {"nick": "x", "channel_id": "1"}) == (404, 10003)
        text = {"nick": "x", "channel_id": str(bot.general.id)}
        assert await bot.invalid("PATCH", path, text) == {"channel_id": "CHANNEL_INVALID_TYPE"}
        bot.may_only(Permissions.MOVE_MEMBERS | Permissions.MANAGE_NICKNAMES | Permissions.VIEW_CHANNEL)
        assert await bot.refused("PATCH", path, {"nick": "x", "channel_id": str(studio.id)}) == (403, 50013)
        assert bot.carol.nick is None


async def test_what_changes_nothing_is_not_told() -> None:
    """The same value again makes no event and no entry."""
    async with peer() as bot:
        role = await bot.ask("POST", f"{bot.home}/roles", {"name": "R"})
        thread = await bot.ask("POST", f"{bot.here}/threads", {"name": "T", "type": 11})
        message = bot.say("x")
        reactions.add(bot.world, message, bot.carol.user, reactions.emoji_of(bot.world, "👍"))
        before = len(bot.events)
        await bot.ask("PATCH", f"{bot.home}/roles/{role['id']}", {"name": "R"})
        await bot.ask("PATCH", f"/channels/{thread['id']}", {"name": "T"})
        await bot.ask("DELETE", f"{bot.here}/pins/{message.id}")
        await bot.ask("DELETE", f"{bot.here}/messages/{message.id}/reactions/%F0%9F%91%8D/@me")
        await bot.ask("DELETE", f"{bot.home}/members/{bot.carol.user.id}/roles/{role['id']}")
        assert bot.events[before:] == []


async def test_overwrites_of_a_whole_channel_are_replaced() -> None:
    """A change of a channel may set all its overwrites, by those who manage roles."""
    async with peer() as bot:
        overwrite = {"id": str(bot.guild.id), "type": 0, "allow": "1024", "deny": "0"}
        changed = await bot.ask("PATCH", bot.here, {"permission_overwrites": [overwrite]})
        assert changed["permission_overwrites"] == [overwrite]
        bot.may_only(READ | Permissions.MANAGE_CHANNELS)
        assert await bot.refused("PATCH", bot.here, {"permission_overwrites": []}) == (403, 50013)


async def test_threads_take_in_those_who_see_the_channel() -> None:
    """Nobody is added to a thread whose channel they do not see, and members of it are taken out by moderators."""
    async with peer() as bot:
        thread = await bot.ask("POST", f"{bot.here}/threads", {"name": "T", "type": 11})
        path = f"/channels/{thread['id']}/thread-members"
        stranger = bot.world.add_user("Stranger")
        assert await bot.refused("PUT", f"{path}/{stranger.id}") == (403, 50001)
        await bot.ask("PUT", f"{path}/{bot.carol.user.id}")
        bot.may_only(READ)
        assert await bot.refused("PUT", f"{path}/{bot.town.owner.id}") == (403, 50013)
        assert await bot.refused("DELETE", f"{path}/{bot.carol.user.id}") == (403, 50013)
        with pytest.raises(DiscordError, match="channel type"):
            threads.leave(bot.world, bot.general, bot.bot, bot.bot)


async def test_pins_are_250_at_most() -> None:
    """The 251st pin is refused, and in an archived thread every pin."""
    async with peer() as bot:
        for number in range(251):
            message = bot.say(str(number))
            if number < 250:
                message.pinned, message.pinned_at = True, bot.world.now()
        assert await bot.refused("PUT", f"{bot.here}/pins/{message.id}") == (400, 30003)


async def test_polls_end_by_their_author() -> None:
    """Another's poll cannot be ended."""
    async with peer() as bot:
        poll = {"question": {"text": "Q"}, "answers": [{"poll_media": {"text": "A"}}]}
        made = await bot.ask("POST", f"{bot.here}/messages", {"poll": poll})
        message = bot.general.messages[int(made["id"])]
        with pytest.raises(DiscordError, match="another user"):
            polls.end(bot.world, message, bot.carol.user)
        await bot.ask("POST", f"{bot.here}/polls/{made['id']}/expire")
        (result,) = [each for each in bot.general.messages.values() if each.type == 46]
        assert {"name": "total_votes", "value": "0", "inline": False} in result.embeds[0]["fields"]


async def test_what_the_bot_may_not_be() -> None:
    """A picture that is none, and a name of one letter, are refused."""
    async with peer() as bot:
        assert await bot.invalid("PATCH", "/users/@me", {"avatar": "x"}) == {"avatar": "IMAGE_INVALID"}
        assert await bot.invalid("PATCH", "/users/@me", {"username": "x"}) == {"username": "BASE_TYPE_BAD_LENGTH"}
