"""One question on Discord, from its admission to the answer that is shown, remembered and open to feedback."""

from __future__ import annotations

import asyncio
import contextlib
import math
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import discord

from reference.cogs.ai.chat import Draft
from reference.cogs.ai.errors import AIError, BudgetError, ChannelBusyError, InvalidRequestError, NoModelError
from reference.cogs.ai.growing import GrowingAnswer, GrowingAnswers
from reference.cogs.ai.live import CURSOR, NOBODY, LiveAnswer
from reference.cogs.ai.rendering import LONGEST_MESSAGE
from reference.cogs.ai.turns import Turns
from reference.refusals import Refused
from reference.utils.localization import get_message
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.structured_logger import get_logger
from reference.utils.reliability.error_recovery import Jitter, RetryConfig, retry_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
    from contextlib import AbstractAsyncContextManager

    from reference.bot import Bot
    from reference.cogs.ai.assistant import Assistant, Question
    from reference.cogs.ai.config import AISettings
    from reference.cogs.ai.gateway import Answer
    from reference.cogs.ai.live import Shown
    from reference.cogs.ai.turns import Turn

__all__ = ["AI_LIMITS", "Answering", "Venue"]

log = get_logger(__name__)

AI_LIMITS = ("ai_user", "ai_guild", "ai_global")
"""The limits that a question counts for, all or none."""

SHOWING = RetryConfig(
    max_retries=3, base_delay=0.5, jitter=Jitter.EQUAL, retryable_exceptions=(discord.DiscordServerError,)
)
"""How often Discord is given an answer that it does not take; what it has taken is not given again."""


@dataclass(frozen=True)
class Venue:
    """Where an answer goes.

    Attributes:
        send: sends the next message, and calls nobody.
        name_of: gives the name of a user.
        question_id: Discord's number of the message or interaction that is answered.
        typing: shows that an answer is being written.
        is_promised: whether Discord shows that an answer is coming, so that there must be one.
        notes: keys of lines below the answer, with their values.
    """

    send: Callable[[str], Awaitable[Shown]]
    name_of: Callable[[int], str]
    question_id: int
    typing: Callable[[], AbstractAsyncContextManager[object]] = field(default=nullcontext)
    is_promised: bool = False
    notes: tuple[tuple[str, dict[str, object]], ...] = ()


class Answering:
    """Answers questions in Discord's channels, in each one after the other.

    Args:
        bot: whose limits, database and feedback are used.
        assistant: answers.
        settings: paces and limits.
    """

    def __init__(self, bot: Bot, assistant: Assistant, settings: AISettings) -> None:
        self.turns = Turns(settings.waiting_per_channel)
        self._bot = bot
        self._assistant = assistant
        self._settings = settings
        self._growing = GrowingAnswers(bot.database)

    async def admit(self, user_id: int, channel_id: int, guild_id: int | None) -> None:
        """Count a question for the limits, before anything is done for it.

        Raises:
            Refused: there were too many; the answer says how long to wait.
        """
        allowed, wait, _ = await self._bot.limiter.check_all(
            AI_LIMITS, user_id=user_id, channel_id=channel_id, guild_id=guild_id
        )
        if not allowed:
            metrics.increment("rate_limited", "ai")
            raise Refused("limit.retry_after", count=max(1, math.ceil(wait)))

    async def answer(self, question: Question, venue: Venue, message_ids: Iterable[int] = ()) -> list[int]:
        """Answer a question that was admitted, when its turn comes.

        Args:
            question: the question.
            venue: where the answer goes.
            message_ids: Discord's numbers of the messages whose deletion stops the answer.

        Returns:
            Discord's numbers of the messages of the answer; none where it was stopped.

        Raises:
            Refused: it is not answered; the person is told why.
        """
        shown: list[int] = []

        async def work(turn: Turn) -> None:
            shown.extend(await self._show(turn, question, venue))

        try:
            await self.turns.run(question.channel_id, message_ids, work)
        except AIError as error:
            raise _refusal(error) from error
        return shown

    async def repair(self) -> None:
        """Mark the answers that a killed process left behind, as soon as the bot is connected."""
        left = await self._growing.all()
        if left:
            self._bot.spawn(self._mark(left), "marking of broken answers")

    async def close(self) -> None:
        """Stop all answers; what they show says so."""
        await self.turns.close()

    async def _mark(self, left: list[GrowingAnswer]) -> None:
        """Say below each message of some answers that is not whole that it was stopped."""
        await self._bot.wait_until_ready()
        for answer in left:
            stopped = get_message("ai.answer.stopped", answer.language)
            channel = self._bot.get_partial_messageable(answer.channel_id)
            with contextlib.suppress(discord.HTTPException):
                async for message in channel.history(limit=50, after=discord.Object(answer.question_id)):
                    if message.author == self._bot.user and message.content.endswith(CURSOR):
                        text = message.content.removesuffix(CURSOR)[: LONGEST_MESSAGE - len(stopped) - 1]
                        await message.edit(content=f"{text}\n{stopped}", allowed_mentions=NOBODY)
            await self._growing.end(answer.number)

    async def _show(self, turn: Turn, question: Question, venue: Venue) -> list[int]:
        """Show an answer while it is written, then whole; a turn is remembered once it is shown whole."""
        draft = Draft()
        live = LiveAnswer(venue.send, self._settings.edit_seconds)
        growing: list[int] = []

        async def before() -> None:
            growing.append(await self._growing.begin(question.channel_id, venue.question_id, question.language))

        follower = asyncio.create_task(live.follow(draft, before, turn.message_ids.add), name="showing of an answer")
        follower.add_done_callback(lambda task: _stop_if_gone(task, turn))
        try:
            async with _writing(venue):
                answer = await self._assistant.answer(question, draft, venue.name_of)
            turn.is_ending = True
            await _end(draft, follower)
            await retry_async(live.finish, answer.text, _footer(answer, venue, question.language), config=SHOWING)
            await self._keep(question, answer, live)
        except asyncio.CancelledError:
            await _end(draft, follower)
            if live.messages or venue.is_promised:
                await _last_words(live, draft.text, get_message("ai.answer.stopped", question.language))
            raise
        except discord.NotFound:  # somebody deleted the answer when it was all but whole
            await live.withdraw()
        except Exception:
            turn.is_ending = True  # what is taken away here is no deletion by somebody else
            await _end(draft, follower)
            await live.withdraw()
            raise
        finally:
            for number in growing:
                await self._growing.end(number)
        return [message.id for message in live.messages]

    async def _keep(self, question: Question, answer: Answer, live: LiveAnswer) -> None:
        await self._assistant.remember(question, answer, live.messages[0].id)
        await self._bot.database.increment_user_stat(question.user_id, question.guild_id or 0, "ai_interactions")
        for message in live.messages:
            self._bot.feedback.track_message(message.id, question.user_id, question.channel_id)
        log.info("answered", model=answer.model, tokens=answer.usage.total, messages=len(live.messages))


@asynccontextmanager
async def _writing(venue: Venue) -> AsyncIterator[None]:
    """Show that an answer is being written, where Discord lets us; an answer does not fail for that."""
    async with AsyncExitStack() as stack:
        with contextlib.suppress(discord.HTTPException):
            await stack.enter_async_context(venue.typing())
        yield


async def _end(draft: Draft, follower: asyncio.Task[None]) -> None:
    """Show nothing more of a draft, and wait until what is being shown is."""
    draft.close()
    await asyncio.wait([follower])


async def _last_words(live: LiveAnswer, text: str, footer: str) -> None:
    """Say below what there is of an answer that it was stopped, if Discord still has it."""
    with contextlib.suppress(discord.HTTPException, OSError):
        await live.finish(text, footer)


def _stop_if_gone(follower: asyncio.Task[None], turn: Turn) -> None:
    """Stop a turn whose answer cannot be shown any more; mostly because somebody deleted it."""
    if follower.cancelled() or (error := follower.exception()) is None:
        return
    if not isinstance(error, discord.NotFound):
        log.error("an answer could not be shown", exc_info=error)
    turn.stop()


def _footer(answer: Answer, venue: Venue, language: str) -> str:
    """Return the lines below an answer: what was cut, and who answers in whose place."""
    keys: list[tuple[str, dict[str, object]]] = [*venue.notes]
    if answer.was_cut:
        keys.append(("ai.answer.cut", {}))
    if answer.is_scripted:
        keys.append(("ai.answer.scripted", {}))
    elif answer.is_stand_in:
        keys.append(("ai.answer.stand_in", {"model": answer.model}))
    return "\n".join(get_message(key, language, **values) for key, values in keys)


def _refusal(error: AIError) -> Refused:
    """Return what a person is told when there is no answer."""
    match error:
        case BudgetError():
            when = discord.utils.format_dt(error.renewed_at, "R")
            return Refused(f"ai.budget.{error.scope}", limit=error.limit, when=when)
        case ChannelBusyError():
            return Refused("ai.busy", count=error.waiting)
        case InvalidRequestError():
            return Refused("ai.rejected")
        case NoModelError() if error.retry_after > 0:
            return Refused("ai.no_model_until", count=math.ceil(error.retry_after))
        case _:
            return Refused("ai.no_model")
