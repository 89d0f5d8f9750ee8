"""Messages over REST: writing, reading, changing and deleting them, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from localdiscord.model.channel import ChannelType
from localdiscord.model.message import Message
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import form, peer

READ = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY
WRITE = READ | Permissions.SEND_MESSAGES


# -- writing -----------------------------------------------------------------------------------------------------


async def test_a_message_is_written_and_told() -> None:
    """A message comes back whole, and the gateway tells it with guild and member."""
    async with peer() as bot:
        made = await bot.ask("POST", f"{bot.here}/messages", {"content": "  hello  ", "nonce": "n", "tts": True})
        assert (made["content"], made["nonce"], made["tts"], made["type"]) == ("hello", "n", True, 0)
        (told,) = bot.told("MESSAGE_CREATE")
        assert told["guild_id"] == str(bot.guild.id)
        assert "joined_at" in told["member"]
        assert await bot.ask("GET", f"{bot.here}/messages/{made['id']}") == {
            key: value for key, value in told.items() if key not in {"guild_id", "member", "channel_type"}
        }


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"content": "x" * 2001}, {"content": "BASE_TYPE_MAX_LENGTH"}),
        ({"content": {}}, {"content": "STRING_TYPE_CONVERT"}),
        ({"embeds": "x"}, {"embeds": "LIST_TYPE_CONVERT"}),
        ({"embeds": [{}]}, {"embeds.0": "BASE_TYPE_REQUIRED"}),
        ({"embeds": [{"title": "x" * 257}]}, {"embeds.0.title": "BASE_TYPE_MAX_LENGTH"}),
        ({"embeds": [{"title": "x"}] * 11}, {"embeds": "BASE_TYPE_MAX_LENGTH"}),
        ({"embeds": [{"description": "x" * 4000}] * 2}, {"embeds": "MAX_EMBED_SIZE_EXCEEDED"}),
        ({"embeds": [{"title": "x", "color": 1 << 24}]}, {"embeds.0.color": "NUMBER_TYPE_MAX"}),
        ({"embeds": [{"title": "x", "timestamp": "noon"}]}, {"embeds.0.timestamp": "DATE_TIME_TYPE_PARSE"}),
        ({"embeds": [{"image": {"url": "ftp://x/y"}}]}, {"embeds.0.image.url": "URL_TYPE_INVALID_SCHEME"}),
        ({"embeds": [{"image": {"url": "https://"}}]}, {"embeds.0.image.url": "URL_TYPE_INVALID_URL"}),
        (
            {"embeds": [{"image": {"url": "attachment://a.png"}}]},
            {"embeds.0.image.url": "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND"},
        ),
        ({"embeds": [{"fields": [{"name": "a"}]}]}, {"embeds.0.fields.0.value": "BASE_TYPE_REQUIRED"}),
        ({"embeds": [{"title": "x", "fields": None}], "tts": 1}, {"tts": "BOOLEAN_TYPE_CONVERT"}),
        ({"content": "x", "flags": "y"}, {"flags": "NUMBER_TYPE_COERCE"}),
        ({"content": "x", "nonce": "y" * 26}, {"nonce": "BASE_TYPE_MAX_LENGTH"}),
        ({"sticker_ids": ["x"]}, {"sticker_ids.0": "NUMBER_TYPE_COERCE"}),
        ({"message_reference": {}}, {"message_reference.message_id": "BASE_TYPE_REQUIRED"}),
        ({"content": "x", "message_reference": {"message_id": "1"}}, {"message_reference": "REPLIES_UNKNOWN_MESSAGE"}),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            {"allowed_mentions": "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"},
        ),
        ({"content": "x", "allowed_mentions": {"parse": ["all"]}}, {"allowed_mentions.parse.0": "BASE_TYPE_CHOICES"}),
    ],
)
async def test_what_messages_may_not_say(body: dict[str, Any], problems: dict[str, str]) -> None:
    """Each fault of a form is told at its place, with Discord's code."""
    async with peer() as bot:
        assert await bot.invalid("POST", f"{bot.here}/messages", body) == problems


async def test_a_message_says_something() -> None:
    """An empty message is 50006, wherever a message is written or changed."""
    async with peer() as bot:
        bodies: list[dict[str, Any]] = [{}, {"content": "  "}, {"embeds": []}]
        for empty in bodies:
            assert await bot.refused("POST", f"{bot.here}/messages", empty) == (400, 50006)
        made = await bot.ask("POST", f"{bot.here}/messages", {"content": "x"})
        assert await bot.refused("PATCH", f"{bot.here}/messages/{made['id']}", {"content": ""}) == (400, 50006)


async def test_writing_needs_permission() -> None:
    """Without sight it is missing access; without the right to write, or to attach files, missing permissions."""
    async with peer() as bot:
        path, body = f"{bot.here}/messages", {"content": "x"}
        bot.may_only(Permissions(0))
        assert await bot.refused("POST", path, body) == (403, 50001)
        bot.may_only(READ)
        assert await bot.refused("POST", path, body) == (403, 50013)
        bot.may_only(WRITE)
        await bot.ask("POST", path, body)
        assert await bot.refused("POST", path, data=form("{}", files_0=("a.txt", b"1"))) == (403, 50013)
        assert await bot.refused("POST", path, {"content": "x", "tts": True}) == (403, 50013)
        made = await bot.ask("POST", path, {"content": "x", "embeds": [{"title": "t"}]})
        assert made["embeds"] == []


async def test_messages_are_written_in_channels_of_text() -> None:
    """A category takes no message."""
    async with peer() as bot:
        category = next(each for each in bot.guild.channels.values() if each.type is ChannelType.CATEGORY)
        assert await bot.refused("POST", f"/channels/{category.id}/messages", {"content": "x"}) == (400, 50008)


async def test_null_is_as_good_as_nothing() -> None:
    """What may be left out may be null as well; what must be there may not."""
    async with peer() as bot:
        reference = {"message_id": str(bot.say("x").id), "type": None, "fail_if_not_exists": None}
        body = {"content": "y", "embeds": None, "tts": None, "flags": None, "message_reference": reference}
        assert (await bot.ask("POST", f"{bot.here}/messages", body))["type"] == 19
        body["message_reference"] = {"message_id": None}
        assert await bot.invalid("POST", f"{bot.here}/messages", body) == {
            "message_reference.message_id": "BASE_TYPE_REQUIRED"
        }


async def test_a_nonce_that_is_enforced_writes_once() -> None:
    """The same nonce again gives the message that is there."""
    async with peer() as bot:
        body = {"content": "x", "nonce": "7", "enforce_nonce": True}
        first, second = [await bot.ask("POST", f"{bot.here}/messages", body) for _ in range(2)]
        assert first["id"] == second["id"]
        assert len(bot.told("MESSAGE_CREATE")) == 1


# -- changing ----------------------------------------------------------------------------------------------------


async def test_a_change_touches_what_it_names() -> None:
    """A change of the content leaves files and embeds; files go when they are not listed any more."""
    async with peer() as bot:
        data = form('{"content": "a", "embeds": [{"title": "t"}]}', files_0=("a.txt", b"1"))
        made = await bot.ask("POST", f"{bot.here}/messages", data=data)
        path = f"{bot.here}/messages/{made['id']}"
        changed = await bot.ask("PATCH", path, {"content": "b"})
        assert (changed["content"], changed["embeds"], changed["attachments"]) == (
            "b",
            made["embeds"],
            made["attachments"],
        )
        assert changed["edited_timestamp"]
        listed = json.dumps({"attachments": [{"id": made["attachments"][0]["id"]}, {"id": 0}]})
        more = form(listed, files_0=("b.txt", b"2"))
        assert [each["filename"] for each in (await bot.ask("PATCH", path, data=more))["attachments"]] == [
            "a.txt",
            "b.txt",
        ]
        assert (await bot.ask("PATCH", path, {"attachments": []}))["attachments"] == []
        assert (await bot.ask("PATCH", path, {"flags": 4}))["embeds"] == []
        assert len(bot.told("MESSAGE_UPDATE")) == 4


async def test_a_change_that_is_refused_changes_nothing() -> None:
    """A change that names a file that is not there leaves the message as it was."""
    async with peer() as bot:
        made = await bot.ask("POST", f"{bot.here}/messages", {"content": "a"})
        path = f"{bot.here}/messages/{made['id']}"
        body = {"content": "b", "embeds": [{"image": {"url": "attachment://no.png"}}]}
        assert set(await bot.invalid("PATCH", path, body)) == {"embeds.0.image.url"}
        assert (await bot.ask("GET", path))["content"] == "a"


async def test_others_messages_are_not_changed() -> None:
    """What another wrote cannot be changed; its embeds can be hidden by those who manage messages."""
    async with peer() as bot:
        path = f"{bot.here}/messages/{bot.say('x').id}"
        assert await bot.refused("PATCH", path, {"content": "y"}) == (403, 50005)
        assert (await bot.ask("PATCH", path, {"flags": 4}))["flags"] == 4
        bot.may_only(WRITE)
        assert await bot.refused("PATCH", path, {"flags": 0}) == (403, 50013)


# -- deleting ----------------------------------------------------------------------------------------------------


async def test_deleting_is_told_and_noted() -> None:
    """Own messages go without a note; those of others are noted, and one after the other in one entry."""
    async with peer() as bot:
        own = await bot.ask("POST", f"{bot.here}/messages", {"content": "x"})
        await bot.ask("DELETE", f"{bot.here}/messages/{own['id']}")
        assert bot.guild.audit_log == []
        for said in (bot.say("a"), bot.say("b")):
            await bot.ask("DELETE", f"{bot.here}/messages/{said.id}", reason="spam")
        assert bot.noted()["options"] == {"channel_id": str(bot.general.id), "count": "2"}
        assert len(bot.told("MESSAGE_DELETE")) == 3
        await bot.ask("DELETE", f"{bot.here}/messages/{bot.say('c').id}", reason="other")
        assert bot.noted()["options"]["count"] == "1"
        assert await bot.refused("DELETE", f"{bot.here}/messages/{own['id']}") == (404, 10008)


async def test_deleting_needs_permission() -> None:
    """Messages of others need the right to manage messages, and some of Discord's own cannot be deleted."""
    async with peer() as bot:
        said = bot.say("x")
        system = Message(bot.world.snowflakes.next(), bot.general, bot.town.owner, type=21)
        bot.general.messages[system.id] = system
        assert await bot.refused("DELETE", f"{bot.here}/messages/{system.id}") == (403, 50021)
        assert await bot.refused("PATCH", f"{bot.here}/messages/{system.id}", {"flags": 4}) == (403, 50021)
        bot.may_only(WRITE)
        assert await bot.refused("DELETE", f"{bot.here}/messages/{said.id}") == (403, 50013)


async def test_many_are_deleted_at_once() -> None:
    """From two to a hundred messages go at once; ids of no message are passed over; old ones stop it."""
    async with peer() as bot:
        path = f"{bot.here}/messages/bulk-delete"
        kept, *gone = [bot.say(str(number)) for number in range(4)]
        unknown = str(bot.world.snowflakes.next())
        await bot.ask("POST", path, {"messages": [*(str(each.id) for each in gone), unknown]}, reason="clean")
        assert bot.told("MESSAGE_DELETE_BULK")[0]["ids"] == [str(each.id) for each in gone]
        assert (bot.noted()["options"], bot.noted()["reason"]) == ({"count": "3"}, "clean")
        await bot.ask("POST", path, {"messages": [unknown, str(int(unknown) + 1)]})
        assert await bot.invalid("POST", path, {"messages": [str(kept.id)]}) == {"messages": "BASE_TYPE_BAD_LENGTH"}
        old = str(kept.id - (int(timedelta(days=14, hours=1).total_seconds() * 1000) << 22))
        assert await bot.refused("POST", path, {"messages": [str(kept.id), old]}) == (400, 50034)


# -- lists -------------------------------------------------------------------------------------------------------


async def test_lists_are_windows() -> None:
    """A list is newest first, and begins where it is asked to; whoever may not read history gets none."""
    async with peer() as bot:
        said = [str(bot.say(str(number)).id) for number in range(5)]

        async def listed(query: str) -> list[int]:
            return [said.index(each["id"]) for each in await bot.ask("GET", f"{bot.here}/messages?{query}")]

        assert await listed("") == [4, 3, 2, 1, 0]
        assert await listed("limit=2") == [4, 3]
        assert await listed(f"before={said[3]}&limit=2") == [2, 1]
        assert await listed(f"after={said[0]}&limit=2") == [2, 1]
        assert await listed(f"around={said[2]}&limit=3") == [3, 2, 1]
        assert await listed(f"around={said[2]}&limit=1") == [2]
        assert await bot.invalid("GET", f"{bot.here}/messages?limit=101") == {"limit": "NUMBER_TYPE_MAX"}
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await listed("") == []
        assert await bot.refused("GET", f"{bot.here}/messages/{said[0]}") == (403, 50013)


async def test_messages_are_looked_for() -> None:
    """A search goes through what the bot may read, by words, author, place, what a message has, and in pages."""
    async with peer() as bot:
        welcome = bot.town.channels["welcome"]
        for text in ("red apple", "green apple", "blue sky"):
            bot.say(text)
        bot.discord.person(bot.town.owner).say(welcome, f"an apple for <@{bot.carol.user.id}> https://example.com")

        async def found(query: str) -> list[str]:
            answer = await bot.ask("GET", f"{bot.home}/messages/search?{query}")
            assert answer["total_results"] >= len(answer["messages"])
            return [hit["content"].split()[0] for (hit,) in answer["messages"]]

        assert await found("content=APPLE") == ["an", "green", "red"]
        assert await found("content=apple&sort_order=asc&limit=1&offset=1") == ["green"]
        assert await found(f"author_id={bot.carol.user.id}&content=sky") == ["blue"]
        assert await found(f"channel_id={welcome.id}") == await found("has=link") == ["an"]
        assert await found(f"mentions={bot.carol.user.id}") == ["an"]
        assert await found("pinned=true") == await found("has=poll") == []
        assert await found(f"max_id={min(bot.general.messages) + 1}") == ["red"]
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await found("content=apple") == []


# -- direct messages ---------------------------------------------------------------------------------------------


async def test_direct_messages_reach_those_who_want_them() -> None:
    """A channel with a user is made once; whoever blocks, refuses or shares no guild gets no message: 50007."""
    async with peer() as bot:
        user = bot.carol.user
        opened = [await bot.ask("POST", "/users/@me/channels", {"recipient_id": str(user.id)}) for _ in range(2)]
        assert opened[0] == opened[1]
        assert [each["id"] for each in opened[0]["recipients"]] == [str(user.id)]
        path = f"/channels/{opened[0]['id']}"
        assert (await bot.ask("GET", path))["type"] == 1
        await bot.ask("POST", f"{path}/messages", {"content": "hi"})
        assert "guild_id" not in bot.told("MESSAGE_CREATE")[0]
        assert await bot.refused("POST", f"{path}/messages/bulk-delete", {"messages": ["1", "2"]}) == (403, 50003)
        assert await bot.refused("PATCH", path, {"name": "x"}) == (403, 50003)
        user.blocked.add(bot.bot.id)
        assert await bot.refused("POST", f"{path}/messages", {"content": "hi"}) == (403, 50007)
        user.blocked.clear()
        user.accepts_messages = False
        assert await bot.refused("POST", f"{path}/messages", {"content": "hi"}) == (403, 50007)
        user.accepts_messages = True
        await bot.ask("DELETE", f"{bot.home}/members/{user.id}")
        assert await bot.refused("POST", f"{path}/messages", {"content": "hi"}) == (403, 50007)


async def test_nobody_writes_to_themselves() -> None:
    """The own user and other bots are no recipients, and neither is somebody who does not exist."""
    async with peer() as bot:
        other = bot.world.add_application("Other", bot.town.owner).bot
        path = "/users/@me/channels"
        assert await bot.refused("POST", path, {"recipient_id": str(bot.bot.id)}) == (400, 50033)
        assert await bot.refused("POST", path, {"recipient_id": str(other.id)}) == (403, 50007)
        assert await bot.invalid("POST", path, {"recipient_id": "1"}) == {"recipient_id": "USER_UNKNOWN"}


async def test_slow_mode_slows_people_not_bots() -> None:
    """Where a channel is slow, people wait between messages; bots and moderators do not."""
    async with peer() as bot:
        await bot.ask("PATCH", bot.here, {"rate_limit_per_user": 60})
        for _ in range(2):
            await bot.ask("POST", f"{bot.here}/messages", {"content": "x"})
            bot.say("moderator", bot.town.owner)
        bot.say("first")
        with pytest.raises(Exception, match="slowmode"):
            bot.say("second")
