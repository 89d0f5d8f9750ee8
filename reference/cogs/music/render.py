"""What people see of the music: embeds, made of the state alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import discord

from reference.utils.localization import get_message

from .markup import shown
from .track import clock_text

if TYPE_CHECKING:
    from .player import Player
    from .track import Track
    from .track_queue import TrackQueue

__all__ = ["PAGE", "label", "now_playing", "page_count", "queue_page"]

PAGE = 10
"""Tracks on a page of the queue."""

BAR = 18
"""Characters of the bar that shows the position."""

COLOUR = discord.Colour(0x5865F2)


def label(track: Track) -> str:
    """Name a track in a message, with a link to its page if it has one that is safe to link to."""
    title = shown(track.title)
    page = track.page or ""
    is_plain = page.startswith("https://") and not set(page) & set(" ()<>[]\\\n")
    return f"[{title}](<{page}>)" if is_plain else f"**{title}**"


def now_playing(player: Player, language: str) -> discord.Embed:
    """Show what is played, how far it is, and what follows."""
    track = player.queue.current
    if track is None:
        return discord.Embed(description=get_message("music.idle", language), colour=COLOUR)
    key = "music.panel_paused" if player.is_paused else "music.panel_playing"
    embed = discord.Embed(title=get_message(key, language), description=label(track), colour=COLOUR)
    embed.add_field(
        name=get_message("music.panel_position", language),
        value=f"{bar(player.position, track.duration)} {clock_text(player.position)} / {clock_text(track.duration)}",
        inline=False,
    )
    embed.add_field(name=get_message("music.panel_requester", language), value=f"<@{track.requester_id}>")
    loop = get_message(f"music.loop_{player.queue.loop}", language)
    embed.add_field(name=get_message("music.panel_loop", language), value=loop)
    embed.add_field(name=get_message("music.panel_volume", language), value=f"{round(player.volume * 100)} %")
    if player.queue.upcoming:
        embed.add_field(
            name=get_message("music.panel_next", language), value=label(player.queue.upcoming[0]), inline=False
        )
    waiting = len(player.queue.upcoming)
    embed.set_footer(text=get_message("music.queue_length", language, count=waiting))
    return embed


def bar(position: float, duration: float | None) -> str:
    """Draw how far a track is."""
    if not duration:
        return "─" * BAR
    place = min(BAR - 1, max(0, int(BAR * position / duration)))
    return "━" * place + "●" + "─" * (BAR - 1 - place)


def page_count(queue: TrackQueue) -> int:
    """Return how many pages a queue has; an empty one has one."""
    return max(1, math.ceil(len(queue.upcoming) / PAGE))


def queue_page(queue: TrackQueue, page: int, language: str) -> discord.Embed:
    """Show a page of the queue.

    Args:
        queue: the queue.
        page: from 1; one beyond the end is the last.
        language: of the reader.
    """
    page = min(max(1, page), page_count(queue))
    begin = (page - 1) * PAGE
    lines = [
        f"`{place}.` {label(track)} · {clock_text(track.duration)} · <@{track.requester_id}>"
        for place, track in enumerate(queue.upcoming[begin : begin + PAGE], begin + 1)
    ]
    if queue.current is not None:
        lines.insert(0, get_message("music.now_playing", language, title=label(queue.current)) + "\n")
    embed = discord.Embed(
        title=get_message("music.queue_length", language, count=len(queue.upcoming)),
        description="\n".join(lines) or get_message("music.queue_empty", language),
        colour=COLOUR,
    )
    pages = {"page": page, "pages": page_count(queue), "time": clock_text(queue.remaining)}
    return embed.set_footer(text=get_message("music.queue_footer", language, **pages))
