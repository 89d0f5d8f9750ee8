"""The page's addresses: the page itself, its parts, its websocket, and files on their way to a message."""

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
