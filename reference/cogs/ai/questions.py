"""From a message of Discord to the text of a question: mentions as names, what is replied to, and attached texts."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import discord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.cogs.ai.config import AISettings

__all__ = ["AttachedText", "is_text", "question_in", "read_attachments"]

LONGEST_REPLIED = 500
"""Characters of a message that is replied to."""

TEXT_TYPES = ("text/", "application/json", "application/xml", "application/toml", "application/yaml")
_SUFFIXES = """
.c .cfg .conf .cpp .cs .css .csv .diff .go .h .html .ini .java .js .json .kt .log .lua .md .patch .php .py .rb
.rs .rst .sh .sql .srt .swift .tex .toml .ts .tsv .txt .xml .yaml .yml
"""
TEXT_SUFFIXES = frozenset(_SUFFIXES.split())
"""Endings of the names of text files, for those whose type nobody told."""


class AttachedText(NamedTuple):
    """A text file that came with a question.

    Attributes:
        name: of the file.
        content: the text; None where it was not read.
        problem: the key of the message that says why; empty where it was.
    """

    name: str
    content: str | None
    problem: str = ""


def question_in(message: discord.Message, me: discord.abc.User) -> str:
    """Return what a message asks: without the bot's own mention, and with names in place of other mentions.

    Args:
        message: the message.
        me: the bot.
    """
    text = re.sub(rf"<@!?{me.id}>", " ", message.content)
    names = {f"<@{person.id}>": person.display_name for person in message.mentions}
    names |= {f"<@!{person.id}>": person.display_name for person in message.mentions}
    names |= {role.mention: role.name for role in message.role_mentions}
    for mention, name in names.items():
        text = text.replace(mention, f"@{name}")
    replied = _replied_to(message, me)
    return f"{replied}{text.strip()}"


def _replied_to(message: discord.Message, me: discord.abc.User) -> str:
    """Quote the message that is replied to; the bot's own is known from the conversation."""
    replied = message.reference.resolved if message.reference else None
    if not isinstance(replied, discord.Message) or replied.author.id == me.id or not replied.content:
        return ""
    quote = replied.content[:LONGEST_REPLIED].replace("\n", "\n> ")
    return f"> {replied.author.display_name}: {quote}\n"


def is_text(attachment: discord.Attachment) -> bool:
    """Tell whether an attachment is a text file, by its type or its name."""
    kind = (attachment.content_type or "").lower()
    return kind.startswith(TEXT_TYPES) or PurePosixPath(attachment.filename.lower()).suffix in TEXT_SUFFIXES


async def read_attachments(attachments: Sequence[discord.Attachment], settings: AISettings) -> list[AttachedText]:
    """Read the text files among attachments; one that Discord does not give is told of like one that is too large.

    Args:
        attachments: what came with a question.
        settings: how many are read, and how large they may be.
    """
    found = [attachment for attachment in attachments if is_text(attachment)][: settings.attachments]
    return [await _read(attachment, settings.attachment_bytes) for attachment in found]


async def _read(attachment: discord.Attachment, largest: int) -> AttachedText:
    if attachment.size > largest:
        return AttachedText(attachment.filename, None, "ai.answer.too_large")
    try:
        return AttachedText(attachment.filename, _decoded(await attachment.read()))
    except (discord.HTTPException, aiohttp.ClientError, OSError):
        return AttachedText(attachment.filename, None, "ai.answer.unreadable")


def _decoded(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace").replace("\x00", "\ufffd")
