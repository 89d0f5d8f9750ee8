"""How often a person may use a command: a limit for all commands together, and one for each command that asks for it.

@hybrid_command()
@limited(3, per=30)                                       # 3 times in 30 seconds for each person
@limited(1, per=60, of=RateLimitType.GUILD)               # or for each server
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from .refusals import Refused
from .utils.monitoring.metrics import metrics
from .utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, RateLimitType

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALL", "RateLimitType", "check_limits", "limited"]

ALL = "command"
"""The limit of all commands together."""

LIMIT = "__command_limit__"

F = TypeVar("F")


def limited(times: int, *, per: float, of: RateLimitType = RateLimitType.USER) -> Callable[[F], F]:
    """Limit how often a command may be used.

    Args:
        times: how often.
        per: within how many seconds.
        of: who shares the limit.
    """
    config = RateLimitConfig(times, per, of)

    def decorate(callback: F) -> F:
        setattr(callback, LIMIT, config)
        return callback

    return decorate


async def check_limits(
    limiter: RateLimiter, name: str, callback: Any, *, user_id: int, channel_id: int | None, guild_id: int | None
) -> None:
    """Count a use of a command.

    Args:
        limiter: holds the limits.
        name: the command's.
        callback: the command's function.
        user_id: who uses it.
        channel_id: where.
        guild_id: in which guild; None for a direct message.

    Raises:
        Refused: it was used too often; the answer says how long to wait.
    """
    config = getattr(callback, LIMIT, None)
    names = [ALL]
    if config is not None:
        names.append(f"{ALL} {name}")
        if not _is_known(limiter, names[-1], config):
            limiter.add_config(names[-1], config)
    allowed, wait, _ = await limiter.check_all(names, user_id, channel_id, guild_id)
    if not allowed:
        metrics.increment("rate_limited", name)
        raise Refused("limit.retry_after", count=max(1, math.ceil(wait)))


def _is_known(limiter: RateLimiter, name: str, config: RateLimitConfig) -> bool:
    try:
        return limiter.get_config(name) == config
    except KeyError:
        return False
