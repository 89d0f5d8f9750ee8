"""Every async function of what keeps the bot reliable, cancelled at each await: nobody else pays for it.

A caller that was cancelled leaves no place in a queue, no probe, no lock and no task; what it had not begun is not
done, and the next caller is served as if it had never come. Clocks are the schedule's, so that nothing waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fuzz.budget import fuzzer
from fuzz.torture import Tormentor, held_locks, play_on_schedule, torture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
PATIENCE = 1000.0
"""Seconds of the schedule's clock, which cost nothing."""

Scenario = Callable[["Subject", Tormentor], Coroutine[Any, Any, None]]


async def soon(work: Any) -> Any:
    """Return what is awaited; a caller that would wait for ever fails instead."""
    async with asyncio.timeout(PATIENCE):
        return await work


async def throttle(subject: Subject, tormentor: Tormentor) -> None:
    """A caller in the queue of a throttle goes away; those behind it move up, and its tokens are nobody's loss."""
    gate = subject.reliability.throttle.Throttle(2, 1.0)

    async def caller() -> None:
        async with gate:
            await gate.acquire(2)

    await gate.acquire(2)
    behind: list[asyncio.Task[bool]] = []
    asyncio.get_running_loop().call_later(0.2, lambda: behind.append(asyncio.ensure_future(gate.acquire(1))))
    await tormentor.bear(caller())
    await asyncio.sleep(1.0)
    assert await soon(behind[0]), "a caller behind it was not served"
    assert gate.waiting == 0, f"{gate.waiting} callers are left in the queue"
    await asyncio.sleep(5.0)
    assert gate.try_acquire(2) == 0.0, "the budget did not come back"
    assert not held_locks(gate)


async def limits(subject: Subject, tormentor: Tormentor) -> None:
    """A request that waits for a limit goes away; the limit is what it was for the next one."""
    module = subject.reliability.rate_limiter
    limiter = module.RateLimiter()
    limiter.add_config("fuzz", module.RateLimitConfig(2, 1.0))

    async def caller() -> None:
        for _ in range(2):
            assert (await limiter.check("fuzz", 1))[0]
        assert not (await limiter.check("fuzz", 1))[0]
        assert not (await limiter.check_all(["fuzz"], 1))[0]
        assert await limiter.wait_for("fuzz", 1, max_wait=5.0)

    await tormentor.bear(caller())
    await asyncio.sleep(5.0)
    answers = [(await limiter.check("fuzz", 1))[0] for _ in range(3)]
    assert answers == [True, True, False], f"afterwards a budget of two answered {answers}"
    assert not held_locks(limiter)


class Context:
    """What a limited command needs of Discord's context: who asks, where, and a way to answer."""

    def __init__(self) -> None:
        self.author = self.channel = self.guild = self
        self.id = 1
        self.told: list[str] = []

    async def reply(self, message: str, **_options: Any) -> None:
        """Answer, which takes a while."""
        await asyncio.sleep(0.1)
        self.told.append(message)


async def commands(subject: Subject, tormentor: Tormentor) -> None:
    """A command's caller who is being refused goes away; the command serves the next one."""
    module = subject.reliability.rate_limiter
    limiter, served = module.RateLimiter(), []
    limiter.add_config("fuzz", module.RateLimitConfig(1, 1.0))
    context = Context()

    async def serve(_source: Context) -> str:
        await asyncio.sleep(0.1)
        served.append(1)
        return "served"

    command: Any = subject.reliability.command_limits.limit_command(limiter, ("fuzz",))(serve)

    async def caller() -> None:
        assert await command(context) == "served"
        assert await command(context) is None

    error = await tormentor.bear(caller())
    assert error is not None or (len(served), len(context.told)) == (1, 1)
    await asyncio.sleep(5.0)
    assert await command(context) == "served", "the command is refused although its budget came back"


class Service:
    """A service that takes a while, and fails as often as it is told to.

    Attributes:
        failures: how often it fails yet.
        calls: how often it was called.
    """

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.calls = 0

    async def ask(self) -> str:
        """Answer after a while.

        Raises:
            ConnectionError: it is to fail.
        """
        self.calls += 1
        await asyncio.sleep(0.1)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the service is away")
        return "well"


async def half_open(subject: Subject) -> Any:
    """Return a breaker that admits one probe."""
    breaker = subject.reliability.circuit_breaker.CircuitBreaker("fuzz", 1, 1.0, 1)
    breaker.trip()
    await asyncio.sleep(2.0)
    return breaker


async def call(breaker: Any, service: Service) -> None:
    """Call through a breaker."""
    await breaker.call(service.ask)


async def block(breaker: Any, service: Service) -> None:
    """Call in a block of a breaker."""
    async with breaker:
        await service.ask()


async def asked(breaker: Any, service: Service) -> None:
    """Ask a breaker, and report to it."""
    assert await breaker.async_can_execute()
    try:
        await service.ask()
    except asyncio.CancelledError:
        breaker.record_cancelled()
        raise
    except ConnectionError:
        await breaker.async_record_failure()
        raise
    await breaker.async_record_success()


def probing(way: Callable[[Any, Service], Coroutine[Any, Any, None]], failures: int) -> Scenario:
    """Return a scenario in which the one probe of a breaker is made in a way."""

    async def scenario(subject: Subject, tormentor: Tormentor) -> None:
        breaker = await half_open(subject)
        error = await tormentor.bear(way(breaker, Service(failures)), ConnectionError)
        if error is None:
            assert breaker.get_status()["state"] == "closed", "a probe that worked did not close the circuit"
        if isinstance(error, ConnectionError):
            await asyncio.sleep(2.0)
        assert await breaker.call(Service().ask) == "well", "the next probe was refused"
        assert breaker.get_status()["probes"] == 0
        assert not held_locks(breaker)

    return scenario


async def retry(subject: Subject, tormentor: Tormentor) -> None:
    """A call that is tried again is given up in the middle; no try follows, and its breaker has its probe back."""
    module = subject.reliability.error_recovery
    breaker, service = await half_open(subject), Service(2)
    config = module.RetryConfig(max_retries=3, base_delay=0.5, jitter=module.Jitter.NONE, deadline=60.0)

    async def tell(*_what: Any) -> None:
        await asyncio.sleep(0.05)

    async def caller() -> None:
        options = {"config": config, "on_retry": tell, "service_name": "fuzz", "circuit_breaker": breaker}
        await module.retry_async(service.ask, **options)

    await tormentor.bear(caller(), ConnectionError, module.CircuitBreakerOpenError)
    calls = service.calls
    await asyncio.sleep(100.0)
    assert service.calls == calls, "it was tried again after it had been given up"
    assert await module.retry_async(Service().ask, circuit_breaker=breaker, service_name="fuzz") == "well"
    assert module._get_backoff_state("fuzz").consecutive_failures == 0
    assert not held_locks(breaker)


async def fallback(subject: Subject, tormentor: Tormentor) -> None:
    """A decorated call falls back in the end; cancelled anywhere, it does not fall back instead of being cancelled."""
    module = subject.reliability.error_recovery
    config = module.RetryConfig(max_retries=1, base_delay=0.5)
    answered: list[str] = []

    async def instead() -> str:
        await asyncio.sleep(0.1)
        answered.append("instead")
        return "instead"

    fetch: Any = module.with_retry(config, fallback=instead)(Service(10).ask)
    error = await tormentor.bear(fetch())
    assert answered == ([] if error else ["instead"]), f"it ended with {error!r}, and {answered} answered"


async def ways(subject: Subject, tormentor: Tormentor) -> None:
    """Whoever finds out whether the best way is back is cancelled; the next caller finds out instead."""
    best, least = Service(1), Service()
    degradation = subject.reliability.degradation.GracefulDegradation("fuzz", 1.0, clock=time.monotonic)
    degradation.add("best", best.ask).add("least", least.ask)
    await degradation.run()
    await asyncio.sleep(2.0)
    await tormentor.bear(degradation.run())
    before = best.calls
    await degradation.run()
    assert best.calls == before + 1, "the best way is not tried any more"
    assert not held_locks(degradation)


async def monitor(subject: Subject, tormentor: Tormentor) -> None:
    """Checks of services are cancelled, each at its awaits; what is known of the services is whole."""
    services = subject.reliability.service_health.ServiceHealthMonitor(check_timeout=1.0, clock=time.monotonic)

    async def slow() -> None:
        await asyncio.sleep(5.0)

    services.register("well", Service().ask)
    services.register("ill", Service(1000).ask)
    services.register("slow", slow)

    async def caller() -> None:
        await services.check("well")
        async with asyncio.timeout(10.0):
            await services.run(1.0)

    await tormentor.bear(caller(), TimeoutError)
    found = await services.check_all()
    assert found["well"].state == "healthy", f"a service that answers is {found['well'].state}"
    assert all(each.failures + each.successes > 0 for each in found.values())
    assert not held_locks(services)


async def memory(subject: Subject, tormentor: Tormentor) -> None:
    """The watch over memory is cancelled, and bears a reading that fails."""
    unreadable = [OSError(5, "unreadable")]

    def read() -> int:
        if unreadable:
            raise unreadable.pop()
        return 10

    watch = subject.reliability.memory_monitor.MemoryMonitor(read=read)

    async def caller() -> None:
        async with asyncio.timeout(5.0):
            await watch.run(1.0)

    await tormentor.bear(caller(), TimeoutError)
    unreadable.clear()
    assert watch.check().freed == 0
    assert not held_locks(watch)


async def many_loops(subject: Subject, tormentor: Tormentor) -> None:
    """One who waits for an event goes away; the others are told."""
    event = subject.reliability.loop_signals.ManyLoopsEvent()
    other = asyncio.ensure_future(event.wait())
    asyncio.get_running_loop().call_later(1.0, event.set)
    await tormentor.bear(event.wait())
    await soon(other)
    await soon(event.wait())
    assert not held_locks(event)


async def shutdown(subject: Subject, tormentor: Tormentor) -> None:
    """Whoever asked for the end goes away; the end comes all the same, each handler is called once, all are told."""
    manager = subject.reliability.shutdown_manager.ShutdownManager(timeout=60.0, force_exit=False)
    service, plain = Service(), []
    manager.register("service", service.ask)
    manager.register("plain", lambda: plain.append(1))
    others = asyncio.ensure_future(manager.wait_for_shutdown())
    await asyncio.sleep(0)
    await tormentor.bear(manager.shutdown("fuzz"))
    report = await soon(manager.shutdown("again"))
    assert (await soon(others)) is report, "who waited for the end was told another report"
    failed = set(report.failed) - ({"plain"} if tormentor.fail_at <= len(tormentor.calls) else set())
    assert not failed, f"{failed} failed"
    assert service.calls == 1, f"a handler was called {service.calls} times"
    assert len(report.outcomes) == 2, f"the report tells of {len(report.outcomes)} of two handlers"
    assert not report.left_behind, f"{report.left_behind} left behind"
    assert not held_locks(manager)


async def level(subject: Subject, tormentor: Tormentor) -> None:
    """Somebody cancels the clean-up itself, as the end of `asyncio.run` does: every handler still comes to its end."""
    reports, calls = subject.reliability.shutdown_report, subject.reliability.handler_calls.Calls()
    ended: list[Any] = []
    service, stubborn = Service(), Service()

    async def late() -> None:
        await stubborn.ask()
        await asyncio.sleep(PATIENCE)

    handlers = [
        reports.Handler(name, work, reports.Priority.NORMAL, 5.0, True, False)
        for name, work in (("service", service.ask), ("late", late), ("plain", lambda: None))
    ]
    deadline = asyncio.get_running_loop().time() + 60.0
    work = calls.run_level(handlers, deadline, lambda handler, outcome: ended.append((handler.name, outcome.status)))
    await tormentor.bear(work, swallows=True)
    found = sorted(name for name, _ in ended)
    assert found == ["late", "plain", "service"], f"of three handlers, {found} came to an end"
    assert dict(ended)["service"] == "ran", f"a handler that had time is told as {dict(ended)['service']}"
    assert not calls.left_behind()


async def cached(subject: Subject, tormentor: Tormentor) -> None:
    """Of two who ask for the same thing one goes away; the other gets it, and it is asked for once."""
    service = Service()

    ask: Any = subject.reliability.cached_calls.cached_with_ttl(60.0)(service.ask)
    other = asyncio.ensure_future(ask())
    await tormentor.bear(ask())
    assert await soon(other) == "well"
    assert await ask() == "well"
    assert service.calls == 1, f"the service was asked {service.calls} times"


SCENARIOS: dict[str, Scenario] = {
    **{f"{way.__name__} {failures}": probing(way, failures) for way in (call, block, asked) for failures in (0, 1)},
    "throttle": throttle,
    "limits": limits,
    "commands": commands,
    "retry": retry,
    "fallback": fallback,
    "ways": ways,
    "monitor": monitor,
    "memory": memory,
    "many loops": many_loops,
    "shutdown": shutdown,
    "level": level,
    "cached": cached,
}


def plays(subject: Subject, _folder: Path) -> Iterator[tuple[str, Callable[[Tormentor], None]]]:
    """Yield each scenario's name, and what plays it once."""
    for name, scenario in SCENARIOS.items():
        yield name, partial(play_on_schedule, scenario, subject)


@pytest.mark.parametrize("name", SCENARIOS)
def test_nobody_else_pays(subject: Subject, name: str) -> None:
    """A call that is cancelled anywhere leaves everything as the next caller needs it."""
    FUZZ.count(torture(partial(play_on_schedule, SCENARIOS[name], subject), FUZZ.examples))
