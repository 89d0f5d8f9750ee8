"""Limits in detail: changes while callers are known, every kind of id, room for newcomers; a breaker's own calls."""

from __future__ import annotations

import pytest

from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitState
from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, RateLimitType
from tests.reliability.warp import Clock


async def admitted(limiter: RateLimiter, name: str, *, user: int = 1) -> int:
    """Count how many requests of a caller pass before one is refused."""
    count = 0
    while (await limiter.check(name, user))[0]:
        count += 1
    return count


async def test_a_changed_limit_holds_for_those_who_are_known() -> None:
    """Callers of a limit that is changed have the new budget, less what they spent; other limits stay."""
    limiter = RateLimiter(clock=Clock())
    for name in ("changed", "other"):
        limiter.add_config(name, RateLimitConfig(2, 10))
        assert await admitted(limiter, name) == 2
    limiter.add_config("changed", RateLimitConfig(5, 10))
    assert [await admitted(limiter, name) for name in ("changed", "other")] == [3, 0]


async def test_a_limit_that_is_lowered_below_what_was_spent_leaves_nothing() -> None:
    """Nobody gets a request out of a budget that became smaller than what they spent, nor owes more than before."""
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    limiter.add_config("x", RateLimitConfig(10, 10))
    for _ in range(2):
        assert (await limiter.check("x", 1))[0]
    limiter.add_config("x", RateLimitConfig(1, 10))
    assert (await limiter.check("x", 1))[:2] == (False, 10)


@pytest.mark.parametrize("kind", [RateLimitType.USER, RateLimitType.CHANNEL, RateLimitType.GUILD])
async def test_limits_of_every_kind_are_checked_together(kind: RateLimitType) -> None:
    """Of several limits each goes by its own kind of id."""
    limiter = RateLimiter(clock=Clock())
    limiter.add_config("wide", RateLimitConfig(9, 10, RateLimitType.GLOBAL))
    limiter.add_config("narrow", RateLimitConfig(1, 10, kind))
    ids = {"user_id": 1, "channel_id": 2, "guild_id": 3}
    answers = [(await limiter.check_all(["wide", "narrow"], **ids))[0] for _ in range(2)]
    other = ids | {f"{kind}_id": 4}
    answers += [(await limiter.check_all(["wide", "narrow"], **other))[0] for _ in range(2)]
    callers = [ids, other, ids | {f"{kind}_id": 5}]
    waits = [await limiter.wait_for("narrow", **caller, max_wait=0) for caller in callers]
    assert (answers, waits) == ([True, False, True, False], [False, False, True])


async def test_room_is_made_for_a_sixteenth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all places are taken, a sixteenth of the callers is forgotten at once: those who have spent least."""
    monkeypatch.setattr(RateLimiter, "MAX_BUCKETS", 40)
    limiter = RateLimiter(clock=Clock())
    limiter.add_config("x", RateLimitConfig(10, 10))
    for user in range(40):
        for _ in range(2 if user in {7, 9} else 3):
            assert (await limiter.check("x", user))[0]
    assert (await limiter.check("x", 40))[0]
    assert limiter.get_stats()["x"] == 39
    assert [await admitted(limiter, "x", user=user) for user in (6, 7)] == [7, 10]


async def test_room_is_made_in_a_limiter_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limiter that nobody configured makes room, too."""
    monkeypatch.setattr(RateLimiter, "MAX_BUCKETS", 2)
    limiter = RateLimiter(clock=Clock())
    assert [(await limiter.check("command", user))[0] for user in range(4)] == [True] * 4
    assert limiter.get_stats()["command"] == 2


async def test_a_circuit_that_never_failed_closes_by_its_probes() -> None:
    """Probes count, too, in a circuit that was opened by hand: awaited, or in a block."""
    clock = Clock()
    awaited, blocked = (CircuitBreaker(name, 3, 10, 2, clock=clock) for name in ("awaited", "blocked"))
    for breaker in (awaited, blocked):
        breaker.trip()
    clock.now += 10

    async def well() -> None:
        """Work."""

    for successes in (1, 0):
        await awaited.call(well)
        with blocked:
            """Work."""
        assert [breaker.get_status()["successes"] for breaker in (awaited, blocked)] == [successes] * 2
    assert [breaker.state for breaker in (awaited, blocked)] == [CircuitState.CLOSED] * 2


def test_a_block_of_a_time_that_is_over_says_nothing() -> None:
    """What fails in a block that was entered before the circuit was opened and closed again is not counted."""
    breaker = CircuitBreaker("x", 3, clock=Clock())
    breaker.__enter__()
    breaker.trip()
    breaker.reset()
    breaker.__exit__(OSError, OSError("old"), None)
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 0)
