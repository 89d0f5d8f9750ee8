"""Music in voice channels: from the media folder, from what was attached, and from the web."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]

TABLES = {"music_player", "music_queue"}


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    from .cog import Music  # noqa: PLC0415  settings import this package before discord.py is needed
    from .extractor import Extractor  # noqa: PLC0415
    from .jukebox import Jukebox  # noqa: PLC0415
    from .library import Library  # noqa: PLC0415
    from .resolver import Resolver  # noqa: PLC0415
    from .store import PlayerStore  # noqa: PLC0415
    from .uploads import Delivered, Uploads  # noqa: PLC0415
    from .views import Controls, PageButton  # noqa: PLC0415

    settings = bot.settings.music
    searches_web = bot.settings.token is not None if settings.searches_web is None else settings.searches_web
    uploads = Uploads(bot.settings.data / "uploads", largest=settings.upload_bytes)
    extractor = Extractor(watch=bot.watch)
    resolver = Resolver(Library(bot.settings.media), uploads, extractor, searches_web=searches_web)
    store = PlayerStore(bot.database)
    jukebox = Jukebox(bot, store, resolver, settings, lambda player: Controls(music, player))
    music = Music(bot, jukebox, Delivered())
    await bot.add_cog(music)
    bot.persistent.add(music, Controls(music), PageButton)
    bot.ending.before_leaving("music", jukebox.close)
    bot.privacy.register("music", store.tracks_of_user, jukebox.forget_user, tables=TABLES)
