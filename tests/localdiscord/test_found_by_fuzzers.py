"""What the fuzzers found in the local Discord, each as a case of its own."""

from __future__ import annotations

from typing import Any

import pytest

from localdiscord import LocalDiscord
from localdiscord.gateway.codes import Close, Op
from tests.localdiscord import gateway_peer
from tests.localdiscord.rest_peer import peer, soon

BOUNDARY = "multipart/form-data; boundary=b"


@pytest.mark.parametrize("kind", [BOUNDARY, "multipart/form-data", "application/x-www-form-urlencoded; charset=no"])
async def test_a_form_that_is_none(kind: str) -> None:
    """A body that says it is a form and is none is an invalid form, and was an error of the server."""
    async with peer() as bot:
        path, headers = f"{bot.here}/messages", {"Content-Type": kind}
        assert await bot.refused("POST", path, data=b"\xff=\xff", headers=headers) == (400, 50035)


@pytest.mark.parametrize("body", [5, {"a": 1}, "text", [5], [[]]])
@pytest.mark.parametrize("what", ["guild/channels", "guild/roles", "application/role-connections/metadata"])
async def test_lists_of_another_kind(what: str, body: Any) -> None:
    """Where a list of objects is due, anything else is an invalid form, and was an error of the server."""
    async with peer() as bot:
        where = f"/applications/{bot.bot.id}" if what.startswith("application") else bot.home
        method = "PUT" if what.startswith("application") else "PATCH"
        assert await bot.refused(method, f"{where}/{what.partition('/')[2]}", body) == (400, 50035)


async def test_objects_of_another_kind() -> None:
    """Where an object is due, a list is an invalid form, and was an error of the server."""
    async with peer() as bot:
        commands = f"/applications/{bot.bot.id}/commands"
        command = await bot.ask("POST", commands, {"name": "a", "description": "b"})
        for method, path in (("PATCH", f"{commands}/{command['id']}"), ("PUT", f"{bot.home}/onboarding")):
            assert await bot.refused(method, path, [1]) == (400, 50035)


async def test_a_command_of_a_guild_that_has_none() -> None:
    """A command deleted in a guild that never had one is unknown, and was an error of the server."""
    async with peer() as bot:
        path = f"/applications/{bot.bot.id}{bot.home}/commands/5"
        assert await bot.refused("DELETE", path) == (404, 10063)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"type": "x"},
        {"type": 5, "data": []},
        {"type": 5, "data": {"flags": "x"}},
        {"type": 9, "data": {"title": 5, "custom_id": "a", "components": [5]}},
        {"type": 8, "data": {"choices": [5]}},
    ],
)
async def test_first_answers_that_are_none(body: Any) -> None:
    """A first answer that is none is an invalid form, and was an error of the server."""
    async with peer() as bot:
        await bot.ask("POST", f"/applications/{bot.bot.id}/commands", {"name": "do", "description": "b"})
        used = bot.discord.person(bot.carol.user).slash(bot.general, "do")
        path = f"/interactions/{used.id}/{used.token}/callback"
        assert await bot.refused("POST", path, body) == (400, 50035)
        assert not used.is_answered


async def test_what_goes_with_a_channel() -> None:
    """Invites, events and settings of a channel go with it; before, they led to a channel that was no more."""
    async with peer() as bot:
        stage = await bot.ask("POST", f"{bot.home}/channels", {"name": "stage", "type": 13})
        channel = f"/channels/{stage['id']}"
        invite = await bot.ask("POST", f"{channel}/invites", {})
        event = {"name": "e", "privacy_level": 2, "scheduled_start_time": soon(hours=1), "entity_type": 1}
        await bot.ask("POST", f"{bot.home}/scheduled-events", event | {"channel_id": stage["id"]})
        await bot.ask("POST", "/stage-instances", {"channel_id": stage["id"], "topic": "t"})
        await bot.ask("PATCH", bot.home, {"system_channel_id": stage["id"]})
        await bot.ask("DELETE", channel)
        assert await bot.refused("GET", f"/invites/{invite['code']}") == (404, 10006)
        assert await bot.ask("GET", f"{bot.home}/scheduled-events") == []
        assert (await bot.ask("GET", bot.home))["system_channel_id"] is None
        assert bot.guild.stages == {}
        names = {"STAGE_INSTANCE_DELETE", "GUILD_SCHEDULED_EVENT_DELETE", "CHANNEL_DELETE"}
        assert names <= {event.name for event in bot.events}


async def test_a_template_of_a_community() -> None:
    """Channels that only a community has stand in a template as plain ones; they stood as they are, tags with ids."""
    kinds = {"news": (5, 0), "stage": (13, 2), "forum": (15, 15), "media": (16, 15)}
    async with peer() as bot:
        for name, (kind, _) in kinds.items():
            tags = {"available_tags": [{"name": "a"}, {"name": "b"}]} if kind > 13 else {}
            await bot.ask("POST", f"{bot.home}/channels", {"name": name, "type": kind, **tags})
        copy = (await bot.ask("POST", f"{bot.home}/templates", {"name": "t"}))["serialized_source_guild"]
    told = {channel["name"]: channel for channel in copy["channels"]}
    assert {name: told[name]["type"] for name in kinds} == {name: plain for name, (_, plain) in kinds.items()}
    assert [(tag["id"], tag["name"]) for tag in told["forum"]["available_tags"]] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00"])
async def test_times_beyond_all_calendars(moment: str) -> None:
    """A time that no calendar of UTC holds is an invalid form, and was an error of the server."""
    async with peer() as bot:
        path = f"{bot.home}/incident-actions"
        assert await bot.refused("PUT", path, {"dms_disabled_until": moment}) == (400, 50035)


async def test_settings_that_are_put_back() -> None:
    """Null puts back what holds where nothing is set, and was told as the setting's value."""
    async with peer() as bot:
        changed = {"verification_level": 2, "explicit_content_filter": 1, "afk_timeout": 60}
        before = await bot.ask("GET", bot.home)
        await bot.ask("PATCH", bot.home, changed)
        assert await bot.ask("PATCH", bot.home, dict.fromkeys(changed)) == before
        assert (await bot.ask("PATCH", f"{bot.home}/widget", {"enabled": None}))["enabled"] is False


async def test_a_language_that_discord_has_not() -> None:
    """A guild's language is one of Discord's, and was any text."""
    async with peer() as bot:
        for language in ("", "tlh"):
            assert await bot.refused("PATCH", bot.home, {"preferred_locale": language}) == (400, 50035)
        assert (await bot.ask("PATCH", bot.home, {"preferred_locale": "th"}))["preferred_locale"] == "th"


async def test_members_of_no_guild() -> None:
    """Members asked for of an empty list of guilds are a payload that cannot be read, and broke the connection off."""
    async with LocalDiscord() as discord, gateway_peer.peer(discord) as client:
        await client.identify()
        await client.send(Op.REQUEST_GUILD_MEMBERS, {"guild_id": [], "query": "", "limit": 0})
        assert await client.closed() == Close.DECODE_ERROR
