"""Everything that exists on the local Discord, and the news of it."""

from __future__ import annotations

import base64
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import NO_INTENTS, Intents
from localdiscord.model.application import Application
from localdiscord.model.channel import Channel, ChannelType
from localdiscord.model.files import Files
from localdiscord.model.guild import Guild
from localdiscord.model.member import Member
from localdiscord.model.role import Role
from localdiscord.model.user import Presence, User
from localdiscord.permissions import EVERYONE, NONE, Permissions
from localdiscord.snowflakes import Snowflakes

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.interaction import Interaction
    from localdiscord.model.invite import Invite
    from localdiscord.model.message import Message
    from localdiscord.model.webhook import Webhook

__all__ = ["Event", "World"]

T = TypeVar("T")


@dataclass(frozen=True)
class Event:
    """Something that happened, as the gateway tells it.

    Attributes:
        name: Discord's name of the event.
        data: its payload; listeners leave it as it is.
        needs: a session hears of it when it has asked for one of these intents; no intent: every session.
        guild_id: where it happened; None in a direct message.
        channel_id: the channel whose viewers alone hear of it.
        only: the one user who hears of it.
        author_id: who wrote the message; a bot sees the content of its own without the intent.
    """

    name: str
    data: dict[str, Any]
    needs: Intents = NO_INTENTS
    guild_id: int | None = None
    channel_id: int | None = None
    only: int | None = None
    author_id: int | None = None


@dataclass
class World:
    """All users, guilds, channels and applications, and who listens to what happens among them.

    Args:
        clock: tells the time in Unix seconds.
        open_polls: messages whose polls have not ended, by id; one that was deleted stays until its poll is due.
    """

    clock: Callable[[], float] = time.time
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    applications: dict[int, Application] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    invites: dict[str, Invite] = field(default_factory=dict)
    open_polls: dict[int, Message] = field(default_factory=dict)
    files: Files = field(default_factory=Files)
    listeners: list[Callable[[Event], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to count ids."""
        self.snowflakes = Snowflakes(self.clock)

    def emit(self, event: Event) -> None:
        """Tell every listener what happened."""
        for listener in tuple(self.listeners):
            listener(event)

    def emit_user(self, user: User) -> None:
        """Tell every listener that a user has changed."""
        self.emit(Event("USER_UPDATE", user.own_payload(), only=user.id))
        for guild in self.guilds.values():
            if member := guild.members.get(user.id):
                data = member.payload() | {"guild_id": str(guild.id)}
                self.emit(Event("GUILD_MEMBER_UPDATE", data, Intents.GUILD_MEMBERS, guild.id))

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.clock(), UTC)

    # -- look-ups ------------------------------------------------------------------------------------------------

    def user(self, user_id: int) -> User:
        """Return a user; raises DiscordError where there is none."""
        return _found(self.users, user_id, Refusal.UNKNOWN_USER)

    def guild(self, guild_id: int) -> Guild:
        """Return a guild; raises DiscordError where there is none."""
        return _found(self.guilds, guild_id, Refusal.UNKNOWN_GUILD)

    def channel(self, channel_id: int) -> Channel:
        """Return a channel; raises DiscordError where there is none."""
        return _found(self.channels, channel_id, Refusal.UNKNOWN_CHANNEL)

    def message(self, channel_id: int, message_id: int) -> Message:
        """Return a message; raises DiscordError where there is none."""
        return _found(self.channel(channel_id).messages, message_id, Refusal.UNKNOWN_MESSAGE)

    def application(self, application_id: int) -> Application:
        """Return an application; raises DiscordError where there is none."""
        return _found(self.applications, application_id, Refusal.UNKNOWN_APPLICATION)

    def application_of(self, bot: User) -> Application:
        """Return the application whose bot a user is."""
        return next(each for each in self.applications.values() if each.bot is bot)

    def authenticated(self, token: str) -> Application | None:
        """Return the application that a token belongs to."""
        for application in self.applications.values():
            if secrets.compare_digest(application.token.encode(), token.encode()):
                return application
        return None

    # -- what there is from the beginning ---------------------------------------------------------------------------

    def add_user(self, name: str, *, bot: bool = False, locale: str = "en-US") -> User:
        """Add a user who is in no guild yet."""
        user = User(self.snowflakes.next(), name.lower(), None if bot else name, bot=bot, locale=locale)
        self.users[user.id] = user
        return user

    def add_application(self, name: str, owner: User) -> Application:
        """Add an application and its bot, in no guild yet."""
        bot = self.add_user(name, bot=True)
        bot.username, bot.presence = name, Presence("offline")
        beginning = base64.urlsafe_b64encode(str(bot.id).encode()).decode().rstrip("=")  # libraries read the id in it
        token = f"{beginning}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"
        application = self.applications[bot.id] = Application(bot.id, name, bot, owner, token)
        return application

    def add_guild(self, name: str, owner: User) -> Guild:
        """Add a guild with its owner and the role @everyone, and no channel."""
        guild = Guild(self.snowflakes.next(), name, owner.id)
        guild.roles[guild.id] = Role(guild.id, "@everyone", EVERYONE)
        self.guilds[guild.id] = guild
        self.add_member(guild, owner)
        return guild

    def add_member(self, guild: Guild, user: User, *roles: Role) -> Member:
        """Add a user to a guild, without news of it."""
        member = guild.members[user.id] = Member(user, self.now(), roles=[role.id for role in roles], clock=self.clock)
        return member

    def add_role(self, guild: Guild, name: str, permissions: Permissions = NONE, **values: Any) -> Role:
        """Add a role above the others, without news of it."""
        role = Role(self.snowflakes.next(), name, permissions, position=len(guild.roles), **values)
        guild.roles[role.id] = role
        return role

    def add_channel(
        self, guild: Guild, name: str, kind: ChannelType = ChannelType.TEXT, parent: Channel | None = None
    ) -> Channel:
        """Add a channel to a guild, without news of it."""
        channel = Channel(self.snowflakes.next(), kind, name, guild.id, position=len(guild.channels))
        channel.parent_id = parent.id if parent else None
        self.channels[channel.id] = guild.channels[channel.id] = channel
        return channel


def _found(things: dict[int, T], key: int, refusal: Refusal) -> T:
    try:
        return things[key]
    except KeyError:
        raise DiscordError(refusal) from None
