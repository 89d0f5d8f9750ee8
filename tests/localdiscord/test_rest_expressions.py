"""Emojis, stickers and sounds over REST."""

from __future__ import annotations

import aiohttp

from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import data_uri, peer, picture

SOUND = data_uri(b"ID3 a sound", "audio/mpeg")


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
