"""The page's addresses: the page itself, its parts, its websocket, files to it and from it."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from aiohttp import web

from localdiscord.model.files import Upload
from localdiscord.web.connection import Tab
from localdiscord.web.guard import shut_out_strangers
from localdiscord.web.uploads import LARGEST, Uploads

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from localdiscord.server import LocalDiscord

__all__ = ["Page"]

TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})
"""Pictures that are shown as such; other files than these, sound and films are only ever saved."""


class Page:
    """The page for people.

    Args:
        discord: the server.
    """

    def __init__(self, discord: LocalDiscord) -> None:
        self.discord = discord
        self.uploads = Uploads()
        self._tabs: set[Tab] = set()
        folder = resources.files("localdiscord.web") / "static"
        self._parts = {entry.name: entry.read_bytes() for entry in folder.iterdir()}

    def application(self) -> web.Application:
        """Make the application that answers below `/web`."""
        app = web.Application(middlewares=[self._guarded], client_max_size=LARGEST + 1)
        app.router.add_get("/socket", self._socket)
        app.router.add_post("/files", self._take)
        app.router.add_get("/cdn/{path:.+}", self._give)
        app.router.add_get("/{name}", self._part)
        return app

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Answer with the page."""

        async def page(_request: web.Request) -> web.StreamResponse:
            return self._answer("index.html")

        return await self._guarded(request, page)

    async def close(self) -> None:
        """Say good-bye to every tab."""
        for tab in tuple(self._tabs):
            await tab.close()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await shut_out_strangers(request, handler, self.discord.port)

    async def _part(self, request: web.Request) -> web.Response:
        return self._answer(request.match_info["name"])

    def _answer(self, name: str) -> web.Response:
        if name not in self._parts:
            raise web.HTTPNotFound(text=f"The page has no part {name}.")
        kind = TYPES[PurePosixPath(name).suffix]
        return web.Response(body=self._parts[name], content_type=kind, charset="utf-8")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        tab = Tab(self.discord, self.uploads)
        self._tabs.add(tab)
        try:
            return await tab.run(request)
        finally:
            self._tabs.discard(tab)

    async def _take(self, request: web.Request) -> web.Response:
        """Take a file ahead of its message."""
        name = PurePosixPath(request.query.get("name", "file")).name or "file"
        key = self.uploads.put(Upload(name, request.content_type, await request.read()))
        return web.json_response({"file": key})

    async def _give(self, request: web.Request) -> web.Response:
        """Give a file of the local CDN, so that it can do no harm: a picture is shown, a page is only saved."""
        path = "/" + request.match_info["path"]
        stored = self.discord.world.files.stored
        upload = stored.get(path) or stored.get(path.rpartition(".")[0])
        if upload is None:
            raise web.HTTPNotFound(text="There is no such file.")
        kind = upload.media_type
        shown = kind in SHOWN or kind.startswith(("audio/", "video/"))
        response = web.Response(body=upload.data, content_type=kind if shown else "application/octet-stream")
        if not shown:
            response.headers["Content-Disposition"] = "attachment"
        return response
