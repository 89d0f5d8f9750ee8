"""From a request to an act: the table of routes, who asks, and how refusals are answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import orjson
from aiohttp import web

from localdiscord.actions.access import permissions_in
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.model.files import Upload
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import LARGEST_SNOWFLAKE, Form, read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from multidict import MultiDictProxy

    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.world import World
    from localdiscord.server import LocalDiscord

    Handler = Callable[["Call"], Awaitable[Any]]

__all__ = ["ROUTES", "Call", "Exchange", "make_api", "route"]

F = TypeVar("F", bound=Form)

LARGEST_REQUEST = 64 * 1024 * 1024
"""Bytes."""

FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
"""How files travel, and the `payload_json` beside them; some libraries send the latter so without files, too."""

PATTERN = re.compile(r":[^}]+")
"""What a parameter of a route has to look like, where it says so."""


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
        status: of the answer, where the handler decides it.
    """

    discord: LocalDiscord
    application: Application | None
    path: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: dict[str, Upload] = field(default_factory=dict)
    reason: str | None = None
    status: int | None = None

    @property
    def world(self) -> World:
        """Everything that exists."""
        return self.discord.world

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
        """Return an id of the path, `@me` being the bot's own.

        Raises:
            DiscordError: it is none.
        """
        return self.bot.id if self.path[name] == "@me" else _id(name, self.path[name])

    def form(self, form: type[F]) -> F:
        """Read the body.

        Raises:
            DiscordError: it does not say what it should.
        """
        return read(form, self.body)

    def forms(self, form: type[F]) -> list[F]:
        """Read the body, a list of forms; none is an empty one.

        Raises:
            DiscordError: it is no list, or one of them does not say what it should.
        """
        if self.body is not None and not isinstance(self.body, list):
            raise invalid_form("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return [read(form, each, str(index)) for index, each in enumerate(self.body or [])]

    def fields(self) -> dict[str, Any]:
        """Return the body, an object whose fields are read elsewhere; none is an empty one.

        Raises:
            DiscordError: it is no object.
        """
        if self.body is not None and not isinstance(self.body, dict):
            raise invalid_form("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used to create a ModelType")
        return self.body or {}

    def asked(self, form: type[F]) -> F:
        """Read the parameters after the question mark.

        Raises:
            DiscordError: they do not say what they should.
        """
        return read(form, self.query)

    def is_asked(self, name: str) -> bool:
        """Tell whether a parameter after the question mark says yes."""
        return self.query.get(name, "").lower() in {"1", "true"}

    def guild(self) -> Guild:
        """Return the guild of the path.

        Raises:
            DiscordError: there is none, or the bot is no member.
        """
        guild = self.world.guild(self.id("guild_id"))
        if self.bot.id not in guild.members:
            raise DiscordError(Refusal.MISSING_ACCESS)
        return guild

    def channel(self, name: str = "channel_id") -> Channel:
        """Return the channel of the path.

        Raises:
            DiscordError: there is none, or the bot does not see it.
        """
        channel = self.world.channel(self.id(name))
        if Permissions.VIEW_CHANNEL not in permissions_in(self.world, channel, self.bot):
            raise DiscordError(Refusal.MISSING_ACCESS)
        return channel

    def guild_channel(self, name: str = "channel_id") -> tuple[Guild, Channel]:
        """Return the channel of the path, and its guild.

        Raises:
            DiscordError: there is none, the bot does not see it, or it is one for direct messages.
        """
        channel = self.channel(name)
        if channel.guild_id is None:
            raise DiscordError(Refusal.CANNOT_IN_DM)
        return self.world.guild(channel.guild_id), channel

    def message(self) -> Message:
        """Return the message of the path.

        Raises:
            DiscordError: there is none, or the bot does not see it.
        """
        channel = self.channel()
        message = self.world.message(channel.id, self.id("message_id"))
        if message.is_ephemeral:
            raise DiscordError(Refusal.UNKNOWN_MESSAGE)
        return message


def _id(name: str, value: str) -> int:
    if not (value.isascii() and value.isdigit()) or int(value) > LARGEST_SNOWFLAKE:
        raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)


@dataclass(frozen=True)
class Route:
    """An entry of the table of routes."""

    method: str
    template: str
    handler: Handler
    anonymous: bool
    status: int


@dataclass(frozen=True)
class Exchange:
    """A request and its answer, for those who hold them against a description of the API.

    Attributes:
        template: the path below `/api/v10`, parameters in braces.
        request: the JSON body; None where there is none.
        is_form: whether files came with it.
        response: the JSON body; None where there is none.
    """

    method: str
    template: str
    path: str
    request: Any
    is_form: bool
    status: int
    response: Any


ROUTES: list[Route] = []


def route(method: str, template: str, *, anonymous: bool = False, status: int = 200) -> Callable[[Handler], Handler]:
    """Enter a handler into the table of routes; a handler that returns None answers 204.

    Args:
        method: the HTTP method.
        template: the path below `/api/v10`; parameters in braces.
        anonymous: whether a token in the path suffices, as with interactions and webhooks.
        status: of an answer with a body.
    """

    def enter(handler: Handler) -> Handler:
        ROUTES.append(Route(method, template, handler, anonymous, status))
        return handler

    return enter


def make_api(discord: LocalDiscord) -> web.Application:
    """Make the application that answers below `/api/v10`."""
    api = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_strays])
    for entry in sorted(ROUTES, key=_precedence):
        api.router.add_route(entry.method, entry.template, _Answer(discord, entry).answer)
    return api


def _precedence(entry: Route) -> list[int]:
    """Order routes so that those with fixed words come before those that take anything at that place."""
    return [part.startswith("{") + (part.startswith("{") and ":" not in part) for part in entry.template.split("/")]


@web.middleware
async def _strays(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Refuse what no route takes in Discord's form."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        refusal = Refusal.NOT_FOUND
    except web.HTTPMethodNotAllowed:
        refusal = Refusal.METHOD_NOT_ALLOWED
    except web.HTTPRequestEntityTooLarge:
        refusal = Refusal.TOO_LARGE
    return json_response(DiscordError(refusal).payload(), refusal.status)


class _Answer:
    """Answers the requests of one route."""

    def __init__(self, discord: LocalDiscord, entry: Route) -> None:
        self.discord = discord
        self.entry = entry

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request."""
        call, status = None, self.entry.status
        try:
            call = await _read(self.discord, self.entry, request)
            body = await self.entry.handler(call)
            status = call.status or status
        except DiscordError as error:
            body, status = error.payload(), error.refusal.status
        if self.discord.record is not None:
            self._record(request, call, status, body)
        if isinstance(body, web.Response):
            return body
        return web.Response(status=204) if body is None else json_response(body, status)

    def _record(self, request: web.Request, call: Call | None, status: int, body: Any) -> None:
        if self.discord.record is None or isinstance(body, web.Response):
            return
        said = orjson.loads(orjson.dumps(call.body)) if call and call.body is not None else None
        answered = orjson.loads(orjson.dumps(body)) if body is not None else None
        is_form = request.content_type in FORMS
        code = 204 if body is None else status
        template = PATTERN.sub("", self.entry.template)
        self.discord.record(Exchange(self.entry.method, template, request.path_qs, said, is_form, code, answered))


async def _read(discord: LocalDiscord, entry: Route, request: web.Request) -> Call:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    application = discord.world.authenticated(token) if scheme == "Bot" else None
    if application is None and not entry.anonymous:
        raise DiscordError(Refusal.UNAUTHORIZED)
    call = Call(discord, application, dict(request.match_info), dict(request.query))
    for name, value in call.path.items():
        if name.endswith("_id") and not value.startswith("@"):
            _id(name, value)
    reason = request.headers.get("X-Audit-Log-Reason")
    call.reason = unquote(reason)[:512] if reason else None
    if request.content_type in FORMS:
        await _read_form(call, request)
    elif request.body_exists and (raw := await request.read()):
        if request.headers.get("Content-Type") != "application/json":
            raise DiscordError(Refusal.INVALID_FORM, None, {"message": _EXPECTED})
        call.body = _parsed(raw)
    return call


_EXPECTED = "Expected \"Content-Type\" header to be one of {'application/json'}."


async def _read_form(call: Call, request: web.Request) -> None:
    fields: dict[str, Any] = {}
    for name, value in (await _posted(request)).items():
        if isinstance(value, web.FileField):
            call.files[name] = Upload(value.filename, value.content_type, value.file.read())
            continue
        plain = value if isinstance(value, str) else bytes(value).decode(errors="replace")
        if name == "payload_json":
            call.body = _parsed(plain)
        else:
            fields[name] = plain
    if call.body is None:
        call.body = fields


async def _posted(request: web.Request) -> MultiDictProxy[Any]:
    try:
        return await request.post()
    except (ValueError, LookupError):  # no parts, other bytes than the charset has, a charset that nobody knows
        raise DiscordError(
            Refusal.INVALID_FORM, None, {"message": "The request body is not a well-formed form."}
        ) from None


def _parsed(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise DiscordError(Refusal.INVALID_JSON) from None


def json_response(body: Any, status: int) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
