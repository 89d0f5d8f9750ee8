"""The local Discord: its world, its port, and all who are connected."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from aiohttp import web

from localdiscord.actions import hours, interactions
from localdiscord.cdn import add_cdn
from localdiscord.connector import LocalConnector
from localdiscord.driver.person import Person
from localdiscord.faults import Faults
from localdiscord.gateway.codes import Close, Op
from localdiscord.gateway.connection import Connection
from localdiscord.model.interaction import ANSWER_WITHIN
from localdiscord.model.town import found
from localdiscord.model.world import Event, World
from localdiscord.rest import OtherVersions, make_api
from localdiscord.rest.limits import Limits, refusal
from localdiscord.voice.bridge import VoiceBridge
from localdiscord.voice.server import VoiceServer
from localdiscord.web import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiohttp.typedefs import Handler

    from localdiscord.gateway.session import Session
    from localdiscord.model.user import User
    from localdiscord.rest.router import Exchange

__all__ = ["LocalDiscord"]

T = TypeVar("T")

HOST = "127.0.0.1"
STRIKE_SECONDS = 1.0
"""How often is looked for what has fallen due."""

API = re.compile(r"/api(?:/v\d+)?(/.*)")


class LocalDiscord:
    """A Discord on this machine.

    Used as `async with LocalDiscord() as discord:`; it listens on loopback alone.

    Args:
        port: 0 lets the operating system choose.
        rate_limits: how many times quicker than Discord's clock that of the rate limits goes: 1 is as strict as
            Discord; None is no limits.
        clock: tells the time in Unix seconds.

    Attributes:
        world: everything that exists.
        town: what it began with.
        sessions: the gateway's, by id.
        connections: those to the gateway.
        heartbeat_interval: seconds; asked of every client of the gateway.
        resume_window: seconds for which a session waits for its client.
        limits: the rate limits.
        faults: what is to go wrong.
        voice: the voice server, which tells what it heard of whom.
        shards: how many shards it recommends.
        guilds_per_shard: how many guilds a shard may have at most.
        record: takes each request to the REST API with its answer, where somebody wants them.
    """

    def __init__(
        self, port: int = 0, *, rate_limits: float | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.world = World(clock)
        self.town = found(self.world)
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.heartbeat_interval = 41.25
        self.resume_window = 180.0
        self.limits = Limits(rate_limits)
        self.faults = Faults(self)
        self.is_stopping = False
        self.shards = 1
        self.guilds_per_shard = 2500
        self.record: Callable[[Exchange], None] | None = None
        self.port = port
        self._changed: asyncio.Future[None] | None = None
        self._busy = 0
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.world.listeners.append(self._hear)
        self.voice = VoiceServer()
        self.voice_bridge = VoiceBridge(self.world, self.voice)
        self.page = Page(self)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        app = web.Application(middlewares=[self._count])
        app.router.add_get("/", self._root)
        add_cdn(app, self)
        app.add_subapp("/web", self.page.application())
        app.router.register_resource(OtherVersions(app, make_api(self)))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await self.listen()
        await self.voice.start()
        self.world.files.base = self.url
        self._strike()

    def _strike(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(STRIKE_SECONDS, self._strike)
        hours.strike(self.world)

    async def listen(self) -> None:
        """Take connections, also after `refuse`.

        Raises:
            OSError: the port is taken.
        """
        if self._runner is None or self._site is not None:
            return
        site = web.TCPSite(self._runner, HOST, self.port, reuse_address=sys.platform != "win32")
        await site.start()
        self._site = site
        self.port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Take no more connections, until `listen`; those that there are stay."""
        if self._site is not None:
            site, self._site = self._site, None
            await site.stop()

    async def stop(self) -> None:
        """Say good-bye to all clients and stop listening."""
        self.is_stopping = True
        if self._timer is not None:
            self._timer.cancel()
        self.faults.heal()
        for connection in tuple(self.connections):
            connection.close(Close.GOING_AWAY, "The server stops.")
        if self._runner is not None:
            await self.page.close()
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

    def _hear(self, event: Event) -> None:
        for session in self.sessions.values():
            session.hear(event)
        self.notify()

    def notify(self) -> None:
        """Let those look again who wait for a change."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def until(self, look: Callable[[], T | None], seconds: float = 60.0) -> T:
        """Wait until there is something to see, and return it.

        Args:
            look: called now and after each change of the world; returns something true as soon as it can.
            seconds: how long it may take.

        Raises:
            TimeoutError: it is not to be seen; the message says what the caller looked for.
        """
        try:
            async with asyncio.timeout(seconds):
                while not (seen := look()):
                    if self._changed is None or self._changed.done():
                        self._changed = asyncio.get_running_loop().create_future()
                    await asyncio.shield(self._changed)
                return seen
        except TimeoutError:
            raise TimeoutError(f"Not to be seen within {seconds:g} s: {look.__qualname__}.") from None

    async def settled(self, seconds: float = 5.0) -> None:
        """Wait until all is quiet: clients have all events, no request is being answered, no interaction is open.

        Clients are asked for a heartbeat, which tells what they have. One whose connection broke off is waited for as
        long as its session is kept; one that said good-bye is not.

        Args:
            seconds: how long it may take.

        Raises:
            TimeoutError: it does not become quiet; the message says why.
        """
        try:
            with self._looking_again():
                await self.until(lambda: not self._noise(), seconds)
        except TimeoutError:
            raise TimeoutError(f"The local Discord is not quiet after {seconds:g} s: {self._noise()}.") from None

    @contextmanager
    def _looking_again(self) -> Iterator[None]:
        """Have those look again who wait, every time when an interaction that nobody answered may be over."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            self.notify()
            timers[0] = loop.call_later(ANSWER_WITHIN, look)

        timers = [loop.call_later(ANSWER_WITHIN, look)]
        try:
            yield
        finally:
            timers[0].cancel()

    def _noise(self) -> str:
        """Say what is going on; nothing where all is quiet."""
        for session in self.sessions.values():
            if session.link is not None and session.asked < session.sequence:
                session.asked = session.sequence
                session.link.say(Op.HEARTBEAT)
        connected = [session for session in self.sessions.values() if session.link is not None]
        behind = [session for session in connected if session.acknowledged < session.sequence]
        bots = {session.application.id for session in connected}
        open_ones = [each for each in interactions.waiting(self.world) if each.application.id in bots]
        away = [session for session in self.sessions.values() if session.link is None]
        noise = [f"{each.application.name} is away, and may come back" for each in away]
        noise += [f"{each.application.name} has {each.acknowledged} of {each.sequence} events" for each in behind]
        noise += [f"{self._busy} requests are being answered"] if self._busy else []
        noise += [f"{each.application.name} has not answered {each.user.username}" for each in open_ones]
        return ", ".join(noise)

    @web.middleware
    async def _count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the requests to the API that are being answered; let them meet their faults and limits."""
        match = API.match(request.path)
        if match is None:
            return await handler(request)
        self._busy += 1
        try:
            return await self.faults.meet(request, match[1], self._limited(handler))
        finally:
            self._busy -= 1
            self.notify()

    def _limited(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            route = request.match_info.route.resource
            template = API.sub(r"\1", route.canonical) if route else request.path
            who = request.headers.get("Authorization", "")
            verdict = self.limits.judge(who, request.method, template, request.match_info)
            if not verdict.passes:
                return refusal(verdict)
            response = await handler(request)
            if not response.prepared:
                response.headers.update(verdict.headers)
            return response

        return answer

    async def _root(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if self.voice.is_here(request.host):
                return await self.voice.handle(request)
            if self.faults.refuses_connection():
                return web.Response(status=503)
            return await Connection(self, request).run()
        return await self.page.index(request)
