"""Rules of Discord's automatic moderation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Deed", "Rule", "Trigger"]


class Trigger(IntEnum):
    """What a rule looks at."""

    KEYWORD = 1
    SPAM = 3
    KEYWORD_PRESET = 4
    MENTION_SPAM = 5
    MEMBER_PROFILE = 6


class Deed(IntEnum):
    """What a rule does."""

    BLOCK = 1
    ALERT = 2
    TIMEOUT = 3
    BLOCK_MEMBER = 4


@dataclass
class Rule:
    """A rule.

    Attributes:
        event: 1 is a message, 2 a change of a member.
        actions: what it does, as Discord writes it.
        metadata: what it looks for, as Discord writes it.
    """

    id: int
    guild_id: int
    creator_id: int
    name: str
    trigger: Trigger
    actions: list[dict[str, Any]]
    event: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)
    enabled: bool = False
    exempt_roles: list[int] = field(default_factory=list)
    exempt_channels: list[int] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return the rule as Discord writes it."""
        return {
            "id": str(self.id),
            "guild_id": str(self.guild_id),
            "creator_id": str(self.creator_id),
            "name": self.name,
            "event_type": self.event,
            "trigger_type": int(self.trigger),
            "trigger_metadata": self.metadata,
            "actions": self.actions,
            "enabled": self.enabled,
            "exempt_roles": [str(role) for role in self.exempt_roles],
            "exempt_channels": [str(channel) for channel in self.exempt_channels],
        }

    def match(self, content: str, mentions: int) -> tuple[str | None, str] | None:
        """Return the keyword and the text that a message breaks the rule with; None where it breaks none.

        Args:
            content: what the message says.
            mentions: how many different users and roles it mentions.
        """
        if self.trigger is Trigger.MENTION_SPAM:
            return (None, content) if mentions > (self.metadata.get("mention_total_limit") or 20) else None
        if self.trigger is not Trigger.KEYWORD:
            return None
        allowed = [_pattern(word) for word in self.metadata.get("allow_list", ())]
        if found := _first(((word, _pattern(word)) for word in self.metadata.get("keyword_filter", ())), content):
            return None if any(pattern.search(found[1]) for pattern in allowed) else found
        expressions = ((text, re.compile(text, re.IGNORECASE)) for text in self.metadata.get("regex_patterns", ()))
        return _first(expressions, content)


def _first(patterns: Iterable[tuple[str, re.Pattern[str]]], content: str) -> tuple[str, str] | None:
    return next(((word, found[0]) for word, pattern in patterns if (found := pattern.search(content))), None)


def _pattern(word: str) -> re.Pattern[str]:
    """Return what a keyword stands for: a whole word, or part of one where a star stands before or after it."""
    core = re.escape(word.strip("*").strip())
    before = r"\w*" if word.startswith("*") else r"(?<!\w)"
    after = r"\w*" if word.endswith("*") else r"(?!\w)"
    return re.compile(f"{before}{core}{after}", re.IGNORECASE)
