"""The CDN: uploads and pictures, by the server's own address and by Discord's."""

from __future__ import annotations

import io

import aiohttp
import pytest
from PIL import Image

from localdiscord import LocalDiscord
from localdiscord.model.files import Upload
from tests.localdiscord.rest_peer import picture

SONG = bytes(range(100))


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "length"),
    [
        (None, 200, None, 100),
        ("bytes=10-19", 206, "bytes 10-19/100", 10),
        ("bytes=90-", 206, "bytes 90-99/100", 10),
        ("bytes=-5", 206, "bytes 95-99/100", 5),
        ("bytes=50-1000", 206, "bytes 50-99/100", 50),
        ("bytes=100-", 416, "bytes */100", 0),
        ("lines=1-2", 416, "bytes */100", 0),
    ],
)
async def test_parts_of_files(asked: str | None, status: int, content_range: str | None, length: int) -> None:
    """A part of a file is served as it is asked for, so that a player can seek."""
    async with LocalDiscord() as discord, aiohttp.ClientSession() as session:
        url = discord.world.files.keep("/attachments/1/2/song.mp3", Upload("song.mp3", "", SONG))
        async with session.get(url, headers={"Range": asked} if asked else {}) as response:
            body = await response.read()
            found = response.status, response.headers.get("Content-Range"), len(body)
            assert found == (status, content_range, length)
            assert (response.content_type, response.headers["Accept-Ranges"]) == ("audio/mpeg", "bytes")


async def test_discords_own_address_leads_here() -> None:
    """With the local connector, the CDN's name leads to the same files; what is not there is missing."""
    async with LocalDiscord() as discord, aiohttp.ClientSession(connector=discord.connector()) as session:
        discord.world.files.keep("/attachments/1/2/a.txt", Upload("a.txt", "", "ส".encode()))
        async with session.get("https://cdn.discordapp.com/attachments/1/2/a.txt?ex=1") as response:
            assert (await response.text(), response.charset) == ("ส", "utf-8")
        async with session.get("https://cdn.discordapp.com/avatars/1/2.png") as response:
            assert response.status == 404


async def test_pictures_fit() -> None:
    """A picture comes in the format and size that are asked for, and as it is where neither differs."""
    async with LocalDiscord() as discord, aiohttp.ClientSession() as session:
        name = discord.world.files.keep_image("/icons/1", picture(200, 100))
        for asked, kind, size in (
            (f"{name}.png", "PNG", (200, 100)),
            (f"{name}.webp?size=64", "WEBP", (64, 32)),
            (f"{name}.jpg", "JPEG", (200, 100)),
            (f"{name}.png?size=x", "PNG", (200, 100)),
        ):
            async with session.get(f"{discord.url}/icons/1/{asked}") as response:
                image = Image.open(io.BytesIO(await response.read()))
                assert (image.format, image.size) == (kind, size)


async def test_everybody_has_a_picture() -> None:
    """Who has no picture is drawn one, in one of six colours."""
    async with LocalDiscord() as discord, aiohttp.ClientSession() as session:
        colours = set()
        for number in range(7):
            async with session.get(f"{discord.url}/embed/avatars/{number}.png") as response:
                colours.add(Image.open(io.BytesIO(await response.read())).getpixel((0, 0)))
        assert len(colours) == 6
