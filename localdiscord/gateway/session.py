"""A gateway session: what a bot has been told, and what it has asked to be told."""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in
from localdiscord.gateway.codes import Op
from localdiscord.intents import Intents
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.application import Application
    from localdiscord.model.guild import Guild
    from localdiscord.model.world import Event, World

__all__ = ["Session"]

REPLAYED = 5000
"""How many events a session keeps for a client that comes back."""

CONTENT = ("content", "embeds", "attachments", "components")
"""What a message hides from sessions without the intent MESSAGE_CONTENT."""


@dataclass
class Session:
    """One shard of one bot.

    Attributes:
        sequence: the number of the last event.
        send: takes what is to be sent now; None while no client is connected.
    """

    world: World
    application: Application
    intents: Intents
    shard: int = 0
    shards: int = 1
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    sequence: int = 0
    send: Callable[[dict[str, Any]], None] | None = None
    history: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    def serves(self, guild_id: int | None) -> bool:
        """Tell whether a guild belongs to this shard; direct messages belong to the first."""
        return self.shard == 0 if guild_id is None else (guild_id >> 22) % self.shards == self.shard

    def guilds(self) -> list[Guild]:
        """Return the guilds of this shard that the bot is a member of."""
        bot = self.application.bot.id
        return [guild for guild in self.world.guilds.values() if bot in guild.members and self.serves(guild.id)]

    def hear(self, event: Event) -> None:
        """Take note of an event, and pass it on, if it is for this session."""
        if self._concerns(event):
            self.dispatch(event.name, self._shown(event))

    def _concerns(self, event: Event) -> bool:
        bot = self.application.bot.id
        if event.only is not None and event.only != bot:
            return False
        if not self.serves(event.guild_id) or (event.needs and not event.needs & self.intents):
            return False
        if event.guild_id is None:
            return event.only == bot or self._takes_part(event.channel_id)
        guild = self.world.guilds.get(event.guild_id)
        member = guild.members.get(bot) if guild else None
        if guild is None or member is None:
            return False
        channel = self.world.channels.get(event.channel_id or 0)
        return channel is None or Permissions.VIEW_CHANNEL in permissions_in(self.world, channel, member.user)

    def _takes_part(self, channel_id: int | None) -> bool:
        channel = self.world.channels.get(channel_id or 0)
        return channel is not None and self.application.bot in channel.recipients

    def _shown(self, event: Event) -> dict[str, Any]:
        is_message = event.name in {"MESSAGE_CREATE", "MESSAGE_UPDATE"} and event.guild_id is not None
        if not is_message or Intents.MESSAGE_CONTENT in self.intents:
            return event.data
        bot = str(self.application.bot.id)
        if event.author_id == self.application.bot.id or any(user["id"] == bot for user in event.data["mentions"]):
            return event.data
        return event.data | {name: type(event.data[name])() for name in CONTENT}

    def dispatch(self, name: str, data: Any) -> None:
        """Give an event its number, keep it, and send it."""
        self.sequence += 1
        payload = {"op": int(Op.DISPATCH), "t": name, "s": self.sequence, "d": data}
        self.history.append(payload)
        if self.send is not None:
            self.send(payload)

    def since(self, sequence: int) -> list[dict[str, Any]] | None:
        """Return the events after one; None where they are no longer kept."""
        missed = [payload for payload in self.history if payload["s"] > sequence]
        return missed if len(missed) == self.sequence - sequence else None
