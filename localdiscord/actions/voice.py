"""Voice channels: joining, leaving, moving, muting; the voice server hears of it through the events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in, require, require_in_guild
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.channel import ChannelType
from localdiscord.model.voice_state import VoiceState
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions, in_guild

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["announce", "deafen", "disconnect", "join", "leave", "move", "mute", "speak", "state_of"]

VOICE = (ChannelType.VOICE, ChannelType.STAGE)


def join(
    world: World,
    channel: Channel,
    user: User,
    *,
    session_id: str | None = None,
    self_mute: bool = False,
    self_deaf: bool = False,
) -> VoiceState:
    """Go into a voice channel, out of the one before; in the same channel, change what is muted.

    Args:
        world: the world.
        channel: the voice channel.
        user: who.
        session_id: of the client; None for a new one.
        self_mute: whether the own microphone is off.
        self_deaf: whether the own sound is off.

    Raises:
        DiscordError: the channel is none for voice, is full, or the user may not enter it.
    """
    guild = _guild_of(world, channel)
    before = guild.voice_states.get(user.id)
    if before is None or before.channel_id != channel.id:
        require(world, channel, user, Permissions.CONNECT)
        _require_room(guild, channel, user)
    state = VoiceState(guild.member(user.id), guild.id, channel.id, self_mute=self_mute, self_deaf=self_deaf)
    state.session_id = session_id or (before.session_id if before else state.session_id)
    _place(world, guild, channel, state)
    return state


def leave(world: World, guild: Guild, user: User) -> None:
    """Go out of voice; nothing happens to somebody who is in no channel."""
    state = guild.voice_states.pop(user.id, None)
    if state is not None:
        state.channel_id = None
        announce(world, state)


def move(world: World, actor: User, guild: Guild, user: User, channel: Channel) -> None:
    """Move somebody to another voice channel.

    Raises:
        DiscordError: the actor may not, the person is in no channel, or it is none for voice.
    """
    _guild_of(world, channel)
    require_in_guild(guild, actor, Permissions.MOVE_MEMBERS)
    require(world, channel, actor, Permissions.CONNECT)
    state = state_of(guild, user)
    if state.channel_id != channel.id:
        _place(world, guild, channel, state)


def disconnect(world: World, actor: User, guild: Guild, user: User) -> None:
    """Take somebody out of voice; raises DiscordError where the actor may not, or the person is in no channel."""
    require_in_guild(guild, actor, Permissions.MOVE_MEMBERS)
    state_of(guild, user)
    leave(world, guild, user)


def mute(world: World, actor: User, guild: Guild, user: User, *, on: bool) -> None:
    """Have the server pass somebody's audio to nobody, or pass it again; raises DiscordError as `disconnect` does."""
    require_in_guild(guild, actor, Permissions.MUTE_MEMBERS)
    state = state_of(guild, user)
    state.member.mute = on
    announce(world, state)


def deafen(world: World, actor: User, guild: Guild, user: User, *, on: bool) -> None:
    """Have the server pass nothing to somebody, or pass it again; raises DiscordError as `disconnect` does."""
    require_in_guild(guild, actor, Permissions.DEAFEN_MEMBERS)
    state = state_of(guild, user)
    state.member.deaf = on
    announce(world, state)


def speak(world: World, actor: User, guild: Guild, user: User, changes: dict[str, Any]) -> None:
    """Bring somebody to speak on a stage, or back to listen; ask to speak.

    Args:
        world: the world.
        actor: who does it.
        guild: where.
        user: whom.
        changes: `suppress`, and `requested_at` for oneself, where they change.

    Raises:
        DiscordError: the actor may not, the person is in no channel, or it is no stage.
    """
    state = state_of(guild, user)
    channel = guild.channels[state.channel_id or 0]
    if channel.type is not ChannelType.STAGE:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    if actor is not user or changes.get("suppress") is False:
        require(world, channel, actor, Permissions.MUTE_MEMBERS)
    if changes.get("requested_at") is not None:
        require(world, channel, actor, Permissions.REQUEST_TO_SPEAK)
    for name, value in changes.items():
        setattr(state, name, value)
    announce(world, state)


def state_of(guild: Guild, user: User) -> VoiceState:
    """Return somebody's voice state.

    Raises:
        DiscordError: the person is no member, or in no voice channel.
    """
    guild.member(user.id)
    state = guild.voice_states.get(user.id)
    if state is None:
        raise DiscordError(Refusal.NOT_CONNECTED)
    return state


def announce(world: World, state: VoiceState) -> None:
    """Tell of a voice state."""
    world.emit(Event("VOICE_STATE_UPDATE", state.payload(), Intents.GUILD_VOICE_STATES, state.guild_id))


def _place(world: World, guild: Guild, channel: Channel, state: VoiceState) -> None:
    state.channel_id = channel.id
    state.suppress = Permissions.SPEAK not in permissions_in(world, channel, state.member.user)
    guild.voice_states[state.member.user.id] = state
    announce(world, state)


def _guild_of(world: World, channel: Channel) -> Guild:
    if channel.type not in VOICE or channel.guild_id is None:
        raise invalid_form("channel_id", "CHANNEL_INVALID_TYPE", "Invalid channel type")
    return world.guild(channel.guild_id)


def _require_room(guild: Guild, channel: Channel, user: User) -> None:
    present = sum(state.channel_id == channel.id for state in guild.voice_states.values())
    if not channel.user_limit or present < channel.user_limit:
        return
    if Permissions.MOVE_MEMBERS not in in_guild(guild, guild.member(user.id)):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
