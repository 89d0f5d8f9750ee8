"""From a request to an act: the table of routes, who asks, and how refusals are answered."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from localdiscord.errors import DiscordError, Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from localdiscord.model.application import Application
    from localdiscord.model.user import User
    from localdiscord.server import LocalDiscord

    Handler = Callable[["Call"], Awaitable[Any]]

__all__ = ["ROUTES", "Call", "make_api", "route"]


@dataclass(frozen=True)
class Upload:
    """A file that came with a request."""

    filename: str
    content_type: str
    data: bytes


@dataclass
class Call:
    """A request, as handlers see it.

    Attributes:
        discord: the server, with the world.
        application: who asks, where the request says so.
        path: the parameters of the route.
        query: the parameters after the question mark.
        body: the JSON body; of a form, its `payload_json`.
        files: the files of a form, by field name.
        reason: for the audit log.
    """

    discord: LocalDiscord
    application: Application | None
    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: dict[str, Upload] = field(default_factory=dict)
    reason: str | None = None

    @property
    def bot(self) -> User:
        """Who asks.

        Raises:
            DiscordError: the request did not say so.
        """
        return self.requester.bot

    @property
    def requester(self) -> Application:
        """The application that asks.

        Raises:
            DiscordError: the request did not say so.
        """
        if self.application is None:
            raise DiscordError(Refusal.UNAUTHORIZED)
        return self.application

    def id(self, name: str) -> int:
        """Return an id of the path."""
        return int(self.path[name])


@dataclass(frozen=True)
class Route:
    """An entry of the table of routes."""

    method: str
    template: str
    handler: Handler
    anonymous: bool


ROUTES: list[Route] = []


def route(method: str, template: str, *, anonymous: bool = False) -> Callable[[Handler], Handler]:
    """Enter a handler into the table of routes.

    Args:
        method: the HTTP method.
        template: the path below `/api/v10`; parameters in braces.
        anonymous: whether a token in the path suffices, as with interactions and webhooks.
    """

    def enter(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, handler, anonymous))
        return handler

    return enter


def make_api(discord: LocalDiscord) -> web.Application:
    """Make the application that answers below `/api/v10`."""
    api = web.Application(client_max_size=64 * 1024 * 1024)
    for entry in ROUTES:
        api.router.add_route(entry.method, entry.template, functools.partial(_answer, discord, entry))
    return api


async def _answer(discord: LocalDiscord, entry: Route, request: web.Request) -> web.Response:
    try:
        result = await entry.handler(await _read(discord, entry, request))
    except DiscordError as error:
        return _json(error.payload(), error.refusal.status)
    return web.Response(status=204) if result is None else _json(result, 200)


async def _read(discord: LocalDiscord, entry: Route, request: web.Request) -> Call:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    application = discord.world.authenticated(token) if scheme == "Bot" else None
    if application is None and not entry.anonymous:
        raise DiscordError(Refusal.UNAUTHORIZED)
    call = Call(discord, application, dict(request.match_info), dict(request.query))
    call.reason = request.headers.get("X-Audit-Log-Reason")
    if request.content_type == "multipart/form-data":
        await _read_form(call, request)
    elif request.body_exists and (raw := await request.read()):
        if request.headers.get("Content-Type") != "application/json":
            raise DiscordError(Refusal.BAD_REQUEST)
        call.body = _parsed(raw)
    return call


async def _read_form(call: Call, request: web.Request) -> None:
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            call.files[name] = Upload(value.filename, value.content_type, value.file.read())
        elif name == "payload_json" and isinstance(value, str):
            call.body = _parsed(value)


def _parsed(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise DiscordError(Refusal.BAD_REQUEST) from None


def _json(body: Any, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
