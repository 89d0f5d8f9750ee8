"""What a shutdown is made of, and what became of it: plain data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

Callback = Callable[[], Any]
"""A function, a coroutine function, or anything that returns an awaitable when called."""


class Priority(IntEnum):
    """The level of a handler; all handlers of one level end before the next level begins."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3
    BACKGROUND = 4


@dataclass(frozen=True, eq=False)
class Handler:
    """One step of the clean-up.

    Attributes:
        name: what it is called in the report.
        callback: what is called.
        priority: its level.
        timeout: seconds that it is given.
        required: whether the shutdown counts as failed if this step does.
        on_loop: whether a plain function runs on the event loop's thread, where it may touch the loop's objects
            but must not block.
    """

    name: str
    callback: Callback
    priority: Priority
    timeout: float
    required: bool
    on_loop: bool


class Status(StrEnum):
    """How a handler ended."""

    RAN = "ran"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Outcome:
    """What became of one handler.

    Attributes:
        name: the handler's name.
        priority: its level.
        status: how it ended; ``SKIPPED`` where the overall deadline left it no time.
        required: whether the shutdown counts as failed if it did not run.
        error: the exception that ended it, or None.
    """

    name: str
    priority: Priority
    status: Status
    required: bool
    error: BaseException | None = None


@dataclass(frozen=True)
class ShutdownReport:
    """What a shutdown did.

    Attributes:
        signal_name: what asked for it.
        outcomes: the handlers, in the order in which they ended.
        left_behind: names of the tasks and threads that were still at work at the end.
    """

    signal_name: str
    outcomes: tuple[Outcome, ...]
    left_behind: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every required handler ran."""
        return all(outcome.status is Status.RAN for outcome in self.outcomes if outcome.required)

    def named(self, status: Status) -> tuple[str, ...]:
        """Return the names of the handlers that ended in a certain way."""
        return tuple(outcome.name for outcome in self.outcomes if outcome.status is status)

    @property
    def ran(self) -> tuple[str, ...]:
        """Names of the handlers that did their work."""
        return self.named(Status.RAN)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the handlers that raised."""
        return self.named(Status.FAILED)

    @property
    def timed_out(self) -> tuple[str, ...]:
        """Names of the handlers that used up their time."""
        return self.named(Status.TIMED_OUT)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the handlers that the overall deadline left no time for."""
        return self.named(Status.SKIPPED)

    def __str__(self) -> str:
        """Say it in a line for the log."""
        parts = [f"{status}: {', '.join(names)}" for status in Status if (names := self.named(status))]
        parts += [f"left behind: {', '.join(self.left_behind)}"] if self.left_behind else []
        return f"shutdown ({self.signal_name}): {'; '.join(parts) or 'nothing to do'}"
