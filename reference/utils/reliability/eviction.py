"""Which buckets a rate limiter drops when it has too many: those whose past matters least, and never a busy one."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from .token_bucket import ROUNDING

if TYPE_CHECKING:
    from .rate_scopes import Key
    from .throttle import Throttle


def evict(buckets: dict[Key, Throttle], batch: int, now: float) -> float:
    """Drop buckets: all full ones if they are a batch, else the batch that will be full soonest.

    A bucket that is waited at, or that would refuse the next request, is busy and stays.

    Args:
        buckets: the buckets of a limiter; dropped ones are taken out.
        batch: how many are worth the look.
        now: seconds of the limiter's clock.

    Returns:
        0.0, or the seconds until something may be dropped where all are busy.
    """
    idle = [(bucket.bucket.seconds_until_full(now), key) for key, bucket in buckets.items() if not bucket.waiting]
    spare = [(seconds, key) for seconds, key in idle if buckets[key].bucket.tokens >= 1.0 - ROUNDING or not seconds]
    if not spare:
        return min((buckets[key].peek(1.0, now) for _, key in idle), default=1.0)
    full = [key for seconds, key in spare if not seconds]
    for key in full if len(full) >= batch else [key for _, key in heapq.nsmallest(batch, spare)]:
        del buckets[key]
    return 0.0
