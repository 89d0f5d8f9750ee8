"""The AI chat with a service that streams, stalls and fails, as people meet it on Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import deletion, roles, threads
from localdiscord.model.files import Upload
from localdiscord.permissions import Permissions
from reference.cogs.ai.config import AISettings
from reference.guilds import Feature
from reference.utils.reliability.error_recovery import _reset_backoff_state
from reference.utils.reliability.rate_limiter import RateLimitConfig, rate_limiter
from reference.work import drain
from tests.ai.service import Service, dropping, failing, streamed, whole

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localdiscord.model.message import Message
    from reference.config import Settings
    from tests.bot.conftest import Stage


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that listens."""
    async with Service() as service:
        yield service


@pytest.fixture
def ai(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a test changes of the settings."""
    return dict(getattr(request, "param", {}))


@pytest.fixture
def settings(settings: Settings, service: Service, ai: dict[str, Any]) -> Settings:
    """The settings of a bot whose model is behind the service."""
    quick = {"edit_seconds": 0.02, "retry_delay_seconds": 0.0, "retries": 0, "waiting_per_channel": 1}
    return settings.model_copy(update={"ai": AISettings(**{"endpoint": service.endpoint(), **quick, **ai})})


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """What earlier tests spent and failed is forgotten."""
    rate_limiter.reset()
    for place in ("endpoint", "fallback"):
        _reset_backoff_state(f"ai_{place}")


def say(stage: Stage, words: str, **files: bytes) -> Message:
    """Mention the bot in #general, with text files."""
    uploads = [Upload(f"{name}.txt", "text/plain", data) for name, data in files.items()]
    return stage.member.say(stage.channels["general"], f"<@{stage.town.application.bot.id}> {words}", files=uploads)


async def see(stage: Stage, after: Message, matches: Callable[[str], bool]) -> Message:
    """Wait for a message of the bot whose text is as expected."""
    bot = stage.town.application.bot
    general = stage.channels["general"]
    return await stage.member.expect(general, lambda seen: seen.author is bot and matches(seen.content), after=after.id)


def said(stage: Stage) -> list[str]:
    """Return what the bot says in #general."""
    bot = stage.town.application.bot
    return [message.content for message in stage.channels["general"].messages.values() if message.author is bot]


async def history(stage: Stage) -> list[str]:
    """Return what is remembered of #general, once the bot has done all that it has to do."""
    assert await drain(5.0) == []
    rows = await stage.bot.database.get_ai_history(stage.channels["general"].id)
    return [row["content"] for row in rows]


async def test_an_answer_grows_in_one_message(stage: Stage, service: Service) -> None:
    """What is there is shown at once, by edits of one reply; in the end it is whole, and remembered."""
    service.plan.append(service.stalling("The first part", ", the second"))
    question = say(stage, "tell me")
    growing = await see(stage, question, lambda text: text == "The first part, the second …")
    assert await stage.bot.database.get_ai_history(growing.channel.id) == []
    service.released.set()
    whole_text = "The first part, the second at last"
    assert (await see(stage, question, lambda text: text == whole_text)).id == growing.id
    assert await history(stage) == ["tell me", whole_text]
    assert said(stage) == [whole_text]


async def test_the_model_reads_names_and_the_turn_before(stage: Stage, service: Service) -> None:
    """The request holds the conversation with the names of those who spoke, and mentions as names."""
    for words in ("one", f"say hello to <@{stage.town.members[1].id}>"):
        await see(stage, say(stage, words), lambda text: text == "Hello world")
        assert await drain(5.0) == []
    said_to_model = [message["content"] for message in service.requests[1]["messages"]]
    assert said_to_model[1:] == ["Carol: one", "Hello world", "Carol: say hello to @Somchai"]


async def test_a_long_answer_is_several_messages(stage: Stage, service: Service) -> None:
    """An answer beyond 2000 characters is split, with its code blocks whole."""
    code = "\n".join(f"print({number:04})" for number in range(200))
    service.plan.append(whole(f"Here:\n```py\n{code}\n```\nThat is all."))
    await see(stage, say(stage, "write code"), lambda text: text.endswith("That is all."))
    parts = said(stage)
    assert len(parts) == 2
    assert all(len(part) <= 2000 and part.count("```") == 2 for part in parts)
    assert (await history(stage))[1].endswith("That is all.")


async def test_an_answer_calls_nobody(stage: Stage, service: Service) -> None:
    """Whatever a model is made to write, no message of the bot mentions anybody but in looks."""
    service.plan.append(whole(f"@everyone @here <@{stage.town.owner.id}> <@&{stage.town.guild.id}>"))
    reply = await see(stage, say(stage, "call them all"), lambda text: "@everyone" in text)
    payload = reply.payload()
    assert (payload["mention_everyone"], payload["mentions"], payload["mention_roles"]) == (False, [], [])


@pytest.mark.parametrize("gone", ["question", "answer"])
async def test_a_deleted_message_stops_its_answer(stage: Stage, service: Service, gone: str) -> None:
    """Who deletes the question or the answer stops the answer; nothing of it is remembered."""
    service.plan.append(service.stalling("Once upon a time"))
    question = say(stage, "tell me a story")
    answer = await see(stage, question, lambda text: text == "Once upon a time …")
    stage.owner.delete(question if gone == "question" else answer)
    assert await history(stage) == []
    rest = [] if gone == "answer" else ["Once upon a time\n-# stopped"]
    assert said(stage) == rest
    await see(stage, say(stage, "again"), lambda text: text == "Hello world")


async def test_the_end_of_the_bot_stops_answers(stage: Stage, service: Service) -> None:
    """When the area is unloaded, what is shown says that it was stopped, and nothing of it is remembered."""
    service.plan.append(service.stalling("Once upon a time"))
    await see(stage, say(stage, "tell me a story"), lambda text: text == "Once upon a time …")
    await stage.bot.unload_extension("reference.cogs.ai")
    assert said(stage) == ["Once upon a time\n-# stopped"]
    assert await history(stage) == []


async def test_one_question_at_a_time(stage: Stage, service: Service) -> None:
    """In a channel the second question waits for the first, and a third one is told to come again."""
    service.plan += [service.stalling("first"), streamed("second")]
    first = say(stage, "one")
    await see(stage, first, lambda text: text == "first …")
    say(stage, "two")
    third = say(stage, "three")
    await see(stage, third, lambda text: text.startswith("1 question waits here already"))
    assert len(service.requests) == 1
    service.released.set()
    await see(stage, first, lambda text: text == "second")
    assert await history(stage) == ["one", "first at last", "two", "second"]


@pytest.mark.parametrize("ai", [{"scripted_fallback": False, "failure_threshold": 1}], indirect=True)
async def test_a_service_that_is_away_is_told_kindly(stage: Stage, service: Service) -> None:
    """Without a stand-in people are told when to come back; what was shown of a broken answer is taken away."""
    service.plan.append(failing(503))
    await see(stage, say(stage, "hello"), lambda text: text.startswith("No model answers right now"))
    answer = await stage.member.reply(stage.member.slash(stage.channels["general"], "ai ask", question="hello"))
    assert "try again in 60 seconds" in answer.content
    assert len(service.requests) == 1
    status = await stage.member.reply(stage.member.slash(stage.channels["general"], "ai status"))
    assert "is left alone for 60 s after failures" in str(status.embeds)


async def test_the_script_answers_in_place_of_a_service_that_is_away(stage: Stage, service: Service) -> None:
    """While the service fails the scripted model answers, is called what it is, and is not remembered."""
    service.usual = failing(500)
    await see(stage, say(stage, "hello"), lambda text: text.endswith("-# scripted model, not an AI"))
    assert await history(stage) == []


async def test_a_second_service_says_that_it_stands_in(discord: Any, stage_with_two: Stage) -> None:
    """The answer of the second service names its model."""
    await see(stage_with_two, say(stage_with_two, "hello"), lambda text: "-# the-other, while the usual" in text)
    assert await history(stage_with_two) == ["hello", "From the other"]


@pytest.fixture
async def ai_fallback() -> AsyncIterator[Service]:
    """A second service."""
    async with Service() as other:
        other.usual = streamed("From the other")
        yield other


@pytest.fixture
def stage_with_two(ai: dict[str, Any], service: Service, ai_fallback: Service, request: Any) -> Stage:
    """A bot with two services, the first of which fails."""
    service.usual = failing(502)
    ai["fallback"] = ai_fallback.endpoint("the-other")
    stage: Stage = request.getfixturevalue("stage")
    return stage


@pytest.mark.parametrize("ai", [{"user_tokens_per_day": 900}], indirect=True)
async def test_a_budget_that_is_used_up_is_told(stage: Stage, service: Service) -> None:
    """Who has too few tokens left is told when there are new ones, and the service is not asked."""
    service.usual = whole("x", {"prompt_tokens": 80, "completion_tokens": 40})
    await see(stage, say(stage, "hello"), lambda text: text == "x")
    assert await drain(5.0) == []
    await see(stage, say(stage, "hello"), lambda text: "used your 900 tokens for today" in text and "<t:" in text)
    assert len(service.requests) == 1
    assert await stage.bot.database.get_ai_history(stage.channels["general"].id) != []


async def test_who_asks_too_often_is_told_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit a question is refused; that is told, but not for every one of a flood."""
    usual = rate_limiter.get_config("ai_user")
    rate_limiter.add_config("ai_user", RateLimitConfig(1, 60.0))
    try:
        await see(stage, say(stage, "one"), lambda text: text == "Hello world")
        flood = [say(stage, "more") for _ in range(3)]
        await see(stage, flood[0], lambda text: text.startswith("Please wait"))
        assert await drain(5.0) == []
        assert len([text for text in said(stage) if text.startswith("Please wait")]) == 1
    finally:
        rate_limiter.add_config("ai_user", usual)


async def test_a_request_that_the_model_rejects_is_told(stage: Stage, service: Service) -> None:
    """What the service says of the request itself is told in our words."""
    service.plan.append(failing(400, "@everyone context_length_exceeded"))
    reply = await see(stage, say(stage, "hello"), lambda text: text.startswith("The model objects"))
    assert "everyone" not in reply.content


async def test_answers_are_open_to_feedback(stage: Stage, service: Service) -> None:
    """A finished answer is tracked, so that reactions to it are counted."""
    reply = await see(stage, say(stage, "hello"), lambda text: text == "Hello world")
    assert await drain(5.0) == []
    assert stage.bot.feedback.process_reaction(reply.id, stage.member.user.id, "👍") == "positive"
    stats = await stage.bot.database.get_user_stats(stage.member.user.id, stage.town.guild.id)
    assert stats["ai_interactions"] == 1


async def test_the_command_is_stopped_by_deleting_its_answer(stage: Stage, service: Service) -> None:
    """An answer to `/ai ask` grows too, and whoever deletes it stops it."""
    service.plan.append(service.stalling("Once"))
    general = stage.channels["general"]
    interaction = stage.member.slash(general, "ai ask", question="a story")
    answer = await stage.member.reply(interaction)
    assert answer.content == "Once …"
    stage.owner.delete(answer)
    assert await history(stage) == []


async def test_attached_texts_are_read(stage: Stage, service: Service) -> None:
    """Text files belong to the question up to their limit; what is too large is told below the answer."""
    question = say(stage, "what is in it?", notes="ชา and sugar".encode(), huge=b"x" * 60_000)
    reply = await see(stage, question, lambda text: text.startswith("Hello world"))
    assert reply.content.endswith("-# huge.txt is too large: text files up to 50000 bytes are read.")
    asked = service.requests[0]["messages"][-1]["content"]
    assert asked == "Carol: what is in it?\n\n[attached file notes.txt]\nชา and sugar"


async def test_a_long_attachment_is_shortened(stage: Stage, service: Service) -> None:
    """What does not fit into a request is left out, and that is told."""
    reply = await see(stage, say(stage, "", long=b"word " * 8_000), lambda text: text.startswith("Hello world"))
    assert "its beginning was read" in reply.content
    assert len(service.requests[0]["messages"][-1]["content"]) <= 4 * 3_000 + 10


async def test_a_reply_brings_what_it_replies_to(stage: Stage, service: Service) -> None:
    """A question in reply to somebody's message comes with that message; one in reply to an answer needs no mention."""
    general, bot = stage.channels["general"], stage.town.application.bot
    said_before = stage.owner.say(general, "Tea is made of leaves.")
    question = stage.member.say(general, f"<@{bot.id}> is that true?", reply_to=said_before)
    answer = await see(stage, question, bool)
    assert service.requests[0]["messages"][-1]["content"] == "Carol: > Alice: Tea is made of leaves.\nis that true?"
    assert await drain(5.0) == []
    follow_up = stage.member.say(general, "and coffee?", reply_to=answer, ping=False)
    await see(stage, follow_up, lambda text: text == "Hello world")
    assert service.requests[1]["messages"][-1]["content"] == "Carol: and coffee?"


async def test_discord_may_fail_while_an_answer_grows(stage: Stage, service: Service) -> None:
    """A failure of Discord while an answer grows, or when it ends, does not lose it."""
    faults = stage.discord.faults
    service.plan.append(service.stepping("one", " two", " three", " four"))
    typing = faults.server_error("/channels/*/typing", 503, method="POST")
    question = say(stage, "count")
    service.step()
    await see(stage, question, lambda text: text == "one …")
    growing = faults.server_error("/channels/*/messages/*", 503, method="PATCH")
    service.step()
    await stage.discord.until(lambda: growing.met)
    service.step()
    await see(stage, question, lambda text: text == "one two three …")
    ending = faults.server_error("/channels/*/messages/*", 503, method="PATCH", times=2)
    service.step()
    await see(stage, question, lambda text: text == "one two three four")
    assert (typing.met, growing.met, ending.met) == (1, 1, 2)
    assert await history(stage) == ["count", "one two three four"]


async def test_an_answer_that_discord_has_no_longer_is_stopped(stage: Stage, service: Service) -> None:
    """An answer that cannot be found when it is to grow is stopped, even if nobody told of its deletion."""
    service.plan.append(service.stepping("one", " two", " three"))
    question = say(stage, "count")
    service.step()
    await see(stage, question, lambda text: text == "one …")
    stage.discord.faults.server_error("/channels/*/messages/*", 404, method="PATCH", times=None)
    service.step()
    assert await history(stage) == []
    assert said(stage) == ["one …"]


@pytest.mark.parametrize("ai", [{"scripted_fallback": False}], indirect=True)
async def test_what_breaks_off_for_good_is_taken_away(stage: Stage, service: Service) -> None:
    """Half an answer is no answer: where nobody finishes it, it is replaced by a kind sentence."""
    service.plan.append(dropping("Half an"))
    question = say(stage, "tell me")
    await see(stage, question, lambda text: text.startswith("No model answers right now"))
    assert await history(stage) == []
    assert len(said(stage)) == 1


@pytest.mark.parametrize("ai", [{"scripted_fallback": False}], indirect=True)
async def test_what_was_shown_of_a_broken_answer_is_taken_away(stage: Stage, service: Service) -> None:
    """What people saw of an answer that broke off is deleted, if Discord lets us, before they are told."""
    for status in (None, 503):
        service.plan.append(service.breaking("Half an"))
        question = say(stage, "tell me")
        await see(stage, question, lambda text: text == "Half an …")
        if status is not None:
            stage.discord.faults.server_error("/channels/*/messages/*", status, method="DELETE", times=None)
        service.step()
        await see(stage, question, lambda text: text.startswith("No model answers right now"))
        assert await drain(5.0) == []
    assert [text for text in said(stage) if text.startswith("Half")] == ["Half an …"]


async def test_messages_deleted_together_stop_their_answers(stage: Stage, service: Service) -> None:
    """A purge stops the answers to what it deletes."""
    service.plan.append(service.stalling("Once"))
    question = say(stage, "a story")
    await see(stage, question, lambda text: text == "Once …")
    general = stage.channels["general"]
    other = stage.member.say(general, "something else")
    deletion.delete_many(stage.discord.world, general, stage.town.owner, [question.id, other.id])
    assert await history(stage) == []
    assert said(stage) == ["Once\n-# stopped"]


async def test_direct_messages_and_threads_are_answered(stage: Stage, service: Service) -> None:
    """In direct messages no mention is needed; in a thread one is, and each has a conversation of its own."""
    bot = stage.town.application.bot
    direct = stage.member.open_dm(bot)
    stage.member.say(direct, "hello")
    await stage.member.expect(direct, lambda seen: seen.content == "Hello world")
    thread = threads.begin(stage.discord.world, stage.channels["general"], stage.town.owner, {"name": "t", "type": 11})
    stage.owner.say(thread, f"<@{bot.id}> hello")
    await stage.owner.expect(thread, lambda seen: seen.content == "Hello world")
    assert await drain(5.0) == []
    assert await stage.bot.database.get_ai_history(direct.id) != []
    assert (await stage.bot.database.get_ai_history(thread.id))[0]["content"] == "hello"
    forgotten = await stage.member.reply(stage.member.slash(direct, "ai forget"))
    assert "2 messages" in forgotten.content
    usage = await stage.member.reply(stage.member.slash(direct, "ai usage"))
    assert "This server" not in str(usage.embeds)


async def test_where_the_bot_may_not_write_it_does_not_try(stage: Stage, service: Service) -> None:
    """Without the permission to write, a mention asks no model."""
    guild, owner = stage.town.guild, stage.town.owner
    role = next(role for role in guild.roles.values() if role.managed)
    everyone = guild.roles[guild.id]
    roles.change(stage.discord.world, guild, owner, role, {"permissions": 0})
    roles.change(stage.discord.world, guild, owner, everyone, {"permissions": int(Permissions.VIEW_CHANNEL)})
    await stage.discord.settled()
    question = stage.owner.say(stage.channels["general"], f"<@{stage.town.application.bot.id}> hello")
    await stage.bot.wait_for("message", check=lambda seen: seen.id == question.id, timeout=5)
    assert await history(stage) == []
    assert service.requests == []


@pytest.mark.parametrize("ai", [{"user_tokens_per_day": 0, "guild_tokens_per_day": 0}], indirect=True)
async def test_budgets_without_limit_are_shown(stage: Stage, service: Service) -> None:
    """Where there is no limit, what was used is shown all the same."""
    usage = await stage.member.reply(stage.member.slash(stage.channels["general"], "ai usage"))
    assert "0 tokens, without limit" in str(usage.embeds)


async def test_a_waiting_question_can_be_taken_back(stage: Stage, service: Service) -> None:
    """Who deletes a question that waits is not answered, and the next one is."""
    service.plan.append(service.stalling("first"))
    first = say(stage, "one")
    await see(stage, first, lambda text: text == "first …")
    second = say(stage, "two")
    await stage.bot.wait_for("message", check=lambda seen: seen.id == second.id, timeout=5)
    stage.member.delete(second)
    await stage.bot.wait_for("raw_message_delete", check=lambda gone: gone.message_id == second.id, timeout=5)
    service.released.set()
    assert await history(stage) == ["one", "first at last"]
    assert len(service.requests) == 1


async def test_a_file_that_cannot_be_had_is_told(stage: Stage, service: Service) -> None:
    """Where Discord does not give a file, the question is answered without it, and that is told."""
    question = say(stage, "what is in it?", gone=b"text")
    stage.discord.world.files.stored.clear()
    reply = await see(stage, question, lambda text: text.startswith("Hello world"))
    assert reply.content.endswith("-# gone.txt could not be read.")


async def test_the_text_command_answers_too(stage: Stage, service: Service) -> None:
    """`!ai ask` takes its question from the rest of the line and its file from the message."""
    general = stage.channels["general"]
    upload = Upload("notes.txt", "text/plain", b"Tea.")
    question = stage.member.say(general, "!ai ask what is it?", files=[upload])
    await see(stage, question, lambda text: text == "Hello world")
    assert service.requests[0]["messages"][-1]["content"] == "Carol: what is it?\n\n[attached file notes.txt]\nTea."
    assert await history(stage) != []


async def test_a_picture_alone_is_no_question(stage: Stage, service: Service) -> None:
    """What is attached and is no text asks nothing."""
    general = stage.channels["general"]
    upload = Upload("cat.png", "image/png", b"not really")
    question = stage.member.say(general, f"<@{stage.town.application.bot.id}>", files=[upload])
    await see(stage, question, lambda text: text.startswith("Ask me something"))
    assert service.requests == []


@pytest.mark.parametrize("ai", [{"edit_seconds": 60.0}], indirect=True)
async def test_edits_keep_their_pace(stage: Stage, service: Service) -> None:
    """However quickly the pieces come, an answer is changed no more often than the settings say, and at its end."""
    asked: list[str] = []
    stage.discord.record = lambda exchange: asked.append(exchange.method)
    service.plan.append(service.stepping("one", *(f" {number}" for number in range(20))))
    question = say(stage, "count")
    service.step()
    await see(stage, question, lambda text: text == "one …")
    for _ in range(20):
        service.step()
    await see(stage, question, lambda text: text.endswith("18 19"))
    assert asked.count("PATCH") == 1


async def test_commands_are_refused_where_the_feature_is_off(stage: Stage, service: Service) -> None:
    """Where a server switched the AI off, its commands say so."""
    await stage.bot.guild_configs.switch(stage.town.guild.id, {Feature.AI: False})
    refused = await stage.member.reply(stage.member.slash(stage.channels["general"], "ai ask", question="hello"))
    assert "switched off in this server" in refused.content
    assert service.requests == []
