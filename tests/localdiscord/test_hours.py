"""What the time does by itself, while nobody asks for anything."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localdiscord import LocalDiscord
from localdiscord.actions import channels, deletion, hours, messages, polls, threads
from localdiscord.actions.messages import Draft
from localdiscord.model.message import Message, MessageType

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel

QUESTION = {
    "question": {"text": "Which?"},
    "answers": [{"poll_media": {"text": "A"}}, {"poll_media": {"text": "B"}}],
    "duration": 2,
    "allow_multiselect": False,
    "layout_type": 1,
}


class Day:
    """A local Discord that does not run, its clock, and what it tells.

    Attributes:
        told: names of the events, in order.
    """

    def __init__(self) -> None:
        self.seconds = 1_780_000_000.0
        self.discord = LocalDiscord(clock=lambda: self.seconds)
        self.world, self.general = self.discord.world, self.discord.town.channels["general"]
        self.alice = self.discord.town.owner
        self.told: list[str] = []
        self.world.listeners.append(lambda event: self.told.append(event.name))

    def pass_time(self, **time: float) -> None:
        """Let time pass; nothing is told but what it does."""
        self.told.clear()
        self.seconds += timedelta(**time).total_seconds()
        hours.strike(self.world)

    def ask(self) -> Message:
        """Have somebody write a poll."""
        return messages.send(self.world, self.general, self.alice, Draft(poll=QUESTION))


def is_archived(thread: Channel) -> bool:
    """Tell whether a thread is in the archive."""
    return thread.thread is not None and thread.thread.archived


def test_a_poll_ends_when_its_time_is_over() -> None:
    """Not before, and once: its votes are counted, and a message tells the result."""
    day = Day()
    message = day.ask()
    polls.vote(day.world, message, day.alice, [2])
    day.pass_time(minutes=119)
    assert day.told == []
    day.pass_time(minutes=1)
    assert day.told == ["MESSAGE_UPDATE", "MESSAGE_CREATE"]
    result = day.general.messages[day.general.last_message_id or 0]
    assert result.type is MessageType.POLL_RESULT
    assert {"name": "victor_answer_text", "value": "B", "inline": False} in result.embeds[0]["fields"]
    day.pass_time(hours=9)
    assert day.told == []


def test_a_poll_that_was_deleted_does_not_end() -> None:
    """A poll whose message, or whose channel, is gone has no result, and the others have theirs."""
    day = Day()
    channel = channels.create(day.world, day.discord.town.guild, day.alice, {"name": "votes", "type": 0})
    messages.send(day.world, channel, day.alice, Draft(poll=QUESTION))
    gone, kept = day.ask(), day.ask()
    deletion.delete(day.world, gone, day.alice)
    channels.delete(day.world, channel, day.alice)
    day.pass_time(hours=2)
    assert day.told == ["MESSAGE_UPDATE", "MESSAGE_CREATE"]
    assert (kept.poll is not None and kept.poll.finalized, gone.poll is not None and gone.poll.finalized) == (
        True,
        False,
    )
    assert not day.world.open_polls


def test_a_poll_that_was_ended_does_not_end_again() -> None:
    """A poll that its author ended has told its result, whatever the time says later."""
    day = Day()
    polls.end(day.world, day.ask(), day.alice)
    day.pass_time(hours=2)
    assert day.told == []


def test_a_thread_that_is_forgotten_goes_into_the_archive() -> None:
    """Each message in it lets it stay as long again; one that was taken out stays as long, too."""
    day = Day()
    thread = threads.begin(
        day.world, day.general, day.alice, {"name": "Plans", "type": 11, "auto_archive_duration": 60}
    )
    day.pass_time(minutes=50)
    messages.send(day.world, thread, day.alice, Draft(content="Not yet"))
    day.pass_time(minutes=59)
    assert day.told == []
    day.pass_time(minutes=1)
    assert day.told == ["THREAD_UPDATE"]
    assert is_archived(thread)
    day.pass_time(minutes=30)
    threads.change(day.world, thread, day.alice, {"archived": False})
    day.pass_time(minutes=59)
    assert not is_archived(thread)
    day.pass_time(minutes=1)
    assert is_archived(thread)


async def test_a_server_that_runs_looks_for_what_is_due() -> None:
    """It does so at its start and every second, until it stops."""
    day = Day()
    day.ask()
    day.seconds += timedelta(hours=3).total_seconds()
    async with day.discord:
        await day.discord.until(lambda: "MESSAGE_UPDATE" in day.told)
