"""Polls as people meet them: buttons, a live tally, an end, and a restart in between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import deletion, members
from localdiscord.driver.errors import HumanlyImpossibleError
from reference.cogs.community.poll_store import MOST_OPEN
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from localdiscord import Person
    from localdiscord.model.message import Message
    from tests.bot.square import Square

__all__ = ["settings", "square"]


async def started(square: Square, **options: Any) -> Message:
    """Have Carol start a poll; return its message."""
    asked = {"question": "Tea or coffee?", "options": "tea | coffee | water"} | options
    message = await square.use(square.carol, "poll start", **asked)
    await square.stage.settled()
    return message


async def pressed(square: Square, person: Person, poll: Message, button: str) -> None:
    """Have somebody press a button of a poll, and the poll show it."""
    await person.answered(person.click(poll, button))
    await square.stage.settled()


async def refused(square: Square, person: Person, poll: Message, button: str) -> str:
    """Have somebody press a button; return what they are told."""
    return (await person.reply(person.click(poll, button))).content


def votes(poll: Message) -> list[int]:
    """Return the votes that a poll shows."""
    lines = poll.embeds[0]["description"].splitlines()[1::2]
    return [int(line.rpartition("·")[2]) for line in lines]


async def test_a_poll_counts_live(square: Square) -> None:
    """Each press shows at once; a vote moves, and is taken back by a second press."""
    poll = await started(square)
    assert votes(poll) == [0, 0, 0]
    await pressed(square, square.carol, poll, "1. tea")
    await pressed(square, square.bob, poll, "2. coffee")
    assert (votes(poll), poll.embeds[0]["footer"]["text"]) == ([1, 1, 0], "2 people voted · #1")
    await pressed(square, square.bob, poll, "1. tea")
    assert votes(poll) == [2, 0, 0]
    await pressed(square, square.bob, poll, "1. tea")
    assert votes(poll) == [1, 0, 0]


async def test_several_votes(square: Square) -> None:
    """Where two votes are allowed, a third is refused, and says how to go on."""
    poll = await started(square, votes=2)
    await pressed(square, square.carol, poll, "1. tea")
    await pressed(square, square.carol, poll, "2. coffee")
    assert await refused(square, square.carol, poll, "3. water") == (
        "You have used your 2 votes. Press an answer that you chose to take its vote back."
    )
    assert votes(poll) == [1, 1, 0]


async def test_votes_at_once_are_all_counted(square: Square) -> None:
    """When everybody presses at the same moment, the message ends with all votes."""
    poll = await started(square)
    people = (square.alice, square.bob, square.carol, square.somchai)
    for person in people:
        person.click(poll, "1. tea")
    async with asyncio.timeout(5):
        while votes(poll) != [4, 0, 0]:
            await square.stage.settled()


async def test_a_poll_ends_by_itself(square: Square) -> None:
    """At its time a poll closes: its buttons are disabled, the winner is marked, and nobody votes any more."""
    poll = await started(square, until="in 1 hour")
    await pressed(square, square.bob, poll, "2. coffee")
    square.pass_time(hours=1)
    await square.stage.discord.until(lambda: "🏆" in poll.embeds[0]["description"])
    assert "coffee 🏆" in poll.embeds[0]["description"]
    with pytest.raises(HumanlyImpossibleError, match="disabled"):
        square.bob.click(poll, "2. coffee")


async def test_a_poll_is_ended_by_hand(square: Square) -> None:
    """The author and moderators end a poll, others do not; an ended one is ended once."""
    poll = await started(square)
    assert await square.told(square.somchai, "poll close", number=1) == ("ปิดโพลได้เฉพาะคนที่เริ่มโพลและคนที่จัดการข้อความได้")
    assert await square.told(square.bob, "poll close", number=1) == "Poll 1 is over."
    await square.stage.discord.until(lambda: all(each["disabled"] for each in poll.components[0]["components"]))
    again = await square.use(square.carol, "poll close", number=1)
    assert (again.content, again.is_ephemeral) == ("Poll 1 is over.", True)
    shown = await square.use(square.somchai, "poll show", number=1)
    assert shown.embeds[0]["title"] == "Tea or coffee?"


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ({"options": "tea"}, "A poll needs 2 to 10 different answers"),
        ({"options": "tea | tea"}, "A poll needs 2 to 10 different answers"),
        ({"options": "|".join(map(str, range(11)))}, "A poll needs 2 to 10 different answers"),
        ({"options": f"tea | {'x' * 81}"}, "The answer “xxxxxxxxxxxxxxxxxxxx…” is too long"),
        ({"until": "yesterday"}, "I do not understand when yesterday is."),
    ],
)
async def test_what_is_no_poll(square: Square, options: dict[str, Any], answer: str) -> None:
    """Too few or too many answers, long ones, and times that are none are refused; nothing is kept."""
    assert (await started(square, **options)).content.startswith(answer)
    assert await square.cog("Polls").store.recent(square.guild.id) == []


async def test_too_many_open_polls(square: Square) -> None:
    """A server has at most 25 open polls."""
    cog = square.cog("Polls")
    await started(square)
    (poll,) = await cog.store.recent(square.guild.id)
    for _ in range(MOST_OPEN - 1):
        await cog.store.add(poll)
    assert (await started(square)).content == "There are 25 open polls here. Please end one first."


async def test_unknown_polls(square: Square) -> None:
    """A number that no poll here has is refused; open polls are offered while one types."""
    assert await square.told(square.carol, "poll show", number=5) == "There is no poll 5 here."
    assert await square.told(square.carol, "poll close", number=-1) == "There is no poll -1 here."
    await started(square)
    typing = square.carol.autocomplete(square.general, "poll close", "number", "tea")
    assert await square.carol.choices(typing) == [{"name": "1: Tea or coffee?", "value": 1}]


async def test_polls_outlive_a_restart(square: Square) -> None:
    """Buttons and tally go on after a restart, and a poll whose time came meanwhile is closed at the start."""
    poll = await started(square, until="in 1 hour")
    await pressed(square, square.bob, poll, "2. coffee")
    async with square.restarted():
        await pressed(square, square.carol, poll, "1. tea")
        assert votes(poll) == [1, 1, 0]
    square.pass_time(hours=2)
    async with square.restarted():
        await square.stage.discord.until(lambda: "🏆" in poll.embeds[0]["description"])


async def test_a_crash_before_the_message_was_noted(square: Square) -> None:
    """A poll whose message the bot did not note any more learns of it by the first vote, and closes like others."""
    poll = await started(square)
    await square.bot.database.write(lambda raw: raw.execute("UPDATE poll SET message_id = NULL"))
    await pressed(square, square.bob, poll, "1. tea")
    assert await square.told(square.carol, "poll close", number=1) == "Poll 1 is over."
    await square.stage.discord.until(lambda: "🏆" in poll.embeds[0]["description"])


async def test_a_poll_that_never_had_a_message(square: Square) -> None:
    """A poll whose message was never noted is waited for, for a day, and then forgotten about."""
    polls = square.cog("Polls")
    await started(square, until="in 1 hour")
    await square.bot.database.write(lambda raw: raw.execute("UPDATE poll SET message_id = NULL"))
    square.pass_time(hours=2)
    await polls.schedule.settled()
    assert len(await polls.store.close_due(square.now)) == 1
    square.pass_time(days=1)
    await polls.schedule.settled()
    assert await polls.store.close_due(square.now) == []


async def test_a_deleted_message_disturbs_nothing(square: Square) -> None:
    """A poll whose message was deleted closes without it, and later polls are not concerned."""
    poll = await started(square)
    deletion.delete(square.world, poll, square.alice.user)
    assert await square.told(square.carol, "poll close", number=1) == "Poll 1 is over."
    other = await started(square)
    assert await square.told(square.carol, "poll close", number=2) == "Poll 2 is over."
    await square.stage.discord.until(lambda: all(each["disabled"] for each in other.components[0]["components"]))


async def test_a_poll_that_was_removed(square: Square) -> None:
    """The button of a poll that is no longer kept says so."""
    poll = await started(square)
    await square.cog("Polls").store.remove(1)
    assert await refused(square, square.bob, poll, "1. tea") == "There is no poll 1 here."


async def test_text_commands_work_too(square: Square) -> None:
    """`!poll start` does the same; `!poll` alone says how."""
    square.carol.say(square.general, '!poll start "Tea?" "yes | no"')
    await square.carol.expect(square.general, lambda message: bool(message.embeds))
    square.carol.say(square.general, "!poll")
    await square.carol.expect(square.general, lambda message: "!poll start" in message.content)


async def test_votes_are_exported_and_forgotten(square: Square) -> None:
    """A person gets the own votes and questions, and has them forgotten; the votes of others stay."""
    poll = await started(square)
    await pressed(square, square.carol, poll, "1. tea")
    await pressed(square, square.bob, poll, "1. tea")
    kept = (await square.bot.privacy.export(square.carol.user.id))["polls"]
    assert kept == {"votes": [{"question": "Tea or coffee?", "vote": "tea"}], "asked": ["Tea or coffee?"]}
    await square.bot.privacy.forget(square.carol.user.id)
    assert "polls" not in await square.bot.privacy.export(square.carol.user.id)
    assert (await square.cog("Polls").store.count(1)).tally == {0: 1}


async def test_trouble_when_a_poll_ends(square: Square) -> None:
    """A poll whose end Discord does not show at once shows it a minute later; others are not kept waiting."""
    poll, other = await started(square, until="in 1 hour"), await started(square, until="in 1 hour")
    square.stage.discord.faults.server_error(f"/channels/*/messages/{poll.id}", 503, method="PATCH")
    square.pass_time(hours=1)
    await square.cog("Polls").schedule.settled()
    assert [each["disabled"] for each in other.components[0]["components"]] == [True] * 3
    assert not any(each.get("disabled") for each in poll.components[0]["components"])
    square.pass_time(minutes=1)
    await square.cog("Polls").schedule.settled()
    assert [each["disabled"] for each in poll.components[0]["components"]] == [True] * 3


async def test_a_poll_that_discord_refuses_is_not_kept(square: Square) -> None:
    """A poll whose message Discord does not take is no poll."""
    square.stage.discord.faults.server_error("/interactions/*/callback", 400, method="POST")
    square.carol.slash(square.general, "poll start", question="Tea?", options="yes | no")
    await square.stage.settled()
    assert await square.cog("Polls").store.recent(square.guild.id) == []


async def test_the_end_is_meant_where_one_lives(square: Square) -> None:
    """A time of day at which a poll is to end is read in the time zone of who starts it."""
    await square.use(square.carol, "remind zone", name="Asia/Bangkok")
    await started(square, until="tomorrow at 9:00")
    (poll,) = await square.cog("Polls").store.recent(square.guild.id)
    assert poll.closes_at.isoformat() == "2026-03-03T02:00:00+00:00"


async def test_a_server_that_the_bot_left_is_forgotten(square: Square) -> None:
    """Polls, roles, days and feedback of a server go when the bot leaves it."""
    poll = await started(square)
    await pressed(square, square.carol, poll, "1. tea")
    square.carol.react(poll, "👍")
    await square.cog("SelfRoles").store.offer(square.guild.id, 5)
    square.carol.say(square.general, "hello")
    await square.stage.settled()
    await square.cog("Stats").counting.flush()
    members.leave(square.world, square.guild, square.stage.town.application.bot)
    await square.stage.settled()
    for table in ("poll", "poll_vote", "self_role", "guild_activity", "feedback"):
        statement = f"SELECT COUNT(*) FROM {table}"  # noqa: S608  a name of the list above
        assert (await square.bot.database.read(lambda raw: raw.execute(statement).fetchone()[0])) == 0, table  # noqa: B023
