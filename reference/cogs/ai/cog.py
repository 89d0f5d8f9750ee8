"""The AI chat on Discord: answers to mentions, replies, direct messages and a channel of its own, and its commands."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import discord
from discord.ext import commands

from reference.cogs.ai.answering import Answering, Venue
from reference.cogs.ai.assistant import Question
from reference.cogs.ai.live import NOBODY
from reference.cogs.ai.questions import question_in, read_attachments
from reference.cogs.ai.script import language_in
from reference.cogs.ai.views import status_embed, usage_embed
from reference.commands import hybrid_group, subcommand
from reference.guilds import Feature
from reference.limits import limited
from reference.listening import concerns
from reference.refusals import Refused
from reference.utils.localization import get_message
from reference.utils.monitoring.performance_tracker import perf_tracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.bot import Bot
    from reference.cogs.ai.assistant import Assistant
    from reference.cogs.ai.gateway import Answer
    from reference.guilds import GuildConfig

__all__ = ["AIChat"]

MOST_ANSWERS = 1000
"""Answers of which it is known that a reply to them is a question."""

KINDS = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""Messages that people write."""

NOTICE = "ai_notice"
"""The limit of the refusals in `BOUNDED`, so that nobody makes the bot talk by asking too often."""

BOUNDED = frozenset({"limit.retry_after", "ai.busy", "ai.empty_question"})
"""Refusals of what no other limit bounds."""


Notes = tuple[tuple[str, dict[str, object]], ...]
"""Keys of lines below an answer, with their values."""


class Asker(NamedTuple):
    """Who asks, where, and in which language."""

    user: discord.User | discord.Member
    channel_id: int
    guild: discord.Guild | None
    language: str


class PageReader(Protocol):
    """The part of the link reader that reads pages for a question."""

    async def pages_in(self, text: str, guild_id: int | None) -> list[dict[str, str]]:
        """Return `title`, `url` and `content` of the pages that a text links to, as far as they can be had."""


class AIChat(commands.Cog):
    """Questions to the assistant.

    Args:
        bot: whose cog it is.
        assistant: answers.
    """

    feature = Feature.AI

    def __init__(self, bot: Bot, assistant: Assistant) -> None:
        self.bot = bot
        self.assistant = assistant
        self._settings = bot.settings.ai
        self._answering = Answering(bot, assistant, self._settings)
        self._answers: OrderedDict[int, None] = OrderedDict()

    async def cog_load(self) -> None:
        """Tidy up after an earlier process, and follow the models."""
        await self.assistant.open()
        await self._answering.repair()

    async def cog_unload(self) -> None:
        """Stop all answers, and close the connections to the models."""
        await self._answering.close()
        await self.assistant.close()

    def get_performance_stats(self) -> dict[str, Any]:
        """Return figures for the health page: how the models do, what they take, and who waits."""
        times = {name: figures for name, figures in perf_tracker.get_stats().items() if name.startswith("ai.")}
        models = [{"name": model.name, "state": model.state.value} for model in self.assistant.gateway.status]
        return {"models": models, "questions": len(self._answering.turns), "times": times}

    async def summarise(self, text: str, instruction: str, question: Question) -> Answer | None:
        """Have a model summarise a text for another area; None where only the script would answer.

        Raises:
            AIError: there is no summary.
        """
        if self._settings.endpoint is None:
            return None
        answer = await self.assistant.summarise(text, instruction, question)
        return None if answer.is_scripted else answer

    # Messages

    def _may_be_meant(self, message: discord.Message) -> bool:
        """Tell, by what is in memory, whether a message may be meant for the bot."""
        if message.author.bot or message.guild is None:
            return not message.author.bot
        config = self.bot.guild_configs.known(message.guild.id)
        return config is None or (config.enabled(Feature.AI) and self._is_meant(message, config))

    @commands.Cog.listener()
    @concerns(_may_be_meant)
    async def on_message(self, message: discord.Message) -> None:
        """Answer a message that is meant for the bot."""
        if message.author.bot or message.webhook_id or message.type not in KINDS or self.bot.is_ending:
            return
        config = await self.bot.guild_config(message.guild.id if message.guild else None)
        if not (config.enabled(Feature.AI) and self._is_meant(message, config) and _may_answer(message)):
            return
        ctx = await self.bot.get_context(message)
        if ctx.valid:
            return
        try:
            await self._answer_message(message, config)
        except Refused as refusal:
            if refusal.answer.key not in BOUNDED or await self._may_tell(message.author.id):
                await self.bot.errors.tell(ctx, refusal.answer)

    async def _may_tell(self, user_id: int) -> bool:
        allowed, _, _ = await self.bot.limiter.check(NOTICE, user_id=user_id)
        return allowed

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Stop the answer to a message that is deleted, or that is deleted itself."""
        self._answering.turns.stop_for([payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Stop the answers among messages that are deleted together."""
        self._answering.turns.stop_for(payload.message_ids)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Forget the conversation of a channel that is gone."""
        await self.assistant.conversations.forget(channel.id)

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """Forget the conversation of a thread that is gone."""
        await self.assistant.conversations.forget(payload.thread_id)

    def _is_meant(self, message: discord.Message, config: GuildConfig) -> bool:
        if message.guild is None or config.ai_channel_id == message.channel.id:
            return True
        replied_to = message.reference.message_id if message.reference else None
        return self.bot.user in message.mentions or replied_to in self._answers

    async def _answer_message(self, message: discord.Message, config: GuildConfig) -> None:
        """Answer a message.

        Raises:
            Refused: it is not answered.
        """
        assert self.bot.user is not None  # noqa: S101  messages come after the log-in
        text = question_in(message, self.bot.user)
        if not (text or message.attachments):
            raise Refused("ai.empty_question")
        language = config.language or language_in(text, await self.bot.language(message.guild))
        asker = Asker(message.author, message.channel.id, message.guild, language)
        question, notes = await self._question(text, message.attachments, asker, message.id)

        async def send(part: str) -> discord.Message:
            if sent:
                return await message.channel.send(part, allowed_mentions=NOBODY)
            sent.append(part)
            return await message.reply(part, mention_author=False, allowed_mentions=NOBODY)

        sent: list[str] = []
        venue = Venue(send, self._namer(message.guild), message.id, message.channel.typing, notes=notes)
        self._note(await self._answering.answer(question, venue, [message.id]))

    async def _question(
        self, text: str, attachments: Sequence[discord.Attachment], asker: Asker, message_id: int | None
    ) -> tuple[Question, Notes]:
        """Put a question together, with the texts and pages that belong to it, and notes of those that were not read.

        Raises:
            Refused: the person asks too often, or nothing is asked.
        """
        guild_id = asker.guild.id if asker.guild else None
        await self._answering.admit(asker.user.id, asker.channel_id, guild_id)
        notes: list[tuple[str, dict[str, object]]] = []
        parts = [text]
        for file in await read_attachments(attachments, self._settings):
            if file.content is None:
                notes.append((file.problem, {"name": file.name, "count": self._settings.attachment_bytes}))
            else:
                parts.append(get_message("ai.attachment", asker.language, name=file.name, content=file.content))
        parts += await self._pages(text, asker)
        whole = "\n\n".join(filter(None, parts))
        if not whole:
            raise Refused("ai.empty_question")
        if len(self.assistant.fitting(whole)) < len(whole):
            notes.append(("ai.answer.shortened", {}))
        name = asker.user.display_name
        question = Question(whole, asker.channel_id, asker.user.id, guild_id, name, asker.language, message_id)
        return question, tuple(notes)

    async def _pages(self, text: str, asker: Asker) -> list[str]:
        """Return the pages that a question links to, as far as another area reads them and a model can use them."""
        reader = self.bot.get_cog("Links")
        if self._settings.endpoint is None or reader is None or "://" not in text:
            return []
        pages = await cast("PageReader", reader).pages_in(text, asker.guild.id if asker.guild else None)
        return [get_message("ai.page", asker.language, **page) for page in pages]

    def _namer(self, guild: discord.Guild | None) -> Any:
        def name_of(user_id: int) -> str:
            person = (guild.get_member(user_id) if guild else None) or self.bot.get_user(user_id)
            return person.display_name if person else ""

        return name_of

    def _note(self, message_ids: list[int]) -> None:
        self._answers.update(dict.fromkeys(message_ids))
        while len(self._answers) > MOST_ANSWERS:
            self._answers.popitem(last=False)

    # Commands

    @hybrid_group(name="ai", fallback="status")
    async def ai(self, ctx: commands.Context[Bot]) -> None:
        """Tell which models answer, and what is remembered of this channel."""
        config = await self.bot.guild_config(ctx.guild.id if ctx.guild else None)
        remembered = await self.assistant.conversations.length(ctx.channel.id)
        language = await self.bot.language(ctx)
        await ctx.send(embed=status_embed(self.assistant.gateway.status, config, remembered, language))

    @subcommand(ai, name="ask")
    @discord.app_commands.describe(question="What you want to know", file="A text file that belongs to the question")
    async def ask(
        self,
        ctx: commands.Context[Bot],
        file: discord.Attachment | None = None,
        *,
        question: commands.Range[str, 1, 2000],
    ) -> None:
        """Ask the assistant."""
        await ctx.defer()
        is_promised = ctx.interaction is not None
        asker = Asker(ctx.author, ctx.channel.id, ctx.guild, await self.bot.language(ctx))
        message_id = None if is_promised else ctx.message.id
        asked, notes = await self._question(question, [file] if file else [], asker, message_id)

        async def send(part: str) -> discord.Message:
            return await ctx.send(part, allowed_mentions=NOBODY)

        typing = nullcontext if is_promised else ctx.channel.typing
        asked_id = ctx.interaction.id if ctx.interaction else ctx.message.id
        venue = Venue(send, self._namer(ctx.guild), asked_id, typing, is_promised, notes)
        self._note(await self._answering.answer(asked, venue, [message_id] if message_id else []))

    @subcommand(ai, name="forget")
    @limited(3, per=30)
    async def forget(self, ctx: commands.Context[Bot]) -> None:
        """Forget the conversation of this channel."""
        if ctx.guild is not None and not ctx.permissions.manage_messages:
            raise commands.MissingPermissions(["manage_messages"])
        count = await self.assistant.conversations.forget(ctx.channel.id)
        await ctx.send(await self.bot.text(ctx, "ai.forgotten", count=count))

    @subcommand(ai, name="usage")
    @limited(5, per=30)
    async def usage(self, ctx: commands.Context[Bot]) -> None:
        """Show how many tokens you and this server have used."""
        budget = self.assistant.budget
        statuses = await budget.status(ctx.author.id, ctx.guild.id if ctx.guild else None)
        days = await budget.days("user", ctx.author.id)
        await ctx.send(embed=usage_embed(statuses, days, await self.bot.language(ctx)), ephemeral=True)


def _may_answer(message: discord.Message) -> bool:
    """Tell whether the bot may write where a message stands."""
    if message.guild is None:
        return True
    permissions = message.channel.permissions_for(message.guild.me)
    if isinstance(message.channel, discord.Thread):
        return permissions.send_messages_in_threads
    return permissions.send_messages
