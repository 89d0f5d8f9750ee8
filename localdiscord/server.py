"""The local Discord: its world, its port, and all who are connected."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from localdiscord.connector import LocalConnector
from localdiscord.driver.person import Person
from localdiscord.gateway.connection import Connection
from localdiscord.model.town import found
from localdiscord.model.world import Event, World
from localdiscord.rest import make_api
from localdiscord.voice.bridge import VoiceBridge
from localdiscord.voice.server import VoiceServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.gateway.session import Session
    from localdiscord.model.user import User
    from localdiscord.rest.router import Exchange

__all__ = ["LocalDiscord"]

T = TypeVar("T")

HOST = "127.0.0.1"


class LocalDiscord:
    """A Discord on this machine.

    Used as `async with LocalDiscord() as discord:`; it listens on loopback alone.

    Args:
        port: 0 lets the operating system choose.

    Attributes:
        world: everything that exists.
        town: what it began with.
        sessions: the gateway's, by id.
        voice: the voice server, which tells what it heard of whom.
        shards: how many shards it recommends.
        record: takes each request to the REST API with its answer, where somebody wants them.
    """

    def __init__(self, port: int = 0) -> None:
        self.world = World()
        self.town = found(self.world)
        self.sessions: dict[str, Session] = {}
        self.shards = 1
        self.record: Callable[[Exchange], None] | None = None
        self.port = port
        self._changed: asyncio.Future[None] | None = None
        self._runner: web.AppRunner | None = None
        self.world.listeners.append(self._hear)
        self.voice = VoiceServer()
        self.voice_bridge = VoiceBridge(self.world, self.voice)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application()
        app.router.add_get("/", self._root)
        for prefix in ("/api/v10", "/api/v9", "/api"):
            app.add_subapp(prefix, make_api(self))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, reuse_address=sys.platform != "win32").start()
        self.port = self._runner.addresses[0][1]
        await self.voice.start()
        self.world.files.base = self.url

    async def stop(self) -> None:
        """Say good-bye to all clients and stop listening."""
        if self._runner is not None:
            await self.voice.stop()
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def url(self) -> str:
        """Where the page for people is."""
        return f"http://{HOST}:{self.port}"

    @property
    def gateway_url(self) -> str:
        """Where the gateway is."""
        return f"ws://{HOST}:{self.port}"

    def connector(self) -> LocalConnector:
        """Make the connector for one client."""
        return LocalConnector(self.port, HOST)

    def person(self, user: User) -> Person:
        """Act as somebody."""
        return Person(self, user)

    def add_session(self, session: Session) -> None:
        """Let a session hear what happens from here on; a bot that begins anew leaves voice where it was before."""
        for earlier in tuple(self.sessions.values()):
            if earlier.send is None and earlier.application is session.application and earlier.shard == session.shard:
                self.voice_bridge.forget(earlier)
        self.sessions[session.id] = session
        self.notify()

    def _hear(self, event: Event) -> None:
        for session in self.sessions.values():
            session.hear(event)
        self.notify()

    def notify(self) -> None:
        """Let those look again who wait for a change."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def until(self, look: Callable[[], T | None]) -> T:
        """Wait until there is something to see, and return it.

        Args:
            look: called now and after each change of the world; returns something true as soon as it can.
        """
        while not (seen := look()):
            if self._changed is None or self._changed.done():
                self._changed = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._changed)
        return seen

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if self.voice.is_here(request.host):
                return await self.voice.handle(request)
            return await Connection(self, request).run()
        return web.Response(text="The local Discord. Its page for people is being built.")
