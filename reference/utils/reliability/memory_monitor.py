"""How much memory the process uses, and what is done about it before the operating system does."""

from __future__ import annotations

import asyncio
import gc
import logging
import math
import os
import threading
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = logging.getLogger(__name__)

MEBIBYTE = 1024 * 1024


class MemoryLevel(IntEnum):
    """How tight memory is."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2


class Cache(Protocol):
    """What is asked of a cache that gives memory back."""

    def cleanup(self) -> int:
        """Remove what is of no use any more; return how much."""

    def clear(self) -> int:
        """Remove everything; return how much."""


@dataclass(frozen=True, slots=True)
class MemoryThresholds:
    """Limits of memory use, MiB of resident memory.

    Attributes:
        warning: from here on caches drop what has expired.
        critical: from here on caches are emptied and garbage is collected.
        relief: share of a threshold that use must fall below before its level ends, so that it does not flicker.

    Raises:
        ValueError: the limits are not in order.
    """

    warning: float = 512.0
    critical: float = 1024.0
    relief: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.warning < self.critical < math.inf:
            raise ValueError(f"warning {self.warning:g} MiB must be above 0 and below critical {self.critical:g} MiB")
        if not 0 < self.relief <= 1:
            raise ValueError(f"relief is {self.relief}; give a share above 0, at most 1")

    @classmethod
    def from_env(cls, environment: Mapping[str, str] = os.environ) -> MemoryThresholds:
        """Read ``MEMORY_WARNING_MB`` and ``MEMORY_CRITICAL_MB``, MiB each; what is not set keeps its default.

        Raises:
            ValueError: a setting is no number, or they are not in order.
        """
        default = cls()
        return cls(
            warning=_number(environment, "MEMORY_WARNING_MB", default.warning),
            critical=_number(environment, "MEMORY_CRITICAL_MB", default.critical),
        )

    def level(self, used: float, before: MemoryLevel) -> MemoryLevel:
        """Return the level at ``used`` MiB, after the level ``before``."""
        for level, limit in ((MemoryLevel.CRITICAL, self.critical), (MemoryLevel.WARNING, self.warning)):
            if used >= (limit * self.relief if before >= level else limit):
                return level
        return MemoryLevel.NORMAL


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    """Memory at one moment.

    Attributes:
        used: resident memory of the process, MiB.
        level: how tight it is.
        freed: cache entries that were removed for it.
    """

    used: float
    level: MemoryLevel
    freed: int = 0


def resident_memory() -> int:
    """Return the resident memory of this process in bytes."""
    import psutil  # noqa: PLC0415  only a process that watches its memory pays for it

    resident: int = psutil.Process().memory_info().rss
    return resident


@dataclass
class MemoryMonitor:
    """Watches the process's memory and has caches give theirs back when it gets tight.

    Attributes:
        thresholds: the limits; those of the settings by default.
        on_level: told the usage when the level changes; what it raises is logged.
        read: returns bytes in use.
    """

    thresholds: MemoryThresholds = field(default_factory=MemoryThresholds.from_env)
    on_level: Callable[[MemoryUsage], object] | None = None
    read: Callable[[], int] = resident_memory
    _caches: dict[str, Cache] = field(default_factory=dict, init=False, repr=False)
    _level: MemoryLevel = field(default=MemoryLevel.NORMAL, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def register(self, name: str, cache: Cache) -> None:
        """Have a cache give memory back; a name is taken by the newest cache of that name."""
        with self._lock:
            self._caches[name] = cache

    def unregister(self, name: str) -> None:
        """Forget a cache."""
        with self._lock:
            self._caches.pop(name, None)

    @property
    def level(self) -> MemoryLevel:
        """How tight memory was at the last check."""
        return self._level

    def check(self) -> MemoryUsage:
        """Measure once, and free memory where it is tight; safe to call from a worker thread."""
        used = self.read() / MEBIBYTE
        with self._lock:
            before, self._level = self._level, self.thresholds.level(used, self._level)
            level, caches = self._level, dict(self._caches)
        usage = MemoryUsage(used, level, _free(level, caches))
        if level is not before:
            self._announce(usage, before)
        return usage

    async def run(self, interval: float = 60.0) -> None:
        """Check every ``interval`` seconds until the task that runs this is cancelled; a check that fails is logged."""
        while True:
            try:
                await asyncio.to_thread(self.check)
            except Exception:
                logger.exception("memory could not be checked")
            await asyncio.sleep(interval)

    def _announce(self, usage: MemoryUsage, before: MemoryLevel) -> None:
        logger.log(
            logging.WARNING if usage.level > before else logging.INFO,
            "memory is %s (was %s): %.0f MiB in use",
            usage.level.name.lower(),
            before.name.lower(),
            usage.used,
        )
        if self.on_level is None:
            return
        try:
            self.on_level(usage)
        except Exception:
            logger.exception("on_level failed")


def _free(level: MemoryLevel, caches: Mapping[str, Cache]) -> int:
    freed = 0
    if level is MemoryLevel.NORMAL:
        return freed
    for name, cache in caches.items():
        try:
            freed += cache.clear() if level is MemoryLevel.CRITICAL else cache.cleanup()
        except Exception:
            logger.exception("cache %s gave no memory back", name)
    if level is MemoryLevel.CRITICAL:
        gc.collect()
    return freed


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        raise ValueError(f"{name} is {text!r}; give a number of MiB") from None
