"""Strangers' text shown as text: no markup, no mention, no link, on one line."""

from __future__ import annotations

import re

from discord.utils import escape_mentions

__all__ = ["shown"]

LONGEST = 100
"""Characters of a title or a name that are shown."""

_SPACES = re.compile(r"\s+")
_INVISIBLE = re.compile("[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MARKUP = re.compile(r"[\\`*_~|\[\]<>#]|^-")


def shown(text: str, longest: int = LONGEST) -> str:
    """Make a title or a name safe to be shown in a message.

    Args:
        text: as a stranger wrote it.
        longest: characters that are kept, before escaping.
    """
    line = _INVISIBLE.sub("", _SPACES.sub(" ", text)).strip()
    line = line if len(line) <= longest else f"{line[: longest - 1]}…"
    return escape_mentions(_MARKUP.sub(r"\\\g<0>", line)).replace("://", ":\u200b//")
