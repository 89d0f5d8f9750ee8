"""What goes with a channel when it is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import guilds, scheduled_events, voice

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.world import World

__all__ = ["clear"]


def clear(world: World, guild: Guild, channel: Channel) -> None:
    """Take away what cannot be without a channel: who is in it, its stage, events, webhooks, invites, settings."""
    for state in [each for each in guild.voice_states.values() if each.channel_id == channel.id]:
        voice.leave(world, guild, state.member.user)
    scheduled_events.forget_channel(world, guild, channel)
    for webhook in [each for each in world.webhooks.values() if each.channel_id == channel.id]:
        del world.webhooks[webhook.id]
    for code in [code for code, invite in world.invites.items() if invite.channel is channel]:
        del world.invites[code]
    guilds.forget_channel(world, guild, channel)
