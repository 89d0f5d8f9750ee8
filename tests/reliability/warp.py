"""Time under a test's control: a clock moved by hand, and a loop whose time jumps, so that hours pass at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now


class WarpLoop(asyncio.SelectorEventLoop):
    """A loop that moves its clock instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        really_select = selector.select

        def select(timeout: float | None = None) -> Any:
            events = really_select(timeout if timeout is None else 0)
            if timeout and not events:
                self.now += timeout
            return events

        selector.select = select

    def time(self) -> float:
        """Return the loop's own time, in seconds."""
        return self.now


def warp(test: Callable[[Callable[[], float]], Awaitable[T]]) -> T:
    """Run ``test(clock)`` in such a loop; ``clock`` is the loop's."""

    async def main() -> T:
        async with asyncio.timeout(1e6):
            return await test(asyncio.get_running_loop().time)

    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        return runner.run(main())
