"""Automatic moderation, plans and stages over REST."""

from __future__ import annotations

from typing import Any

import pytest

from localdiscord.actions import scheduled_events
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, data_uri, peer, picture, soon

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
