"""Guilds over REST, and the bot and its application."""

from __future__ import annotations

from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import data_uri, peer, picture, soon

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
