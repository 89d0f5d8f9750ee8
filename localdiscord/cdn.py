"""The CDN: files that were uploaded, and pictures; drawn ones where somebody has none of their own."""

from __future__ import annotations

import io
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from aiohttp import web
from PIL import Image, ImageDraw

from localdiscord.model.files import Upload, image_format

if TYPE_CHECKING:
    from localdiscord.server import LocalDiscord

__all__ = ["add_cdn"]

FOLDERS = (
    "app-icons",
    "attachments",
    "avatars",
    "banners",
    "discovery-splashes",
    "emojis",
    "ephemeral-attachments",
    "guild-events",
    "guilds",
    "icons",
    "role-icons",
    "soundboard-sounds",
    "splashes",
    "stickers",
)
UPLOADS = ("/attachments/", "/ephemeral-attachments/")
"""Where files are handed out as they were uploaded; elsewhere are pictures, in the form that is asked for."""

COLOURS = ("#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459e")
"""Of the pictures of those who have none, by number."""

FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF"}
DRAWN_SIZE, LARGEST = 256, 4096
"""Pixels."""

HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "public, max-age=31536000",
    "Content-Security-Policy": "sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Files stand beside the page for people: what somebody uploaded must not act in its name."""

EXTENSION = re.compile(r"\.(png|jpe?g|webp|gif|json)$")


def add_cdn(app: web.Application, discord: LocalDiscord) -> None:
    """Let an application answer as the CDN does.

    Args:
        app: which.
        discord: whose files.
    """

    async def stored(request: web.Request) -> web.StreamResponse:
        upload = _find(discord, request.path)
        return _serve(request, _fitting(upload, request)) if upload else _missing()

    async def drawn(request: web.Request) -> web.StreamResponse:
        number = request.match_info["number"]
        data = default_avatar(int(number) % len(COLOURS))
        return _serve(request, _fitting(Upload(f"{number}.png", "image/png", data), request))

    app.router.add_get(r"/embed/avatars/{number:\d+}.png", drawn)
    for folder in FOLDERS:
        app.router.add_get(f"/{folder}/{{rest:.+}}", stored)


def _find(discord: LocalDiscord, path: str) -> Upload | None:
    files = discord.world.files.stored
    return files.get(path) or files.get(EXTENSION.sub("", path))


def _missing() -> web.Response:
    return web.Response(status=404, text="This content is no longer available.")


@cache
def default_avatar(number: int) -> bytes:
    """Return the picture of somebody who has none: a head and shoulders, as PNG.

    Args:
        number: chooses the colour.
    """
    image = Image.new("RGB", (DRAWN_SIZE, DRAWN_SIZE), COLOURS[number])
    draw = ImageDraw.Draw(image)
    draw.ellipse((88, 56, 168, 136), fill="white")
    draw.ellipse((48, 152, 208, 312), fill="white")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


# -- pictures ----------------------------------------------------------------------------------------------------


def _fitting(upload: Upload, request: web.Request) -> Upload:
    """Return a picture in the format and size that are asked for; anything else as it is."""
    asked = EXTENSION.search(request.path)
    if not upload.content_type.startswith("image/") or request.path.startswith(UPLOADS):
        return upload
    kind = asked[1] if asked and asked[1] in FORMATS else image_format(upload.data)
    size = request.query.get("size", "")
    pixels = min(int(size), LARGEST) if size.isascii() and size.isdigit() else 0
    if FORMATS.get(kind) == FORMATS.get(image_format(upload.data)) and not pixels:
        return upload
    return Upload(f"image.{kind}", f"image/{'jpeg' if kind == 'jpg' else kind}", _converted(upload.data, kind, pixels))


@lru_cache(maxsize=64)
def _converted(data: bytes, kind: str, pixels: int) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        fitting = image.convert("RGB" if FORMATS[kind] == "JPEG" else "RGBA")
    if pixels:
        fitting.thumbnail((pixels, pixels))
    file = io.BytesIO()
    fitting.save(file, FORMATS[kind])
    return file.getvalue()


# -- bytes -------------------------------------------------------------------------------------------------------


def _serve(request: web.Request, upload: Upload) -> web.Response:
    """Answer with a file, or with the part of it that is asked for."""
    data, headers = upload.data, dict(HEADERS)
    kind = upload.media_type if request.path.startswith(UPLOADS) else upload.content_type
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    headers["Content-Type"] = kind
    if "Range" not in request.headers:
        return web.Response(body=data, headers=headers)
    try:
        part = request.http_range
        start, stop, _ = part.indices(len(data))
    except ValueError:
        start = stop = len(data)
    if start >= stop:
        return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
    return web.Response(status=206, body=data[start:stop], headers=headers)
