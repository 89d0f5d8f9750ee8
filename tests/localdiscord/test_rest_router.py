"""What every request to the REST API meets: who asks, what is asked, and how refusals look."""

from __future__ import annotations

import pytest

from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import peer


async def test_who_says_nothing_or_lies_is_unauthorized() -> None:
    """Without a token, or with a wrong one, everything is answered with 401."""
    async with peer() as bot:
        for header in ("", "Bot wrong", f"Bearer {bot.token}"):
            assert await bot.refused("GET", "/users/@me", headers={"Authorization": header}) == (401, 0)
        assert (await bot.ask("GET", "/gateway", headers={"Authorization": ""}))["url"] == bot.discord.gateway_url


@pytest.mark.parametrize("prefix", ["/api/v10", "/api/v9", "/api"])
async def test_three_prefixes_lead_to_the_same(prefix: str) -> None:
    """The API answers below its versions and below none."""
    async with peer() as bot:
        url = f"{bot.discord.url}{prefix}/users/@me"
        async with bot.session.get(url, headers={"Authorization": f"Bot {bot.token}"}) as response:
            assert (await response.json())["id"] == str(bot.bot.id)


@pytest.mark.parametrize("prefix", ["/api/v10", "/api/v9", "/api"])
async def test_bodies_and_queries_arrive_at_every_prefix(prefix: str) -> None:
    """What is sent, and what is asked after the question mark, is read whatever the version."""
    async with peer() as bot:
        url, headers = f"{bot.discord.url}{prefix}{bot.here}/messages", {"Authorization": f"Bot {bot.token}"}
        for content in ("one", "two"):
            async with bot.session.post(url, json={"content": content}, headers=headers) as response:
                assert (await response.json())["content"] == content
        async with bot.session.get(f"{url}?limit=1", headers=headers) as response:
            assert [each["content"] for each in await response.json()] == ["two"]


@pytest.mark.parametrize("path", ["", "/", "/v8/users/@me", "/v9", "/v9/nonsense", "/v9/v10/users/@me", "/v10"])
async def test_strays_of_every_prefix_are_refused_in_the_same_form(path: str) -> None:
    """A version that there is not, or a path that it does not have, is 404 in JSON."""
    async with peer() as bot, bot.session.get(f"{bot.discord.url}/api{path}") as response:
        assert (response.status, (await response.json())["code"]) == (404, 0)


async def test_strays_are_refused_in_the_same_form() -> None:
    """An unknown path is 404, a known one with another method 405, both in JSON with code 0."""
    async with peer() as bot:
        assert await bot.refused("GET", "/nonsense") == (404, 0)
        assert await bot.refused("PUT", "/users/@me") == (405, 0)


async def test_an_id_is_a_snowflake() -> None:
    """What is no id in a path is an invalid form, at the name of the parameter; a number too large is as well."""
    async with peer() as bot:
        for wrong in ("abc", "1.5", "9" * 30, "¹"):
            assert await bot.invalid("GET", f"/channels/{wrong}") == {"channel_id": "NUMBER_TYPE_COERCE"}


async def test_bodies_are_json_and_say_so() -> None:
    """Broken JSON is 50109, and a body of another type, or with a charset, is not read."""
    async with peer() as bot:
        headers = {"Content-Type": "application/json"}
        path = f"{bot.here}/messages"
        assert await bot.refused("POST", path, data=b"{", headers=headers) == (400, 50109)
        for wrong in ("text/plain", "application/json; charset=utf-8"):
            assert await bot.invalid("POST", path, data=b"{}", headers={"Content-Type": wrong}) == {}
        assert await bot.invalid("POST", path, body=[1]) == {"": "MODEL_TYPE_CONVERT"}


async def test_reasons_are_decoded() -> None:
    """A reason for the audit log comes percent-encoded, and is kept to 512 characters."""
    async with peer() as bot:
        await bot.ask("PATCH", bot.home, {"name": "Other"}, reason="%E0%B8%AA%20x")
        assert bot.noted()["reason"] == "ส x"
        await bot.ask("PATCH", bot.home, {"name": "Another"}, reason="y" * 600)
        assert bot.noted()["reason"] == "y" * 512


async def test_hidden_places_are_out_of_reach() -> None:
    """A guild or a channel that the bot is not in is missing access; what is not there is unknown."""
    async with peer() as bot:
        elsewhere = bot.world.add_guild("Elsewhere", bot.town.owner)
        channel = bot.world.add_channel(elsewhere, "secret")
        assert await bot.refused("GET", f"/guilds/{elsewhere.id}") == (404, 10004)
        assert await bot.refused("GET", f"/guilds/{elsewhere.id}/roles") == (403, 50001)
        assert await bot.refused("GET", f"/channels/{channel.id}") == (403, 50001)
        assert await bot.refused("GET", "/channels/1") == (404, 10003)
        bot.may_only(Permissions(0))
        assert await bot.refused("GET", bot.here) == (403, 50001)
