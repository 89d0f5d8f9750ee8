"""Whom a player deals with: what carries its sound, and who is told what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errors import MusicError
    from .player import Player
    from .track import Track

__all__ = ["Listener", "Voice"]


class Voice(Protocol):
    """What is used of `discord.VoiceClient`."""

    def is_connected(self) -> bool:
        """Tell whether sound can be sent."""

    def play(self, source: Any, *, after: Callable[[Exception | None], object]) -> None:
        """Send a source from a thread, and tell when it ended."""

    def stop(self) -> None:
        """End the source."""

    def pause(self) -> None:
        """Send nothing for now."""

    def resume(self) -> None:
        """Go on sending."""


class Listener(Protocol):
    """Who is told what a player does; nothing of it may raise or block."""

    def changed(self, player: Player, /) -> None:
        """Something else is played, or in another way."""

    def progressed(self, player: Player, /) -> None:
        """The current track has gone on a little."""

    def failed(self, player: Player, track: Track, error: MusicError, /) -> None:
        """A track could not be played; the next one follows."""

    def gave_up(self, player: Player, /) -> None:
        """Several tracks in a row could not be played; the player stands still."""
