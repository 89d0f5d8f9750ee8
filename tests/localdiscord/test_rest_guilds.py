"""Guilds, their expressions, automatic moderation, plans and stages over REST; the bot and its application."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from localdiscord.actions import scheduled_events
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, data_uri, peer, picture

SOUND = data_uri(b"ID3 a sound", "audio/mpeg")


def soon(**distance: float) -> str:
    """Return a time from now, as bodies carry it."""
    return (datetime.now(UTC) + timedelta(**distance)).isoformat()


# -- guilds ------------------------------------------------------------------------------------------------------


async def test_a_guild_is_changed() -> None:
    """What is set about a guild is told and noted; a channel that is not there is refused."""
    async with peer() as bot:
        body = {
            "name": "Other",
            "icon": data_uri(picture()),
            "system_channel_id": str(bot.general.id),
            "afk_timeout": 60,
        }
        changed = await bot.ask("PATCH", bot.home, body, reason="r")
        assert (changed["name"], changed["system_channel_id"], changed["afk_timeout"]) == (
            "Other",
            str(bot.general.id),
            60,
        )
        assert await bot.ask("GET", bot.home) == changed
        assert "approximate_member_count" in await bot.ask("GET", f"{bot.home}?with_counts=true")
        await bot.ask("PATCH", bot.home, {"name": "Other"})
        assert len(bot.told("GUILD_UPDATE")) == 1
        assert {change["key"] for change in bot.noted()["changes"]} == {
            "name",
            "icon",
            "system_channel_id",
            "afk_timeout",
        }
        assert await bot.refused("PATCH", bot.home, {"afk_channel_id": "1"}) == (404, 10003)
        assert await bot.invalid("PATCH", bot.home, {"name": "x"}) == {"name": "BASE_TYPE_BAD_LENGTH"}
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("PATCH", bot.home, {"name": "Third"}) == (403, 50013)


async def test_what_a_guild_shows_others() -> None:
    """Preview, widget, welcome screen and the questions to those who are new are set and shown."""
    async with peer() as bot:
        assert (await bot.ask("GET", f"{bot.home}/preview"))["approximate_member_count"] == len(bot.guild.members)
        assert await bot.refused("GET", f"{bot.home}/widget.json") == (403, 50004)
        setting = {"enabled": True, "channel_id": str(bot.general.id)}
        assert await bot.ask("PATCH", f"{bot.home}/widget", setting) == setting
        assert await bot.ask("GET", f"{bot.home}/widget") == setting
        assert (await bot.ask("GET", f"{bot.home}/widget.json"))["id"] == str(bot.guild.id)
        assert await bot.refused("GET", f"{bot.home}/welcome-screen") == (404, 10069)
        channel = {"channel_id": str(bot.general.id), "description": "d", "emoji_id": None, "emoji_name": "👍"}
        screen = {"description": "hello", "welcome_channels": [channel], "enabled": True}
        shown = await bot.ask("PATCH", f"{bot.home}/welcome-screen", screen)
        assert shown == await bot.ask("GET", f"{bot.home}/welcome-screen")
        await bot.ask("PUT", f"{bot.home}/onboarding", {"enabled": True, "mode": 1})
        assert (await bot.ask("GET", f"{bot.home}/onboarding"))["mode"] == 1
        assert (await bot.ask("GET", f"{bot.home}/vanity-url"))["code"] is None
        assert await bot.ask("GET", f"{bot.home}/integrations") == []
        stopped = await bot.ask("PUT", f"{bot.home}/incident-actions", {"invites_disabled_until": soon(hours=1)})
        assert stopped["dms_disabled_until"] is None


async def test_the_bot_knows_its_guilds() -> None:
    """The list of guilds is a window with the bot's permissions; the bot leaves, but not a guild that it owns."""
    async with peer() as bot:
        other = bot.world.add_guild("Other", bot.bot)
        ids = [str(bot.guild.id), str(other.id)]

        async def listed(query: str) -> list[str]:
            return [each["id"] for each in await bot.ask("GET", f"/users/@me/guilds?{query}")]

        assert await listed("with_counts=1") == ids
        assert (await listed(f"after={ids[0]}"), await listed(f"before={ids[1]}&limit=1")) == ([ids[1]], [ids[0]])
        assert await bot.refused("DELETE", f"/users/@me/guilds/{other.id}") == (400, 50055)
        await bot.ask("DELETE", f"/users/@me/guilds/{bot.guild.id}")
        assert [event.name for event in bot.events] == ["GUILD_MEMBER_REMOVE", "GUILD_DELETE"]
        assert await bot.refused("DELETE", f"/users/@me/guilds/{bot.guild.id}") == (404, 10004)


async def test_the_bot_and_its_application() -> None:
    """The bot changes name and picture, which members of its guilds are told, and its application's words."""
    async with peer() as bot:
        me = await bot.ask("PATCH", "/users/@me", {"username": "Newname", "avatar": data_uri(picture())})
        assert (me["username"], me) == ("Newname", await bot.ask("GET", "/users/@me"))
        assert [event.name for event in bot.events] == ["USER_UPDATE", "GUILD_MEMBER_UPDATE"]
        assert (await bot.ask("PATCH", "/users/@me", {"avatar": None}))["avatar"] is None
        assert (await bot.ask("GET", f"/users/{bot.carol.user.id}"))["username"] == "carol"
        assert await bot.refused("GET", "/users/1") == (404, 10013)
        assert await bot.ask("GET", "/users/@me/connections") == []
        body = {"description": "words", "icon": data_uri(picture()), "tags": ["a"]}
        application = await bot.ask("PATCH", "/applications/@me", body)
        assert (application["description"], application["tags"]) == ("words", ["a"])
        assert application == await bot.ask("GET", "/applications/@me")
        assert (await bot.ask("GET", "/oauth2/@me"))["scopes"] == ["bot"]
        path = f"/applications/{bot.bot.id}"
        records = [{"type": 1, "key": "k", "name": "n", "description": "d"}]
        assert await bot.ask("PUT", f"{path}/role-connections/metadata", records) == records
        assert await bot.ask("GET", f"{path}/role-connections/metadata") == records
        assert await bot.ask("GET", f"{path}/entitlements") == []
        assert await bot.refused("GET", "/applications/1/entitlements") == (404, 10002)


async def test_a_guild_has_a_template() -> None:
    """A template is a copy that falls behind until it is brought up; there is one at most."""
    async with peer() as bot:
        path = f"{bot.home}/templates"
        assert await bot.ask("GET", path) == []
        made = await bot.ask("POST", path, {"name": "t"})
        assert made["is_dirty"] is None
        assert {channel["name"] for channel in made["serialized_source_guild"]["channels"]} >= {"general", "Lounge"}
        assert await bot.refused("POST", path, {"name": "t"}) == (400, 30031)
        await bot.ask("PATCH", bot.home, {"name": "Other"})
        assert (await bot.ask("GET", path))[0]["is_dirty"] is True
        place = f"{path}/{made['code']}"
        assert (await bot.ask("PUT", place))["serialized_source_guild"]["name"] == "Other"
        changed = await bot.ask("PATCH", place, {"description": "d"})
        assert (changed["name"], changed["description"]) == ("t", "d")
        assert await bot.ask("GET", f"/guilds/templates/{made['code']}") == changed
        assert (await bot.ask("PATCH", place, {"name": "u"}))["description"] == "d"
        await bot.ask("DELETE", place)
        assert await bot.refused("DELETE", place) == (404, 10057)
        assert await bot.refused("GET", f"/guilds/templates/{made['code']}") == (404, 10057)


# -- emojis, stickers and sounds ---------------------------------------------------------------------------------


async def test_emojis_of_a_guild() -> None:
    """An emoji is made, shown, served, changed and deleted, and its name has a length."""
    async with peer() as bot:
        path = f"{bot.home}/emojis"
        made = await bot.ask("POST", path, {"name": "em", "image": data_uri(picture(kind="GIF")), "roles": []})
        assert made["animated"] is True
        async with bot.session.get(f"{bot.discord.url}/emojis/{made['id']}.gif") as response:
            assert response.content_type == "image/gif"
        changed = await bot.ask("PATCH", f"{path}/{made['id']}", {"name": "other", "roles": [str(bot.guild.id)]})
        assert (changed["name"], changed["roles"]) == ("other", [str(bot.guild.id)])
        assert await bot.ask("GET", path) == [changed]
        assert await bot.ask("GET", f"{path}/{made['id']}") == changed
        await bot.ask("DELETE", f"{path}/{made['id']}")
        assert await bot.refused("GET", f"{path}/{made['id']}") == (404, 10014)
        assert [entry.action for entry in bot.guild.audit_log] == [60, 61, 62]
        assert await bot.invalid("POST", path, {"name": "e"}) == {
            "name": "BASE_TYPE_BAD_LENGTH",
            "image": "BASE_TYPE_REQUIRED",
        }
        large = data_uri(picture() + bytes(256 * 1024))
        assert await bot.invalid("POST", path, {"name": "em", "image": large}) == {"image": "BINARY_TYPE_MAX_SIZE"}
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("POST", path, {"name": "em", "image": data_uri(picture())}) == (403, 50013)


async def test_there_are_50_emojis_at_most() -> None:
    """The 51st emoji is refused; those that move are counted apart."""
    async with peer() as bot:
        for _ in range(50):
            await bot.ask("POST", f"{bot.home}/emojis", {"name": "em", "image": data_uri(picture())})
        assert await bot.refused("POST", f"{bot.home}/emojis", {"name": "em", "image": data_uri(picture())}) == (
            400,
            30008,
        )
        await bot.ask("POST", f"{bot.home}/emojis", {"name": "em", "image": data_uri(picture(kind="GIF"))})


async def test_emojis_of_the_application() -> None:
    """An application has emojis of its own, each name once."""
    async with peer() as bot:
        path = f"/applications/{bot.bot.id}/emojis"
        body = {"name": "em", "image": data_uri(picture())}
        made = await bot.ask("POST", path, body)
        assert await bot.invalid("POST", path, body) == {"name": "APPLICATION_EMOJI_NAME_ALREADY_TAKEN"}
        changed = await bot.ask("PATCH", f"{path}/{made['id']}", {"name": "other"})
        assert await bot.ask("GET", path) == {"items": [changed]}
        assert await bot.ask("GET", f"{path}/{made['id']}") == changed
        await bot.ask("DELETE", f"{path}/{made['id']}")
        assert await bot.refused("DELETE", f"{path}/{made['id']}") == (404, 10014)
        assert await bot.refused("GET", "/applications/1/emojis") == (404, 10002)


def sticker_form(data: bytes | None = None) -> aiohttp.FormData:
    """Return a form with a sticker."""
    form = aiohttp.FormData()
    for name, value in {"name": "st", "tags": "👍", "description": "d"}.items():
        form.add_field(name, value)
    if data is not None:
        form.add_field("file", data, filename="s.png", content_type="image/png")
    return form


async def test_stickers_are_made_and_sent() -> None:
    """A sticker is uploaded as a form, sent with messages, changed and deleted."""
    async with peer() as bot:
        path = f"{bot.home}/stickers"
        made = await bot.ask("POST", path, data=sticker_form(picture(320, 320)))
        said = await bot.ask("POST", f"{bot.here}/messages", {"sticker_ids": [made["id"]]})
        assert said["sticker_items"] == [{"id": made["id"], "name": "st", "format_type": 1}]
        await bot.ask("PATCH", f"{bot.here}/messages/{said['id']}", {"content": ""})
        changed = await bot.ask("PATCH", f"{path}/{made['id']}", {"name": "other", "description": None})
        for place in (f"{path}/{made['id']}", f"/stickers/{made['id']}"):
            assert await bot.ask("GET", place) == changed
        assert await bot.ask("GET", path) == [changed]
        await bot.ask("DELETE", f"{path}/{made['id']}")
        assert await bot.refused("GET", f"/stickers/{made['id']}") == (404, 10060)
        assert await bot.refused("POST", f"{bot.here}/messages", {"sticker_ids": [made["id"]]}) == (400, 50081)
        assert await bot.invalid("POST", path, data=sticker_form()) == {"file": "BASE_TYPE_REQUIRED"}
        for wrong in (b"no picture", picture(kind="BMP")):
            assert await bot.invalid("POST", path, data=sticker_form(wrong)) == {"file": "STICKER_INVALID_FILE_TYPE"}
        for _ in range(5):
            await bot.ask("POST", path, data=sticker_form(picture()))
        assert await bot.refused("POST", path, data=sticker_form(picture())) == (400, 30039)
        assert await bot.ask("GET", "/sticker-packs") == {"sticker_packs": []}


async def test_sounds_are_made_and_played() -> None:
    """A sound is made, changed, played by a bot that is in voice, and deleted."""
    async with peer() as bot:
        path = f"{bot.home}/soundboard-sounds"
        made = await bot.ask("POST", path, {"name": "ding", "sound": SOUND, "volume": 0.5, "emoji_name": "🔔"})
        changed = await bot.ask("PATCH", f"{path}/{made['sound_id']}", {"name": "dong", "volume": None})
        assert (changed["name"], changed["volume"]) == ("dong", 0.5)
        assert await bot.ask("GET", path) == {"items": [changed]}
        assert await bot.ask("GET", f"{path}/{made['sound_id']}") == changed
        lounge = bot.town.channels["Lounge"]
        play = f"/channels/{lounge.id}/send-soundboard-sound"
        assert await bot.refused("POST", play, {"sound_id": made["sound_id"]}) == (400, 40032)
        bot.discord.person(bot.bot).join_voice(lounge)
        await bot.ask("POST", play, {"sound_id": made["sound_id"]})
        assert bot.told("VOICE_CHANNEL_EFFECT_SEND")[0]["sound_volume"] == 0.5
        assert await bot.refused("POST", play, {"sound_id": "1"}) == (404, 10097)
        await bot.ask("DELETE", f"{path}/{made['sound_id']}")
        assert await bot.refused("GET", f"{path}/{made['sound_id']}") == (404, 10097)
        for wrong in ("data:audio/mpeg;base64,", "data:audio/mpeg;base64,%%%"):
            assert await bot.invalid("POST", path, {"name": "x" * 3, "sound": wrong}) == {
                "sound": "BINARY_TYPE_INVALID"
            }
        assert await bot.ask("GET", "/soundboard-default-sounds") == []


# -- automatic moderation ----------------------------------------------------------------------------------------


async def ruled(bot: Peer, **values: Any) -> dict[str, Any]:
    """Make a rule that blocks bad words, tells of them, and silences for a minute."""
    actions = [
        {"type": 1, "metadata": {"custom_message": "no"}},
        {"type": 2, "metadata": {"channel_id": str(bot.town.channels["mod-log"].id)}},
        {"type": 3, "metadata": {"duration_seconds": 60}},
    ]
    metadata = {"keyword_filter": ["bad*"], "allow_list": ["badger"], "regex_patterns": [r"b\dd"]}
    body = {"name": "r", "event_type": 1, "trigger_type": 1, "trigger_metadata": metadata, "actions": actions}
    rule: dict[str, Any] = await bot.ask("POST", f"{bot.home}/auto-moderation/rules", body | {"enabled": True} | values)
    return rule


@pytest.mark.parametrize("words", ["so badly", "B4D"])
async def test_a_rule_acts(words: str) -> None:
    """A message that breaks a rule is blocked, told of in a channel, and its author silenced."""
    async with peer() as bot:
        await ruled(bot)
        with pytest.raises(Exception, match="automatic moderation"):
            bot.say(words)
        assert [event["action"]["type"] for event in bot.told("AUTO_MODERATION_ACTION_EXECUTION")] == [1, 2, 3]
        (alert,) = bot.told("MESSAGE_CREATE")
        assert (alert["type"], alert["embeds"][0]["description"]) == (24, words)
        assert bot.carol.is_timed_out()
        assert [entry.action for entry in bot.guild.audit_log] == [140, 143, 144, 145]


async def test_a_rule_spares() -> None:
    """Allowed words, other words, exempt roles and channels, moderators and bots are spared, and rules that are off."""
    async with peer() as bot:
        rule = await ruled(bot)
        bot.say("a badger and an unbad thing")
        bot.say("bad", bot.town.owner)
        await bot.ask("POST", f"{bot.here}/messages", {"content": "bad"})
        path = f"{bot.home}/auto-moderation/rules/{rule['id']}"
        await bot.ask("PATCH", path, {"exempt_channels": [str(bot.general.id)]})
        bot.say("bad")
        await bot.ask("PATCH", path, {"exempt_channels": [], "exempt_roles": [], "enabled": False})
        bot.say("bad")


async def test_rules_are_kept() -> None:
    """Rules are listed, shown, changed and deleted, and what they look for fits their kind."""
    async with peer() as bot:
        path = f"{bot.home}/auto-moderation/rules"
        rule = await ruled(bot, trigger_type=5, trigger_metadata={"mention_total_limit": 1}, actions=[{"type": 1}])
        assert rule["trigger_metadata"] == {"mention_total_limit": 1, "mention_raid_protection_enabled": False}
        with pytest.raises(Exception, match="automatic moderation"):
            bot.say(f"<@{bot.town.owner.id}> <@{bot.bot.id}>")
        changed = await bot.ask("PATCH", f"{path}/{rule['id']}", {"name": "x", "event_type": 1})
        assert await bot.ask("GET", path) == [changed]
        assert await bot.ask("GET", f"{path}/{rule['id']}") == changed
        await bot.ask("DELETE", f"{path}/{rule['id']}")
        assert await bot.refused("GET", f"{path}/{rule['id']}") == (404, 0)
        wrong = {"name": "r", "event_type": 1, "trigger_type": 1, "actions": [{"type": 3}]}
        assert await bot.invalid("POST", path, wrong) == {"actions.0.metadata.duration_seconds": "BASE_TYPE_REQUIRED"}
        broken = wrong | {"actions": [{"type": 1}], "trigger_metadata": {"regex_patterns": ["("]}}
        assert await bot.invalid("POST", path, broken) == {
            "trigger_metadata.regex_patterns.0": "AUTO_MODERATION_INVALID_REGEX"
        }
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("GET", path) == (403, 50013)
        assert await bot.refused("POST", path, broken | {"trigger_metadata": {}}) == (403, 50013)


# -- plans and stages --------------------------------------------------------------------------------------------


def plan(**values: Any) -> dict[str, Any]:
    """Return a plan for an evening somewhere."""
    body = {"name": "party", "privacy_level": 2, "entity_type": 3, "entity_metadata": {"location": "the park"}}
    return body | {"scheduled_start_time": soon(hours=1), "scheduled_end_time": soon(hours=2)} | values


async def test_a_plan_comes_true() -> None:
    """An event is planned, changed, begun, attended and ended."""
    async with peer() as bot:
        path = f"{bot.home}/scheduled-events"
        made = await bot.ask("POST", path, plan(image=data_uri(picture())))
        place = f"{path}/{made['id']}"
        event = bot.guild.events[int(made["id"])]
        for user in (bot.carol.user, bot.town.owner):
            scheduled_events.interest(bot.world, bot.guild, user, event, comes=True)
            scheduled_events.interest(bot.world, bot.guild, user, event, comes=True)
        (shown,) = await bot.ask("GET", f"{path}?with_user_count=true")
        assert shown["user_count"] == 2
        users = await bot.ask("GET", f"{place}/users?with_member=true&limit=10")
        assert [each["user"]["username"] for each in users] == ["alice", "carol"]
        first, last = users[0]["user_id"], users[1]["user_id"]
        assert [each["user_id"] for each in await bot.ask("GET", f"{place}/users?after={first}")] == [last]
        assert [each["user_id"] for each in await bot.ask("GET", f"{place}/users?before={last}")] == [first]
        scheduled_events.interest(bot.world, bot.guild, bot.carol.user, event, comes=False)
        assert await bot.invalid("PATCH", place, {"status": 3}) == {"status": "GUILD_SCHEDULED_EVENT_INVALID_STATUS"}
        for change in ({"name": "feast"}, {"status": 2}, {"status": 3}):
            await bot.ask("PATCH", place, change)
        assert await bot.refused("GET", place) == (404, 10070)
        names = [event.name.removeprefix("GUILD_SCHEDULED_EVENT_") for event in bot.events if "SCHEDULED" in event.name]
        assert names == ["CREATE", "USER_ADD", "USER_ADD", "USER_REMOVE", "UPDATE", "UPDATE", "UPDATE"]


async def test_plans_need_a_place_and_a_time() -> None:
    """An event elsewhere has a location and an end, one in voice a channel for voice, and none is in the past."""
    async with peer() as bot:
        path = f"{bot.home}/scheduled-events"
        for values, problem in (
            ({"entity_metadata": None}, {"entity_metadata.location": "BASE_TYPE_REQUIRED"}),
            ({"scheduled_end_time": None}, {"scheduled_end_time": "BASE_TYPE_REQUIRED"}),
            ({"scheduled_start_time": soon(hours=-1)}, {"scheduled_start_time": "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST"}),
            ({"entity_type": 2, "channel_id": str(bot.general.id)}, {"channel_id": "CHANNEL_INVALID_TYPE"}),
        ):
            assert await bot.invalid("POST", path, plan(**values)) == problem
        rule = {"start": soon(hours=1), "frequency": 2, "interval": 1}
        lounge = bot.town.channels["Lounge"]
        voice = plan(entity_type=2, channel_id=str(lounge.id), entity_metadata=None, recurrence_rule=rule)
        made = await bot.ask("POST", path, voice)
        assert made["recurrence_rule"]["by_weekday"] is None
        place = f"{path}/{made['id']}"
        assert await bot.invalid("PATCH", place, {"channel_id": str(bot.general.id)}) == {
            "channel_id": "CHANNEL_INVALID_TYPE"
        }
        assert (await bot.ask("GET", place))["channel_id"] == str(lounge.id)
        await bot.ask("DELETE", place)
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("POST", path, plan()) == (403, 50013)


async def test_something_goes_on_on_a_stage() -> None:
    """A stage is opened once, its topic changes, and it is closed."""
    async with peer() as bot:
        stage = await bot.ask("POST", f"{bot.home}/channels", {"name": "s", "type": 13})
        body = {"channel_id": stage["id"], "topic": "t", "privacy_level": 2}
        made = await bot.ask("POST", "/stage-instances", body)
        assert await bot.refused("POST", "/stage-instances", body) == (400, 150006)
        path = f"/stage-instances/{stage['id']}"
        changed = await bot.ask("PATCH", path, {"topic": "u"})
        assert (changed["topic"], changed["id"], await bot.ask("GET", path)) == ("u", made["id"], changed)
        await bot.ask("DELETE", path)
        assert await bot.refused("GET", path) == (404, 10067)
        assert [entry.action for entry in bot.guild.audit_log][1:] == [83, 84, 85]
        no_stage = body | {"channel_id": str(bot.general.id)}
        assert await bot.invalid("POST", "/stage-instances", no_stage) == {"channel_id": "CHANNEL_INVALID_TYPE"}


async def test_people_come_to_speak_on_a_stage() -> None:
    """Whoever moderates brings others to speak; one asks to speak for oneself; elsewhere there is nothing to ask."""
    async with peer() as bot:
        stage = await bot.ask("POST", f"{bot.home}/channels", {"name": "s", "type": 13})
        path = f"{bot.home}/voice-states"
        for user in (bot.bot, bot.carol.user):
            bot.discord.person(user).join_voice(bot.guild.channels[int(stage["id"])])
        body = {"channel_id": stage["id"], "suppress": True, "request_to_speak_timestamp": soon(minutes=0)}
        await bot.ask("PATCH", f"{path}/@me", body)
        state = await bot.ask("GET", f"{path}/@me")
        assert (state["suppress"], state["request_to_speak_timestamp"] is not None) == (True, True)
        await bot.ask("PATCH", f"{path}/{bot.carol.user.id}", {"suppress": False})
        assert not bot.guild.voice_states[bot.carol.user.id].suppress
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("PATCH", f"{path}/@me", {"suppress": False}) == (403, 50013)
        assert await bot.refused("PATCH", f"{path}/@me", body) == (403, 50013)
        bot.role.permissions = Permissions.ADMINISTRATOR
        bot.discord.person(bot.carol.user).leave_voice(bot.guild.channels[int(stage["id"])])
        assert await bot.refused("PATCH", f"{path}/{bot.carol.user.id}", {"suppress": False}) == (400, 40032)
        bot.guild.everyone.permissions = Permissions.VIEW_CHANNEL | Permissions.CONNECT
        bot.discord.person(bot.carol.user).join_voice(bot.town.channels["Lounge"])
        assert await bot.refused("PATCH", f"{path}/{bot.carol.user.id}", {"suppress": False}) == (400, 50024)
