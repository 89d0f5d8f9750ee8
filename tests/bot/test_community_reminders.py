"""Reminders as people meet them: kept, listed, cancelled, delivered once, whatever happens in between."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.permissions import Permissions
from reference.cogs.community.reminder_store import MOST_REMINDERS, Reminder
from reference.guilds import Feature
from tests.bot.square import NOON, settings, square

if TYPE_CHECKING:
    from tests.bot.square import Square

__all__ = ["settings", "square"]


def delivered(square: Square) -> list[str]:
    """Return the reminders that were delivered in #general."""
    return [message.content for message in square.said() if message.content.startswith("⏰")]


async def test_a_reminder_is_delivered(square: Square) -> None:
    """A reminder is acknowledged privately, comes at its time where it was asked for, and only once."""
    answer = await square.use(square.carol, "remind me", when="in 10 minutes", about="take the *tea* out @everyone")
    due = int(NOON.timestamp()) + 600
    assert answer.content == f"I will remind you <t:{due}:R>, on <t:{due}:f>. It is reminder 1."
    assert answer.is_ephemeral
    square.pass_time(minutes=9)
    await square.cog("Reminders").schedule.settled()
    assert delivered(square) == []
    square.pass_time(minutes=1)
    message = await square.carol.expect(square.general, lambda message: message.content.startswith("⏰"))
    assert message.content.startswith(
        f"⏰ {square.carol.user.mention} take the *tea* out @everyone\n-# You asked me <t:"
    )
    assert message.mentions == [square.carol.user]
    assert not message.mention_everyone
    square.pass_time(hours=1)
    await square.cog("Reminders").schedule.settled()
    assert len(delivered(square)) == 1
    assert await square.cog("Reminders").store.of_user(square.carol.user.id) == []


async def test_reminders_are_listed_and_cancelled(square: Square) -> None:
    """A person sees the own reminders, next first, and cancels one; another's cannot be cancelled."""
    await square.use(square.carol, "remind me", when="2h", about="later")
    await square.use(square.carol, "remind me", when="1h", about="sooner")
    embed = (await square.use(square.carol, "remind list")).embeds[0]
    assert embed["title"] == "2 reminders"
    assert [line.split()[0] for line in embed["description"].splitlines()] == ["**2**", "**1**"]
    assert await square.told(square.bob, "remind cancel", number=2) == "You have no reminder 2."
    assert await square.told(square.carol, "remind cancel", number=2) == "Reminder 2 is cancelled: sooner"
    assert await square.told(square.carol, "remind cancel", number=2) == "You have no reminder 2."
    assert await square.told(square.bob, "remind list") == "There is nothing that I am to remind you of."
    asking = square.carol.autocomplete(square.general, "remind cancel", "number", "lat")
    assert await square.carol.choices(asking) == [{"name": "1: later", "value": 1}]


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        ("soon", "I do not understand when soon is."),
        ("yesterday", "I do not understand when yesterday is."),
        ("2026-03-01", "2026-03-01 is over already."),
        ("10 years", "I do not understand when 10 years is."),
        ("2090-01-01", "2090-01-01 is more than five years away."),
        ("25:00", "I do not understand when 25:00 is."),
    ],
)
async def test_times_that_are_refused(square: Square, when: str, answer: str) -> None:
    """What cannot be understood, is over or too far away is refused with what to write instead."""
    assert (await square.told(square.carol, "remind me", when=when, about="x")).startswith(answer)


async def test_nobody_keeps_too_many(square: Square) -> None:
    """A person keeps at most 25 reminders; others are not concerned."""
    store = square.cog("Reminders").store
    values = (None, square.general.id, "x", "en", NOON, NOON.replace(year=2027))
    for _ in range(MOST_REMINDERS):
        await store.add(Reminder(square.carol.user.id, *values))
    answer = await square.told(square.carol, "remind me", when="1h", about="one more")
    assert answer == "You have 25 reminders; that is as many as I keep. Please cancel one first."
    assert (await square.told(square.bob, "remind me", when="1h", about="x")).startswith("I will remind you")


async def test_the_time_zone_counts(square: Square) -> None:
    """A time of day is read in the person's own time zone, once they told it; it is offered while they type."""
    typing = square.somchai.autocomplete(square.general, "remind zone", "name", "bangk")
    assert await square.somchai.choices(typing) == [{"name": "Asia/Bangkok", "value": "Asia/Bangkok"}]
    answer = await square.told(square.somchai, "remind zone", name="asia/bangkok")
    assert answer == "คุณอยู่ในเขตเวลา Asia/Bangkok ตอนนี้ที่นั่น 19:00"
    await square.use(square.somchai, "remind me", when="พรุ่งนี้ 9:00", about="ตลาด")
    (reminder,) = await square.cog("Reminders").store.of_user(square.somchai.user.id)
    assert reminder.due_at.isoformat() == "2026-03-03T02:00:00+00:00"
    assert (await square.told(square.carol, "remind zone", name="Mars")) == (
        "I know no time zone Mars. Try one such as Asia/Bangkok."
    )


async def test_reminders_outlive_a_restart(square: Square) -> None:
    """A bot that was away delivers at its start what fell due meanwhile, and says that it is late."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    await square.use(square.carol, "remind me", when="3h", about="bread")
    await square.bot.close()
    square.now = NOON.replace(hour=13)
    async with square.restarted():
        await square.carol.expect(square.general, lambda message: "I was away" in message.content)
        await square.cog("Reminders").schedule.settled()
        assert len(delivered(square)) == 1
        square.pass_time(hours=2)
        await square.carol.expect(square.general, lambda message: "bread" in message.content)


async def test_a_crash_between_message_and_note_repeats_nothing(square: Square) -> None:
    """A reminder that Discord took before the bot was killed is recognised by its nonce and shown once."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    store = square.cog("Reminders").store

    async def killed(_reminder: Reminder) -> None:
        raise sqlite3.OperationalError("killed here")

    store.delivered = killed
    square.pass_time(minutes=10)
    await square.carol.expect(square.general, lambda message: message.content.startswith("⏰"))
    await square.cog("Reminders").schedule.settled()
    assert len(await store.of_user(square.carol.user.id)) == 1
    async with square.restarted():
        async with asyncio.timeout(5):
            while await square.cog("Reminders").store.of_user(square.carol.user.id):
                await square.stage.settled()
        assert len(delivered(square)) == 1


async def test_a_channel_that_is_closed_is_no_loss(square: Square) -> None:
    """Where the bot may not write any more, the reminder comes as a direct message."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    square.guild.members[square.stage.town.application.bot.id].roles.clear()
    square.guild.everyone.permissions &= ~Permissions.SEND_MESSAGES
    square.pass_time(minutes=10)
    await square.stage.discord.until(lambda: square.direct(square.carol.user))
    assert delivered(square) == []
    assert square.direct(square.carol.user)[0].content.startswith("⏰")


async def test_a_text_command_works_too(square: Square) -> None:
    """`!remind me "in 1 hour" tea` does the same; `!remind` alone says how."""
    square.carol.say(square.general, '!remind me "in 1 hour" take the tea out')
    await square.carol.expect(square.general, lambda message: message.content.startswith("I will remind you"))
    square.carol.say(square.general, "!remind")
    await square.carol.expect(square.general, lambda message: "!remind me" in message.content)
    square.carol.say(square.general, "!remind me")
    await square.carol.expect(square.general, lambda message: message.content == "The command needs when.")


async def test_a_switched_off_feature_is_refused(square: Square) -> None:
    """Where reminders are switched off no new ones are taken."""
    await square.bot.guild_configs.switch(square.guild.id, {Feature.REMINDERS: False})
    answer = await square.told(square.carol, "remind me", when="1h", about="x")
    assert answer.startswith("Reminders: switched off")


async def test_what_people_cannot_send(square: Square) -> None:
    """Discord's client takes no empty text and no letters for a number."""
    with pytest.raises(HumanlyImpossibleError):
        square.carol.slash(square.general, "remind me", when="", about="x")
    with pytest.raises(HumanlyImpossibleError):
        square.carol.slash(square.general, "remind cancel", number="x")


async def test_reminders_are_exported_and_forgotten(square: Square) -> None:
    """A person gets what is kept, and has it forgotten."""
    await square.use(square.carol, "remind me", when="1h", about="tea")
    await square.use(square.carol, "remind zone", name="Europe/Berlin")
    kept: Any = (await square.bot.privacy.export(square.carol.user.id))["reminders"]
    assert (kept["time_zone"], [each["about"] for each in kept["reminders"]]) == ("Europe/Berlin", ["tea"])
    assert (await square.bot.privacy.forget(square.carol.user.id)).entries >= 2
    assert "reminders" not in await square.bot.privacy.export(square.carol.user.id)


@pytest.mark.parametrize("fault", ["server_error", "drop_request", "drop_answer"])
async def test_trouble_on_the_way_delays_and_doubles_nothing(square: Square, fault: str) -> None:
    """A reminder that Discord did not take, or whose answer got lost, is tried again, and shown once."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    schedule, faults = square.cog("Reminders").schedule, square.stage.discord.faults
    more = {"status": 503} if fault == "server_error" else {}
    getattr(faults, fault)("/channels/*/messages", method="POST", **more)
    square.pass_time(minutes=10)
    await schedule.settled()
    assert len(await square.cog("Reminders").store.of_user(square.carol.user.id)) == 1
    square.pass_time(minutes=1)
    await schedule.settled()
    assert len(delivered(square)) == 1
    assert await square.cog("Reminders").store.of_user(square.carol.user.id) == []


async def test_who_cannot_be_reached_is_given_up(square: Square) -> None:
    """A reminder that neither channel nor person can get goes; one that Discord never takes goes after a day."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    await square.use(square.carol, "remind me", when="1h", about="bread")
    reminders, faults = square.cog("Reminders"), square.stage.discord.faults
    for path in ("/channels/*/messages", "/users/@me/channels"):
        faults.server_error(path, 403, method="POST")
    square.pass_time(minutes=10)
    await reminders.schedule.settled()
    assert [each.about for each in await reminders.store.of_user(square.carol.user.id)] == ["bread"]
    faults.server_error("/channels/*/messages", 403, method="POST", times=None)
    faults.server_error("/users/@me/channels", 503, method="POST", times=None)
    square.pass_time(hours=1)
    await reminders.schedule.settled()
    assert [each.about for each in await reminders.store.of_user(square.carol.user.id)] == ["bread"]
    square.pass_time(hours=25)
    await reminders.schedule.settled()
    assert await reminders.store.of_user(square.carol.user.id) == []


async def test_a_broken_entry_does_not_stop_the_others(square: Square, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours in the delivery is an incident, and delivery goes on at the next turn."""
    await square.use(square.carol, "remind me", when="10m", about="tea")
    reminders = square.cog("Reminders")
    deliver = reminders._deliver

    async def broken(_reminder: Reminder) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(reminders, "_deliver", broken)
    square.pass_time(minutes=10)
    await reminders.schedule.settled()
    assert len(await square.bot.errors.incidents.recent()) == 1
    monkeypatch.setattr(reminders, "_deliver", deliver)
    square.pass_time(minutes=1)
    await reminders.schedule.settled()
    assert len(delivered(square)) == 1


async def test_a_zone_that_is_known_no_more(square: Square) -> None:
    """A time zone that this machine does not know is taken for UTC."""
    store = square.cog("Reminders").store
    await store.set_zone(square.carol.user.id, "Mars/Base")
    assert str(await store.zone(square.carol.user.id)) == "UTC"
