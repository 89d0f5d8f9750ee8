"""What is heard in voice channels: who plays, and how many packets have come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.voice.server import VoiceServer

__all__ = ["Ear"]


class Ear:
    """Tells what has been heard since it listened last.

    Args:
        voice: the voice server.
    """

    def __init__(self, voice: VoiceServer) -> None:
        self._voice = voice
        self._before: dict[int, dict[str, dict[str, Any]]] = {}
        self._packets: dict[tuple[int, int], int] = {}

    def listen(self, guild: Guild) -> dict[str, dict[str, Any]] | None:
        """Return what is heard of the members in voice, by their ids; None where it is what it was."""
        now = {}
        for user_id, state in guild.voice_states.items():
            if state.channel_id is None or self._voice.session(guild.id, user_id) is None:
                continue
            heard = self._voice.heard(guild.id, user_id)
            playing = heard.packets > self._packets.get((guild.id, user_id), 0)
            self._packets[guild.id, user_id] = heard.packets
            now[str(user_id)] = {"packets": heard.packets, "seconds": round(heard.seconds), "playing": playing}
        if now == self._before.get(guild.id, {}):
            return None
        self._before[guild.id] = now
        return now
