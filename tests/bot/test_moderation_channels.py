"""What moderators do to channels: purge, slow mode, lock and unlock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from localdiscord.actions import channels
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions
from localdiscord.snowflakes import Snowflakes
from tests.bot.court import Court, court, settings

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel

__all__ = ["court", "settings"]


def texts(channel: Channel) -> list[str]:
    """Return what stands in a channel for everybody."""
    return [message.content for message in channel.messages.values() if not message.is_ephemeral]


async def test_a_purge_deletes_the_newest_and_says_how_many(court: Court) -> None:
    """`/purge` deletes as many as it says, leaves pinned messages, and tells the mod-log and the audit log."""
    said = [court.carol.say(court.general, f"message {number}") for number in range(5)]
    said[3].pinned = True
    assert await court.use(court.bob, "purge", count=3) == "3 messages were deleted."
    assert texts(court.general)[:2] == ["message 0", "message 3"]
    assert court.logged()[0]["description"] == f"<@{court.bob.user.id}> deleted 3 messages in <#{court.general.id}>."
    (entry,) = await court.audited("purge")
    assert entry["details"] == {"channel": court.general.id, "count": 3}


async def test_a_purge_can_be_choosy(court: Court) -> None:
    """Only those of one person, of bots, or with certain words in them."""
    court.carol.say(court.general, "buy NOW")
    court.carol.say(court.general, "hello")
    court.somchai.say(court.general, "buy now")
    assert await court.use(court.bob, "purge", count=50, user=court.carol.user, contains="Buy now") == (
        "1 message was deleted."
    )
    assert texts(court.general)[:2] == ["hello", "buy now"]
    court.alice.say(court.general, "!case 9")
    await court.alice.expect(court.general, lambda message: message.content == "There is no case 9 here.")
    await court.use(court.bob, "purge", count=50, bots=True)
    assert texts(court.general)[:3] == ["hello", "buy now", "!case 9"]
    assert "There is no case 9 here." not in texts(court.general)


async def test_a_text_purge_takes_words_after_the_count(court: Court) -> None:
    """`!purge 5 buy now` deletes those of the newest messages in which the words stand."""
    for text in ("buy now!", "hello", "BUY NOW"):
        court.carol.say(court.general, text)
    court.bob.say(court.general, "!purge 5 buy now")
    await court.bob.expect(court.general, lambda message: message.content == "2 messages were deleted.")
    assert texts(court.general)[:2] == ["hello", "!purge 5 buy now"]


async def test_more_than_a_hundred_are_deleted_in_parts(court: Court) -> None:
    """A purge of more than Discord deletes at once takes several requests and forgets none."""
    for number in range(130):
        court.alice.say(court.general, f"message {number}")
    assert await court.use(court.bob, "purge", count=125) == "125 messages were deleted."
    assert texts(court.general)[:5] == [f"message {number}" for number in range(5)]


async def test_a_purge_is_honest_about_old_messages(court: Court) -> None:
    """Messages of more than 14 days stay, and the answer says why."""
    clock = court.world.clock
    court.world.snowflakes = Snowflakes(lambda: clock() - timedelta(days=15).total_seconds())
    court.carol.say(court.general, "old")
    court.world.snowflakes = Snowflakes(clock)
    court.carol.say(court.general, "new")
    answer = await court.use(court.bob, "purge", count=10)
    assert answer.splitlines()[0] == "1 message was deleted."
    assert "14 days" in answer
    assert texts(court.general)[0] == "old"


async def test_a_text_purge_leaves_its_own_command(court: Court) -> None:
    """`!purge 2` deletes the two messages before the command."""
    for number in range(3):
        court.carol.say(court.general, f"message {number}")
    court.bob.say(court.general, "!purge 2")
    await court.bob.expect(court.general, lambda message: message.content == "2 messages were deleted.")
    assert texts(court.general)[:2] == ["message 0", "!purge 2"]


async def test_slow_mode_is_set_and_ended(court: Court) -> None:
    """`/slowmode` takes a duration up to six hours, or `off`; another channel can be named."""
    assert await court.use(court.bob, "slowmode", duration="1m30s") == (
        f"In {court.general.mention} each member writes once in 1m 30s now."
    )
    assert court.general.slowmode == 90
    music = court.stage.channels["music"]
    assert await court.use(court.bob, "slowmode", duration="off", channel=music) == (
        f"{music.mention} has no slow mode any more."
    )
    assert (await court.use(court.bob, "slowmode", duration="7h")).startswith("I do not understand the duration 7h.")


async def test_a_locked_channel_is_opened_as_it_was(court: Court) -> None:
    """`/lock` closes a channel to everyone and says so there; `/unlock` gives back what was allowed before."""
    everyone = court.guild.id
    assert await court.use(court.bob, "lock", reason="raid") == f"{court.general.mention} is locked."
    (overwrite,) = [each for each in court.general.overwrites if each.id == everyone]
    assert Permissions.SEND_MESSAGES in overwrite.deny
    assert any("raid" in text for text in texts(court.general))
    await court.stage.settled()
    assert await court.use(court.bob, "lock") == f"Nobody could write in {court.general.mention} before either."
    assert await court.use(court.bob, "unlock") == f"{court.general.mention} is open again."
    assert all(Permissions.SEND_MESSAGES not in each.deny for each in court.general.overwrites)
    await court.stage.settled()
    assert await court.use(court.bob, "unlock") == (
        f"I have not locked {court.general.mention}, so I leave it as it is."
    )
    assert len(await court.audited("locked")) == len(await court.audited("unlocked")) == 1


async def test_a_channel_that_the_moderator_does_not_manage_is_refused(court: Court) -> None:
    """A moderator who may not manage another channel cannot lock it from here."""
    music = court.stage.channels["music"]
    role = court.guild.member(court.bob.user.id).roles[0]
    denied = Overwrite(role, 0, deny=Permissions.MANAGE_CHANNELS)
    channels.set_overwrite(court.world, music, court.alice.user, denied)
    await court.stage.settled()
    assert await court.use(court.bob, "lock", channel=music) == "You need the permission manage channels for that."


@pytest.mark.parametrize("command", ["lock", "unlock", "slowmode"])
async def test_voice_channels_have_no_such_thing(court: Court, command: str) -> None:
    """What works for text channels only is refused in the chat of a voice channel."""
    lounge = court.stage.channels["Lounge"]
    options = {"duration": "5s"} if command == "slowmode" else {}
    answer = await court.bob.reply(court.bob.slash(lounge, command, **options))
    assert answer.content == "That works for text channels only."
