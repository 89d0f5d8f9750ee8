"""The message that tells what is played: one in a guild, kept up to date, never edited more often than needed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import discord

from reference.utils.monitoring.structured_logger import get_logger

from .render import now_playing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.bot import Bot

    from .player import Player
    from .track import Track

__all__ = ["Panel"]

log = get_logger(__name__)

STEP_SECONDS = 10.0
"""How much music lies between two edits that do nothing but move the position on."""


class Panel:
    """Shows a player in its text channel.

    A refresh while another one is under way is done once afterwards, however many there were. A new track is shown at
    the end of the channel: the old message is edited if it is the last one, and else replaced.

    Args:
        bot: the bot.
        player: what is shown.
        view: makes the buttons.
        save: keeps the id of the message.
    """

    def __init__(
        self,
        bot: Bot,
        player: Player,
        view: Callable[[Player], discord.ui.View],
        save: Callable[[], Awaitable[None]],
    ) -> None:
        self._bot = bot
        self._player = player
        self._view = view
        self._save = save
        self._is_due = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._shown: tuple[Any, ...] | None = None
        self._track: Track | None = None
        self._position = 0.0

    def progress(self) -> None:
        """Have the message brought up to date if it shows an old position."""
        if abs(self._player.position - self._position) >= STEP_SECONDS:
            self.refresh()

    def refresh(self) -> None:
        """Have the message brought up to date soon."""
        self._is_due.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"now playing in guild {self._player.guild_id}")

    async def close(self) -> None:
        """Stop; what is due is not shown any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            try:
                await self._show()
            except Exception as error:  # noqa: BLE001  the music goes on, whatever becomes of its message
                log.warning("what is played cannot be shown", guild=self._player.guild_id, error=repr(error))

    async def _show(self) -> None:
        player = self._player
        channel: Any = self._bot.get_channel(player.text_channel_id or 0)
        if channel is None or (player.queue.current is None and player.message_id is None):
            return
        position = player.position
        embed = now_playing(player, await self._bot.language(channel.guild))
        state = (channel.id, player.message_id, embed.to_dict(), player.queue.loop, player.is_paused)
        if state == self._shown:
            return
        is_other = self._track is not None and player.queue.current not in {None, self._track}
        view = self._view(player) if player.queue.current is not None else None
        await self._put(channel, embed, view, is_other=is_other)
        self._track, self._position = player.queue.current, position
        self._shown = (channel.id, player.message_id, embed.to_dict(), player.queue.loop, player.is_paused)

    async def _put(self, channel: Any, embed: discord.Embed, view: discord.ui.View | None, *, is_other: bool) -> None:
        """Edit the message, or send it anew where it is gone or too far up."""
        old = channel.get_partial_message(self._player.message_id) if self._player.message_id else None
        if old is not None and (not is_other or channel.last_message_id == old.id):
            with contextlib.suppress(discord.NotFound):
                await old.edit(embed=embed, view=view)
                return
        options = {"view": view} if view is not None else {}
        sent = await channel.send(embed=embed, silent=True, **options)
        self._player.message_id = sent.id
        await self._save()
        if old is not None:
            with contextlib.suppress(discord.HTTPException):
                await old.delete()
