"""What each filter finds in a message: rules without Discord."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from .normal import Spelling, says, spelled
from .policy import Caps, Filter, Mentions

if TYPE_CHECKING:
    from collections.abc import Callable

    from .policy import Policy, Rule

__all__ = ["Message", "find"]

INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u200e\u200f"))
INVITE = re.compile(
    r"(?:discord(?:app)?\s*\.\s*com\s*/\s*invite|discord\s*\.\s*(?:gg|me|io|li)|dsc\s*\.\s*gg)\s*/\s*[\w-]{2,}",
    re.IGNORECASE,
)
LINK = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'`|]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """A message as filters see it.

    Attributes:
        content: what it says.
        mentions: how many different users and roles it mentions; everyone counts as many.
        files: the names of its attachments.
        roles: ids of its author's roles.
        places: ids of its channel, and of the thread's channel and the category above.
    """

    content: str
    mentions: int = 0
    files: tuple[str, ...] = ()
    roles: frozenset[int] = frozenset()
    places: frozenset[int] = frozenset()

    def is_exempt(self, rule: Rule) -> bool:
        """Tell whether a rule leaves the message alone."""
        return not self.roles.isdisjoint(rule.exempt_roles) or not self.places.isdisjoint(rule.exempt_channels)


def find(policy: Policy, message: Message) -> Filter | None:
    """Return the first filter that takes offence at a message; spam is counted elsewhere.

    Args:
        policy: of the guild.
        message: the message.
    """
    for name in policy.enabled():
        rule = policy.rule(name)
        if name in CHECKS and not message.is_exempt(rule) and CHECKS[name](rule, message):
            return name
    return None


def _has_banned_word(rule: Rule, message: Message) -> bool:
    text = Spelling.of(message.content)
    return any(says(text, spelled(word)) for word in rule.entries)


def _has_invite(_rule: Rule, message: Message) -> bool:
    return INVITE.search(message.content.translate(INVISIBLE)) is not None


def _has_foreign_link(rule: Rule, message: Message) -> bool:
    allowed = [entry.casefold().removeprefix("www.") for entry in rule.entries]
    return any(not _is_allowed(match[0], allowed) for match in LINK.finditer(message.content.translate(INVISIBLE)))


def _is_allowed(url: str, allowed: list[str]) -> bool:
    try:
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return False
    return any(host == domain or host.endswith(f".{domain}") for domain in allowed)


def _has_many_mentions(rule: Rule, message: Message) -> bool:
    return message.mentions > cast("Mentions", rule).most


def _has_banned_file(rule: Rule, message: Message) -> bool:
    banned = {entry.casefold().lstrip("*.") for entry in rule.entries}
    return any(not banned.isdisjoint(_endings(name)) for name in message.files)


def _endings(filename: str) -> set[str]:
    """Return all endings of a name: `picture.exe.png` has two; dots at the end hide none."""
    name = filename.translate(INVISIBLE).casefold().rstrip(". ")
    return {ending.removeprefix(".") for ending in PurePosixPath(name).suffixes}


def _is_shouted(rule: Rule, message: Message) -> bool:
    caps = cast("Caps", rule)
    upper = sum(each.isupper() for each in message.content)
    letters = upper + sum(each.islower() for each in message.content)
    return letters >= caps.letters and upper * 100 >= letters * caps.percent


CHECKS: dict[Filter, Callable[[Rule, Message], bool]] = {
    Filter.WORDS: _has_banned_word,
    Filter.INVITES: _has_invite,
    Filter.LINKS: _has_foreign_link,
    Filter.MENTIONS: _has_many_mentions,
    Filter.ATTACHMENTS: _has_banned_file,
    Filter.CAPS: _is_shouted,
}
