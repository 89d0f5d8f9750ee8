"""Channels and threads over REST."""

from __future__ import annotations

from typing import Any

import pytest

from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, peer

READ = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY


async def made(bot: Peer, **values: Any) -> dict[str, Any]:
    """Make a channel."""
    channel: dict[str, Any] = await bot.ask("POST", f"{bot.home}/channels", {"name": "New One"} | values)
    return channel


# -- channels ----------------------------------------------------------------------------------------------------


async def test_a_channel_lives_and_dies() -> None:
    """A channel is made, changed, listed and deleted, each with its event and its note."""
    async with peer() as bot:
        parent = bot.general.parent_id
        channel = await made(bot, topic="t", parent_id=str(parent), rate_limit_per_user=5, nsfw=True)
        assert (channel["name"], channel["parent_id"]) == ("new-one", str(parent))
        path = f"/channels/{channel['id']}"
        body = {"name": "x", "topic": None, "default_auto_archive_duration": 60, "type": 5, "parent_id": None}
        changed = await bot.ask("PATCH", path, body, reason="r")
        assert (changed["topic"], changed["type"], changed["parent_id"]) == (None, 5, None)
        assert changed in await bot.ask("GET", f"{bot.home}/channels")
        await bot.ask("PATCH", path, {"name": "x"})
        await bot.ask("DELETE", path)
        assert await bot.refused("GET", path) == (404, 10003)
        names = [event.name for event in bot.events if event.name.startswith("CHANNEL")]
        assert names == ["CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"]
        assert [entry.action for entry in bot.guild.audit_log] == [10, 11, 12]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"name": ""}, {"name": "BASE_TYPE_BAD_LENGTH"}),
        ({"type": 1}, {"type": "BASE_TYPE_CHOICES"}),
        ({"rate_limit_per_user": 21_601}, {"rate_limit_per_user": "NUMBER_TYPE_MAX"}),
        ({"user_limit": -1}, {"user_limit": "NUMBER_TYPE_MIN"}),
        ({"topic": "x" * 4097}, {"topic": "BASE_TYPE_MAX_LENGTH"}),
        ({"parent_id": "1"}, {"parent_id": "CHANNEL_PARENT_INVALID_TYPE"}),
        ({"permission_overwrites": [{"id": "1", "type": 0}]}, {"permission_overwrites.0": "INVALID_OVERWRITE"}),
        ({"permission_overwrites": [{"type": 0}]}, {"permission_overwrites.0.id": "BASE_TYPE_REQUIRED"}),
    ],
)
async def test_what_channels_may_not_be(values: dict[str, Any], problem: dict[str, str]) -> None:
    """A channel that does not fit is refused at the field that does not."""
    async with peer() as bot:
        assert await bot.invalid("POST", f"{bot.home}/channels", {"name": "x"} | values) == problem


async def test_kinds_of_channel_have_their_own_fields() -> None:
    """Voice has a bitrate, forums have tags, and text turns into announcements but not into voice."""
    async with peer() as bot:
        voice = await made(bot, type=2, bitrate=32_000, user_limit=3, rtc_region=None)
        assert (voice["bitrate"], voice["user_limit"], voice["name"]) == (32_000, 3, "New One")
        tags = [{"name": "a", "emoji_name": "👍"}, {"name": "b", "moderated": True}]
        forum = await made(bot, type=15, available_tags=tags, default_reaction_emoji={"emoji_name": "👍"})
        assert [tag["name"] for tag in forum["available_tags"]] == ["a", "b"]
        kept = {"available_tags": [{"id": forum["available_tags"][1]["id"], "name": "c"}]}
        changed = await bot.ask("PATCH", f"/channels/{forum['id']}", kept)
        assert changed["available_tags"][0]["id"] == forum["available_tags"][1]["id"]
        assert await bot.invalid("PATCH", f"/channels/{voice['id']}", {"type": 0}) == {"type": "CHANNEL_TYPE_INVALID"}


async def test_channels_move() -> None:
    """Several channels move at once, into a category with its permissions where that is wanted; or none does."""
    async with peer() as bot:
        category = await made(bot, type=4, permission_overwrites=[{"id": str(bot.guild.id), "type": 0, "deny": "2048"}])
        entry = {"id": str(bot.general.id), "position": 9, "parent_id": category["id"], "lock_permissions": True}
        await bot.ask("PATCH", f"{bot.home}/channels", [entry, {"id": str(bot.town.channels["bot"].id)}])
        assert (bot.general.position, str(bot.general.parent_id)) == (9, category["id"])
        assert int(bot.general.overwrites[0].deny) == 2048
        assert len(bot.told("CHANNEL_UPDATE")) == 1
        wrong = [{"id": str(bot.general.id), "position": 1}, {"id": "1", "position": 2}]
        assert await bot.refused("PATCH", f"{bot.home}/channels", wrong) == (404, 10003)
        inside = await made(bot, parent_id=category["id"])
        assert inside["permission_overwrites"] == category["permission_overwrites"]
        await bot.ask("DELETE", f"/channels/{category['id']}")
        assert bot.general.parent_id is None


async def test_overwrites_are_set_and_taken() -> None:
    """What a channel allows and denies is set, changed and taken away; each is noted as what it is."""
    async with peer() as bot:
        path = f"{bot.here}/permissions/{bot.guild.id}"
        await bot.ask("PUT", path, {"type": 0, "deny": "2048"})
        with pytest.raises(Exception, match="Missing Permissions"):
            bot.say("x")
        await bot.ask("PUT", path, {"type": 0, "allow": "2048", "deny": "0"})
        bot.say("x")
        await bot.ask("DELETE", path)
        assert [entry.action for entry in bot.guild.audit_log] == [13, 14, 15]
        assert bot.noted()["options"] == {"id": str(bot.guild.id), "type": "0", "role_name": "@everyone"}
        assert await bot.refused("DELETE", path) == (404, 10009)
        assert await bot.invalid("PUT", f"{bot.here}/permissions/1", {"type": 1}) == {
            "overwrite_id": "INVALID_OVERWRITE"
        }
        assert await bot.invalid("PUT", path, {"allow": "x"}) == {"allow": "NUMBER_TYPE_COERCE"}
        bot.may_only(READ | Permissions.MANAGE_ROLES)
        assert await bot.refused("PUT", path, {"type": 0, "deny": str(int(Permissions.SPEAK))}) == (403, 50013)


async def test_channels_need_permission() -> None:
    """Making, changing and deleting channels needs the right to manage them."""
    async with peer() as bot:
        bot.may_only(READ)
        assert await bot.refused("POST", f"{bot.home}/channels", {"name": "x"}) == (403, 50013)
        assert await bot.refused("PATCH", f"{bot.home}/channels", []) == (403, 50013)
        assert await bot.refused("PATCH", bot.here, {"name": "x"}) == (403, 50013)
        assert await bot.refused("DELETE", bot.here) == (403, 50013)
        assert await bot.refused("PUT", f"{bot.here}/permissions/{bot.guild.id}", {"type": 0}) == (403, 50013)
        assert await bot.refused("POST", f"{bot.here}/typing") == (403, 50013)


async def test_there_are_500_channels_at_most() -> None:
    """The 501st channel, and the 51st of a category, are refused."""
    async with peer() as bot:
        category = bot.guild.channels[bot.general.parent_id or 0]
        for number in range(50):
            bot.world.add_channel(bot.guild, str(number), parent=category)
        path, body = f"{bot.home}/channels", {"name": "x", "parent_id": str(category.id)}
        assert await bot.invalid("POST", path, body) == {"parent_id": "CHANNEL_PARENT_MAX_CHANNELS"}
        for number in range(500 - len(bot.guild.channels)):
            bot.world.add_channel(bot.guild, str(number))
        assert await bot.refused("POST", path, {"name": "x"}) == (400, 30013)


async def test_typing_and_status_are_told() -> None:
    """That the bot writes, and what a voice channel is about, are told at once."""
    async with peer() as bot:
        await bot.ask("POST", f"{bot.here}/typing")
        assert bot.told("TYPING_START")[0]["user_id"] == str(bot.bot.id)
        lounge = bot.town.channels["Lounge"]
        await bot.ask("PUT", f"/channels/{lounge.id}/voice-status", {"status": "jazz"})
        assert bot.told("VOICE_CHANNEL_STATUS_UPDATE")[0]["status"] == "jazz"
        assert await bot.refused("PUT", f"{bot.here}/voice-status", {"status": "x"}) == (400, 50024)


async def test_deleting_a_channel_takes_what_is_in_it() -> None:
    """Threads, webhooks and voice go with their channel."""
    async with peer() as bot:
        thread = await begun(bot, type=11)
        hook = await bot.ask("POST", f"{bot.here}/webhooks", {"name": "h"})
        await bot.ask("DELETE", bot.here)
        assert await bot.refused("GET", f"/channels/{thread['id']}") == (404, 10003)
        assert await bot.refused("GET", f"/webhooks/{hook['id']}") == (404, 10015)
        lounge = bot.town.channels["Lounge"]
        bot.discord.person(bot.carol.user).join_voice(lounge)
        await bot.ask("DELETE", f"/channels/{lounge.id}")
        assert bot.guild.voice_states == {}


# -- threads -----------------------------------------------------------------------------------------------------


async def begun(bot: Peer, **values: Any) -> dict[str, Any]:
    """Begin a thread without a message in general."""
    thread: dict[str, Any] = await bot.ask("POST", f"{bot.here}/threads", {"name": "T"} | values)
    return thread


async def test_a_thread_begins_with_a_message() -> None:
    """The thread has the message's id, the message shows the thread, and there is one at most."""
    async with peer() as bot:
        said = bot.say("start")
        path = f"{bot.here}/messages/{said.id}"
        thread = await bot.ask("POST", f"{path}/threads", {"name": "T", "auto_archive_duration": 60})
        assert (thread["id"], thread["type"], thread["member"]["user_id"]) == (str(said.id), 11, str(bot.bot.id))
        shown = await bot.ask("GET", path)
        assert (shown["thread"]["id"], shown["flags"]) == (thread["id"], 32)
        (starter,) = await bot.ask("GET", f"/channels/{thread['id']}/messages")
        assert (starter["type"], starter["referenced_message"]["content"]) == (21, "start")
        assert await bot.refused("POST", f"{path}/threads", {"name": "T"}) == (400, 160004)
        assert await bot.invalid("POST", f"{path}/threads", {"name": "T", "auto_archive_duration": 7}) == {
            "auto_archive_duration": "BASE_TYPE_CHOICES"
        }


async def test_threads_begin_where_they_can() -> None:
    """Voice and direct messages have no threads, and each kind needs its permission."""
    async with peer() as bot:
        lounge = bot.town.channels["Lounge"]
        assert await bot.refused("POST", f"/channels/{lounge.id}/threads", {"name": "x"}) == (400, 50024)
        direct = await bot.ask("POST", "/users/@me/channels", {"recipient_id": str(bot.carol.user.id)})
        assert await bot.refused("POST", f"/channels/{direct['id']}/threads", {"name": "x"}) == (403, 50003)
        bot.may_only(READ | Permissions.CREATE_PRIVATE_THREADS)
        assert await bot.refused("POST", f"{bot.here}/threads", {"name": "x", "type": 11}) == (403, 50013)
        await begun(bot)


async def test_people_join_and_leave_threads() -> None:
    """Members are added, listed, fetched and removed, each of it told."""
    async with peer() as bot:
        members = f"/channels/{(await begun(bot))['id']}/thread-members"
        await bot.ask("PUT", f"{members}/{bot.carol.user.id}")
        await bot.ask("PUT", f"{members}/{bot.carol.user.id}")
        listed = await bot.ask("GET", f"{members}?with_member=true&limit=5")
        assert {each["member"]["user"]["username"] for each in listed} == {"carol", bot.bot.username}
        await bot.ask("DELETE", f"{members}/@me")
        await bot.ask("PUT", f"{members}/@me")
        await bot.ask("DELETE", f"{members}/{bot.carol.user.id}")
        assert await bot.refused("GET", f"{members}/{bot.carol.user.id}") == (404, 10007)
        assert await bot.refused("DELETE", f"{members}/{bot.carol.user.id}") == (404, 10007)
        assert (await bot.ask("GET", f"{members}/{bot.bot.id}"))["user_id"] == str(bot.bot.id)
        assert len(bot.told("THREAD_MEMBERS_UPDATE")) == 5
        assert await bot.refused("GET", f"{bot.here}/thread-members") == (400, 50024)


async def test_private_threads_are_private() -> None:
    """A private thread is there for those who are in it, and for moderators."""
    async with peer() as bot:
        thread = bot.world.channels[int((await begun(bot, type=12, invitable=False))["id"])]
        with pytest.raises(Exception, match="does not see"):
            bot.discord.person(bot.carol.user).say(thread, "x")
        await bot.ask("PUT", f"/channels/{thread.id}/thread-members/{bot.carol.user.id}")
        bot.discord.person(bot.carol.user).say(thread, "x")
        assert thread.thread is not None
        bot.may_only(READ | Permissions.SEND_MESSAGES_IN_THREADS)
        thread.thread.owner_id = bot.carol.user.id
        path = f"/channels/{thread.id}/thread-members/{bot.town.owner.id}"
        assert await bot.refused("PUT", path) == (403, 50013)
        del thread.thread.members[bot.bot.id]
        assert await bot.refused("GET", f"/channels/{thread.id}") == (403, 50001)


async def test_threads_are_archived_and_come_back() -> None:
    """An archived thread refuses changes until it is opened, or somebody writes in it."""
    async with peer() as bot:
        thread = await begun(bot, type=11)
        path = f"/channels/{thread['id']}"
        said = await bot.ask("POST", f"{path}/messages", {"content": "x"})
        assert said["position"] == 0
        await bot.ask("PATCH", path, {"archived": True, "name": "U"})
        for method, place, body in (
            ("PATCH", path, {"name": "x"}),
            ("PUT", f"{path}/thread-members/@me", None),
            ("PATCH", f"{path}/messages/{said['id']}", {"content": "y"}),
            ("DELETE", f"{path}/messages/{said['id']}", None),
            ("PUT", f"{path}/pins/{said['id']}", None),
            ("PUT", f"{path}/messages/{said['id']}/reactions/%F0%9F%91%8D/@me", None),
        ):
            assert await bot.refused(method, place, body) == (400, 50083)
        await bot.ask("POST", f"{path}/messages", {"content": "again"})
        assert not (await bot.ask("GET", path))["thread_metadata"]["archived"]
        await bot.ask("PATCH", path, {"archived": True})
        await bot.ask("PATCH", path, {"archived": False, "locked": True})
        with pytest.raises(Exception, match="locked"):
            bot.discord.person(bot.carol.user).say(bot.world.channels[int(thread["id"])], "x")
        await bot.ask("DELETE", path)
        assert bot.told("THREAD_DELETE")[0]["id"] == thread["id"]
        assert [entry.action for entry in bot.guild.audit_log][-1] == 112


async def test_threads_are_changed_by_their_owners() -> None:
    """The owner renames and archives; locking needs a moderator, and so does a thread of somebody else."""
    async with peer() as bot:
        own = await begun(bot, type=11)
        other = bot.discord.person(bot.carol.user).begin_thread(bot.general, "Carol's")
        bot.may_only(READ | Permissions.SEND_MESSAGES_IN_THREADS)
        await bot.ask("PATCH", f"/channels/{own['id']}", {"name": "Mine"})
        assert await bot.refused("PATCH", f"/channels/{own['id']}", {"locked": True}) == (403, 50013)
        assert await bot.refused("PATCH", f"/channels/{other.id}", {"name": "x"}) == (403, 50013)
        assert await bot.refused("DELETE", f"/channels/{own['id']}") == (403, 50013)
        assert other.thread is not None
        other.thread.archived = True
        await bot.ask("PATCH", f"/channels/{other.id}", {"archived": False})


async def test_threads_are_listed() -> None:
    """Active ones by guild, archived ones by channel and kind, those the bot is in apart."""
    async with peer() as bot:
        public, private = await begun(bot, type=11), await begun(bot, type=12)
        active = await bot.ask("GET", f"{bot.home}/threads/active")
        assert {each["id"] for each in active["threads"]} == {public["id"], private["id"]}
        assert len(active["members"]) == 2
        for thread in (public, private):
            await bot.ask("PATCH", f"/channels/{thread['id']}", {"archived": True})
        for path, thread in (
            ("/threads/archived/public", public),
            ("/threads/archived/private", private),
            ("/users/@me/threads/archived/private", private),
        ):
            answer = await bot.ask("GET", bot.here + path)
            assert ([each["id"] for each in answer["threads"]], answer["has_more"]) == ([thread["id"]], False)
        before = "2020-01-01T00:00:00Z"
        assert (await bot.ask("GET", f"{bot.here}/threads/archived/public?before={before}"))["threads"] == []
        bot.may_only(READ)
        assert await bot.refused("GET", f"{bot.here}/threads/archived/private") == (403, 50013)


async def test_a_post_is_a_thread_and_its_message() -> None:
    """A post of a forum comes with its message and its tags, or not at all."""
    async with peer() as bot:
        forum = await made(bot, type=15, available_tags=[{"name": "a"}, {"name": "b", "moderated": True}], flags=16)
        path, tag = f"/channels/{forum['id']}/threads", forum["available_tags"][0]["id"]
        body: dict[str, Any] = {"name": "P", "message": {"content": "first"}, "applied_tags": [tag]}
        post = await bot.ask("POST", path, body)
        assert (post["message"]["id"], post["applied_tags"]) == (post["id"], [tag])
        assert await bot.refused("POST", path, body | {"applied_tags": []}) == (400, 40067)
        assert await bot.refused("POST", path, body | {"applied_tags": ["1"]}) == (404, 10087)
        assert await bot.refused("POST", path, body | {"message": {"content": ""}}) == (400, 50006)
        assert await bot.invalid("POST", path, {"name": "P"}) == {"message": "BASE_TYPE_REQUIRED"}
        assert await bot.invalid("POST", path, body | {"applied_tags": [tag] * 6}) == {
            "applied_tags": "BASE_TYPE_MAX_LENGTH"
        }
        image = {"embeds": [{"image": {"url": "attachment://no.png"}}]}
        assert len(await bot.invalid("POST", path, body | {"message": image})) == 1
        assert len(bot.guild.threads) == 1
        assert await bot.refused("POST", f"/channels/{forum['id']}/messages", {"content": "x"}) == (400, 50008)
        changed = await bot.ask(
            "PATCH", f"/channels/{post['id']}", {"applied_tags": [forum["available_tags"][1]["id"]]}
        )
        assert changed["applied_tags"] == [forum["available_tags"][1]["id"]]
