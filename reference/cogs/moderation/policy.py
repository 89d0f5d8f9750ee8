"""What the filters of a guild shall do: a document that is checked wherever it comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FILTERS", "Caps", "Escalation", "Filter", "Mentions", "Policy", "Response", "Rule", "Spam"]

MOST_ENTRIES = 500
MOST_EXEMPT = 50

Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Entries = Annotated[tuple[Word, ...], Field(max_length=MOST_ENTRIES)]
Ids = Annotated[tuple[Annotated[int, Field(ge=1, lt=2**63)], ...], Field(max_length=MOST_EXEMPT)]


class Filter(StrEnum):
    """The filters, in the order in which they look at a message."""

    WORDS = "words"
    INVITES = "invites"
    LINKS = "links"
    MENTIONS = "mentions"
    ATTACHMENTS = "attachments"
    CAPS = "caps"
    SPAM = "spam"


class Response(StrEnum):
    """What happens to a message and its author; the message is deleted in any case."""

    DELETE = "delete"
    WARN = "warn"
    TIMEOUT = "timeout"


class Document(BaseModel):
    """A part of a policy: nothing unknown, nothing of another type, nothing changed in place."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(Document):
    """A filter of a guild.

    Attributes:
        enabled: whether it looks.
        action: what it does.
        exempt_roles: ids of roles whose members it leaves alone.
        exempt_channels: ids of channels and categories that it leaves alone.
        entries: banned words, allowed domains or banned kinds of file, as the filter needs them.
    """

    enabled: bool = False
    action: Response = Response.DELETE
    exempt_roles: Ids = ()
    exempt_channels: Ids = ()
    entries: Entries = ()


class Mentions(Rule):
    """How many different users and roles a message may mention."""

    most: int = Field(default=5, ge=1, le=100)


class Caps(Rule):
    """From how many letters on a message may not consist of capitals, and how many percent are too many."""

    letters: int = Field(default=12, ge=4, le=1000)
    percent: int = Field(default=70, ge=10, le=100)


class Spam(Rule):
    """How many messages within how many seconds, and how often the same one within a minute."""

    messages: int = Field(default=6, ge=2, le=100)
    seconds: int = Field(default=8, ge=1, le=600)
    duplicates: int = Field(default=3, ge=2, le=50)


class Attachments(Rule):
    """Which kinds of file are not taken."""

    entries: Entries = ("exe", "scr", "bat", "cmd", "com", "msi", "vbs", "ps1", "jar", "lnk")


class Escalation(Document):
    """After how many warnings within how many hours a time-out follows, and for how many minutes."""

    enabled: bool = False
    warnings: int = Field(default=3, ge=2, le=20)
    hours: int = Field(default=24, ge=1, le=24 * 90)
    minutes: int = Field(default=60, ge=1, le=28 * 24 * 60)


class Policy(Document):
    """What the filters of a guild shall do.

    Attributes:
        timeout_minutes: for how long a filter's time-out lasts.
    """

    words: Rule = Rule()
    invites: Rule = Rule()
    links: Rule = Rule()
    mentions: Mentions = Mentions()
    attachments: Attachments = Attachments()
    caps: Caps = Caps()
    spam: Spam = Spam()
    timeout_minutes: int = Field(default=10, ge=1, le=28 * 24 * 60)
    escalation: Escalation = Escalation()

    def rule(self, name: Filter) -> Rule:
        """Return the rule of a filter."""
        rule: Rule = getattr(self, name.value)
        return rule

    def with_rule(self, name: Filter, **changes: Any) -> Policy:
        """Return the policy with a changed rule.

        Raises:
            pydantic.ValidationError: a value is out of its limits.
        """
        return self.changed({name.value: {**self.rule(name).model_dump(), **changes}})

    def changed(self, parts: dict[str, Any]) -> Policy:
        """Return the policy with other parts.

        Raises:
            pydantic.ValidationError: a value is out of its limits.
        """
        return Policy.model_validate({**self.model_dump(), **parts})

    def enabled(self) -> Iterator[Filter]:
        """Yield the filters that look."""
        return (name for name in FILTERS if self.rule(name).enabled)


FILTERS = tuple(Filter)
