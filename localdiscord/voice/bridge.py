"""Between the world and the voice server: whoever enters a channel is let in, whoever leaves is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import voice as actions
from localdiscord.errors import DiscordError
from localdiscord.model.world import Event

if TYPE_CHECKING:
    from localdiscord.gateway.session import Session
    from localdiscord.model.voice_state import VoiceState
    from localdiscord.model.world import World
    from localdiscord.voice.server import VoiceServer

__all__ = ["VoiceBridge"]


class VoiceBridge:
    """Keeps the voice server to what the world says.

    Args:
        world: the world; the bridge listens to it from now on.
        voice: the voice server.
    """

    def __init__(self, world: World, voice: VoiceServer) -> None:
        self.world = world
        self.voice = voice
        world.listeners.append(self._hear)

    def ask(self, session: Session, data: dict[str, Any]) -> None:
        """Act on a bot's wish to join, move, mute itself or leave (gateway op 4); what it may not is passed over."""
        guild = self.world.guilds.get(int(data["guild_id"]))
        user = session.application.bot
        if guild is None or user.id not in guild.members:
            return
        if data.get("channel_id") is None:
            actions.leave(self.world, guild, user)
            return
        channel = guild.channels.get(int(data["channel_id"]))
        if channel is None:
            return
        muted = {name: bool(data.get(name)) for name in ("self_mute", "self_deaf")}
        try:
            actions.join(self.world, channel, user, session_id=session.id, **muted)
        except DiscordError:
            return

    def forget(self, session: Session) -> None:
        """Take a bot out of voice whose gateway session is over."""
        bot = session.application.bot
        for guild in session.guilds():
            state = guild.voice_states.get(bot.id)
            if state is not None and state.session_id == session.id:
                actions.leave(self.world, guild, bot)

    def _hear(self, event: Event) -> None:
        if event.name != "VOICE_STATE_UPDATE" or event.guild_id is None:
            return
        user = self.world.users[int(event.data["user_id"])]
        state = self.world.guild(event.guild_id).voice_states.get(user.id)
        if state is None:
            self.voice.dismiss(event.guild_id, user.id)
        elif user.bot:
            self._follow(state)

    def _follow(self, state: VoiceState) -> None:
        """Let a bot in where it is now; a client that merely lost its voice connection is told the way again."""
        guild_id, user = state.guild_id, state.member.user
        session = self.voice.session(guild_id, user.id)
        place = (state.channel_id, state.session_id)
        if session is None or (session.channel_id, session.session_id) != place:
            self._tell(state, self.voice.admit(guild_id, state.channel_id or 0, user.id, state.session_id))
        elif session.identified and session.outlet is None:
            self._tell(state, self.voice.update_for(session))
        self.voice.silence(guild_id, user.id, mute=not state.is_heard, deaf=not state.hears)

    def _tell(self, state: VoiceState, update: dict[str, Any]) -> None:
        self.world.emit(Event("VOICE_SERVER_UPDATE", update, guild_id=state.guild_id, only=state.member.user.id))
