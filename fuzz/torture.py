"""Torture: a scenario is cancelled at each of its awaits in turn, and each call that can fail is made to fail in turn.

`torture` runs a scenario once undisturbed and counts; then once for each await and once for each call. What must hold
afterwards is the scenario's own to say: pool full, no lock held, nothing acknowledged lost, nothing invented.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fuzz.fallible import standing_between
from fuzz.schedule import Script, run
from harness.holdings import Holdings, left_behind
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
        is_explained: whether what came out of the scenario is what was done to it, or follows from that.
    """

    cancel_at: int = NEVER
    fail_at: int = NEVER
    awaits: int = 0
    calls: list[str] = field(default_factory=list)
    struck: bool = False
    is_explained: bool = True
    _raised: BaseException | None = None
    is_armed: bool = False

    def __str__(self) -> str:
        if self.cancel_at < NEVER:
            return f"it was cancelled at its await {self.cancel_at}"
        if self.fail_at <= len(self.calls):
            return f"its call {self.fail_at}, {self.calls[self.fail_at - 1]}, failed"
        return "it ran undisturbed"

    async def over(self, work: Coroutine[Any, Any, Any]) -> BaseException | None:
        """Do the work in a task of its own, disturbed; return the exception that it ended with, None for none."""
        use = CancelledAt(work, self.cancel_at)

        async def awaited() -> None:
            await use

        self.is_armed = True
        task = asyncio.ensure_future(awaited())
        try:
            await asyncio.wait([task])
        finally:
            self.is_armed = False
            self.awaits += use.awaits
        self.struck = self.struck or use.reached
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        self.is_explained = error is None or self._explains(error)
        self._raised = None  # its traceback holds what the scenario held
        return error

    async def bear(
        self, work: Coroutine[Any, Any, Any], *documented: type[BaseException], swallows: bool = False
    ) -> BaseException | None:
        """Do the work as `over` does, and hold that it ends in a way that its caller was told of.

        Args:
            work: what is disturbed.
            documented: exceptions that may come out of it, beside its cancellation and the error of the failed call.
            swallows: whether it goes on by design when it is cancelled.

        Raises:
            AssertionError: it raised something else, or a cancellation was swallowed.
        """
        error = await self.over(work)
        assert error is None or isinstance(error, documented) or self.is_explained, f"it raised {error!r}"
        if self.struck and self.cancel_at < NEVER and not swallows:
            assert error is not None, "it went on as if it had not been cancelled"
        return error

    def error_of(self, name: str, make: Callable[[], BaseException]) -> BaseException | None:
        """Count a fallible call; return the error that it is to fail with, None for none."""
        if not self.is_armed:
            return None
        self.calls.append(name)
        if len(self.calls) != self.fail_at:
            return None
        self.struck = True
        self._raised = make()
        return self._raised

    def _explains(self, error: BaseException) -> bool:
        if error is self._raised or isinstance(error, asyncio.CancelledError):
            return True
        reasons = [each for each in (error.__cause__, error.__context__) if each is not None]
        parts = list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
        return any(self._explains(each) for each in [*reasons, *parts])

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Stand between the scenario and the calls that can fail."""
        with contextlib.ExitStack() as stack:
            for patch in standing_between(self):
                stack.enter_context(patch)
            yield


def held_locks(*owners: Any) -> list[str]:
    """Name the locks among the attributes of objects that somebody holds."""
    found: list[tuple[str, Any]] = [
        (f"{type(owner).__name__}.{name}", getattr(owner, name, None))
        for owner in owners
        for name in {*getattr(owner, "__dict__", ()), *getattr(type(owner), "__slots__", ())}
    ]
    return [name for name, value in found if hasattr(value, "release") and value.locked()]


def play_on_schedule(
    scenario: Callable[[Any, Tormentor], Coroutine[Any, Any, None]], subject: Any, tormentor: Tormentor
) -> None:
    """Play a scenario on a loop whose clock stands still for nobody, and hold that nothing of it is left."""
    held = Holdings.now(outside=False)
    run(lambda: scenario(subject, tormentor), Script())
    left = left_behind(held, outside=False)
    assert not left, f"{', '.join(left)} left behind"


def play_on_loop(
    scenario: Callable[[Any, Tormentor], Coroutine[Any, Any, None]], subject: Any, tormentor: Tormentor
) -> None:
    """Play a scenario that has sockets, threads and processes of its own, and hold that nothing of it is left."""
    held = Holdings.now(outside=False)

    async def main() -> None:
        await scenario(subject, tormentor)
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"{len(left)} tasks are left: {left[0]}"

    asyncio.run(main())
    left = left_behind(held, outside=False)
    assert not left, f"{', '.join(left)} left behind"


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
