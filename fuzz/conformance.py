"""Holds what a local Discord said against Discord's own description of its API, where that is present.

Requests that were accepted must be valid by the description, and so must every answer and every payload of the
gateway for which the description has a schema. Where the two differ knowingly, it is said here why.
"""

from __future__ import annotations

import functools
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from harness.project import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localdiscord import LocalDiscord
    from localdiscord.model.world import Event
    from localdiscord.rest.router import Exchange

__all__ = ["DESCRIPTION", "Judge", "judged"]

DESCRIPTION = HOME.parent / "shared" / "discord-openapi.json"
URN = "urn:discord"
SUCCESS, CLIENT_ERROR = 2, 4
PARAMETER = re.compile(r"\{[^}]+\}")

EXCEPTIONS: dict[tuple[str, str], str] = {
    ("PATCH", "/guilds/{guild_id}/members/@me/nick"): "deprecated, left out of the description, still used by clients",
    ("GET", "/applications/{application_id}/skus"): "documented under SKUs, left out of the description",
}
"""Method and template of operations that the description does not have, and why it is right to have them."""

DIFFERENCES: dict[str, str] = {
    r"PATCH /applications/@me .* description: ": "the documentation, and every client, has a text here",
    r"PATCH /users/@me .* 'username' is a required": "the documentation has all of it optional",
    r"message_reference/type: 0 was expected": "forwarding is documented; the description knows answers alone",
    r"type: 16 is not (one of|valid)": "channels of media are documented, and left out of the description",
}
"""What the description has differently, as a pattern of the difference, and why ours is right."""

BITS = {"allow", "deny", "permissions", "default_member_permissions"}
"""Numbers that the description wants as such and that the documentation, and every client, writes as texts."""

LARGEST_INT53 = 1 << 53

EVENTS: dict[str, tuple[str, str]] = {
    "MESSAGE_CREATE": ("", "MessageResponse"),
    "MESSAGE_UPDATE": ("", "MessageResponse"),
    "CHANNEL_CREATE": ("", "GuildChannelResponse"),
    "CHANNEL_UPDATE": ("", "GuildChannelResponse"),
    "CHANNEL_DELETE": ("", "GuildChannelResponse"),
    "THREAD_CREATE": ("", "ThreadResponse"),
    "THREAD_UPDATE": ("", "ThreadResponse"),
    "GUILD_CREATE": ("", "GuildResponse"),
    "GUILD_UPDATE": ("", "GuildResponse"),
    "GUILD_MEMBER_ADD": ("", "GuildMemberResponse"),
    "GUILD_MEMBER_UPDATE": ("", "GuildMemberResponse"),
    "GUILD_MEMBER_REMOVE": ("user", "UserResponse"),
    "GUILD_BAN_ADD": ("user", "UserResponse"),
    "GUILD_BAN_REMOVE": ("user", "UserResponse"),
    "GUILD_ROLE_CREATE": ("role", "GuildRoleResponse"),
    "GUILD_ROLE_UPDATE": ("role", "GuildRoleResponse"),
    "GUILD_AUDIT_LOG_ENTRY_CREATE": ("", "AuditLogEntryResponse"),
    "STAGE_INSTANCE_CREATE": ("", "StageInstanceResponse"),
    "STAGE_INSTANCE_UPDATE": ("", "StageInstanceResponse"),
    "STAGE_INSTANCE_DELETE": ("", "StageInstanceResponse"),
    "GUILD_SOUNDBOARD_SOUND_CREATE": ("", "SoundboardSoundResponse"),
    "GUILD_SOUNDBOARD_SOUND_UPDATE": ("", "SoundboardSoundResponse"),
}
"""Events whose payload the description knows: what of it, and the schema."""


def _general(template: str) -> str:
    """Return a path without the names of its parameters; `@me` and `@original` are parameters as well as words."""
    return PARAMETER.sub("{}", template)


def _pointer(*parts: str) -> str:
    return f"{URN}#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)


class Judge:
    """The description, and what was found to differ from it.

    Attributes:
        seen: the operations that were held against it.
        problems: what differs.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = description
        self.seen: set[tuple[str, str]] = set()
        self.problems: list[str] = []
        self._paths = {_general(path): path for path in description["paths"]}
        resource: Resource[Any] = DRAFT202012.create_resource(description)
        self._registry: Registry[Any] = Registry().with_resource(URN, resource)
        self._validators: dict[str, Any] = {}
        self._right: set[str] = set()

    # -- exchanges -----------------------------------------------------------------------------------------------

    def hear(self, exchange: Exchange) -> None:
        """Take note of an exchange."""
        method, template = exchange.method.lower(), exchange.template
        if (exchange.method, template) in EXCEPTIONS:
            return
        what = f"{exchange.method} {template} {exchange.status}"
        path = self._paths.get(_general(template))
        operation = self.description["paths"].get(path, {}).get(method)
        if path is None or operation is None:
            self.problems.append(f"{what}: the description has no such operation")
            return
        self.seen.add((exchange.method, template))
        if exchange.status // 100 == SUCCESS and exchange.request not in (None, {}, []) and not exchange.is_form:
            self._request(what, (path, method), operation, exchange.request)
        self._response(what, (path, method), operation, exchange)

    def _request(self, what: str, where: tuple[str, str], operation: dict[str, Any], body: Any) -> None:
        if "application/json" not in operation.get("requestBody", {}).get("content", {}):
            return
        pointer = _pointer("paths", *where, "requestBody", "content", "application/json", "schema")
        self._hold(f"{what}: request", pointer, _as_described(body))

    def _response(self, what: str, where: tuple[str, str], operation: dict[str, Any], exchange: Exchange) -> None:
        if exchange.status // 100 == CLIENT_ERROR:
            told = {key: value for key, value in exchange.response.items() if key != "errors"}
            self._hold(f"{what}: answer", _pointer("components", "schemas", "ErrorResponse"), told)
            self.problems += [f"{what}: {each}" for each in _nested(exchange.response.get("errors", {}))]
            return
        described = operation["responses"].get(str(exchange.status))
        if described is None:
            self.problems.append(f"{what}: the description knows {sorted(operation['responses'])}")
        elif "application/json" in described.get("content", {}):
            status = str(exchange.status)
            pointer = _pointer("paths", *where, "responses", status, "content", "application/json", "schema")
            self._hold(f"{what}: answer", pointer, exchange.response)
        elif exchange.response is not None:
            self.problems.append(f"{what}: the description has no body")

    # -- events --------------------------------------------------------------------------------------------------

    def hear_event(self, event: Event) -> None:
        """Take note of something that the gateway tells."""
        if event.name in EVENTS:
            part, schema = EVENTS[event.name]
            body = event.data[part] if part else event.data
            self._hold(f"event {event.name}", _pointer("components", "schemas", schema), json.loads(json.dumps(body)))

    # -- both ----------------------------------------------------------------------------------------------------

    def _hold(self, what: str, pointer: str, body: Any) -> None:
        key = f"{what} {_shape(body)}"
        if key in self._right:
            return
        found = [f"{what}: {problem}" for problem in _told(self._validator(pointer).iter_errors(body))]
        self.problems += found
        if not found:
            self._right.add(key)

    def _validator(self, pointer: str) -> Any:
        if pointer not in self._validators:
            schema = {"$ref": pointer}
            self._validators[pointer] = jsonschema.Draft202012Validator(schema, registry=self._registry)
        return self._validators[pointer]


def _as_described(body: Any, name: str = "") -> Any:
    """Return a body with ids as texts and permissions as numbers: Discord takes both, and clients use either."""
    if isinstance(body, dict):
        return {key: _as_described(value, key) for key, value in body.items()}
    if isinstance(body, list):
        return [_as_described(each, name) for each in body]
    if name in BITS and isinstance(body, str) and body.isdigit():
        return int(body)
    return str(body) if isinstance(body, int) and body > LARGEST_INT53 and name not in BITS else body


def _nested(errors: dict[str, Any], place: str = "errors") -> Iterator[str]:
    """Yield what is wrong with the refusals of single fields; their codes are texts, unlike the description."""
    for key, value in errors.items():
        if key != "_errors":
            yield from _nested(value, f"{place}.{key}")
        elif not all(each.keys() == {"code", "message"} and each["code"].isupper() for each in value):
            yield f"{place}: {value}"


def _shape(body: Any) -> str:
    """Return what a body looks like, without its texts: one of each shape is enough."""
    if isinstance(body, dict):
        return "{" + ",".join(f"{key}:{_shape(value)}" for key, value in sorted(body.items())) + "}"
    if isinstance(body, list):
        return "[" + ",".join(sorted({_shape(each) for each in body})) + "]"
    return "id" if isinstance(body, str) else repr(body) if isinstance(body, bool | int) and abs(body) < 100 else "x"


def _told(errors: Any) -> Iterator[str]:
    for error in errors:
        best = jsonschema.exceptions.best_match([error])
        place = "/".join(str(part) for part in best.absolute_path)
        yield f"at {place or 'the top'}: {best.message[:200]}"


@functools.cache
def _judge() -> Judge | None:
    if not DESCRIPTION.is_file():
        return None
    return Judge(json.loads(DESCRIPTION.read_text(encoding="utf-8")))


@contextmanager
def judged(discord: LocalDiscord, *, needed: bool = False) -> Iterator[Judge | None]:
    """Hold everything that a local Discord says meanwhile against the description; differences fail the test.

    Args:
        discord: the server.
        needed: whether the test is skipped where the description is not there; otherwise it goes on without.
    """
    judge = _judge()
    if judge is None:
        if needed:
            pytest.skip(f"Discord's description is not there: {DESCRIPTION.name}")
        yield None
        return
    judge.problems.clear()
    discord.record = judge.hear
    discord.world.listeners.append(judge.hear_event)
    yield judge
    found = {each for each in judge.problems if not any(re.search(known, each) for known in DIFFERENCES)}
    assert not found, "\n".join(["Discord's description differs:", *sorted(found)])
