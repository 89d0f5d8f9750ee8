"""The circuit breaker: its states, its probes, its stragglers, its listeners, its use from many loops and threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.reliability.circuit_breaker import (
    SHORTEST_LEASE,
    CircuitBreaker,
    CircuitBreakerOpenError,
    CircuitState,
)
from tests.reliability.warp import Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def clock() -> Clock:
    """Give the test control of time."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """Make a breaker that opens after 2 failures, for 10 s, with 3 probes of which 2 must work."""
    return CircuitBreaker("test", 2, 10.0, 3, success_threshold=2, clock=clock)


async def works() -> str:
    """Be a service that works."""
    return "fine"


async def fails() -> None:
    """Be a service that fails."""
    raise ConnectionError("away")


def state_of(breaker: CircuitBreaker) -> CircuitState:
    """Return the state, which type checkers take for constant between two looks."""
    return breaker.state


def trip(breaker: CircuitBreaker) -> None:
    """Open the circuit by failures."""
    for _ in range(breaker.failure_threshold):
        assert breaker.can_execute()
        breaker.record_failure()


def half_open(breaker: CircuitBreaker, clock: Clock) -> None:
    """Open the circuit and let its time pass."""
    trip(breaker)
    clock.now += breaker.reset_timeout


def test_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    """The circuit opens at the threshold, and not before."""
    breaker.record_failure()
    assert state_of(breaker) is CircuitState.CLOSED
    breaker.record_failure()
    assert state_of(breaker) is CircuitState.OPEN
    assert not breaker.can_execute()


def test_success_ends_a_row_of_failures(breaker: CircuitBreaker) -> None:
    """Failures with a success between them do not open the circuit."""
    for _ in range(5):
        breaker.record_failure()
        assert breaker.failure_count == 1
        breaker.record_success()
    assert state_of(breaker) is CircuitState.CLOSED


async def test_call_returns_and_raises_what_the_function_does(breaker: CircuitBreaker) -> None:
    """A result comes back and an exception arrives unchanged."""
    assert await breaker.call(works) == "fine"
    with pytest.raises(ConnectionError, match="away"):
        await breaker.call(fails)
    assert await breaker.call(works) == "fine"
    assert breaker.failure_count == 0


async def test_refused_call_is_not_made(breaker: CircuitBreaker, clock: Clock) -> None:
    """An open circuit refuses with the time to wait, and the function is not called."""
    trip(breaker)
    clock.now += 4
    with pytest.raises(CircuitBreakerOpenError, match=r"the circuit 'test' is open; try again in 6\.0 s") as caught:
        await breaker.call(fails)
    assert caught.value.retry_after == pytest.approx(6.0)
    assert caught.value.name == "test"


def test_reopens_exactly_on_time(breaker: CircuitBreaker, clock: Clock) -> None:
    """The circuit is open for the reset time-out, to the tick."""
    trip(breaker)
    clock.now += 9.999
    assert not breaker.can_execute()
    clock.now = 1010.0
    assert breaker.can_execute()


async def test_half_open_admits_its_budget_of_fifty(breaker: CircuitBreaker, clock: Clock) -> None:
    """Of 50 callers at once, as many as the budget are admitted."""
    half_open(breaker, clock)
    gate = asyncio.Event()
    calls = [asyncio.create_task(breaker.call(gate.wait)) for _ in range(50)]
    await asyncio.sleep(0)
    refused = [call for call in calls if call.done()]
    assert len(refused) == 47
    assert all(isinstance(call.exception(), CircuitBreakerOpenError) for call in refused)
    gate.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert state_of(breaker) is CircuitState.CLOSED


async def test_cancelled_probes_are_returned(breaker: CircuitBreaker, clock: Clock) -> None:
    """Callers that are cancelled count neither way, and others take their probes."""
    half_open(breaker, clock)
    for _ in range(4):
        calls = [asyncio.create_task(breaker.call(asyncio.Event().wait)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not breaker.can_execute()
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert state_of(breaker) is CircuitState.HALF_OPEN
    assert [await breaker.call(works) for _ in range(2)] == ["fine", "fine"]
    assert state_of(breaker) is CircuitState.CLOSED


def test_number_of_successes_closes(breaker: CircuitBreaker, clock: Clock) -> None:
    """One success less than the threshold leaves the circuit half-open."""
    half_open(breaker, clock)
    assert breaker.can_execute()
    breaker.record_success()
    assert state_of(breaker) is CircuitState.HALF_OPEN
    assert breaker.can_execute()
    breaker.record_success()
    assert state_of(breaker) is CircuitState.CLOSED


def test_failed_probe_opens_again(breaker: CircuitBreaker, clock: Clock) -> None:
    """A probe that fails opens the circuit for another whole time-out."""
    half_open(breaker, clock)
    assert breaker.can_execute()
    breaker.record_failure()
    assert state_of(breaker) is CircuitState.OPEN
    assert breaker.retry_after == pytest.approx(10.0)


def test_late_failure_does_not_extend_the_open_time(breaker: CircuitBreaker, clock: Clock) -> None:
    """Failures that are reported while the circuit is open, or half-open without a probe out, change nothing."""
    trip(breaker)
    clock.now += 9
    breaker.record_failure()
    assert breaker.retry_after == pytest.approx(1.0)
    clock.now += 1
    assert state_of(breaker) is CircuitState.HALF_OPEN
    breaker.record_failure()
    assert state_of(breaker) is CircuitState.HALF_OPEN


async def test_straggler_fails_nobodys_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    """A call of the closed time that fails while probes are out neither opens the circuit nor takes a probe back."""
    gate = asyncio.Event()

    async def late() -> None:
        await gate.wait()
        raise ConnectionError

    stragglers = [asyncio.create_task(breaker.call(late)) for _ in range(5)]
    await asyncio.sleep(0)
    half_open(breaker, clock)
    assert breaker.can_execute()
    gate.set()
    await asyncio.gather(*stragglers, return_exceptions=True)
    assert state_of(breaker) is CircuitState.HALF_OPEN
    assert breaker.get_status()["probes"] == 1


async def test_straggler_success_closes_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    """A call of the closed time that works while the circuit is open leaves it open."""
    gate = asyncio.Event()
    straggler = asyncio.create_task(breaker.call(gate.wait))
    await asyncio.sleep(0)
    trip(breaker)
    gate.set()
    await straggler
    assert state_of(breaker) is CircuitState.OPEN


async def test_asked_straggler_fails_nobodys_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    """A task admitted before the circuit opened reports late: another task's probe is not taken for its own."""
    gate = asyncio.Event()

    async def late() -> None:
        assert await breaker.async_can_execute()
        await gate.wait()
        await breaker.async_record_failure()

    async def probe() -> None:
        assert await breaker.async_can_execute()
        gate.set()
        await straggler
        await breaker.async_record_success()

    straggler = asyncio.create_task(late())
    await asyncio.sleep(0)
    half_open(breaker, clock)
    await asyncio.create_task(probe())
    await asyncio.create_task(probe())
    assert state_of(breaker) is CircuitState.CLOSED


def test_report_of_nobody_in_particular_spares_blocks(breaker: CircuitBreaker, clock: Clock) -> None:
    """A failure that nobody asked for does not end the probe of a ``with`` block."""
    half_open(breaker, clock)
    with breaker:
        contextvars.Context().run(breaker.record_failure)
        assert state_of(breaker) is CircuitState.HALF_OPEN


def test_report_from_elsewhere_settles_a_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    """A caller whose report comes from another context, as from a thread, is believed to be one that asked."""
    half_open(breaker, clock)
    assert contextvars.Context().run(breaker.can_execute)
    contextvars.Context().run(breaker.record_failure)
    assert state_of(breaker) is CircuitState.OPEN


def test_unreported_probe_is_given_away_in_the_end(breaker: CircuitBreaker, clock: Clock) -> None:
    """Probes whose callers never report do not keep the circuit half-open for ever."""
    half_open(breaker, clock)
    assert [breaker.can_execute() for _ in range(4)] == [True, True, True, False]
    clock.now += SHORTEST_LEASE
    assert breaker.can_execute()


def test_given_up_probe_is_returned(breaker: CircuitBreaker, clock: Clock) -> None:
    """A caller that reports for itself can give its probe back."""
    half_open(breaker, clock)
    assert [breaker.can_execute() for _ in range(4)] == [True, True, True, False]
    assert breaker.retry_after == pytest.approx(1.0)
    breaker.record_cancelled()
    assert breaker.can_execute()


async def test_async_names_do_the_same(breaker: CircuitBreaker) -> None:
    """The awaited names report like the plain ones."""
    assert await breaker.async_can_execute()
    await breaker.async_record_failure()
    await breaker.async_record_success()
    assert breaker.failure_count == 0


def test_clock_set_back_does_not_lock_out(breaker: CircuitBreaker, clock: Clock) -> None:
    """After a clock was set back by an hour the circuit is open for its time-out, not for an hour more."""
    trip(breaker)
    clock.now -= 3600
    assert breaker.retry_after == pytest.approx(10.0)
    clock.now += 10
    assert breaker.can_execute()


def test_refusals_do_not_grow(breaker: CircuitBreaker) -> None:
    """Each refusal is an exception of its own, and the hundredth has a traceback as short as the first."""
    trip(breaker)
    refusals = []
    for _ in range(100):
        try:
            breaker.call_sync(str)
        except CircuitBreakerOpenError as error:
            refusals.append(error)
    assert len({id(error) for error in refusals}) == 100
    assert len({len(traceback.extract_tb(error.__traceback__)) for error in refusals}) == 1


async def test_only_named_exceptions_are_failures(clock: Clock) -> None:
    """An exception that is not the service's fault counts neither way."""
    breaker = CircuitBreaker("picky", 1, failures=(ConnectionError,), clock=clock)
    for _ in range(3):
        with pytest.raises(ValueError, match="invalid"):
            await breaker.call(_invalid)
    assert state_of(breaker) is CircuitState.CLOSED
    with pytest.raises(ConnectionError):
        await breaker.call(fails)
    assert state_of(breaker) is CircuitState.OPEN


async def _invalid() -> None:
    raise ValueError("invalid")


async def test_blocks(breaker: CircuitBreaker) -> None:
    """``async with`` and ``with`` count failures, and refuse when the circuit is open."""
    with contextlib.suppress(ConnectionError):
        async with breaker as entered:
            assert entered is breaker
            raise ConnectionError
    with contextlib.suppress(ConnectionError), breaker:
        raise ConnectionError
    with pytest.raises(CircuitBreakerOpenError):
        async with breaker:
            pytest.fail("the body of a refused block ran")


async def test_blocks_of_two_breakers_may_cross(clock: Clock) -> None:
    """Blocks that end in another order than they began report to the right breaker."""
    one, two = (CircuitBreaker(name, 1, 10.0, 1, clock=clock) for name in "ab")
    half_open(one, clock)
    half_open(two, clock)
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    two.__exit__(ConnectionError, ConnectionError(), None)
    assert (one.state, two.state) == (CircuitState.CLOSED, CircuitState.OPEN)


async def test_block_that_ends_in_another_context(clock: Clock) -> None:
    """A probe whose block ends in another context is returned all the same."""
    breaker = CircuitBreaker("moved", 1, 10.0, 1, clock=clock)
    half_open(breaker, clock)
    contextvars.copy_context().run(breaker.__enter__)
    breaker.__exit__(None, None, None)
    assert state_of(breaker) is CircuitState.CLOSED


async def test_protected_functions(breaker: CircuitBreaker) -> None:
    """The decorator keeps name and kind of a function, and refuses when the circuit is open."""

    @breaker.protect
    def plain(value: int) -> int:
        """Return the value."""
        return value

    @breaker.protect
    async def awaited(value: int) -> int:
        return value

    assert plain(1) + await awaited(2) == 3
    assert (plain.__name__, plain.__doc__) == ("plain", "Return the value.")
    breaker.trip()
    with pytest.raises(CircuitBreakerOpenError):
        plain(1)
    with pytest.raises(CircuitBreakerOpenError):
        await awaited(1)


def test_generators_are_not_protected(breaker: CircuitBreaker) -> None:
    """A generator function, which has no single outcome, is refused at decoration."""

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="is a generator"):
            breaker.protect(function)


def test_listeners_hear_each_change_once(
    breaker: CircuitBreaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """A listener hears all changes in order, though another one fails; after removal it hears no more."""
    heard: list[tuple[CircuitState, CircuitState]] = []

    def listener(source: CircuitBreaker, old: CircuitState, new: CircuitState) -> None:
        assert source is breaker
        heard.append((old, new))
        breaker.get_status()  # a listener may ask the breaker

    def broken(*_: object) -> None:
        raise RuntimeError("no")

    breaker.add_listener(broken)
    remove = breaker.add_listener(listener)
    half_open(breaker, clock)
    assert state_of(breaker) is CircuitState.HALF_OPEN
    breaker.reset()
    remove()
    breaker.trip()
    closed, opened, probing = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
    assert heard == [(closed, opened), (opened, probing), (probing, closed)]
    assert "a listener of circuit test failed" in caplog.text


def test_reset_forgets(breaker: CircuitBreaker) -> None:
    """A reset circuit is closed and needs the whole number of failures to open."""
    trip(breaker)
    breaker.reset()
    breaker.record_failure()
    assert state_of(breaker) is CircuitState.CLOSED
    assert breaker.retry_after == 0.0


def test_status_and_repr(breaker: CircuitBreaker) -> None:
    """The status holds plain values, the representation tells the state."""
    breaker.record_failure()
    assert breaker.get_status() == {
        "name": "test",
        "state": "closed",
        "failures": 1,
        "successes": 0,
        "probes": 0,
        "retry_after": 0.0,
    }
    assert repr(breaker) == "<CircuitBreaker 'test' closed, 1/2 failures>"


@pytest.mark.parametrize("bad", [{"failure_threshold": 0}, {"half_open_max_calls": 0}, {"success_threshold": 0}])
def test_thresholds_are_checked(bad: dict[str, Any]) -> None:
    """A threshold of zero is refused."""
    with pytest.raises(ValueError, match="at least 1"):
        CircuitBreaker("bad", **bad)


@pytest.mark.parametrize("seconds", [-1.0, float("inf"), float("nan")])
def test_reset_timeout_is_checked(seconds: float) -> None:
    """A reset time-out that is no length of time is refused."""
    with pytest.raises(ValueError, match="reset time-out"):
        CircuitBreaker("bad", reset_timeout=seconds)


def test_system_clock_is_the_default() -> None:
    """Without a clock of its own a breaker goes by the monotonic clock."""
    breaker = CircuitBreaker("real", 1, 0.0)
    breaker.record_failure()
    assert breaker.can_execute()


def test_many_loops_and_threads(clock: Clock) -> None:
    """Threads with a loop each share one breaker: the probes that are out never exceed the budget."""
    breaker = CircuitBreaker("shared", 1, 10.0, 3, success_threshold=10**6, clock=clock)
    half_open(breaker, clock)
    lock = threading.Lock()
    start = threading.Barrier(8)
    out = most = worked = 0

    async def service() -> None:
        nonlocal out, most, worked
        with lock:
            out += 1
            most = max(most, out)
        await asyncio.sleep(0)
        with lock:
            out -= 1
            worked += 1

    async def call() -> None:
        with contextlib.suppress(CircuitBreakerOpenError):
            await breaker.call(service)

    async def many() -> None:
        for _ in range(20):
            await asyncio.gather(*(call() for _ in range(10)))

    def run() -> None:
        start.wait(10)
        asyncio.run(many())

    threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most <= 3
    assert worked >= 60
    assert breaker.get_status()["probes"] == 0
