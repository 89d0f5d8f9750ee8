"""A bot written by hand, which asks exactly what a test wants asked."""

from __future__ import annotations

import base64
import io
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
from PIL import Image

from fuzz.conformance import judged
from localdiscord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member
    from localdiscord.model.message import Message
    from localdiscord.model.role import Role
    from localdiscord.model.user import User
    from localdiscord.model.world import Event
    from localdiscord.permissions import Permissions

__all__ = ["Peer", "data_uri", "form", "peer", "picture", "soon"]

NO_CONTENT = 204


def picture(width: int = 20, height: int = 10, kind: str = "PNG") -> bytes:
    """Return a picture."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, kind)
    return file.getvalue()


def data_uri(data: bytes, kind: str = "image/png") -> str:
    """Return a file as bodies carry it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def soon(**distance: float) -> str:
    """Return a time from now, as bodies carry it."""
    return (datetime.now(UTC) + timedelta(**distance)).isoformat()


def form(payload: str, **files: tuple[str, bytes]) -> aiohttp.FormData:
    """Return a form with a message and files, by field."""
    data = aiohttp.FormData()
    data.add_field("payload_json", payload, content_type="application/json")
    for name, (filename, content) in files.items():
        data.add_field(name.replace("_", "[") + "]", io.BytesIO(content), filename=filename)
    return data


class Peer:
    """A bot that speaks REST by hand, in the town.

    Attributes:
        events: everything that happened, in order.
    """

    def __init__(self, discord: LocalDiscord, session: aiohttp.ClientSession) -> None:
        self.discord = discord
        self.session = session
        self.world = discord.world
        self.town = discord.town
        self.guild: Guild = discord.town.guild
        self.bot: User = discord.town.application.bot
        self.general: Channel = discord.town.channels["general"]
        self.carol: Member = self.guild.members[discord.town.members[0].id]
        self.role: Role = self.guild.role(self.guild.members[self.bot.id].roles[0])
        self.events: list[Event] = []
        self.world.listeners.append(self.events.append)
        self.token = discord.town.application.token

    async def ask(self, method: str, path: str, body: Any = None, *, reason: str | None = None, **options: Any) -> Any:
        """Ask for something that is granted; returns the answer's body."""
        status, answer = await self.call(method, path, body, reason=reason, **options)
        assert status // 100 == 2, f"{method} {path}: {status} {answer}"
        return answer

    async def refused(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, int]:
        """Ask for something that is refused; returns the answer's status and Discord's code.

        Nothing may happen meanwhile: whatever is refused leaves no trace.
        """
        before = len(self.events)
        status, answer = await self.call(method, path, body, **options)
        assert status // 100 == 4, f"{method} {path}: {status} {answer}"
        assert self.events[before:] == []
        return status, answer["code"]

    async def invalid(self, method: str, path: str, body: Any = None, **options: Any) -> dict[str, str]:
        """Send a form that is refused; returns the code of each field, by its path with dots."""
        before = len(self.events)
        status, answer = await self.call(method, path, body, **options)
        assert (status, answer["code"]) == (400, 50035), f"{method} {path}: {status} {answer}"
        assert self.events[before:] == []
        return dict(_flat(answer.get("errors", {})))

    async def call(
        self, method: str, path: str, body: Any = None, *, reason: str | None = None, **options: Any
    ) -> tuple[int, Any]:
        """Ask for something; returns the answer's status and body."""
        headers = {"Authorization": f"Bot {self.token}"} | options.pop("headers", {})
        if reason is not None:
            headers["X-Audit-Log-Reason"] = reason
        if body is not None:
            options["data"] = json.dumps(body)
            headers["Content-Type"] = "application/json"
        url = f"{self.discord.url}/api/v10{path}"
        async with self.session.request(method, url, headers=headers, **options) as response:
            if response.status == NO_CONTENT:
                return response.status, None
            return response.status, json.loads(await response.read())

    # -- what tests speak of ---------------------------------------------------------------------------------------

    @property
    def here(self) -> str:
        """The path of the channel general."""
        return f"/channels/{self.general.id}"

    @property
    def home(self) -> str:
        """The path of the guild."""
        return f"/guilds/{self.guild.id}"

    def may_only(self, permissions: Permissions) -> None:
        """Let the bot do nothing but this."""
        self.role.permissions = permissions
        self.guild.everyone.permissions = type(permissions)(0)

    def say(self, content: str, who: User | None = None) -> Message:
        """Have somebody write in general, Carol unless said otherwise."""
        return self.discord.person(who or self.carol.user).say(self.general, content)

    def told(self, name: str) -> list[dict[str, Any]]:
        """Return the payloads of the events of a name."""
        return [event.data for event in self.events if event.name == name]

    def noted(self) -> dict[str, Any]:
        """Return the last entry of the audit log."""
        return self.guild.audit_log[-1].payload()


def _flat(errors: dict[str, Any], place: str = "") -> list[tuple[str, str]]:
    found = []
    for key, value in errors.items():
        if key == "_errors":
            found += [(place, each["code"]) for each in value]
        else:
            found += _flat(value, f"{place}.{key}" if place else key)
    return found


@asynccontextmanager
async def peer() -> AsyncIterator[Peer]:
    """Run a local Discord and a bot written by hand; all they say is held against Discord's description."""
    async with LocalDiscord() as discord, aiohttp.ClientSession() as session:
        with judged(discord):
            yield Peer(discord, session)
