"""Members, roles and bans over REST: what is done, who may do it, and how it is noted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from localdiscord.intents import NO_INTENTS
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, data_uri, peer, picture, soon


async def low(bot: Peer, name: str) -> str:
    """Make a role at the bottom; returns its id."""
    return str((await bot.ask("POST", f"{bot.home}/roles", {"name": name, "permissions": "0"}))["id"])


# -- members -----------------------------------------------------------------------------------------------------


async def test_members_are_listed_and_found() -> None:
    """The list goes by ids, the search by the beginning of any name; one who is not there is told apart."""
    async with peer() as bot:
        everybody = await bot.ask("GET", f"{bot.home}/members?limit=1000")
        assert [int(each["user"]["id"]) for each in everybody] == sorted(bot.guild.members)
        assert len(await bot.ask("GET", f"{bot.home}/members?after={everybody[0]['user']['id']}&limit=2")) == 2
        bot.carol.nick = "Zed"
        for query in ("zE", "CAR"):
            (found,) = await bot.ask("GET", f"{bot.home}/members/search?query={query}&limit=5")
            assert found["user"]["username"] == "carol"
        assert await bot.ask("GET", f"{bot.home}/members/{bot.carol.user.id}") == bot.carol.payload()
        stranger = bot.world.add_user("Stranger")
        assert await bot.refused("GET", f"{bot.home}/members/{stranger.id}") == (404, 10007)
        assert await bot.refused("GET", f"{bot.home}/members/1") == (404, 10013)
        bot.town.application.granted = NO_INTENTS
        assert await bot.refused("GET", f"{bot.home}/members") == (403, 50001)


async def test_a_change_is_told_and_noted() -> None:
    """A nickname and roles are told in one event, and noted with what was and what is."""
    async with peer() as bot:
        role = await low(bot, "R")
        path = f"{bot.home}/members/{bot.carol.user.id}"
        changed = await bot.ask("PATCH", path, {"nick": "Caz", "roles": [role], "flags": 4}, reason="why")
        assert (changed["nick"], changed["roles"], changed["flags"]) == ("Caz", [role], 4)
        assert len(bot.told("GUILD_MEMBER_UPDATE")) == 1
        nick, roles = (entry.payload() for entry in bot.guild.audit_log[-2:])
        assert (nick["action_type"], nick["changes"]) == (24, [{"key": "nick", "new_value": "Caz"}])
        assert (roles["action_type"], roles["changes"][0]["key"], roles["reason"]) == (25, "$add", "why")
        await bot.ask("PATCH", path, {"nick": None, "roles": []})
        assert (bot.carol.nick, bot.carol.roles) == (None, [])


async def test_the_own_membership() -> None:
    """The bot changes its own nickname, picture and words; older clients have a path for the name alone."""
    async with peer() as bot:
        body = {"nick": "Me", "avatar": data_uri(picture()), "bio": "words"}
        changed = await bot.ask("PATCH", f"{bot.home}/members/@me", body)
        assert (changed["nick"], changed["bio"]) == ("Me", "words")
        url = f"{bot.discord.url}/guilds/{bot.guild.id}/users/{bot.bot.id}/avatars/{changed['avatar']}.png"
        async with bot.session.get(url) as response:
            assert await response.read() == picture()
        assert await bot.ask("PATCH", f"{bot.home}/members/@me/nick", {"nick": "I"}) == {"nick": "I"}
        bot.may_only(Permissions(0))
        assert await bot.refused("PATCH", f"{bot.home}/members/@me", {"nick": "x"}) == (403, 50013)


async def test_a_timeout_silences_and_ends() -> None:
    """Somebody in time-out cannot write or react; it lasts 28 days at most, and spares administrators."""
    async with peer() as bot:
        path = f"{bot.home}/members/{bot.carol.user.id}"
        await bot.ask("PATCH", path, {"communication_disabled_until": soon(hours=1)})
        with pytest.raises(Exception, match="Missing Permissions"):
            bot.say("x")
        await bot.ask("PATCH", path, {"communication_disabled_until": None})
        bot.say("x")
        field = "communication_disabled_until"
        code = "INVALID_COMMUNICATION_DISABLED_TIMESTAMP"
        assert await bot.invalid("PATCH", path, {field: soon(days=29)}) == {field: code}
        assert await bot.invalid("PATCH", path, {field: "later"}) == {field: "DATE_TIME_TYPE_PARSE"}
        admin = bot.world.add_role(bot.guild, "Admin", Permissions.ADMINISTRATOR)
        admin.position = 1
        bot.carol.roles.append(admin.id)
        assert await bot.refused("PATCH", path, {field: soon(hours=1)}) == (403, 50013)


@pytest.mark.parametrize(
    ("change", "needed"),
    [
        ({"nick": "x"}, Permissions.MANAGE_NICKNAMES),
        ({"roles": []}, Permissions.MANAGE_ROLES),
        ({"communication_disabled_until": None}, Permissions.MODERATE_MEMBERS),
        ({"flags": 4}, Permissions.MODERATE_MEMBERS),
    ],
)
async def test_each_change_needs_its_permission(change: dict[str, Any], needed: Permissions) -> None:
    """Without the one permission that a change needs it is refused; with it alone it is done."""
    async with peer() as bot:
        path = f"{bot.home}/members/{bot.carol.user.id}"
        bot.may_only(Permissions.VIEW_CHANNEL)
        assert await bot.refused("PATCH", path, change) == (403, 50013)
        bot.may_only(needed)
        await bot.ask("PATCH", path, change)


async def test_nobody_acts_on_those_above() -> None:
    """The owner, and whoever stands as high as the bot, are out of its reach, administrator or not."""
    async with peer() as bot:
        bot.guild.members[bot.town.moderator.id].roles.append(bot.role.id)
        for user in (bot.town.owner, bot.town.moderator):
            path = f"{bot.home}/members/{user.id}"
            assert await bot.refused("PATCH", path, {"nick": "x"}) == (403, 50013)
            assert await bot.refused("PATCH", path, {"communication_disabled_until": soon(hours=1)}) == (403, 50013)
            assert await bot.refused("DELETE", path) == (403, 50013)
            assert await bot.refused("PUT", f"{bot.home}/bans/{user.id}", {}) == (403, 50013)


async def test_a_change_is_whole_or_nothing() -> None:
    """Where one of several changes is refused, none is made."""
    async with peer() as bot:
        bot.may_only(Permissions.MANAGE_NICKNAMES)
        path = f"{bot.home}/members/{bot.carol.user.id}"
        assert await bot.refused("PATCH", path, {"nick": "x", "communication_disabled_until": soon(hours=1)}) == (
            403,
            50013,
        )
        assert bot.carol.nick is None


async def test_voice_is_changed_through_members() -> None:
    """Muting, deafening, moving and disconnecting need somebody who is in voice."""
    async with peer() as bot:
        path = f"{bot.home}/members/{bot.carol.user.id}"
        lounge, studio = bot.town.channels["Lounge"], bot.town.channels["Studio"]
        assert await bot.refused("PATCH", path, {"mute": True}) == (400, 40032)
        bot.discord.person(bot.carol.user).join_voice(lounge)
        changed = await bot.ask("PATCH", path, {"mute": True, "deaf": True, "channel_id": str(studio.id)})
        assert (changed["mute"], changed["deaf"]) == (True, True)
        assert bot.guild.voice_states[bot.carol.user.id].channel_id == studio.id
        assert bot.noted()["action_type"] in {24, 26}
        await bot.ask("PATCH", path, {"channel_id": None})
        assert bot.carol.user.id not in bot.guild.voice_states
        assert await bot.refused("PATCH", path, {"channel_id": "1"}) == (400, 40032)


async def test_kicking_is_told_and_noted() -> None:
    """Who is kicked is gone, told of and noted."""
    async with peer() as bot:
        await bot.ask("DELETE", f"{bot.home}/members/{bot.carol.user.id}", reason="rude")
        assert bot.told("GUILD_MEMBER_REMOVE")[0]["user"]["username"] == "carol"
        assert (bot.noted()["action_type"], bot.noted()["reason"]) == (20, "rude")
        assert await bot.refused("DELETE", f"{bot.home}/members/{bot.carol.user.id}") == (404, 10007)


async def test_pruning_spares_those_who_were_there() -> None:
    """Pruning takes those without roles who wrote nothing for some days, and says how many."""
    async with peer() as bot:
        for member in bot.guild.members.values():
            member.joined_at -= timedelta(days=40)
        bot.say("I am here")
        assert await bot.ask("GET", f"{bot.home}/prune?days=30") == {"pruned": 1}
        body = {"days": 30, "compute_prune_count": False, "include_roles": []}
        assert await bot.ask("POST", f"{bot.home}/prune", body) == {"pruned": None}
        assert bot.noted()["options"] == {"delete_member_days": "30", "members_removed": "1"}
        assert await bot.invalid("GET", f"{bot.home}/prune?days=31") == {"days": "NUMBER_TYPE_MAX"}


# -- bans --------------------------------------------------------------------------------------------------------


async def test_a_ban_takes_the_member_and_the_messages() -> None:
    """A ban removes, deletes what was written lately, is listed, keeps the user out, and is lifted."""
    async with peer() as bot:
        said = bot.say("spam")
        path = f"{bot.home}/bans/{bot.carol.user.id}"
        assert await bot.refused("GET", path) == (404, 10026)
        await bot.ask("PUT", path, {"delete_message_seconds": 3600}, reason="spam")
        assert said.id not in bot.general.messages
        assert [event.name for event in bot.events if "BAN" in event.name or "REMOVE" in event.name] == [
            "GUILD_BAN_ADD",
            "GUILD_MEMBER_REMOVE",
        ]
        await bot.ask("PUT", path, {})
        (ban,) = await bot.ask("GET", f"{bot.home}/bans")
        assert (ban["reason"], ban) == ("spam", await bot.ask("GET", path))
        await bot.ask("DELETE", path)
        assert bot.noted()["action_type"] == 23
        assert await bot.refused("DELETE", path) == (404, 10026)


async def test_somebody_who_is_no_member_is_banned() -> None:
    """A ban reaches users who are not in the guild, days count for older clients, and lists are windows."""
    async with peer() as bot:
        users = [bot.world.add_user(f"Stranger{number}") for number in range(3)]
        for user in users:
            await bot.ask("PUT", f"{bot.home}/bans/{user.id}", {"delete_message_days": 1})
        ids = [str(user.id) for user in users]

        async def listed(query: str) -> list[str]:
            return [each["user"]["id"] for each in await bot.ask("GET", f"{bot.home}/bans?{query}")]

        assert await listed(f"before={ids[2]}&limit=1") == [ids[1]]
        assert await listed(f"after={ids[0]}") == ids[1:]
        too_long = {"delete_message_seconds": 604_801}
        assert await bot.invalid("PUT", f"{bot.home}/bans/{ids[0]}", too_long) == {
            "delete_message_seconds": "NUMBER_TYPE_MAX"
        }
        assert await bot.refused("PUT", f"{bot.home}/bans/1", {}) == (404, 10013)


async def test_many_are_banned_at_once() -> None:
    """A bulk ban tells who is banned and who could not be; if nobody was, it is refused."""
    async with peer() as bot:
        ids = [str(bot.carol.user.id), str(bot.town.owner.id), "1"]
        answer = await bot.ask("POST", f"{bot.home}/bulk-ban", {"user_ids": ids, "delete_message_seconds": 60})
        assert answer == {"banned_users": ids[:1], "failed_users": ids[1:]}
        assert await bot.refused("POST", f"{bot.home}/bulk-ban", {"user_ids": ids}) == (400, 500000)
        assert await bot.invalid("POST", f"{bot.home}/bulk-ban", {"user_ids": []}) == {
            "user_ids": "BASE_TYPE_BAD_LENGTH"
        }
        bot.may_only(Permissions.BAN_MEMBERS)
        assert await bot.refused("POST", f"{bot.home}/bulk-ban", {"user_ids": ids}) == (403, 50013)


# -- roles -------------------------------------------------------------------------------------------------------


async def test_a_role_lives_and_dies() -> None:
    """A role is made, changed, given, counted and deleted, each with its event and its note."""
    async with peer() as bot:
        colors = {"primary_color": 1, "secondary_color": 2}
        body = {"name": "R", "permissions": "2", "colors": colors, "hoist": True, "icon": data_uri(picture())}
        made = await bot.ask("POST", f"{bot.home}/roles", body, reason="new")
        assert (made["color"], made["colors"]["secondary_color"], made["permissions"]) == (1, 2, "2")
        path = f"{bot.home}/roles/{made['id']}"
        changed = await bot.ask("PATCH", path, {"name": "S", "mentionable": True, "icon": None})
        assert (changed["name"], changed["icon"]) == ("S", None)
        assert await bot.ask("GET", path) == changed
        assert changed in await bot.ask("GET", f"{bot.home}/roles")
        given = f"{bot.home}/members/{bot.carol.user.id}/roles/{made['id']}"
        await bot.ask("PUT", given)
        await bot.ask("PUT", given)
        assert (await bot.ask("GET", f"{bot.home}/roles/member-counts"))[made["id"]] == 1
        await bot.ask("DELETE", given)
        await bot.ask("PUT", given)
        await bot.ask("DELETE", path)
        assert bot.carol.roles == []
        assert len(bot.told("GUILD_MEMBER_UPDATE")) == 3
        assert [entry.action for entry in bot.guild.audit_log] == [30, 31, 25, 25, 25, 32]
        assert await bot.refused("GET", path) == (404, 10011)


async def test_roles_are_ranked() -> None:
    """Roles move below the bot's own; what would stand as high is refused, and then nothing moves."""
    async with peer() as bot:
        ids = [await low(bot, name) for name in "ab"]
        order = await bot.ask(
            "PATCH", f"{bot.home}/roles", [{"id": ids[1], "position": 1}, {"id": ids[0], "position": None}]
        )
        places = {role["id"]: role["position"] for role in order}
        assert places[ids[1]] < places[ids[0]]
        top = [{"id": ids[0], "position": 1}, {"id": ids[1], "position": bot.role.position}]
        assert await bot.refused("PATCH", f"{bot.home}/roles", top) == (403, 50013)
        assert await bot.invalid("PATCH", f"{bot.home}/roles", [{"id": "x"}]) == {"0.id": "NUMBER_TYPE_COERCE"}


async def test_roles_above_are_out_of_reach() -> None:
    """The bot cannot change, give or delete a role that stands as high as its own, nor an application's."""
    async with peer() as bot:
        high = bot.world.add_role(bot.guild, "High")
        given = f"{bot.home}/members/{bot.carol.user.id}/roles"
        for role in (high, bot.role):
            assert await bot.refused("PATCH", f"{bot.home}/roles/{role.id}", {"name": "x"}) == (403, 50013)
        assert await bot.refused("PUT", f"{given}/{high.id}") == (403, 50013)
        assert await bot.refused("DELETE", f"{bot.home}/roles/{high.id}") == (403, 50013)
        for managed in (bot.role, bot.guild.everyone):
            assert await bot.refused("PUT", f"{given}/{managed.id}") == (400, 50028)
            assert await bot.refused("DELETE", f"{bot.home}/roles/{managed.id}") == (400, 50028)
        assert await bot.refused("PUT", f"{given}/1") == (404, 10011)


async def test_nobody_grants_what_they_lack() -> None:
    """A role may allow what its maker may do, and no more."""
    async with peer() as bot:
        role = await low(bot, "R")
        bot.may_only(Permissions.MANAGE_ROLES | Permissions.KICK_MEMBERS)
        ban = {"permissions": str(int(Permissions.BAN_MEMBERS))}
        assert await bot.refused("POST", f"{bot.home}/roles", ban) == (403, 50013)
        assert await bot.refused("PATCH", f"{bot.home}/roles/{role}", ban) == (403, 50013)
        await bot.ask("PATCH", f"{bot.home}/roles/{role}", {"permissions": str(int(Permissions.KICK_MEMBERS))})
        bot.may_only(Permissions.KICK_MEMBERS)
        assert await bot.refused("POST", f"{bot.home}/roles", {}) == (403, 50013)


async def test_roles_are_250_at_most() -> None:
    """The 251st role is refused."""
    async with peer() as bot:
        for number in range(250 - len(bot.guild.roles)):
            bot.world.add_role(bot.guild, f"r{number}").position = 1
        assert await bot.refused("POST", f"{bot.home}/roles", {}) == (400, 30005)
