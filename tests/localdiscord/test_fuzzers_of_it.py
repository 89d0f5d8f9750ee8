"""The fuzzers of the local Discord have teeth: each kind of defect, put into it, is found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from fuzz import test_localdiscord_gateway as gateway
from fuzz import test_localdiscord_rest as rest
from fuzz.conformance import DESCRIPTION
from fuzz.town_visit import misshapen
from localdiscord.actions import belongings
from localdiscord.errors import DiscordError, Refusal
from localdiscord.gateway import protocol
from localdiscord.gateway.codes import Op
from localdiscord.model.role import Role
from localdiscord.rest.router import Call

if TYPE_CHECKING:
    from localdiscord.gateway.connection import Connection
    from localdiscord.model.channel import Channel

LIST = {"route": "GET /guilds/{guild_id}/roles", "path": {"guild_id": "<guild 0>"}}
WRITE = {
    "route": "POST /channels/{channel_id}/messages",
    "path": {"channel_id": "<channel 9>"},
    "body": {"content": "a"},
}
INVITE = {"route": "POST /channels/{channel_id}/invites", "path": {"channel_id": "<channel 9>"}, "body": {}}
DELETE = {"route": "DELETE /channels/{channel_id}", "path": {"channel_id": "<channel 9>"}}


def broken(*_arguments: Any, **_options: Any) -> Any:
    """Break in a way that nobody expected."""
    raise RuntimeError("on purpose")


def shapeless(_error: DiscordError) -> dict[str, Any]:
    """Refuse in a shape of its own."""
    return {"error": "no"}


def hasty(self: Call) -> Any:
    """Tell of something before it is refused."""
    guild = self.world.guild(self.discord.town.guild.id)
    guild.name = "Changed"
    self.world.emit_user(self.bot)
    raise DiscordError(Refusal.MISSING_ACCESS)


def forgetful(_world: Any, _guild: Any, _channel: Channel) -> None:
    """Leave everything of a channel behind."""


@pytest.mark.parametrize(
    ("target", "name", "defect", "steps", "told"),
    [
        (Call, "guild", broken, [LIST], "was answered with 500.*RuntimeError"),
        (DiscordError, "payload", shapeless, [{**LIST, "path": {"guild_id": "x"}}], "in another shape"),
        (Call, "guild", hasty, [LIST], "and yet USER_UPDATE was told"),
        (belongings, "clear", forgetful, [INVITE, DELETE], "which is gone|leads nowhere"),
    ],
)
def test_defects_of_rest(target: Any, name: str, defect: Any, steps: list[dict[str, Any]], told: str) -> None:
    """A server error, a refusal out of shape, a trace of what was refused and a world left unsound are found."""
    asyncio.run(rest.visited(steps))
    with mock.patch.object(target, name, defect), pytest.raises(AssertionError, match=told):
        asyncio.run(rest.visited(steps))


def leaky(connection: Connection, _data: Any) -> None:
    """Take a session without noting it."""
    connection.close(4999)  # type: ignore[arg-type]  # a code that no client knows


@pytest.mark.parametrize(
    ("op", "defect", "told"),
    [
        (Op.PRESENCE_UPDATE, broken, "closed with 1006|RuntimeError"),
        (Op.PRESENCE_UPDATE, leaky, "closed with 4999"),
    ],
)
def test_defects_of_the_gateway(op: Op, defect: Any, told: str) -> None:
    """A handler that breaks, and a code that nobody knows, are found."""
    history: list[Any] = [("identify",), ("send", int(op), {"status": "idle"})]
    asyncio.run(gateway.heard(history))
    with mock.patch.dict(protocol.HANDLERS, {op: defect}), pytest.raises(AssertionError, match=told):
        asyncio.run(gateway.heard(history))


@pytest.mark.parametrize(
    ("body", "is_right"),
    [
        ({"code": 0, "message": "m"}, True),
        ({"code": 1, "message": "m", "errors": {"a": {"0": {"_errors": [{"code": "C", "message": "m"}]}}}}, True),
        ({"code": "1", "message": "m"}, False),
        ({"code": 1, "message": "m", "errors": {}}, False),
        ({"code": 1, "message": "m", "errors": {"a": {"_errors": [{"code": "C"}]}}}, False),
        (None, False),
    ],
)
def test_shapes_of_refusals(body: Any, is_right: bool) -> None:
    """Refusals have a code, a message, and for each field a list of codes and messages; all else is misshapen."""
    assert (misshapen(body) == "") is is_right


def test_what_was_drawn_conforms() -> None:
    """A history as the fuzzer draws it is held against Discord's description, each time it is tried."""
    if not DESCRIPTION.is_file():
        pytest.skip(f"Discord's description is not there: {DESCRIPTION.name}")
    wrong = mock.patch.object(Role, "payload", lambda role: {"id": str(role.id)})
    for _ in range(2):
        with wrong, pytest.raises(AssertionError, match="is a required property"):
            asyncio.run(rest.visited([LIST]))
