"""Whose turn it is: one question at a time in a channel, a few that wait; deleting what belongs to one stops it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reference.cogs.ai.errors import ChannelBusyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

__all__ = ["Turn", "Turns"]


@dataclass(eq=False)
class Turn:
    """A question that is being answered, or waits for it.

    Attributes:
        task: does it.
        message_ids: Discord's numbers of the question and of the messages of its answer.
        was_stopped: whether somebody stopped it.
        is_ending: whether it is all but done, so that it is no longer stopped.
    """

    task: asyncio.Task[object]
    message_ids: set[int] = field(default_factory=set)
    was_stopped: bool = False
    is_ending: bool = False

    def stop(self) -> None:
        """End it, unless it ends by itself."""
        if not (self.was_stopped or self.is_ending):
            self.was_stopped = True
            self.task.cancel()


@dataclass
class _Place:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    people: int = 0


class Turns:
    """The turns of all channels, in one event loop.

    Args:
        most_waiting: questions that may wait in a channel.
    """

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._places: dict[int, _Place] = {}
        self._turns: set[Turn] = set()

    def __len__(self) -> int:
        return len(self._turns)

    async def run(self, channel_id: int, message_ids: Iterable[int], work: Callable[[Turn], Awaitable[object]]) -> bool:
        """Do something when its turn in a channel comes, within the running task.

        Args:
            channel_id: the channel.
            message_ids: Discord's numbers of the messages whose deletion stops it.
            work: does it. Where the turn is stopped it is cancelled.

        Returns:
            Whether it came to its end; False where it was stopped, waiting or not.

        Raises:
            ChannelBusyError: too many wait already.
        """
        place = self._places.setdefault(channel_id, _Place())
        if place.people > self._most_waiting:
            raise ChannelBusyError(place.people - 1)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in a task
        turn = Turn(task, set(message_ids))
        self._turns.add(turn)
        place.people += 1
        try:
            async with place.lock:
                await work(turn)
        except asyncio.CancelledError:
            if not turn.was_stopped or task.uncancel():
                raise
            return False
        else:
            return True
        finally:
            self._turns.discard(turn)
            place.people -= 1
            if not place.people:
                del self._places[channel_id]

    def stop_for(self, message_ids: Iterable[int]) -> None:
        """Stop the turns to which any of some messages belongs."""
        gone = set(message_ids)
        for turn in [turn for turn in self._turns if turn.message_ids & gone]:
            turn.stop()

    async def close(self, seconds: float = 5.0) -> None:
        """Stop all turns, and wait until they have ended.

        Args:
            seconds: how long to wait.
        """
        turns = list(self._turns)
        for turn in turns:
            turn.stop()
        if tasks := {turn.task for turn in turns} - {asyncio.current_task()}:
            await asyncio.wait(tasks, timeout=seconds)
