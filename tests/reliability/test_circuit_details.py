"""A circuit breaker in detail: its blocks, its log, its status, its refusals."""

from __future__ import annotations

import asyncio
import logging

import pytest

from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from reference.utils.reliability.error_recovery import retry_async
from tests.reliability.warp import Clock


def plain() -> None:
    """Be a function that does not await."""


def test_a_probe_in_a_block_counts_once() -> None:
    """Each of two blocks in a half-open circuit settles its own probe, and the last success closes the circuit."""
    clock = Clock()
    breaker = CircuitBreaker("x", 1, 10, 2, clock=clock)
    breaker.trip()
    clock.now += 10
    outer = CircuitBreaker("outer", clock=clock)
    with breaker, outer:
        assert breaker.get_status()["probes"] == 1
        with breaker:
            assert breaker.get_status()["probes"] == 2
            with pytest.raises(CircuitBreakerOpenError):
                breaker.call_sync(plain)
        assert (breaker.get_status()["probes"], breaker.get_status()["successes"]) == (1, 1)
    assert breaker.state is CircuitState.CLOSED


def test_failures_are_counted_on_while_probes_fail() -> None:
    """A probe that fails is one more failure in the row that opened the circuit."""
    clock = Clock()
    breaker = CircuitBreaker("x", 2, 10, 1, clock=clock)
    for failures in (1, 2, 3):
        clock.now += 10
        assert breaker.can_execute()
        breaker.record_failure()
        assert breaker.failure_count == failures


def test_blocks_may_end_in_any_order() -> None:
    """A block that ends before one that was entered later settles its own probe, and the later one its own."""
    clock = Clock()
    first, second, third = (CircuitBreaker(name, 1, 10, 1, clock=clock) for name in "abc")
    for resets, breaker in enumerate((first, second, third)):
        for _ in range(resets):
            breaker.reset()
        breaker.trip()
    clock.now += 10
    for breaker in (first, second, third):
        breaker.__enter__()
    for breaker in (first, third, second):
        assert breaker.state is CircuitState.HALF_OPEN
        breaker.__exit__(None, None, None)
        assert str(breaker.state) == "closed"


async def test_a_refusal_comes_with_name_and_time() -> None:
    """The breaker's refusal of a retried call says which circuit it is and when to come back."""
    breaker = CircuitBreaker("x", 1, 10, clock=Clock())
    breaker.trip()
    with pytest.raises(CircuitBreakerOpenError) as caught:
        await retry_async(asyncio.sleep, 0, circuit_breaker=breaker)
    assert (caught.value.name, caught.value.retry_after) == ("x", 10)


def test_changes_of_a_circuit_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the circuit, the state before and the state after; a listener that fails is named too."""
    caplog.set_level(logging.INFO)
    clock, told = Clock(), list[tuple[object, ...]]()
    breaker = CircuitBreaker("x", 1, 10, 1, clock=clock)

    def deaf(*_: object) -> None:
        raise OSError("deaf")

    breaker.add_listener(deaf)
    remove = breaker.add_listener(lambda *change: told.append(change))
    breaker.record_failure()
    clock.now += 10
    assert breaker.state is CircuitState.HALF_OPEN
    remove()
    breaker.reset()
    states = [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    assert [message for message in caplog.messages if "->" in message] == [
        f"circuit x: {old} -> {new}" for old, new in states
    ]
    assert caplog.messages.count("a listener of circuit x failed") == 3
    assert told == [(breaker, *pair) for pair in states[:2]]


def test_a_circuit_describes_itself() -> None:
    """The status has one moment's values, the text the failures in a row."""
    clock = Clock()
    breaker = CircuitBreaker("x", 3, 10, 2, clock=clock)
    breaker.record_failure()
    assert repr(breaker) == "<CircuitBreaker 'x' closed, 1/3 failures>"
    assert (breaker.retry_after, breaker.failure_count) == (0, 1)
    breaker.trip()
    clock.now += 4
    assert breaker.get_status() == {
        "name": "x",
        "state": "open",
        "failures": 1,
        "successes": 0,
        "probes": 0,
        "retry_after": 6,
    }
    error = CircuitBreakerOpenError("x", 1.26)
    assert (str(error), error.args) == ("the circuit 'x' is open; try again in 1.3 s", ("x", 1.26))
    assert str(CircuitBreakerOpenError()) == "the circuit '' is open; try again in 0.0 s"
    clock.now += 6
    assert [breaker.can_execute() for _ in range(3)] == [True, True, False]
    assert breaker.retry_after == 1
    breaker.record_success()
    assert breaker.get_status()["successes"] == 1
    assert breaker.retry_after == 0
