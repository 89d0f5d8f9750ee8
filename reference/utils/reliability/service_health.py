"""Which of the services that a bot leans on are well, told from their calls and from checks of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

Check = Callable[[], Awaitable[object]]
OnChange = Callable[["ServiceHealth", "HealthState"], object]

logger = logging.getLogger(__name__)


class HealthState(StrEnum):
    """What is known of a service.

    Attributes:
        UNKNOWN: nothing was heard of it.
        HEALTHY: it answers.
        DEGRADED: it failed lately, though not often enough to be given up, or it is on its way back.
        UNHEALTHY: it failed too often in a row.
    """

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """A service at one moment; never changed, so any thread may keep it.

    Attributes:
        name: the service.
        state: what is known of it.
        failures: failures in a row.
        successes: successes in a row.
        total: outcomes heard of.
        total_failures: failures among them.
        last_error: the newest failure, one line, empty where there was none.
        last_change: monotonic time at which ``state`` became what it is, seconds.
        latency: seconds that the newest success took; None where nobody said.
    """

    name: str
    state: HealthState = HealthState.UNKNOWN
    failures: int = 0
    successes: int = 0
    total: int = 0
    total_failures: int = 0
    last_error: str = ""
    last_change: float = 0.0
    latency: float | None = None

    def succeeded(self, latency: float | None, recover_after: int, now: float) -> ServiceHealth:
        """Return what the service is after a success."""
        successes = self.successes + 1
        well = successes >= recover_after or self.state in (HealthState.UNKNOWN, HealthState.HEALTHY)
        after = replace(self, successes=successes, failures=0, total=self.total + 1, latency=latency)
        return after.turned(HealthState.HEALTHY if well else HealthState.DEGRADED, now)

    def failed(self, error: str, fail_after: int, now: float) -> ServiceHealth:
        """Return what the service is after a failure."""
        failures = self.failures + 1
        ill = failures >= fail_after or self.state is HealthState.UNHEALTHY
        after = replace(
            self,
            failures=failures,
            successes=0,
            total=self.total + 1,
            total_failures=self.total_failures + 1,
            last_error=error,
        )
        return after.turned(HealthState.UNHEALTHY if ill else HealthState.DEGRADED, now)

    def turned(self, state: HealthState, now: float) -> ServiceHealth:
        """Return the same service in a state, with the time of the change where it is one."""
        return self if state is self.state else replace(self, state=state, last_change=now)

    def to_dict(self) -> dict[str, Any]:
        """Return the values as JSON takes them."""
        return asdict(self)


@dataclass
class ServiceHealthMonitor:
    """Keeps the health of services; outcomes may be told from any thread or loop.

    Attributes:
        fail_after: failures in a row that make a service unhealthy.
        recover_after: successes in a row that make it healthy again.
        check_timeout: seconds that a check may take.
        on_change: told the new health and the state before it, outside of any lock; what it raises is logged.
        max_services: services kept; telling of one more is refused, since names come from the program, not from users.
        clock: monotonic seconds.
    """

    fail_after: int = 3
    recover_after: int = 2
    check_timeout: float = 5.0
    on_change: OnChange | None = None
    max_services: int = 200
    clock: Callable[[], float] = time.monotonic
    _services: dict[str, ServiceHealth] = field(default_factory=dict, init=False, repr=False)
    _checks: dict[str, Check] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def register(self, name: str, check: Check | None = None) -> None:
        """Make a service known.

        Args:
            name: the service.
            check: asks the service how it is; an exception, or an answer of False, means that it is not well.

        Raises:
            ValueError: there are ``max_services`` others already.
        """
        with self._lock:
            self._services[name] = self._of(name)
            if check is not None:
                self._checks[name] = check

    def record_success(self, name: str, latency: float | None = None) -> None:
        """Note that a service worked, in ``latency`` seconds where that is known."""
        self._change(name, lambda before, now: before.succeeded(latency, self.recover_after, now))

    def record_failure(self, name: str, error: BaseException | str = "") -> None:
        """Note that a service failed, and how."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        line = text.partition("\n")[0]
        self._change(name, lambda before, now: before.failed(line, self.fail_after, now))

    @contextlib.contextmanager
    def watching(self, name: str) -> Any:
        """Note the outcome of a ``with`` body; a cancelled one counts neither way."""
        begin = self.clock()
        try:
            yield
        except Exception as error:
            self.record_failure(name, error)
            raise
        self.record_success(name, self.clock() - begin)

    def get(self, name: str) -> ServiceHealth:
        """Return the health of a service, ``UNKNOWN`` where nothing was heard of it."""
        with self._lock:
            return self._services.get(name) or ServiceHealth(name)

    def snapshot(self) -> Mapping[str, ServiceHealth]:
        """Return the health of all services at one moment."""
        with self._lock:
            return dict(self._services)

    @property
    def overall(self) -> HealthState:
        """The worst state of any service; ``UNKNOWN`` where there is none."""
        states = {service.state for service in self.snapshot().values()}
        worst_first = (HealthState.UNHEALTHY, HealthState.DEGRADED, HealthState.HEALTHY)
        return next((state for state in worst_first if state in states), HealthState.UNKNOWN)

    async def check(self, name: str) -> ServiceHealth:
        """Run the check of one service, within ``check_timeout``, and return what it made of the service.

        Raises:
            KeyError: the service has no check.
        """
        check = self._checks[name]
        begin = self.clock()
        try:
            async with asyncio.timeout(self.check_timeout):
                answer = await check()
        except Exception as error:  # noqa: BLE001  whatever it is, the service is not well
            self.record_failure(name, error)
        else:
            if answer is False:
                self.record_failure(name, "its check answered no")
            else:
                self.record_success(name, self.clock() - begin)
        return self.get(name)

    async def check_all(self) -> Mapping[str, ServiceHealth]:
        """Run all checks side by side and return the health of all services."""
        await asyncio.gather(*map(self.check, tuple(self._checks)))
        return self.snapshot()

    async def run(self, interval: float = 30.0) -> None:
        """Check all services every ``interval`` seconds until the task that runs this is cancelled."""
        while True:
            await self.check_all()
            await asyncio.sleep(interval)

    def _of(self, name: str) -> ServiceHealth:
        known = self._services.get(name)
        if known is None and len(self._services) >= self.max_services:
            raise ValueError(f"{self.max_services} services are known already; {name!r} is one too many")
        return known or ServiceHealth(name, last_change=self.clock())

    def _change(self, name: str, transition: Callable[[ServiceHealth, float], ServiceHealth]) -> None:
        with self._lock:
            before = self._of(name)
            after = self._services[name] = transition(before, self.clock())
        if after.state is before.state:
            return
        logger.info("service %s: %s, was %s", name, after.state, before.state)
        if self.on_change is None:
            return
        try:
            self.on_change(after, before.state)
        except Exception:
            logger.exception("on_change failed for service %s", name)
