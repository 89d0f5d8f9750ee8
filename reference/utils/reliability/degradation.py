"""Ways of doing one thing, from the best to the least: while one fails, the next answers."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class DegradationExhaustedError(ExceptionGroup[Exception]):
    """No way worked; holds what each one that was tried raised."""


class Admission(Enum):
    """How a caller is let in."""

    FREE = auto()
    PROBE = auto()
    REFUSED = auto()


@dataclass(slots=True)
class _Way:
    """One way of doing it.

    Attributes:
        name: what people call it.
        func: does it; plain or coroutine function.
        closed_until: monotonic time until which it is left alone after a failure, seconds.
        probing: whether one caller is finding out if it is back.
    """

    name: str
    func: Callable[..., Any]
    closed_until: float | None = None
    probing: bool = False

    def admit(self, now: float) -> Admission:
        """Decide whether a caller may go this way; after a failure one at a time finds out if it is back."""
        if self.closed_until is None:
            return Admission.FREE
        if now < self.closed_until or self.probing:
            return Admission.REFUSED
        self.probing = True
        return Admission.PROBE

    def leave(self, admission: Admission) -> None:
        """Note that a caller is done with this way."""
        if admission is Admission.PROBE:
            self.probing = False


@dataclass
class GracefulDegradation:
    """Answers in the best way that works at present.

    A way that fails is left alone for ``recover_after`` seconds; then a single caller tries it while the others stay
    with the next one. Usable from any thread and event loop.

    Attributes:
        name: what it is for, used in the log.
        recover_after: seconds.
        failures: exceptions that mean "this way does not work now"; all others reach the caller.
        clock: monotonic seconds.
    """

    name: str
    recover_after: float = 60.0
    failures: tuple[type[Exception], ...] = (Exception,)
    clock: Callable[[], float] = time.monotonic
    _ways: list[_Way] = field(default_factory=list, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def add(self, name: str, func: Callable[..., Any]) -> GracefulDegradation:
        """Add the next best way; returns self, so that ways can be listed in a row.

        Args:
            name: what people call it.
            func: does it, with the arguments given to ``run``; plain or coroutine function.

        Raises:
            ValueError: there is a way of that name.
        """
        with self._lock:
            if any(way.name == name for way in self._ways):
                raise ValueError(f"{self.name} has a way {name!r} already")
            self._ways.append(_Way(name, func))
        return self

    @property
    def level(self) -> str | None:
        """Name of the way that is taken at present; None where every one of them is left alone."""
        with self._lock:
            return next((way.name for way in self._ways if way.closed_until is None), None)

    @property
    def is_degraded(self) -> bool:
        """Whether the best way is left alone at present."""
        with self._lock:
            return bool(self._ways) and self._ways[0].closed_until is not None

    def reset(self) -> None:
        """Let every way be taken again."""
        with self._lock:
            for way in self._ways:
                way.closed_until, way.probing = None, False

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        """Return the answer of the best way that works.

        Where every way is left alone, the last one is tried all the same: it is the one that is there for that.

        Raises:
            DegradationExhaustedError: none of them worked.
            ValueError: there is no way to take.
        """
        errors: list[Exception] = []
        for way in tuple(self._ways):
            admission = self._admit(way)
            if admission is Admission.REFUSED and way is not self._ways[-1]:
                continue
            try:
                return await self._take(way, admission, args, kwargs)
            except self.failures as error:
                errors.append(error)
        if not errors:
            raise ValueError(f"{self.name} has no way to take; add one first")
        raise DegradationExhaustedError(f"{self.name}: no way worked", errors)

    def _admit(self, way: _Way) -> Admission:
        with self._lock:
            return way.admit(self.clock())

    async def _take(self, way: _Way, admission: Admission, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            answer = way.func(*args, **kwargs)
            if inspect.isawaitable(answer):
                answer = await answer
        except self.failures as error:
            logger.warning("%s: %s does not work: %r", self.name, way.name, error)
            self._close(way, self.clock() + self.recover_after)
            raise
        else:
            self._close(way, None)
            return answer
        finally:
            with self._lock:
                way.leave(admission)

    def _close(self, way: _Way, until: float | None) -> None:
        with self._lock:
            way.closed_until = until
