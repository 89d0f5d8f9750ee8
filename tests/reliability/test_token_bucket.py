"""The token bucket: arithmetic that holds for every order of requests, pauses and changes."""

from __future__ import annotations

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.reliability.token_bucket import RateLimitBucket


def full(budget: float = 10, window: float = 10.0, multiplier: float = 1.0) -> RateLimitBucket:
    """Make a full bucket at time 0."""
    return RateLimitBucket(budget, 0.0, window, budget, multiplier)


def test_burst_then_the_exact_wait() -> None:
    """A full bucket serves its budget at once, then tells the exact time of the next request."""
    bucket = full()
    assert [bucket.take(1, 0.0) for _ in range(10)] == [0.0] * 10
    assert bucket.take(1, 0.25) == pytest.approx(0.75)
    assert bucket.take(1, 0.25 + 0.74) > 0
    assert bucket.take(1, 1.0) == 0.0


def test_clock_set_back() -> None:
    """A clock that is set back takes no tokens away and gives none."""
    bucket = full()
    bucket.take(4, 100.0)
    assert bucket.take(1, 50.0) == 0.0
    assert bucket.tokens == pytest.approx(5.0)
    assert bucket.take(6, 51.0) == 0.0


def test_request_above_the_scaled_budget_is_owed() -> None:
    """A request for more than the scaled budget is served by a full bucket and paid for afterwards."""
    bucket = full(multiplier=0.2)
    assert bucket.take(6, 0.0) == 0.0
    assert bucket.take(1, 0.0) == pytest.approx(25.0)


def test_adapt_settles_at_the_old_rate() -> None:
    """What refilled before the multiplier rose did so at the old rate."""
    bucket = full(multiplier=0.1)
    bucket.take(1, 0.0)
    bucket.adapt(1.0, 5.0)
    assert bucket.tokens == pytest.approx(0.5)
    bucket.adapt(0.5, 100.0)
    assert bucket.tokens == pytest.approx(5.0)


@pytest.mark.parametrize(("before", "after", "tokens"), [(10, 20, 16), (10, 5, 1), (10, 1, 0)])
def test_change_keeps_what_was_spent(before: int, after: int, tokens: int) -> None:
    """After a change of the budget as much is spent as before, and nobody is put into debt."""
    bucket = full(before)
    bucket.take(4, 0.0)
    bucket.change(after, 10.0, 0.0)
    assert bucket.tokens == pytest.approx(tokens)


def test_time_until_full() -> None:
    """The time until nothing matters any more is exact."""
    bucket = full()
    assert bucket.seconds_until_full(0.0) == 0.0
    bucket.take(3, 0.0)
    assert bucket.seconds_until_full(1.0) == pytest.approx(2.0)


def test_meaningless_multiplier_leaves_one_request() -> None:
    """Zero, negative and not-a-number multipliers leave one request per window."""
    for multiplier in (0.0, -1.0, float("nan")):
        bucket = full(multiplier=multiplier)
        assert bucket.budget == 1.0
        assert bucket.take(1, 0.0) == 0.0
        assert bucket.take(1, 0.0) == pytest.approx(10.0)


def test_consume_goes_by_the_monotonic_clock() -> None:
    """``consume`` answers with a pair, and refills by the monotonic clock."""
    bucket = RateLimitBucket(1, time.monotonic(), 3600.0, 1)
    assert bucket.consume() == (True, 0.0)
    allowed, wait = bucket.consume()
    assert not allowed
    assert 3590 < wait <= 3600
    bucket.last_update -= 3600
    assert bucket.consume()[0]


def test_threads_share_a_budget() -> None:
    """Eight threads together get the budget, not more."""
    bucket = RateLimitBucket(1000, time.monotonic(), 1e9, 1000)
    admitted: list[int] = []

    def run() -> None:
        admitted.append(sum(bucket.consume()[0] for _ in range(500)))

    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sum(admitted) == 1000


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "wait", "adapt"]),
        st.floats(0.0, 20.0, allow_subnormal=False),
    ),
    max_size=60,
)


@given(steps=STEPS, budget=st.integers(1, 50), window=st.sampled_from([0.5, 1.0, 60.0]))
def test_never_over_budget(steps: list[tuple[str, float]], budget: int, window: float) -> None:
    """In any order of requests, pauses and changes, no more is served than the budget and what refilled."""
    bucket = full(budget, window)
    now = served = refilled = 0.0
    for kind, value in steps:
        if kind == "wait":
            refilled += value * bucket.budget / window
            now += value
        elif kind == "adapt":
            bucket.adapt(value / 20.0, now)
        elif bucket.take(1, now) == 0.0:
            served += 1
        assert served <= budget + refilled + 1e-3
        assert bucket.tokens <= max(budget, 1.0) + 1e-9


@given(
    tokens=st.floats(-20, 50),
    amount=st.integers(1, 50),
    multiplier=st.floats(0.0, 1.0),
    window=st.floats(0.01, 1e5),
    start=st.floats(0, 1e6),
)
def test_promise_is_kept(tokens: float, amount: int, multiplier: float, window: float, start: float) -> None:
    """Whoever waits exactly as long as told is served, whatever floating point loses on the way."""
    bucket = RateLimitBucket(tokens, start, window, 50, multiplier)
    wait = bucket.take(amount, start)
    assert bucket.take(amount, start + wait) == 0.0 if wait else wait == 0.0
