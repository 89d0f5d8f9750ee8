"""What is shown of links: a card for each page that was read, a line for each that was not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import discord
from yarl import URL

from reference.utils.localization import get_message

if TYPE_CHECKING:
    from reference.cogs.links.reader import Reading
    from reference.cogs.links.reasons import Reason

__all__ = ["page_embed", "plain", "refusal_line"]

COLOUR = discord.Colour.dark_teal()
_MARKS = re.compile(r"[\\*_~|`\[\]<>#]|^-", re.MULTILINE)
LONGEST_TITLE = 256
LONGEST_DESCRIPTION = 4096
LONGEST_LINK = 60
"""Characters of a link that is quoted."""


def page_embed(reading: Reading, summary: str, language: str, model: str | None = None) -> discord.Embed:
    """Show a page.

    Args:
        reading: the page.
        summary: of its text.
        language: the reader's.
        model: who summarised it; None where the summary is made of the page's own sentences.
    """
    parts = [f"*{plain(reading.description)}*"] if reading.description and reading.description not in summary else []
    parts += [plain(summary)] if summary else []
    embed = discord.Embed(
        title=_cut(plain(reading.title), LONGEST_TITLE),
        description=_cut("\n\n".join(parts), LONGEST_DESCRIPTION),
        url=reading.url,
        colour=COLOUR,
    )
    host = URL(reading.url).host or ""
    key = "links.summary_extract" if model is None else "links.summary_ai"
    return embed.set_footer(text=get_message(key, language, host=host, model=model))


def refusal_line(url: str, reason: Reason, language: str) -> str:
    """Say that a link was not opened, or could not be read, and why.

    Args:
        url: as it was written.
        reason: why.
        language: the reader's.
    """
    key = "links.refused" if reason.is_refusal else "links.unavailable"
    return get_message(key, language, link=_quoted(url), reason=get_message(reason.key, language, **reason.values))


def plain(text: str) -> str:
    """Make a page's words plain in an embed: they format nothing, link nowhere and call nobody."""
    return discord.utils.escape_mentions(_MARKS.sub(r"\\\g<0>", text))


def _quoted(url: str) -> str:
    """Quote a link so that nobody can follow it and it formats nothing."""
    line = " ".join(url.replace("`", "'").split())
    return f"`{_cut(line, LONGEST_LINK)}`"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip("\\ ") + "…"
