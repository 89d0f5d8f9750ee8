"""A gateway session: what a bot has been told, and what it has asked to be told."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from localdiscord.actions.access import permissions_in
from localdiscord.gateway.codes import Op
from localdiscord.gateway.guilds import guild_create, shown
from localdiscord.intents import Intents
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.gateway.codes import Close
    from localdiscord.model.application import Application
    from localdiscord.model.guild import Guild
    from localdiscord.model.world import Event, World

__all__ = ["REPLAYED", "Link", "Session"]

REPLAYED = 10_000
"""How many events a session keeps for a client that comes back."""

OF_ALL_CHANNELS = {"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"}
"""What a bot is told of every channel of its guilds, of those that it does not see as well."""

LARGE = 50
"""Members from which on a guild is large, where the client says nothing else."""


class Link(Protocol):
    """The connection of a session's client."""

    def send(self, payload: dict[str, Any]) -> None:
        """Send a payload as soon as the client reads."""
        ...

    def say(self, op: Op, data: Any = None) -> None:
        """Send an operation."""
        ...

    def close(self, code: Close, reason: str = "") -> None:
        """Close the connection, after what is to be sent before."""
        ...

    def sever(self) -> None:
        """Break the connection off, as if the cable were cut."""
        ...


@dataclass(eq=False)
class Session:
    """One shard of one bot.

    Attributes:
        large: members from which on a guild is large.
        sequence: the number of the last event.
        acknowledged: the number of the last event that the client said it has.
        asked: the number of the last event when the client was asked for that.
        link: the connection of the client; None while there is none.
        left: when the last connection ended, in Unix seconds.
        history: the events that a client that comes back may have missed.
        told: the ids of guilds that it has been told of.
        away: the ids of guilds that are shown as unavailable.
    """

    world: World
    application: Application
    intents: Intents
    shard: int = 0
    shards: int = 1
    large: int = LARGE
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    acknowledged: int = 0
    asked: int = 0
    link: Link | None = None
    left: float = 0.0
    history: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REPLAYED))
    told: set[int] = field(default_factory=set)
    away: set[int] = field(default_factory=set)

    def serves(self, guild_id: int | None) -> bool:
        """Tell whether a guild belongs to this shard; direct messages belong to the first."""
        return self.shard == 0 if guild_id is None else (guild_id >> 22) % self.shards == self.shard

    def guilds(self) -> list[Guild]:
        """Return the guilds of this shard that the bot is a member of."""
        bot = self.application.bot.id
        return [guild for guild in self.world.guilds.values() if bot in guild.members and self.serves(guild.id)]

    def hear(self, event: Event) -> None:
        """Take note of an event, and pass it on, if it is for this session."""
        if not self.serves(event.guild_id) or event.guild_id in self.away:
            return
        if event.name in _COMING_AND_GOING and event.guild_id is not None:
            if event.only in {None, self.application.bot.id}:
                _COMING_AND_GOING[event.name](self, event.guild_id)
        elif self._concerns(event):
            self.dispatch(event.name, shown(event, self.application.bot.id, self.intents))

    def arrive(self, guild_id: int) -> None:
        """Tell of a guild that the bot has come into, or that is back; as much as the intents allow."""
        guild = self.world.guilds.get(guild_id)
        if guild is None or self.application.bot.id not in guild.members:
            return
        self.away.discard(guild_id)
        self.told.add(guild_id)
        if Intents.GUILDS in self.intents:
            self.dispatch("GUILD_CREATE", guild_create(guild, self))

    def depart(self, guild_id: int) -> None:
        """Tell of a guild that the bot is no longer in, or that is no more."""
        is_known = guild_id in self.told
        self.told.discard(guild_id)
        if Intents.GUILDS in self.intents and is_known:
            self.dispatch("GUILD_DELETE", {"id": str(guild_id)})

    def lose(self, guild_id: int) -> None:
        """Tell of a guild that cannot be reached for a while; nothing is heard from it until `arrive`."""
        self.away.add(guild_id)
        if Intents.GUILDS in self.intents:
            self.dispatch("GUILD_DELETE", {"id": str(guild_id), "unavailable": True})

    def _is_own(self, event: Event) -> bool:
        user = event.data.get("user")
        return isinstance(user, dict) and user.get("id") == str(self.application.bot.id)

    def _concerns(self, event: Event) -> bool:
        bot = self.application.bot
        if event.only is not None and event.only != bot.id:
            return False
        about_itself = event.name == "GUILD_MEMBER_UPDATE" and self._is_own(event)
        if event.needs and not event.needs & self.intents and not about_itself:
            return False
        if event.guild_id is None:
            return event.only == bot.id or self._takes_part(event.channel_id)
        if event.name in {"GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE"} and self._is_own(event):
            return False
        guild = self.world.guilds.get(event.guild_id)
        if guild is None or bot.id not in guild.members:
            return False
        channel = None if event.name in OF_ALL_CHANNELS else self.world.channels.get(event.channel_id or 0)
        return channel is None or Permissions.VIEW_CHANNEL in permissions_in(self.world, channel, bot)

    def _takes_part(self, channel_id: int | None) -> bool:
        channel = self.world.channels.get(channel_id or 0)
        return channel is not None and self.application.bot in channel.recipients

    def dispatch(self, name: str, data: Any) -> None:
        """Give an event its number, keep it, and send it."""
        self.sequence += 1
        payload = {"op": int(Op.DISPATCH), "t": name, "s": self.sequence, "d": data}
        self.history.append(payload)
        if self.link is not None:
            self.link.send(payload)

    def since(self, sequence: int) -> list[dict[str, Any]] | None:
        """Return the events after one; None where they are no longer kept."""
        missed = [payload for payload in self.history if payload["s"] > sequence]
        return missed if len(missed) == self.sequence - sequence else None


_COMING_AND_GOING = {"GUILD_CREATE": Session.arrive, "GUILD_DELETE": Session.depart}
