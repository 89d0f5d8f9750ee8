"""Statistics as people meet them: what is counted, what is shown, and what is drawn."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from reference.guilds import Feature
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from tests.bot.square import Square

__all__ = ["settings", "square"]


def chart(square: Square, message: Message) -> Image.Image:
    """Return the chart of a message."""
    url = message.embeds[0]["image"]["url"]
    path = "/" + url.split("://", 1)[1].split("/", 1)[1].split("?")[0]
    return Image.open(io.BytesIO(square.world.files.stored[path].data))


async def test_messages_and_commands_are_counted(square: Square) -> None:
    """Messages and commands are counted for who wrote them; the bot counts nothing of its own."""
    for number in range(3):
        square.carol.say(square.general, f"hello {number}")
    square.bob.say(square.general, "hi")
    await square.use(square.carol, "remind list")
    await square.stage.settled()
    embed = (await square.use(square.carol, "stats member")).embeds[0]
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert embed["title"] == "Carol"
    assert (fields["Messages"], fields["Time in voice"]) == ("3", "0:00 h")
    bobs = (await square.use(square.carol, "stats member", member=square.bob.user)).embeds[0]
    assert bobs["fields"][0]["value"] == "1"
    counted = await square.bot.database.get_user_stats(square.carol.user.id, square.guild.id)
    assert counted["commands_count"] >= 1


async def test_the_top_is_drawn(square: Square) -> None:
    """The ranking names the first ones, highest first, and shows a chart."""
    for person, times in ((square.carol, 3), (square.bob, 5), (square.somchai, 1)):
        for number in range(times):
            person.say(square.general, f"message {number}")
    await square.stage.settled()
    message = await square.use(square.alice, "stats top", what="messages")
    embed = message.embeds[0]
    assert embed["title"] == "Messages in Local Town"
    people = (square.bob, square.carol, square.somchai)
    assert [line.split("<@")[1].split(">")[0] for line in embed["description"].splitlines()] == [
        str(person.user.id) for person in people
    ]
    assert chart(square, message).size == (900, 110 + 54 * 3)
    assert message.mentions == []


async def test_voice_is_counted(square: Square) -> None:
    """Time in voice counts, over moves, from joining to leaving; who is in voice at the start counts from then."""
    clock = [100.0]
    square.cog("Stats").clock = lambda: clock[0]
    lounge, studio = square.stage.channels["Lounge"], square.stage.channels["Studio"]
    square.carol.join_voice(lounge)
    await square.stage.settled()
    clock[0] += 1800
    square.carol.join_voice(studio)
    await square.stage.settled()
    clock[0] += 2000
    square.carol.leave_voice(studio)
    await square.stage.settled()
    embed = (await square.use(square.carol, "stats top", what="voice")).embeds[0]
    assert embed["description"].endswith("1:03 h")
    square.bob.join_voice(lounge)
    async with square.restarted():
        square.cog("Stats").clock = lambda: clock[0]
        square.cog("Stats")._in_voice[square.bob.user.id, square.guild.id] = clock[0]
        clock[0] += 3600
        await square.bot.close()
    async with square.restarted():
        counted = await square.bot.database.get_user_stats(square.bob.user.id, square.guild.id)
        assert counted["voice_seconds"] == 3600


async def test_the_days_are_drawn(square: Square) -> None:
    """The server's chart shows two weeks, today the last."""
    for number in range(4):
        square.carol.say(square.general, f"message {number}")
    await square.stage.settled()
    message = await square.use(square.alice, "stats server")
    assert message.embeds[0]["description"] == "4 messages in two weeks"
    assert chart(square, message).size == (900, 420)
    days = await square.cog("Stats").counting.days(square.guild.id, "2000-01-01")
    assert days == {f"{datetime.now(UTC):%Y-%m-%d}": 4}


async def test_counts_outlive_a_restart(square: Square) -> None:
    """A bot that ends in order writes down what it counted last."""
    square.carol.say(square.general, "hello")
    await square.stage.settled()
    async with square.restarted():
        counted = await square.bot.database.get_user_stats(square.carol.user.id, square.guild.id)
        assert counted["messages_count"] == 1


async def test_nothing_counted_is_said(square: Square) -> None:
    """Where nothing was counted, the commands say so; `!stats` alone says how to ask."""
    assert await square.told(square.carol, "stats top", what="music") == "Nothing of that kind was counted here yet."
    answer = await square.told(square.alice, "stats member", member=square.somchai.user)
    assert answer == "Nothing of Somchai was counted here yet."
    square.alice.say(square.general, "!stats")
    await square.alice.expect(square.general, lambda message: "!stats top" in message.content)


async def test_what_is_switched_off_is_not_counted(square: Square) -> None:
    """Where statistics are switched off nothing is counted, and the commands are refused."""
    await square.bot.guild_configs.switch(square.guild.id, {Feature.STATS: False})
    square.carol.say(square.general, "hello")
    square.carol.join_voice(square.stage.channels["Lounge"])
    await square.stage.settled()
    await square.cog("Stats").counting.flush()
    assert (await square.bot.database.get_user_stats(square.carol.user.id, square.guild.id))["first_seen"] is None
    assert (await square.told(square.carol, "stats member")).startswith("Statistics: switched off")


@pytest.mark.parametrize("name", ["你好世界", "สวนสาธารณะ"])
async def test_any_server_name(square: Square, name: str) -> None:
    """A server whose name no font of the machine has gets a chart under another title."""
    square.carol.say(square.general, "hello")
    await square.stage.settled()
    square.bot.get_guild(square.guild.id).name = name  # type: ignore[union-attr]
    message = await square.use(square.alice, "stats top", what="messages")
    assert message.embeds[0]["title"] == f"Messages in {name}"
    assert chart(square, message).width == 900


async def test_counts_are_forgotten(square: Square) -> None:
    """Who is forgotten is forgotten in memory too, and has nothing written down later."""
    square.carol.say(square.general, "hello")
    square.carol.join_voice(square.stage.channels["Lounge"])
    await square.stage.settled()
    assert await square.bot.privacy.export(square.carol.user.id) == {}
    stats = square.cog("Stats")
    assert (await square.bot.database.get_user_stats(square.carol.user.id, square.guild.id))["messages_count"] == 1
    await square.bot.database.write(lambda raw: raw.execute("DELETE FROM user_stats"))
    square.carol.say(square.general, "hello again")
    await square.stage.settled()
    assert (await square.bot.privacy.forget(square.carol.user.id)).entries >= 2
    assert stats._in_voice == {}
    await square.cog("Stats").counting.flush()
    assert (await square.bot.database.get_user_stats(square.carol.user.id, square.guild.id))["first_seen"] is None
