"""Feedback as people give it: by reactions to the bot's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localdiscord.actions import deletion
from reference.guilds import Feature
from reference.utils.monitoring.feedback import FeedbackCollector
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from tests.bot.square import Square

__all__ = ["settings", "square"]


@pytest.fixture(autouse=True)
def _own_collector(square: Square) -> None:
    square.bot.feedback = FeedbackCollector()


async def answer(square: Square) -> Message:
    """Return a message of the bot that everybody sees."""
    square.carol.say(square.general, "!remind")
    return await square.carol.expect(square.general, lambda message: "remind me" in message.content)


async def kept(square: Square) -> list[tuple[int, str]]:
    """Return who said what."""
    rows = await square.bot.database.read(lambda raw: raw.execute("SELECT user_id, kind FROM feedback").fetchall())
    return [(row[0], row[1]) for row in rows]


async def test_reactions_are_counted_and_shown(square: Square) -> None:
    """Reactions to the bot's messages are kept, one voice for each person, and shown to those who manage the server."""
    message = await answer(square)
    square.carol.react(message, "👍")
    square.bob.react(message, "👎")
    square.somchai.react(message, "❤️")
    square.somchai.react(message, "🚗")
    await square.stage.settled()
    assert len(await kept(square)) == 3
    embed = (await square.use(square.alice, "feedback")).embeds[0]
    assert embed["title"] == "3 voices"
    assert embed["description"].splitlines()[0] == "👍 `█████░░░░░░░░░` 1"
    assert embed["footer"]["text"] == "67% liked it · the last 30 days"


async def test_a_voice_is_changed_and_taken_back(square: Square) -> None:
    """The last reaction counts, and taking it away takes the voice away."""
    message = await answer(square)
    square.carol.react(message, "👍")
    await square.stage.settled()
    square.carol.react(message, "👎")
    await square.stage.settled()
    assert await kept(square) == [(square.carol.user.id, "negative")]
    square.carol.unreact(message, "👍")
    await square.stage.settled()
    assert await kept(square) == [(square.carol.user.id, "negative")]
    square.carol.unreact(message, "👎")
    await square.stage.settled()
    assert await kept(square) == []


async def test_voices_outlive_a_restart(square: Square) -> None:
    """After a restart a voice can still be taken back, and counts once."""
    message = await answer(square)
    square.carol.react(message, "👍")
    await square.stage.settled()
    async with square.restarted():
        square.carol.unreact(message, "👍")
        await square.stage.settled()
        assert await kept(square) == []


async def test_what_says_nothing(square: Square) -> None:
    """Reactions to people's messages, of bots, and where feedback is off, are not counted."""
    said = square.carol.say(square.general, "hello")
    square.bob.react(said, "👍")
    message = await answer(square)
    await square.bot.guild_configs.switch(square.guild.id, {Feature.FEEDBACK: False})
    square.bob.react(message, "👍")
    await square.stage.settled()
    assert await kept(square) == []
    assert (await square.told(square.alice, "feedback")).startswith("Feedback: switched off")
    await square.bot.guild_configs.switch(square.guild.id, {Feature.FEEDBACK: True})
    assert (await square.told(square.alice, "feedback")).startswith("Nobody has reacted to my messages yet.")


async def test_a_deleted_message_says_nothing_more(square: Square) -> None:
    """What was said of a message goes with it; and what a person said is exported and forgotten."""
    message, other = await answer(square), await answer(square)
    square.carol.react(message, "👍")
    await square.stage.settled()
    deletion.delete(square.world, message, square.alice.user)
    await square.stage.settled()
    assert await kept(square) == []
    other = next(each for each in square.said() if each.id in square.general.messages)
    square.carol.react(other, "😂")
    await square.stage.settled()
    assert (await square.bot.privacy.export(square.carol.user.id))["feedback"][0]["kind"] == "funny"
    await square.bot.privacy.forget(square.carol.user.id)
    assert await kept(square) == []
