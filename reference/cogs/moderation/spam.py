"""Too many messages, or the same one again and again: counted with the limiter's buckets."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter

from .normal import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from .policy import Spam

__all__ = ["SpamCounter"]

DUPLICATE_SECONDS = 60.0
"""Within which the same message is the same."""

SHORTEST = 4
"""Characters of a message that count when it is repeated; `ok` may be said often."""


class SpamCounter:
    """Counts the messages of each member of each guild.

    Args:
        clock: seconds of a monotonic clock; the limiter's by default.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._limiter = RateLimiter(clock=clock)
        self._limits: dict[str, RateLimitConfig] = {}

    async def is_spam(self, rule: Spam, guild_id: int, user_id: int, content: str) -> bool:
        """Count a message, and tell whether it is one too many.

        Args:
            rule: of the guild.
            guild_id: the guild.
            user_id: who wrote it.
            content: what it says.
        """
        rate = self._limit(f"messages {guild_id}", rule.messages, float(rule.seconds))
        allowed, _, _ = await self._limiter.check(rate, user_id=user_id)
        folded = " ".join(fold(content).split())
        if len(folded) < SHORTEST:
            return not allowed
        same = self._limit(f"duplicates {guild_id}", rule.duplicates - 1, DUPLICATE_SECONDS)
        fresh, _, _ = await self._limiter.check(same, user_id=_mix(user_id, folded))
        return not (allowed and fresh)

    def _limit(self, name: str, requests: float, window: float) -> str:
        limit = RateLimitConfig(requests, window)
        if self._limits.get(name) != limit:
            self._limiter.add_config(name, limit)
            self._limits[name] = limit
        return name


def _mix(user_id: int, text: str) -> int:
    """Return one number for a user and a text."""
    return user_id << 32 | zlib.crc32(text.encode("utf-8", "surrogatepass"))
