"""Refusals in kind sentences."""

from __future__ import annotations

from typing import Any

from localdiscord.errors import DiscordError, Refusal

__all__ = ["sentence"]

SENTENCES = {
    Refusal.MISSING_ACCESS: "You do not see that channel.",
    Refusal.MISSING_PERMISSIONS: "You are not allowed to do that here.",
    Refusal.EMPTY_MESSAGE: "A message needs some words or a file.",
    Refusal.UNKNOWN_MESSAGE: "That message is not there any more.",
    Refusal.UNKNOWN_CHANNEL: "That channel is not there any more.",
    Refusal.UNKNOWN_MEMBER: "They are not on this server any more.",
    Refusal.UNKNOWN_INTERACTION: "That has run out; begin again.",
    Refusal.CANNOT_EDIT_OTHERS: "You can change only your own messages.",
    Refusal.CANNOT_DM: "They take no direct messages from you.",
}


def sentence(error: Exception) -> str:
    """Say in a sentence why something was refused."""
    cause = error if isinstance(error, DiscordError) else error.__cause__
    if isinstance(cause, DiscordError):
        details = " ".join(_messages(cause.errors or {}))
        return SENTENCES.get(cause.refusal) or details or f"{cause.refusal.message.rstrip('.')}."
    words = str(error)
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith((".", "!", "?")) else ".")


def _messages(errors: Any) -> list[str]:
    """Return the messages of Discord's nested errors."""
    if isinstance(errors, list):
        return [entry["message"] for entry in errors]
    return [message for entry in errors.values() for message in _messages(entry)]
