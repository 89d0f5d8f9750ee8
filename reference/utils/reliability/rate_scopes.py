"""What a limit is and whom it counts: its budget, its scope, and the key of the caller within that scope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from .throttle import check_rate

Key = tuple[str, str, int]
"""Name of the limit, kind of the id, id: ids of different kinds never meet in one bucket."""


Answer = tuple[bool, float, str | None]
"""Whether a request is allowed, the seconds after which it is, and what to tell the caller."""


class RateLimitType(StrEnum):
    """Who shares a budget."""

    USER = "user"
    CHANNEL = "channel"
    GUILD = "guild"
    GLOBAL = "global"


NEXT_SMALLER = {
    RateLimitType.GUILD: ("guild", "channel", "user"),
    RateLimitType.CHANNEL: ("channel", "user"),
    RateLimitType.USER: ("user",),
}
"""Which id counts for a scope: the first that there is. A direct message has no guild, but a channel of its own."""


@dataclass(frozen=True, slots=True)
class RateLimitConfig:
    """A limit of ``requests`` per ``window`` seconds for each member of a scope.

    Args:
        requests: the budget, which is also the largest burst; at least 1.
        window: seconds in which a whole budget refills.
        limit_type: who shares a budget.
        cooldown_message: told to a refused caller; ``{retry_after}`` becomes the seconds to wait, rounded up.
        silent: tell nothing.
        adaptive: scale the budget down while a breaker that the limiter follows is not closed.

    Raises:
        ValueError: the budget is below 1, the window is not positive, or either is infinite.
    """

    requests: float
    window: float
    limit_type: RateLimitType = RateLimitType.USER
    cooldown_message: str = "Too many requests: please try again in {retry_after} s."
    silent: bool = False
    adaptive: bool = False

    def __post_init__(self) -> None:
        check_rate(self.requests, self.window)

    def key(self, name: str, user_id: int | None, channel_id: int | None, guild_id: int | None) -> Key:
        """Return the key of a caller's bucket.

        Raises:
            ValueError: no id is given that could tell this caller from strangers.
        """
        if self.limit_type is RateLimitType.GLOBAL:
            return (name, "global", 0)
        given = {"user": user_id, "channel": channel_id, "guild": guild_id}
        for kind in NEXT_SMALLER[self.limit_type]:
            number = given[kind]
            if number is not None:
                return (name, kind, number)
        raise ValueError(f"the limit {name!r} is per {self.limit_type}: it needs the id of one")

    def refusal(self, wait: float) -> Answer:
        """Return the answer to a caller who must wait, in seconds."""
        if self.silent:
            return False, wait, None
        return False, wait, self.cooldown_message.replace("{retry_after}", str(math.ceil(wait)))


DEFAULT_CONFIGS = {
    "command": RateLimitConfig(5, 10.0),
    "ai_user": RateLimitConfig(10, 60.0, adaptive=True),
    "ai_guild": RateLimitConfig(60, 60.0, RateLimitType.GUILD, adaptive=True),
    "ai_global": RateLimitConfig(120, 60.0, RateLimitType.GLOBAL, adaptive=True),
}
"""The limits that every limiter starts with."""
