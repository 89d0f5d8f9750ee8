"""Webhooks, followed channels and invites over REST."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from localdiscord.actions import invites
from localdiscord.errors import DiscordError
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, data_uri, peer, picture

NOBODY = {"Authorization": ""}


async def hooked(bot: Peer, name: str = "hook") -> tuple[dict[str, Any], str]:
    """Make a webhook in general; returns it and the path of its token."""
    hook = await bot.ask("POST", f"{bot.here}/webhooks", {"name": name, "avatar": data_uri(picture())})
    return hook, f"/webhooks/{hook['id']}/{hook['token']}"


# -- webhooks ----------------------------------------------------------------------------------------------------


async def test_a_webhook_lives_and_dies() -> None:
    """A webhook is made, listed, changed and deleted by the bot; each is told and noted."""
    async with peer() as bot:
        hook, _ = await hooked(bot)
        assert hook["url"].endswith(f"/api/webhooks/{hook['id']}/{hook['token']}")
        for path in (bot.here, bot.home):
            assert await bot.ask("GET", f"{path}/webhooks") == [hook]
        welcome = bot.town.channels["welcome"]
        body = {"name": "other", "avatar": None, "channel_id": str(welcome.id)}
        changed = await bot.ask("PATCH", f"/webhooks/{hook['id']}", body)
        assert (changed["name"], changed["avatar"], changed["channel_id"]) == ("other", None, str(welcome.id))
        assert await bot.ask("GET", f"/webhooks/{hook['id']}") == changed
        await bot.ask("DELETE", f"/webhooks/{hook['id']}")
        assert await bot.refused("GET", f"/webhooks/{hook['id']}") == (404, 10015)
        assert len(bot.told("WEBHOOKS_UPDATE")) == 3
        assert [entry.action for entry in bot.guild.audit_log] == [50, 51, 52]


async def test_the_token_is_enough() -> None:
    """Whoever holds the token needs no other; a wrong one is refused."""
    async with peer() as bot:
        hook, path = await hooked(bot)
        own = await bot.ask("GET", path, headers=NOBODY)
        assert "user" not in own
        renamed = await bot.ask("PATCH", path, {"name": "x", "channel_id": "1"}, headers=NOBODY)
        assert (renamed["name"], renamed["channel_id"]) == ("x", hook["channel_id"])
        assert await bot.refused("GET", f"/webhooks/{hook['id']}/wrong", headers=NOBODY) == (401, 50027)
        await bot.ask("DELETE", path, headers=NOBODY)
        assert await bot.refused("GET", path, headers=NOBODY) == (404, 10015)


async def test_a_webhook_writes_as_whoever_it_says() -> None:
    """A message has the name and picture that the request gives, and is changed and deleted with the token."""
    async with peer() as bot:
        hook, path = await hooked(bot)
        assert await bot.ask("POST", path, {"content": "quiet"}, headers=NOBODY) is None
        body = {"content": "@everyone", "username": "Someone", "embeds": [{"title": "t"}]}
        said = await bot.ask("POST", f"{path}?wait=true", body, headers=NOBODY)
        assert (said["author"]["username"], said["webhook_id"], said["mention_everyone"]) == (
            "Someone",
            hook["id"],
            True,
        )
        assert "member" not in bot.told("MESSAGE_CREATE")[-1]
        place = f"{path}/messages/{said['id']}"
        assert (await bot.ask("PATCH", place, {"content": "b"}, headers=NOBODY))["content"] == "b"
        assert (await bot.ask("GET", place, headers=NOBODY))["embeds"] == said["embeds"]
        await bot.ask("DELETE", place, headers=NOBODY)
        assert await bot.refused("GET", place, headers=NOBODY) == (404, 10008)
        other = bot.say("not the webhook's")
        assert await bot.refused("GET", f"{path}/messages/{other.id}", headers=NOBODY) == (404, 10008)
        assert await bot.refused("POST", path, {}, headers=NOBODY) == (400, 50006)


async def test_a_webhook_sends_files() -> None:
    """Files come as a form, the message in `payload_json`, with or without a type of its own."""
    async with peer() as bot:
        _, path = await hooked(bot)
        for kind in (None, "application/json"):
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps({"content": "x"}), content_type=kind)
            form.add_field("files[0]", b"hello", filename="a.txt")
            said = await bot.ask("POST", f"{path}?wait=1", data=form, headers=NOBODY)
            assert (said["content"], said["attachments"][0]["filename"]) == ("x", "a.txt")
        plain = aiohttp.FormData()
        plain.add_field("content", "from a form")
        plain.add_field("file", b"hello", filename="a.txt")
        said = await bot.ask("POST", f"{path}?wait=1", data=plain, headers=NOBODY)
        assert (said["content"], len(said["attachments"])) == ("from a form", 1)


async def test_a_webhook_writes_in_threads_and_forums() -> None:
    """In a thread of its channel by id; in a forum in a new post by name, and nowhere else."""
    async with peer() as bot:
        _, path = await hooked(bot)
        thread = await bot.ask("POST", f"{bot.here}/threads", {"name": "T", "type": 11})
        body = {"content": "x"}
        said = await bot.ask("POST", f"{path}?wait=1&thread_id={thread['id']}", body, headers=NOBODY)
        assert said["channel_id"] == thread["id"]
        place = f"{path}/messages/{said['id']}"
        await bot.ask("GET", f"{place}?thread_id={thread['id']}", headers=NOBODY)
        elsewhere = f"{path}?thread_id={bot.town.channels['welcome'].id}"
        assert await bot.refused("POST", elsewhere, body, headers=NOBODY) == (404, 10003)
        forum = await bot.ask("POST", f"{bot.home}/channels", {"name": "f", "type": 15})
        hook = await bot.ask("POST", f"/channels/{forum['id']}/webhooks", {"name": "h"})
        path = f"/webhooks/{hook['id']}/{hook['token']}"
        assert await bot.refused("POST", path, body, headers=NOBODY) == (400, 220001)
        said = await bot.ask("POST", f"{path}?wait=1", body | {"thread_name": "P"}, headers=NOBODY)
        assert said["id"] == said["channel_id"]


async def test_what_webhooks_may_not_be() -> None:
    """A webhook has a name that is not Discord's, a channel that takes messages, and fourteen neighbours at most."""
    async with peer() as bot:
        path = f"{bot.here}/webhooks"
        assert await bot.invalid("POST", path, {"name": "Clyde"}) == {"name": "USERNAME_INVALID_CONTAINS"}
        assert await bot.invalid("POST", path, {"name": "x", "avatar": "data:image/png;base64,AAAA"}) == {
            "avatar": "IMAGE_INVALID"
        }
        assert await bot.refused("POST", f"/channels/{bot.general.parent_id}/webhooks", {"name": "x"}) == (400, 50024)
        for _ in range(15):
            await hooked(bot)
        assert await bot.refused("POST", path, {"name": "x"}) == (400, 30007)
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("GET", path) == (403, 50013)
        assert await bot.refused("GET", f"{bot.home}/webhooks") == (403, 50013)


async def test_announcements_are_carried_over() -> None:
    """A channel that follows gets what is published, once."""
    async with peer() as bot:
        news = await bot.ask("POST", f"{bot.home}/channels", {"name": "news", "type": 5})
        path = f"/channels/{news['id']}"
        followed = await bot.ask("POST", f"{path}/followers", {"webhook_channel_id": str(bot.general.id)})
        (hook,) = await bot.ask("GET", f"{bot.here}/webhooks")
        assert (hook["id"], hook["type"], hook["source_channel"]["name"]) == (followed["webhook_id"], 2, "news")
        said = await bot.ask("POST", f"{path}/messages", {"content": "extra"})
        published = await bot.ask("POST", f"{path}/messages/{said['id']}/crosspost")
        assert published["flags"] == 1
        copy = (await bot.ask("GET", f"{bot.here}/messages"))[0]
        assert (copy["content"], copy["webhook_id"], copy["flags"]) == ("extra", hook["id"], 2)
        assert await bot.refused("POST", f"{path}/messages/{said['id']}/crosspost") == (400, 40033)
        plain = bot.say("x")
        assert await bot.refused("POST", f"{bot.here}/messages/{plain.id}/crosspost") == (400, 50024)
        assert await bot.refused("POST", f"{bot.here}/followers", {"webhook_channel_id": news["id"]}) == (400, 50024)


# -- invites -----------------------------------------------------------------------------------------------------


async def test_an_invite_brings_somebody_in() -> None:
    """An invite is made once, shown, used as often as it says, and taken back."""
    async with peer() as bot:
        body = {"max_age": 60, "max_uses": 1}
        made = await bot.ask("POST", f"{bot.here}/invites", body, reason="r")
        assert (await bot.ask("POST", f"{bot.here}/invites", body))["code"] == made["code"]
        assert (await bot.ask("POST", f"{bot.here}/invites", body | {"unique": True}))["code"] != made["code"]
        for path in (bot.here, bot.home):
            assert len(await bot.ask("GET", f"{path}/invites")) == 2
        shown = await bot.ask("GET", f"/invites/{made['code']}?with_counts=true", headers=NOBODY)
        assert shown["approximate_member_count"] == len(bot.guild.members)
        stranger = bot.world.add_user("Stranger")
        invites.accept(bot.world, made["code"], stranger)
        assert bot.told("GUILD_MEMBER_ADD")[0]["user"]["username"] == "stranger"
        assert await bot.refused("GET", f"/invites/{made['code']}") == (404, 10006)
        other = next(code for code in bot.world.invites if code != made["code"])
        await bot.ask("DELETE", f"/invites/{other}")
        assert [entry.action for entry in bot.guild.audit_log] == [40, 40, 42]
        assert [event.name for event in bot.events if "INVITE" in event.name] == ["INVITE_CREATE"] * 2 + [
            "INVITE_DELETE"
        ]


async def test_invites_end_and_are_refused() -> None:
    """An old invite is unknown, a ban keeps out, a category has none, and permissions are needed."""
    async with peer() as bot:
        made = await bot.ask("POST", f"{bot.here}/invites", {"max_age": 60})
        stranger = bot.world.add_user("Stranger")
        await bot.ask("PUT", f"{bot.home}/bans/{stranger.id}", {})
        with pytest.raises(DiscordError, match="Unknown Invite"):
            invites.accept(bot.world, made["code"], stranger)
        assert stranger.id not in bot.guild.members
        bot.world.invites[made["code"]].created_at -= timedelta(minutes=2)
        assert await bot.refused("GET", f"/invites/{made['code']}") == (404, 10006)
        assert await bot.refused("POST", f"/channels/{bot.general.parent_id}/invites", {}) == (400, 50024)
        assert await bot.invalid("POST", f"{bot.here}/invites", {"max_age": -1}) == {"max_age": "NUMBER_TYPE_MIN"}
        lasting = await bot.ask("POST", f"{bot.here}/invites", {"max_age": 0})
        assert lasting["expires_at"] is None
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("POST", f"{bot.here}/invites", {}) == (403, 50013)
        assert await bot.refused("DELETE", f"/invites/{lasting['code']}") == (403, 50013)
        assert await bot.refused("GET", f"{bot.home}/invites") == (403, 50013)
