"""Torture: a scenario is cancelled at each of its awaits in turn, and each call that can fail is made to fail in turn.

`torture` runs a scenario once undisturbed and counts; then once for each await and once for each call. What must hold
afterwards is the scenario's own to say: pool full, no lock held, nothing acknowledged lost, nothing invented.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import socket
import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from harness.parts.database import CancelledAt

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

NEVER = 1_000_000


class TortureError(AssertionError):
    """Something did not hold after a scenario was disturbed; the text says what, and how it was disturbed."""


@dataclass
class Tormentor:
    """Disturbs a run of a scenario once, or not at all.

    Attributes:
        cancel_at: the await at which it is cancelled, from 1.
        fail_at: the fallible call that fails, from 1.
        awaits: how often the scenario waited so far.
        calls: names of the fallible calls made so far.
        struck: whether the disturbance took place.
    """

    cancel_at: int = NEVER
    fail_at: int = NEVER
    awaits: int = 0
    calls: list[str] = field(default_factory=list)
    struck: bool = False
    is_armed: bool = False

    def __str__(self) -> str:
        if self.cancel_at < NEVER:
            return f"it was cancelled at its await {self.cancel_at}"
        if self.fail_at <= len(self.calls):
            return f"its call {self.fail_at}, {self.calls[self.fail_at - 1]}, failed"
        return "it ran undisturbed"

    async def over(self, work: Coroutine[Any, Any, Any]) -> BaseException | None:
        """Do the work in a task of its own, disturbed; return the exception that it ended with, None for none."""
        use = CancelledAt(_counted(work, self), self.cancel_at)

        async def awaited() -> None:
            await use

        self.is_armed = True
        task = asyncio.ensure_future(awaited())
        try:
            await asyncio.wait([task])
        finally:
            self.is_armed = False
        self.struck = self.struck or use.reached
        return asyncio.CancelledError() if task.cancelled() else task.exception()

    def may_fail(self, name: str, error: BaseException) -> None:
        """Count a fallible call; raise ``error`` if it is its turn."""
        if not self.is_armed:
            return
        self.calls.append(name)
        if len(self.calls) == self.fail_at:
            self.struck = True
            raise error

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Stand between the scenario and the calls that can fail."""
        with contextlib.ExitStack() as stack:
            for patch in _patches(self):
                stack.enter_context(patch)
            yield


async def _counted(work: Coroutine[Any, Any, Any], tormentor: Tormentor) -> Any:
    counter = _Counter(work, tormentor)
    return await counter


class _Counter:
    """Awaits a coroutine and counts how often it suspends."""

    def __init__(self, work: Coroutine[Any, Any, Any], tormentor: Tormentor) -> None:
        self._work = work
        self._tormentor = tormentor

    def __await__(self) -> Any:
        steps: Any = self._work.__await__()
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waited_for = resume()
            except StopIteration as end:
                return end.value
            self._tormentor.awaits += 1
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  handed on
                resume = lambda error=error: steps.throw(error)  # type: ignore[misc]  # noqa: E731
            else:
                resume = lambda: next(steps)  # noqa: E731


def _patches(tormentor: Tormentor) -> Iterator[Any]:
    """Yield what stands in for each fallible call: the call itself, which may be made to fail before it is done."""
    for owner, attribute, name, error in (
        (os, "fsync", "fsync", OSError(5, "Input/output error")),
        (pathlib.Path, "replace", "rename", PermissionError(13, "Permission denied")),
        (pathlib.Path, "open", "open", OSError(28, "No space left on device")),
        (pathlib.Path, "mkdir", "mkdir", PermissionError(13, "Permission denied")),
        (socket, "getaddrinfo", "DNS", socket.gaierror(-3, "Temporary failure in name resolution")),
        (asyncio.SelectorEventLoop, "sock_connect", "connect", ConnectionRefusedError(111, "Connection refused")),
        (asyncio.StreamReader, "read", "read", ConnectionResetError(104, "Connection reset by peer")),
    ):
        yield mock.patch.object(owner, attribute, _standing_in(getattr(owner, attribute), name, error, tormentor))
    yield mock.patch.object(sqlite3, "connect", _connecting(tormentor))


def _standing_in(call: Any, name: str, error: Exception, tormentor: Tormentor) -> Any:
    def stand_in(*args: Any, **kwargs: Any) -> Any:
        tormentor.may_fail(name, error)
        return call(*args, **kwargs)

    return stand_in


def _connecting(tormentor: Tormentor) -> Any:
    """Return ``sqlite3.connect`` whose connections can fail in what they are asked."""
    connect = sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, *args: Any) -> Any:
            tormentor.may_fail(f"execute ({str(args[0]).split(None, 1)[0]})", _full())
            return super().execute(*args)

        def executemany(self, *args: Any) -> Any:
            tormentor.may_fail("executemany", _full())
            return super().executemany(*args)

        def commit(self) -> None:
            tormentor.may_fail("commit", sqlite3.OperationalError("disk I/O error"))
            super().commit()

    def connecting(*args: Any, **options: Any) -> Any:
        tormentor.may_fail("connect", sqlite3.OperationalError("unable to open database file"))
        options.setdefault("factory", Connection)
        return connect(*args, **options)

    return connecting


def _full() -> sqlite3.OperationalError:
    return sqlite3.OperationalError("database or disk is full")


def torture(play: Callable[[Tormentor], None], most: int = NEVER) -> int:
    """Play a scenario undisturbed, then once for each of its awaits and once for each of its fallible calls.

    Args:
        play: runs the scenario once from nothing, with a tormentor at work, and says what does not hold after it.
        most: disturbances to try at most, evenly spread.

    Returns:
        How often it was played.

    Raises:
        TortureError: something did not hold.
    """
    first = Tormentor()
    _play(play, first)
    trials = [Tormentor(cancel_at=n) for n in range(1, first.awaits + 1)]
    trials += [Tormentor(fail_at=n) for n in range(1, len(first.calls) + 1)]
    step = max(1, -(-len(trials) // most))
    for trial in trials[::step]:
        _play(play, trial)
    return 1 + len(trials[::step])


def _play(play: Callable[[Tormentor], None], tormentor: Tormentor) -> None:
    try:
        with tormentor.at_work():
            play(tormentor)
    except AssertionError as failure:
        first, _, rest = str(failure).partition("\n")
        raise TortureError(f"{first} [after {tormentor}]\n{rest}".rstrip()) from failure
