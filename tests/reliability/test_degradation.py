"""Graceful degradation and the health of services."""

from __future__ import annotations

import asyncio
import json

import pytest

from reference.utils.reliability.error_recovery import (
    DegradationExhaustedError,
    GracefulDegradation,
    HealthState,
    ServiceHealth,
    ServiceHealthMonitor,
)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Way:
    """A way of answering that can be broken."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def __call__(self, question: str) -> str:
        """Answer, once the gate is open, or raise."""
        self.calls += 1
        if self.gate:
            await self.gate.wait()
        if self.error:
            raise self.error
        return f"best {question}"


def ladder(best: Way, clock: Clock) -> GracefulDegradation:
    """Return two ways: a service and a plain function."""
    ways = GracefulDegradation("ai", recover_after=60, failures=(ConnectionError,), clock=clock)
    return ways.add("service", best).add("rule", lambda question: f"simple {question}")


async def test_the_next_way_answers_until_the_best_is_back() -> None:
    """A failed way is left alone for its time, then tried and taken again."""
    best, clock = Way(), Clock()
    ways = ladder(best, clock)
    assert (await ways.run("a"), ways.level, ways.is_degraded) == ("best a", "service", False)
    best.error = ConnectionError("away")
    assert (await ways.run("b"), ways.level, ways.is_degraded) == ("simple b", "rule", True)
    best.error = None
    assert await ways.run("c") == "simple c"
    assert best.calls == 2
    clock.now = 60.0
    assert (await ways.run("d"), ways.is_degraded) == ("best d", False)


async def test_one_caller_finds_out() -> None:
    """While one caller tries a way anew, the others stay with the next; a cancelled one lets another try."""
    best, clock = Way(), Clock()
    ways = ladder(best, clock)
    best.error = ConnectionError("away")
    await ways.run("a")
    clock.now, best.error, best.gate = 60.0, None, asyncio.Event()
    probe = asyncio.create_task(ways.run("b"))
    await asyncio.sleep(0)
    assert await ways.run("c") == "simple c"
    probe.cancel()
    await asyncio.wait([probe])
    best.gate.set()
    assert await ways.run("d") == "best d"


async def test_mistakes_reach_the_caller() -> None:
    """An exception that is no failure of a way is raised and closes nothing."""
    best = Way()
    best.error = KeyError("x")
    ways = ladder(best, Clock())
    with pytest.raises(KeyError):
        await ways.run("a")
    assert not ways.is_degraded


async def test_no_way_left() -> None:
    """All failures arrive together; the last way is tried even while it is left alone; reset opens all."""
    best, clock = Way(), Clock()
    best.error = ConnectionError("away")
    ways = GracefulDegradation("ai", clock=clock).add("service", best)
    for _ in range(2):
        with pytest.raises(DegradationExhaustedError) as caught:
            await ways.run("a")
        assert caught.value.exceptions == (best.error,)
    assert ways.level is None
    ways.reset()
    assert ways.level == "service"


async def test_wrong_use() -> None:
    """No way at all, and two of one name, are clear errors."""
    ways = GracefulDegradation("ai")
    with pytest.raises(ValueError, match="no way to take"):
        await ways.run()
    with pytest.raises(ValueError, match="already"):
        ways.add("a", len).add("a", len)


def test_states_follow_outcomes() -> None:
    """Failures degrade and then fail a service; it is healthy again after successes in a row; changes are told."""
    clock, told = Clock(), list[tuple[str, HealthState, HealthState]]()
    monitor = ServiceHealthMonitor(clock=clock, on_change=lambda now, was: told.append((now.name, now.state, was)))
    assert (monitor.get("db").state, monitor.overall) == (HealthState.UNKNOWN, HealthState.UNKNOWN)
    states = []
    for outcome in "+---++":
        clock.now += 1
        if outcome == "+":
            monitor.record_success("db", 0.5)
        else:
            monitor.record_failure("db", ConnectionError("away\nsince noon"))
        states.append(monitor.get("db").state.value)
    assert states == ["healthy", "degraded", "degraded", "unhealthy", "degraded", "healthy"]
    assert len(told) == 5
    assert monitor.get("db") == ServiceHealth("db", HealthState.HEALTHY, 0, 2, 6, 3, "ConnectionError: away", 6.0, 0.5)
    assert json.loads(json.dumps(monitor.get("db").to_dict()))["state"] == "healthy"
    monitor.record_failure("ai", "gone")
    assert monitor.overall is HealthState.DEGRADED


def test_broken_listener_and_too_many_services(caplog: pytest.LogCaptureFixture) -> None:
    """A listener's exception is logged; services are bounded in number."""
    monitor = ServiceHealthMonitor(on_change=lambda *_: 1 / 0, max_services=1)
    monitor.record_success("db")
    assert "on_change failed for service db" in caplog.text
    with pytest.raises(ValueError, match="one too many"):
        monitor.register("ai")


def test_watching_a_block() -> None:
    """A block's end is a success, its exception a failure, a cancellation neither."""
    monitor = ServiceHealthMonitor()
    with monitor.watching("db"):
        pass
    with pytest.raises(KeyError), monitor.watching("db"):
        raise KeyError("x")
    with pytest.raises(asyncio.CancelledError), monitor.watching("db"):
        raise asyncio.CancelledError
    health = monitor.get("db")
    assert (health.total, health.total_failures) == (2, 1)


async def test_checks_run_side_by_side() -> None:
    """A check that answers, one that says no, one that raises and one that hangs are told apart."""

    async def yes() -> bool:
        return True

    async def no() -> bool:
        return False

    async def broken() -> None:
        raise OSError("no route")

    async def hanging() -> None:
        await asyncio.Event().wait()

    monitor = ServiceHealthMonitor(check_timeout=0.01)
    for check in (yes, no, broken, hanging):
        monitor.register(check.__name__, check)
    health = await monitor.check_all()
    assert {name: service.last_error for name, service in health.items()} == {
        "yes": "",
        "no": "its check answered no",
        "broken": "OSError: no route",
        "hanging": "TimeoutError: ",
    }
    with pytest.raises(KeyError):
        await monitor.check("unknown")


async def test_monitor_runs_until_cancelled() -> None:
    """The watch checks again and again and ends with its task."""
    enough = asyncio.Event()
    checks = []

    async def check() -> None:
        checks.append(1)
        if len(checks) == 3:
            enough.set()

    monitor = ServiceHealthMonitor()
    monitor.register("db", check)
    task = asyncio.create_task(monitor.run(0))
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert monitor.get("db").state is HealthState.HEALTHY
