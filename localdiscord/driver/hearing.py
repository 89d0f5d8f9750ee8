"""Going into voice channels and out of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import voice
from localdiscord.driver.acting import Acting, place
from localdiscord.driver.errors import HumanlyImpossibleError, humanly

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User

__all__ = ["Hearing"]


class Hearing(Acting):
    """Somebody who talks."""

    def join_voice(self, channel: Channel, *, mute: bool = False, deaf: bool = False) -> None:
        """Go into a voice channel, or change what is muted.

        Raises:
            HumanlyImpossibleError: they may not enter it, or it is none for voice.
        """
        self.require_sight(channel)
        with humanly(f"{self.name} cannot enter {place(channel)}"):
            voice.join(self.world, channel, self.user, self_mute=mute, self_deaf=deaf)

    def leave_voice(self, channel: Channel) -> None:
        """Go out of a voice channel.

        Raises:
            HumanlyImpossibleError: they are not in it.
        """
        guild = self._guild_of(channel)
        state = guild.voice_states.get(self.user.id)
        if state is None or state.channel_id != channel.id:
            raise HumanlyImpossibleError(f"{self.name} is not in {place(channel)}.")
        voice.leave(self.world, guild, self.user)

    def move_to_voice(self, user: User, channel: Channel) -> None:
        """Move somebody, or a bot, to another voice channel.

        Raises:
            HumanlyImpossibleError: this person may not, or the other is in no channel.
        """
        with humanly(f"{self.name} cannot move {user.username} to {place(channel)}"):
            voice.move(self.world, self.user, self._guild_of(channel), user, channel)

    def disconnect_from_voice(self, user: User, channel: Channel) -> None:
        """Take somebody, or a bot, out of a voice channel.

        Raises:
            HumanlyImpossibleError: this person may not, or the other is in no channel.
        """
        with humanly(f"{self.name} cannot disconnect {user.username}"):
            voice.disconnect(self.world, self.user, self._guild_of(channel), user)

    def _guild_of(self, channel: Channel) -> Guild:
        return self.world.guild(channel.guild_id or 0)
