"""One question at a time in a channel."""

from __future__ import annotations

import asyncio

import pytest

from reference.cogs.ai.errors import ChannelBusyError
from reference.cogs.ai.turns import Turn, Turns


class Questions:
    """Questions that are asked in tasks and end when the test says so."""

    def __init__(self, most_waiting: int = 1) -> None:
        self.turns = Turns(most_waiting)
        self.begun: list[str] = []
        self.stopped: list[str] = []
        self.end = asyncio.Event()

    def ask(self, name: str, channel_id: int = 5, message_id: int = 0) -> asyncio.Task[bool]:
        """Ask a question."""

        async def answer(turn: Turn) -> None:
            self.begun.append(name)
            try:
                await self.end.wait()
            except asyncio.CancelledError:
                if turn.was_stopped:
                    self.stopped.append(name)
                raise

        return asyncio.create_task(self.turns.run(channel_id, [message_id], answer))


async def settle() -> None:
    """Let all tasks come as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_channels_do_not_wait_for_each_other() -> None:
    """In one channel the second question waits; in another one it begins; a third one is refused."""
    questions = Questions()
    tasks = [questions.ask("first"), questions.ask("second"), questions.ask("elsewhere", 6)]
    await settle()
    assert questions.begun == ["first", "elsewhere"]
    with pytest.raises(ChannelBusyError) as caught:
        await questions.ask("third")
    assert (caught.value.waiting, len(questions.turns)) == (1, 3)
    questions.end.set()
    assert await asyncio.gather(*tasks) == [True, True, True]
    assert questions.begun == ["first", "elsewhere", "second"]
    assert (len(questions.turns), questions.turns._places) == (0, {})


async def test_what_belongs_to_a_turn_stops_it() -> None:
    """A deleted message stops its own turn, waiting or not, and no other."""
    questions = Questions()
    first, second = questions.ask("first", message_id=1), questions.ask("second", message_id=2)
    await settle()
    questions.turns.stop_for([2, 99])
    assert await second is False
    questions.turns.stop_for([1])
    assert await first is False
    assert (questions.begun, questions.stopped) == (["first"], ["first"])


async def test_closing_stops_everything() -> None:
    """At the end all turns are stopped and waited for; closing nothing is no error."""
    questions = Questions()
    tasks = [questions.ask("first"), questions.ask("second"), questions.ask("elsewhere", 6)]
    await settle()
    await questions.turns.close()
    assert [task.result() for task in tasks] == [False, False, False]
    assert sorted(questions.stopped) == ["elsewhere", "first"]
    await questions.turns.close()


async def test_any_other_cancellation_goes_on() -> None:
    """Who cancels the task itself sees it cancelled, a stop at the same time notwithstanding."""
    questions = Questions()
    first, second = questions.ask("first", message_id=1), questions.ask("elsewhere", 6, 2)
    await settle()
    first.cancel()
    questions.turns.stop_for([2])
    second.cancel()
    await asyncio.wait([first, second])
    assert (first.cancelled(), second.cancelled(), len(questions.turns)) == (True, True, 0)
