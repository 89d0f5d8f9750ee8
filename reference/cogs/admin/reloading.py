"""Reading an area anew while the bot runs: its modules, its texts and its commands, all of them or none."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from discord.ext import commands

from reference.cogs import FOLDER
from reference.texts import check_files
from reference.utils.localization import reload_locales

if TYPE_CHECKING:
    from pathlib import Path

    from reference.bot import Bot

__all__ = ["ReloadError", "reload_area"]


class ReloadError(Exception):
    """An area could not be read anew, and is as it was; the text is one line for the operator."""


async def reload_area(bot: Bot, area: str, folder: Path | None = None) -> bool:
    """Read an area anew; tell whether Discord had to be told of changed commands.

    Args:
        bot: the bot.
        area: one that is loaded.
        folder: where its files are; where the areas are by default.

    Raises:
        ReloadError: it cannot be loaded; the old one goes on.
    """
    folder = folder or FOLDER / area
    try:
        await asyncio.to_thread(_check, folder)
        importlib.invalidate_caches()
        await bot.reload_extension(f"{FOLDER.parent.name}.{FOLDER.name}.{area}")
    except (commands.ExtensionError, SyntaxError, ValueError, OSError) as error:
        raise ReloadError(_sentence(error)) from error
    bot.texts.add(folder)
    reload_locales()
    return await bot.sync_commands()


def _check(folder: Path) -> None:
    """Find what is broken before anything is stopped for it.

    Raises:
        SyntaxError: a file is no Python.
        ValueError: a file is no JSON, or no UTF-8.
        OSError: a file cannot be read.
    """
    for file in sorted(folder.rglob("*.py")):
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    check_files(folder)


def _sentence(error: BaseException) -> str:
    """Say in one line what was wrong with an area."""
    if isinstance(error, commands.ExtensionFailed):
        error = error.original
    if isinstance(error, SyntaxError):
        return f"{error.filename} line {error.lineno}: {error.msg}"
    return f"{type(error).__name__}: {error}".partition("\n")[0][:300]
