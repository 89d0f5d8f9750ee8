"""Retries: what is tried again, when, within which bounds, and what is remembered."""

from __future__ import annotations

import asyncio
import threading
import time
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from reference.utils.reliability import error_recovery
from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from reference.utils.reliability.error_recovery import (
    BackoffState,
    Jitter,
    RetryConfig,
    RetryDeadlineError,
    parse_retry_after,
    retry_after_of,
    retry_async,
    with_retry,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Service:
    """Raises the given errors, one a call, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self, answer: str = "sunny", *, loud: bool = False) -> str:
        """Raise the next error, or answer."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return answer.upper() if loud else answer


class Delays(list[float]):
    """Notes the delays in place of waiting."""

    async def __call__(self, delay: float) -> None:
        """Note a delay."""
        self.append(delay)


@pytest.fixture(autouse=True)
def _no_memory() -> Iterator[None]:
    error_recovery._backoff_states.clear()
    yield
    error_recovery._backoff_states.clear()


def quick(delays: Delays | None = None, **settings: Any) -> RetryConfig:
    """Return settings that wait for nothing and spread nothing."""
    return RetryConfig(**{"sleep": Delays() if delays is None else delays, "jitter": Jitter.NONE, **settings})


def lost() -> ConnectionError:
    """Return an error that is listed by default."""
    return ConnectionError("the service is away")


def http_error(status: int, **headers: str) -> aiohttp.ClientResponseError:
    """Return what aiohttp raises for a status."""
    url = URL("http://localhost/")
    request = aiohttp.RequestInfo(url, "GET", CIMultiDictProxy(CIMultiDict[str]()), url)
    return aiohttp.ClientResponseError(
        request,
        (),
        status=status,
        headers=CIMultiDict({name.replace("_", "-"): text for name, text in headers.items()}),
    )


HTTP = (aiohttp.ClientError,)


async def test_first_success_touches_nothing() -> None:
    """A call that works at once passes its arguments on, is made once and leaves no memory."""
    service = Service()
    assert await retry_async(service, "rain", loud=True, service_name="weather") == "RAIN"
    assert service.calls == 1
    assert not error_recovery._backoff_states


async def test_failures_are_tried_again_with_growing_delays() -> None:
    """Delays without jitter double from the base delay up to the longest."""
    delays = Delays()
    service = Service(lost(), lost(), lost(), lost())
    assert await retry_async(service, config=quick(delays, max_retries=4, max_delay=3.0)) == "sunny"
    assert delays == [1.0, 2.0, 3.0, 3.0]


async def test_the_last_error_arrives_unchanged() -> None:
    """When the tries are spent, the newest exception itself is raised, without the older ones in its context."""
    errors = [lost() for _ in range(3)]
    with pytest.raises(ConnectionError) as caught:
        await retry_async(Service(*errors), config=quick(max_retries=2))
    assert caught.value is errors[-1]
    assert caught.value.__context__ is None


@pytest.mark.parametrize("error", [KeyError("x"), asyncio.CancelledError(), KeyboardInterrupt(), FileNotFoundError()])
async def test_unlisted_exceptions_pass_at_once(error: BaseException) -> None:
    """What the settings do not list is raised after the first try and never hidden by a fallback."""
    service = Service(error)
    with pytest.raises(type(error)):
        await retry_async(service, config=quick(), fallback=lambda: "guess")
    assert service.calls == 1


@pytest.mark.parametrize(("status", "calls"), [(429, 2), (503, 2), (404, 1), (401, 1)])
async def test_http_statuses_decide_on_listed_errors(status: int, calls: int) -> None:
    """A listed error that carries a status is tried again only where the condition may pass."""
    service = Service(http_error(status))
    config = quick(retryable_exceptions=HTTP)
    if calls == 1:
        with pytest.raises(aiohttp.ClientResponseError):
            await retry_async(service, config=config)
    else:
        await retry_async(service, config=config)
    assert service.calls == calls


async def test_retry_after_is_honoured_and_capped() -> None:
    """The server's wish lengthens a delay, up to the cap, and never shortens it."""
    delays = Delays()
    service = Service(*(http_error(429, Retry_After=text) for text in ("7", "9999", "0")))
    await retry_async(service, config=quick(delays, retryable_exceptions=HTTP, retry_after_cap=30))
    assert delays == [7.0, 30.0, 4.0]


async def test_retry_after_of_a_discord_error() -> None:
    """The header of the response behind discord.py's exception is found."""
    response: Any = SimpleNamespace(status=429, reason="slow down", headers=CIMultiDict({"Retry-After": "2.5"}))
    assert retry_after_of(discord.HTTPException(response, "slow down")) == 2.5
    assert retry_after_of(discord.RateLimited(3.5)) == 3.5


def test_retry_after_without_headers() -> None:
    """An exception that names nothing usable asks for nothing."""
    assert retry_after_of(lost()) is None
    assert retry_after_of(http_error(429)) is None
    assert retry_after_of(http_error(429, Retry_After="soon")) is None
    odd: Any = ConnectionError()
    odd.headers = "Retry-After: 3"
    assert retry_after_of(odd) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 1.5 ", 1.5),
        (3, 3.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        (True, None),
        (None, None),
        (10**400, None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_seconds_of_retry_after(value: object, seconds: float | None) -> None:
    """Numbers of seconds are taken, what makes no sense is left."""
    assert parse_retry_after(value, now=0.0) == seconds


@given(st.integers(0, 4_000_000_000), st.integers(-100_000, 100_000))
def test_dates_of_retry_after(now: int, ahead: int) -> None:
    """An HTTP-date asks for the time until then, 0 where it has passed; without a zone it is GMT."""
    date = formatdate(max(0, now + ahead), usegmt=True)
    expected = float(max(0, max(0, now + ahead) - now))
    assert parse_retry_after(date, now) == expected
    assert parse_retry_after(date.removesuffix(" GMT"), now) == expected


@given(st.sampled_from(Jitter), st.integers(1, 10_000), st.floats(0, 1), st.floats(0, 100))
def test_jitter_stays_within_its_formula(jitter: Jitter, failures: int, share: float, previous: float) -> None:
    """Each jitter draws from the interval of its formula, however many failures there were."""
    config = RetryConfig(jitter=jitter, max_delay=50.0, uniform=lambda low, high: low + (high - low) * share)
    full = min(50.0, 2.0 ** min(failures - 1, 64))
    low, high = {
        Jitter.NONE: (full, full),
        Jitter.FULL: (0.0, full),
        Jitter.EQUAL: (full / 2, full),
        Jitter.DECORRELATED: (1.0, min(50.0, max(1.0, previous) * 3)),
    }[jitter]
    assert low <= config.delay(failures, previous) <= high


def test_delay_of_a_huge_base_is_finite() -> None:
    """A power beyond what a number holds is the longest delay."""
    assert RetryConfig(exponential_base=1e300, jitter=Jitter.NONE).delay(50) == 60.0


@pytest.mark.parametrize(
    "settings",
    [
        {"max_retries": -1},
        {"base_delay": -1},
        {"max_delay": float("inf")},
        {"retry_after_cap": float("nan")},
        {"exponential_base": 0.5},
        {"deadline": 0},
        {"jitter": "some"},
        {"retryable_exceptions": (asyncio.CancelledError,)},
        {"retryable_exceptions": (KeyboardInterrupt,)},
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    """Settings that make no sense are a clear error when they are made."""
    with pytest.raises(ValueError, match=r"."):
        RetryConfig(**settings)


async def test_deadline_ends_a_try() -> None:
    """A try that is under way at the deadline is cancelled and the deadline named."""
    cancelled = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(RetryDeadlineError, match=r"deadline of 0\.01 s"):
        await retry_async(endless, config=quick(deadline=0.01))
    assert cancelled.is_set()


async def test_deadline_forbids_a_delay_that_passes_it() -> None:
    """Where the next try would come too late, the failure is raised without waiting."""
    delays = Delays()
    with pytest.raises(ConnectionError):
        await retry_async(Service(lost(), lost()), config=quick(delays, deadline=60.0, base_delay=60.0))
    assert delays == []


async def test_a_time_out_of_the_service_is_not_the_deadline() -> None:
    """The service's own TimeoutError within the deadline is tried again."""
    service = Service(TimeoutError())
    assert await retry_async(service, config=quick(deadline=60.0, base_delay=0.0)) == "sunny"


async def test_fallback_answers_when_tries_are_spent() -> None:
    """Plain and coroutine fallbacks get the call's arguments and give the answer."""

    async def later(answer: str) -> str:
        return f"perhaps {answer}"

    config = quick(max_retries=0)
    assert await retry_async(Service(lost()), "rain", config=config, fallback=later) == "perhaps rain"
    assert await retry_async(Service(lost()), "rain", config=config, fallback=str.upper) == "RAIN"


async def test_on_retry_is_told_and_cannot_harm(caplog: pytest.LogCaptureFixture) -> None:
    """It is told the try, the error and the delay; what it raises is logged and the retry goes on."""
    told: list[tuple[int, str, float]] = []

    async def tell(attempt: int, error: Exception, delay: float) -> None:
        told.append((attempt, type(error).__name__, delay))
        raise ValueError("the listener is broken")

    assert await retry_async(Service(lost(), lost()), config=quick(), on_retry=tell) == "sunny"
    assert told == [(1, "ConnectionError", 1.0), (2, "ConnectionError", 2.0)]
    assert "on_retry failed" in caplog.text


async def test_failures_of_a_service_are_remembered_until_it_works() -> None:
    """Callers that name a service start from its failures so far; a success forgets them."""
    delays = Delays()
    with pytest.raises(ConnectionError):
        await retry_async(Service(lost(), lost()), config=quick(delays, max_retries=1), service_name="weather")
    state = await error_recovery._get_backoff_state_async("weather")
    assert (state.consecutive_failures, state.current_delay) == (2, 2.0)
    await retry_async(Service(lost()), config=quick(delays), service_name="weather")
    assert delays == [1.0, 4.0]
    assert state.consecutive_failures == 0
    await error_recovery._get_backoff_state_async("weather")
    await retry_async(Service(), service_name="weather")
    assert "weather" not in error_recovery._backoff_states


async def test_reset_forgets_a_service() -> None:
    """After a reset the service has a fresh state; resetting one that nobody knows is fine."""
    before = await error_recovery._get_backoff_state_async("weather")
    await error_recovery._reset_backoff_state_async("weather")
    await error_recovery._reset_backoff_state_async("weather")
    assert await error_recovery._get_backoff_state_async("weather") is not before


async def test_remembered_services_are_bounded_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service asked for least recently makes room."""
    monkeypatch.setattr(error_recovery, "MAX_BACKOFF_STATES", 2)
    for name in ("a", "b", "a", "c"):
        await error_recovery._get_backoff_state_async(name)
    assert list(error_recovery._backoff_states) == ["a", "c"]


async def test_remembered_services_are_bounded_in_age(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that nobody asked for in a long time is forgotten, and not given out again."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    old = [await error_recovery._get_backoff_state_async(name) for name in ("a", "b")]
    now += error_recovery.BACKOFF_MAX_AGE + 1
    assert await error_recovery._get_backoff_state_async("a") is not old[0]
    assert list(error_recovery._backoff_states) == ["a"]


def test_failures_are_counted_across_threads() -> None:
    """Failures that several threads report at once are all counted."""
    config = quick(max_retries=20)

    def work() -> None:
        with pytest.raises(ConnectionError):
            asyncio.run(retry_async(Service(*(lost() for _ in range(50))), config=config, service_name="weather"))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert error_recovery._backoff_states["weather"].consecutive_failures == 4 * 21


def test_backoff_state_is_a_pure_transition() -> None:
    """A failure counts up and gives the delay; a success clears."""
    state = BackoffState()
    assert state.failed(quick(), now=5.0) == 1.0
    assert (state.last_failure, state.current_delay) == (5.0, 1.0)
    state.succeeded()
    assert (state.consecutive_failures, state.current_delay) == (0, 0.0)


async def test_breaker_is_asked_before_each_try_and_told_after() -> None:
    """Failures open the breaker in the midst of the tries; the refusal carries the failure that led to it."""
    breaker = CircuitBreaker("weather", failure_threshold=2)
    service = Service(lost(), lost(), lost())
    with pytest.raises(CircuitBreakerOpenError) as caught:
        await retry_async(service, config=quick(), circuit_breaker=breaker)
    assert service.calls == 2
    assert isinstance(caught.value.__cause__, ConnectionError)
    assert await retry_async(service, config=quick(), circuit_breaker=breaker, fallback=lambda: "guess") == "guess"


async def test_breaker_hears_of_success() -> None:
    """A try that works clears the breaker's failures."""
    breaker = CircuitBreaker("weather", failure_threshold=2)
    await retry_async(Service(lost()), config=quick(), circuit_breaker=breaker)
    assert (breaker.state, breaker.failure_count) == (CircuitState.CLOSED, 0)


async def test_breaker_without_async_methods_is_honoured() -> None:
    """Any object with the three plain methods will do."""
    heard: list[str] = []

    class Plain:
        def can_execute(self) -> bool:
            return True

        def record_success(self) -> None:
            heard.append("success")

        def record_failure(self) -> None:
            heard.append("failure")

    await retry_async(Service(lost()), config=quick(), circuit_breaker=Plain())
    with pytest.raises(asyncio.CancelledError):
        await retry_async(Service(asyncio.CancelledError()), config=quick(), circuit_breaker=Plain())
    assert heard == ["failure", "success"]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyError("x"), http_error(404)])
async def test_breaker_gets_its_probe_back(error: BaseException) -> None:
    """A try that is cancelled or says nothing of the service counts neither way and returns its probe."""
    breaker = CircuitBreaker("weather", failure_threshold=1, reset_timeout=0.0, half_open_max_calls=1)
    breaker.record_failure()
    with pytest.raises(type(error)):
        await retry_async(Service(error), config=quick(retryable_exceptions=HTTP), circuit_breaker=breaker)
    assert breaker.state is CircuitState.HALF_OPEN
    assert breaker.can_execute()


async def test_decorator_retries_and_keeps_the_name() -> None:
    """The decorated function retries itself with its arguments, its fallback gets them too."""
    service = Service(lost())

    @with_retry(quick(max_retries=1), fallback=lambda city: f"no {city}")
    async def forecast(city: str) -> str:
        return await service(city)

    assert forecast.__name__ == "forecast"
    assert await forecast("Bangkok") == "Bangkok"
    service.errors = [lost(), lost()]
    assert await forecast("Bangkok") == "no Bangkok"


def test_decorator_refuses_plain_functions() -> None:
    """A function that makes no coroutine cannot be awaited again."""
    plain: Callable[[], Any] = dict
    with pytest.raises(TypeError, match="coroutine functions"):
        with_retry()(plain)


async def test_default_sleep_is_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a sleep of its own the retry waits with asyncio's."""
    delays = Delays()
    monkeypatch.setattr(asyncio, "sleep", delays)
    await retry_async(Service(lost()), config=RetryConfig(jitter=Jitter.EQUAL, uniform=max))
    assert delays == [1.0]
