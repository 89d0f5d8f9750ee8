"""A budget is right at once after an adaptive drop, and never rounded down to nothing.

While a service is failing, a multiplier scales the budgets of its callers down. From the next request on nobody may
get more than the smaller budget, whether time has passed since the drop or not; the bucket refills at the smaller
rate, never above the smaller budget; and what a refused caller is told about the wait comes true. A small budget that
is scaled down stays a budget: rounding it to zero requests would shut its owner out for as long as the service is ill,
or end in a division by zero.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subject import Subject

WINDOW = 1e6
"""Seconds: so long that what refills while a test runs does not count."""

ASKED_EARLY = 8
"""Times that an impatient caller asks while it waits."""


@pytest.fixture
def bucket(subject: Subject) -> Callable[..., Any]:
    """Make buckets of the subject, by its own clock, that were last looked at some seconds ago."""
    make = subject.reliability.rate_limiter.RateLimitBucket
    clock = _clock_of(make)

    def bucket(
        tokens: float, ago: float = 0.0, budget: float = 10, multiplier: float = 1.0, window: float = WINDOW
    ) -> Any:
        return make(
            tokens=tokens,
            last_update=clock() - ago,
            window=window,
            max_tokens=budget,
            adaptive_multiplier=multiplier,
        )

    return bucket


def _clock_of(make: Callable[..., Any]) -> Callable[[], float]:
    """Tell which clock the subject's buckets go by: the one by which an empty bucket refills in time, not before."""

    def admits(last_update: float) -> bool:
        return bool(make(tokens=0.0, last_update=last_update, window=WINDOW, max_tokens=1).consume()[0])

    for clock in (time.monotonic, time.time, time.perf_counter):
        if not admits(clock()) and admits(clock() - 2 * WINDOW):
            return clock
    raise NotApplicable("buckets that refill by the monotonic or the wall clock")


def _admitted(bucket: Any, tries: int = 40) -> int:
    return sum(bool(bucket.consume()[0]) for _ in range(tries))


@pytest.mark.parametrize(("multiplier", "budget"), [(0.5, 5), (0.3, 3), (0.1, 1)])
def test_full_bucket_right_after_the_drop(bucket: Callable[..., Any], multiplier: float, budget: int) -> None:
    """A full bucket of 10 serves no more than the scaled budget right after the drop."""
    full = bucket(10)
    full.adaptive_multiplier = multiplier
    admitted = _admitted(full)
    assert admitted == budget, f"{admitted} requests were admitted right after a drop to a budget of {budget}"


def test_part_used_bucket_right_after_the_drop(bucket: Callable[..., Any]) -> None:
    """What is left in a bucket in use is cut to the scaled budget too, on the very next request."""
    used = bucket(10)
    before = _admitted(used, 2)
    used.adaptive_multiplier = 0.5
    admitted = _admitted(used)
    assert before == 2, f"{before} of 2 requests were admitted by a full bucket"
    assert admitted <= 5, f"{admitted} requests were admitted right after a drop to a budget of 5"


def test_less_than_the_scaled_budget_is_left(bucket: Callable[..., Any]) -> None:
    """A drop gives nothing to a bucket that holds less than the scaled budget."""
    low = bucket(2)
    low.adaptive_multiplier = 0.5
    admitted = _admitted(low)
    assert admitted == 2, f"{admitted} requests were admitted after a drop by a bucket that held 2"


def test_drop_between_looks(bucket: Callable[..., Any]) -> None:
    """A full bucket that nobody has looked at for a while serves no more than the scaled budget after the drop."""
    admitted = _admitted(bucket(10, ago=WINDOW / 2, multiplier=0.5))
    assert admitted <= 5, f"{admitted} requests were admitted some time after a drop to a budget of 5"


def test_long_idle_refill(bucket: Callable[..., Any]) -> None:
    """However long a bucket refills, it holds the scaled budget and no more."""
    admitted = _admitted(bucket(0, ago=100 * WINDOW, multiplier=0.5))
    assert admitted == 5, f"{admitted} requests were admitted after a long pause on a budget of 5"


def test_refill_goes_at_the_scaled_rate(bucket: Callable[..., Any]) -> None:
    """In half a window an empty bucket refills by half of the scaled budget."""
    admitted = _admitted(bucket(0, ago=0.5001 * WINDOW, budget=20, multiplier=0.5))
    assert admitted <= 5, f"{admitted} requests refilled in half a window on a budget of 10"


def test_recovery_gives_no_more_than_the_budget(bucket: Callable[..., Any]) -> None:
    """A bucket that was spent during the drop serves no more than the whole budget in all when the drop ends."""
    spent = bucket(10, multiplier=0.5)
    during = _admitted(spent)
    spent.adaptive_multiplier = 1.0
    admitted = during + _admitted(spent)
    assert admitted <= 10, f"{admitted} requests were admitted during a drop and right after it on a budget of 10"
    admitted = _admitted(bucket(0, ago=1.0001 * WINDOW))
    assert admitted == 10, f"{admitted} of 10 requests were admitted a window after the recovery"


@pytest.mark.parametrize(("budget", "multiplier"), [(5, 0.1), (1, 0.5), (3, 0.3), (1, 0.1), (9, 0.1), (2, 0.25)])
def test_small_budget_is_not_rounded_to_zero(bucket: Callable[..., Any], budget: int, multiplier: float) -> None:
    """A budget that is scaled below one request still admits one in a while."""
    idle = bucket(budget, ago=100 * WINDOW, budget=budget, multiplier=multiplier)
    try:
        admitted = _admitted(idle)
    except ZeroDivisionError:
        pytest.fail(f"a budget of {budget} times {multiplier} was rounded to zero and divided by")
    assert admitted > 0, f"a budget of {budget} times {multiplier} admits nobody, however long one waits"
    assert admitted == 1, f"a budget of {budget} times {multiplier} admitted {admitted} requests at once"


@pytest.mark.parametrize(("budget", "multiplier"), [(10, 0.5), (20, 0.3), (5, 0.1), (1, 0.5)])
def test_promised_wait_comes_true(bucket: Callable[..., Any], budget: int, multiplier: float) -> None:
    """A caller who waits as long as the refusal says is admitted."""
    try:
        allowed, wait = bucket(0, budget=budget, multiplier=multiplier).consume()
    except ZeroDivisionError:
        pytest.fail(f"a budget of {budget} times {multiplier} was rounded to zero and divided by")
    assert not allowed, "an empty bucket admitted a request"
    assert 0 < wait < math.inf, f"a refusal on a budget of {budget} times {multiplier} promised a wait of {wait} s"
    allowed, _ = bucket(0, ago=wait * 1.001, budget=budget, multiplier=multiplier).consume()
    assert allowed, f"a caller waited the promised time on a budget of {budget} times {multiplier} and was refused"


@pytest.mark.parametrize(("budget", "multiplier"), [(10, 1.0), (10, 0.5), (5, 0.1)])
def test_asking_early_does_not_put_the_promise_off(bucket: Callable[..., Any], budget: int, multiplier: float) -> None:
    """A caller who asks again and again while waiting is admitted no later than one who waits in silence."""
    empty = bucket(0, budget=budget, multiplier=multiplier)
    if not hasattr(empty, "last_update"):
        pytest.skip("the bucket's last look at the clock cannot be set back")
    _, wait = empty.consume()
    for _ in range(ASKED_EARLY):
        empty.last_update -= 1.001 * wait / ASKED_EARLY
        if empty.consume()[0]:
            return
    pytest.fail(f"a caller who asked {ASKED_EARLY} times in the promised time was refused at its end")
