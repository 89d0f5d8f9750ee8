"""The AI chat with the scripted model, as people meet it where no endpoint is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import channels, threads
from reference.guilds import Feature
from reference.utils.monitoring.health_data import health_data
from reference.work import drain

if TYPE_CHECKING:
    from localdiscord.driver.person import Person
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from tests.bot.conftest import Stage

HONEST = "scripted model, not an AI"


def me(stage: Stage) -> int:
    """Return the bot's id."""
    return stage.town.application.bot.id


async def answer(stage: Stage, person: Person, channel: Channel, after: Message, words: str = HONEST) -> Message:
    """Wait for the bot's message after another one that holds some words."""
    return await person.expect(
        channel, lambda seen: seen.author.id == me(stage) and words in seen.content, after=after.id
    )


async def ask(stage: Stage, words: str, person: Person | None = None) -> str:
    """Mention the bot in #general, and return what it answers."""
    person, general = person or stage.member, stage.channels["general"]
    return (await answer(stage, person, general, person.say(general, f"<@{me(stage)}> {words}"))).content


async def remembered(stage: Stage) -> list[dict[str, object]]:
    """Return what is remembered of #general, once the bot has done all that it has to do."""
    assert await drain(5.0) == []
    return await stage.bot.database.get_ai_history(stage.channels["general"].id)


async def test_a_mention_is_answered_in_a_reply_and_remembered(stage: Stage) -> None:
    """The answer replies to the question, says what it is, and the next one knows what was said."""
    general = stage.channels["general"]
    question = stage.member.say(general, f"<@{me(stage)}> my name is Ploy")
    first = await answer(stage, stage.member, general, question)
    assert "Nice to meet you, Ploy" in first.content
    assert first.reference is not None
    rows = await remembered(stage)
    assert [row["content"] for row in rows] == ["my name is Ploy", first.content.partition("\n-#")[0]]
    assert [row["message_id"] for row in rows] == [question.id, first.id]
    assert "Your name is Ploy" in await ask(stage, "what is my name?")


async def test_people_who_write_thai_are_answered_in_thai(stage: Stage) -> None:
    """The answer and the line below it are in the language of the question."""
    general = stage.channels["general"]
    question = stage.thai.say(general, f"<@{me(stage)}> สวัสดี")
    reply = await answer(stage, stage.thai, general, question, "ไม่ใช่ AI")
    assert reply.content.startswith("สวัสดี Somchai!")


async def test_help_names_the_bots_own_commands(stage: Stage) -> None:
    """The scripted model knows the commands that are loaded, in the reader's language."""
    assert "**/ai ask**: Ask the assistant." in await ask(stage, "how do I ask the assistant?")
    general = stage.channels["general"]
    question = stage.thai.say(general, f"<@{me(stage)}> คำสั่งอะไรให้ถามผู้ช่วย")
    assert "/เอไอ ถาม" in (await answer(stage, stage.thai, general, question, "ไม่ใช่ AI")).content


async def test_only_what_is_meant_for_the_bot_is_answered(stage: Stage) -> None:
    """Messages to others, commands, and mentions where the feature is off are left alone."""
    general = stage.channels["general"]
    stage.member.say(general, "just talking")
    stage.member.say(general, f"<@{me(stage)}> ping")
    await stage.bot.guild_configs.switch(stage.town.guild.id, {Feature.AI: False})
    stage.member.say(general, f"<@{me(stage)}> hello")
    await stage.bot.guild_configs.switch(stage.town.guild.id, {Feature.AI: None})
    last = stage.member.say(general, f"<@{me(stage)}> thank you")
    await answer(stage, stage.member, general, last)
    said = [message.content for message in general.messages.values() if message.author.id == me(stage)]
    assert len([text for text in said if HONEST in text]) == 1


async def test_a_channel_of_its_own_needs_no_mention(stage: Stage) -> None:
    """In the AI channel everything is a question; a reply to an answer is one anywhere."""
    channel = stage.channels["bot"]
    await stage.bot.guild_configs.save(stage.town.guild.id, ai_channel_id=channel.id)
    first = await answer(stage, stage.member, channel, stage.member.say(channel, "hello"))
    assert "Hello, Carol" in first.content


async def test_nothing_asked_is_told_kindly(stage: Stage) -> None:
    """A mention without a question is answered by how to ask one."""
    general = stage.channels["general"]
    question = stage.member.say(general, f"<@{me(stage)}>")
    await answer(stage, stage.member, general, question, "Ask me something")


async def test_the_command_answers_too(stage: Stage) -> None:
    """`/ai ask` answers in the channel, in the asker's language."""
    general = stage.channels["general"]
    english = await stage.member.reply(stage.member.slash(general, "ai ask", question="who are you?"))
    await stage.member.expect(general, lambda seen: seen.id == english.id and HONEST in seen.content)
    thai = await stage.thai.reply(stage.thai.slash(general, "ai ask", question=":)"))
    await stage.thai.expect(general, lambda seen: seen.id == thai.id and "ไม่ใช่ AI" in seen.content)


async def test_a_conversation_is_forgotten_by_those_who_may(stage: Stage) -> None:
    """`/ai forget` needs the permission to manage messages, and tells how much went."""
    general = stage.channels["general"]
    await ask(stage, "hello")
    await remembered(stage)
    refused = await stage.member.reply(stage.member.slash(general, "ai forget"))
    assert "manage messages" in refused.content
    done = await stage.moderator.reply(stage.moderator.slash(general, "ai forget"))
    assert "2 messages" in done.content
    assert await stage.bot.database.get_ai_history(general.id) == []


async def test_usage_and_status_are_shown(stage: Stage) -> None:
    """`/ai usage` shows the budgets to the asker alone; `/ai status` shows models and memory to everybody."""
    general = stage.channels["general"]
    nothing = await stage.member.reply(stage.member.slash(general, "ai usage"))
    assert "not used anything" in str(nothing.embeds)
    await ask(stage, "hello")
    await remembered(stage)
    usage = await stage.member.reply(stage.member.slash(general, "ai usage"))
    assert usage.audience is stage.member.user
    assert "of 50,000 tokens" in str(usage.embeds)
    assert "1 requests" in str(usage.embeds)
    status = await stage.member.reply(stage.member.slash(general, "ai status"))
    assert "a script, not an AI" in str(status.embeds)
    assert "2 messages" in str(status.embeds)


async def test_figures_reach_the_health_page(stage: Stage) -> None:
    """The health page shows how the models do and what they take."""
    await ask(stage, "hello")
    health_data.update_from_bot(stage.bot)
    figures = health_data.get_ai_performance_stats()["cogs"]["AIChat"]
    assert figures["models"] == [{"name": "scripted model", "state": "closed"}]
    assert figures["times"]["ai.scripted"]["count"] >= 1
    assert health_data.service_health["ai_scripted"] is True


async def test_what_is_kept_of_a_person_is_given_and_forgotten(stage: Stage) -> None:
    """The history and the usage of a person can be exported, and are gone after a wish to be forgotten."""
    await ask(stage, "my secret is tea")
    await remembered(stage)
    kept = await stage.bot.privacy.export(stage.member.user.id)
    assert "my secret is tea" in str(kept["ai_history"])
    assert kept["ai_usage"][0]["requests"] == 1
    forgotten = await stage.bot.privacy.forget(stage.member.user.id)
    assert forgotten.failed == ()
    assert not {"ai_history", "ai_usage"} & (await stage.bot.privacy.export(stage.member.user.id)).keys()
    assert await remembered(stage) == []


async def test_the_cog_can_be_loaded_again(stage: Stage) -> None:
    """After a reload the same questions are answered, and nothing of the old cog is left."""
    before = stage.bot.get_cog("AIChat")
    await stage.bot.reload_extension("reference.cogs.ai")
    assert stage.bot.get_cog("AIChat") not in {None, before}
    assert "Hello, Carol" in await ask(stage, "hello")


async def test_what_was_said_in_a_channel_goes_with_it(stage: Stage) -> None:
    """The conversations of a channel and a thread that are deleted are forgotten."""
    world, owner, general = stage.discord.world, stage.town.owner, stage.channels["general"]
    thread = threads.begin(world, general, owner, {"name": "t", "type": 11})
    for place in (general, thread):
        await stage.bot.database.save_ai_message(place.id, 1, "user", "hello")
    threads.delete(world, thread, owner)
    channels.delete(world, general, owner)
    await stage.discord.settled()
    assert await drain(5.0) == []
    for place in (general, thread):
        assert await stage.bot.database.get_ai_history(place.id) == []
