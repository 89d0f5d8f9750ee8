"""Who may direct the music: whoever listens, unless the guild named a role for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from reference.refusals import Refused

if TYPE_CHECKING:
    from reference.guilds import GuildConfig

__all__ = ["Channel", "channel_of", "people_in", "require_direction", "require_listening"]

Channel = discord.VoiceChannel | discord.StageChannel


def channel_of(member: discord.Member) -> Channel | None:
    """Return the voice channel that a member is in."""
    return member.voice.channel if member.voice is not None else None


def people_in(channel: Channel) -> list[discord.Member]:
    """Return the people in a voice channel, bots left out."""
    return [member for member in channel.members if not member.bot]


def require_listening(member: discord.Member, playing_in: Channel | None) -> Channel:
    """Return the voice channel of a member, which is the one that the bot plays in if it plays in one.

    Raises:
        Refused: the member is in none, or in another one.
    """
    channel = channel_of(member)
    if channel is None:
        raise Refused("music.join_first")
    if playing_in is not None and channel.id != playing_in.id:
        raise Refused("music.join_same", channel=playing_in.mention)
    return channel


def require_direction(member: discord.Member, channel: Channel, config: GuildConfig) -> None:
    """Refuse who may not direct: where the guild named a role, it is its members, managers, and who listens alone.

    Args:
        member: who wants to.
        channel: the voice channel of the member.
        config: what the guild chose.

    Raises:
        Refused: somebody else has to.
    """
    role = member.guild.get_role(config.dj_role_id) if config.dj_role_id is not None else None
    if role is None or role in member.roles or channel.permissions_for(member).manage_guild:
        return
    if any(other.id != member.id for other in people_in(channel)):
        raise Refused("music.dj_only", role=role.mention)
