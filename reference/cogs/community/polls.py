"""Polls with buttons: a live tally, an end by time or by hand, and both after a restart too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_group, subcommand
from reference.guilds import Feature
from reference.limits import limited
from reference.refusals import Refused
from reference.utils.monitoring.structured_logger import get_logger
from reference.views import Handled, View

from .poll import LONGEST_OPTION, MOST_OPTIONS, Poll, options_in, poll_embed
from .poll_store import MOST_OPEN, PollStore
from .reminder_store import ReminderStore
from .schedule import TROUBLE, Schedule
from .when import WhenError, parse_when

if TYPE_CHECKING:
    import re
    from datetime import datetime

    from reference.bot import Bot

    from .poll_store import Count

__all__ = ["Polls", "VoteButton"]

log = get_logger(__name__)

PER_ROW = 5
ORPHANED = timedelta(days=1)
"""After which a poll whose message nobody noted, because the bot was killed, is not looked for any more."""

AGAIN = timedelta(minutes=1)
"""After which a poll that is over is shown so again, where Discord could not do it."""


class VoteButton(
    Handled, discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"poll:(?P<poll>\d+):(?P<option>\d+)"
):
    """The button of an option.

    Args:
        poll_id: the poll.
        option: the option, from 0.
        label: what stands on it.
        disabled: whether the poll is over.
    """

    def __init__(self, poll_id: int, option: int, label: str = "…", *, disabled: bool = False) -> None:
        super().__init__(
            discord.ui.Button(
                label=label,
                custom_id=f"poll:{poll_id}:{option}",
                style=discord.ButtonStyle.primary,
                disabled=disabled,
                row=option // PER_ROW,
            )
        )
        self.poll_id = poll_id
        self.option = option

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button that was pressed."""
        return cls(int(match["poll"]), int(match["option"]))

    async def act(self, interaction: discord.Interaction) -> None:
        """Vote."""
        bot = cast("Bot", interaction.client)
        cog = bot.get_cog("Polls")
        if isinstance(cog, Polls):
            await cog.vote(interaction, self.poll_id, self.option)


def poll_view(poll: Poll) -> discord.ui.View:
    """Return the buttons of a poll."""
    view = View(timeout=None)
    for number, option in enumerate(poll.options):
        view.add_item(VoteButton(poll.id, number, f"{number + 1}. {option}"[:80], disabled=poll.closed_at is not None))
    return view


class Polls(commands.Cog):
    """Asks people.

    Args:
        bot: whose cog it is.
    """

    feature = Feature.POLLS

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.store = PollStore(bot.database)
        self.schedule = Schedule(bot, "polls", self._close_due)
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def cog_load(self) -> None:
        """Close from now on what is over, and what ended meanwhile first."""
        self.schedule.start()

    async def cog_unload(self) -> None:
        """Close nothing more."""
        await self.schedule.stop()

    # Commands

    @hybrid_group(name="poll")
    @commands.guild_only()
    async def poll(self, ctx: commands.Context[Bot]) -> None:
        """Ask people."""
        await ctx.send(await self.bot.text(ctx, "community.polls.usage", prefix=ctx.clean_prefix))

    @subcommand(poll, name="start")
    @limited(3, per=60)
    @commands.guild_only()
    @commands.bot_has_permissions(embed_links=True)
    async def start(
        self,
        ctx: commands.Context[Bot],
        question: commands.Range[str, 1, 250],
        options: commands.Range[str, 1, 900],
        until: str | None = None,
        votes: commands.Range[int, 1, MOST_OPTIONS] = 1,
    ) -> None:
        """Start a poll.

        Args:
            ctx: where.
            question: What you want to know.
            options: The answers to choose from, parted by |
            until: When it ends: in 1 hour, tomorrow at 9; by hand if left out.
            votes: For how many answers each person may vote.
        """
        texts = options_in(options)
        if not 2 <= len(texts) <= MOST_OPTIONS:
            raise Refused("community.polls.options", most=MOST_OPTIONS)
        if long := next((text for text in texts if len(text) > LONGEST_OPTION), None):
            raise Refused("community.polls.long_option", option=f"{long[:20]}…", longest=LONGEST_OPTION)
        closes = await self._end(until, ctx.author.id)
        guild = cast("discord.Guild", ctx.guild)
        poll = Poll(
            guild.id,
            ctx.channel.id,
            ctx.author.id,
            question.strip(),
            tuple(texts),
            min(votes, len(texts)),
            await self.bot.language(ctx),
            self.schedule.now(),
            closes,
        )
        kept = await self.store.add(poll)
        if kept is None:
            raise Refused("community.polls.too_many", count=MOST_OPEN)
        try:
            message = await ctx.send(embed=poll_embed(kept, {}, 0), view=poll_view(kept))
        except discord.HTTPException:
            await self.store.remove(kept.id)
            raise
        await self.store.posted(kept.id, message.id)
        self.schedule.wake()

    async def _end(self, until: str | None, user_id: int) -> datetime | None:
        """Read when a poll is to end, in the time zone of who starts it."""
        if until is None:
            return None
        zone = await ReminderStore(self.bot.database).zone(user_id)
        try:
            return parse_when(until, self.schedule.now(), zone)
        except WhenError as error:
            shown = discord.utils.escape_mentions(discord.utils.escape_markdown(until[:100]))
            raise Refused(f"community.reminders.when_{error.kind}", when=shown) from None

    @subcommand(poll, name="close")
    @limited(5, per=30)
    @commands.guild_only()
    async def close(self, ctx: commands.Context[Bot], number: int) -> None:
        """End a poll: its author may, and who may manage messages.

        Args:
            ctx: where.
            number: Its number, as under the poll.
        """
        count = await self._find(ctx, number)
        manages = isinstance(ctx.author, discord.Member) and ctx.permissions.manage_messages
        if count.poll.author_id != ctx.author.id and not manages:
            raise Refused("community.polls.not_yours")
        if await self.store.close(number, self.schedule.now()) is None:
            raise Refused("community.polls.over", number=number)
        self.schedule.wake()
        await ctx.send(await self.bot.text(ctx, "community.polls.ended", number=number), ephemeral=True)

    @subcommand(poll, name="show")
    @limited(5, per=30)
    @commands.guild_only()
    async def show(self, ctx: commands.Context[Bot], number: int) -> None:
        """Show how a poll stands.

        Args:
            ctx: where.
            number: Its number, as under the poll.
        """
        count = await self._find(ctx, number)
        await ctx.send(embed=poll_embed(count.poll, count.tally, count.voters), ephemeral=True)

    @close.autocomplete("number")
    @show.autocomplete("number")
    async def _numbers(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[int]]:
        """Offer the newest polls of the server."""
        polls = await self.store.recent(interaction.guild_id or 0)
        fitting = [poll for poll in polls if typed.lower() in f"{poll.id} {poll.question.lower()}"]
        return [app_commands.Choice(name=f"{poll.id}: {poll.question}"[:100], value=poll.id) for poll in fitting]

    async def _find(self, ctx: commands.Context[Bot], number: int) -> Count:
        count = await self.store.count(number) if 0 < number < 2**53 else None
        if count is None or ctx.guild is None or count.poll.guild_id != ctx.guild.id:
            raise Refused("community.polls.unknown", number=number)
        return count

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget the polls of a guild that the bot has left."""
        await self.store.forget_guild(guild.id)

    # Votes

    async def vote(self, interaction: discord.Interaction, poll_id: int, option: int) -> None:
        """Take a vote and show how the poll stands; votes of one poll are shown in the order in which they came.

        Raises:
            Refused: the poll is over, is gone, or takes no more votes of this person.
        """
        message_id = interaction.message.id if interaction.message else 0
        async with self._turns[poll_id]:
            result = await self.store.vote(poll_id, interaction.user.id, option, message_id)
            if result is None:
                raise Refused("community.polls.unknown", number=poll_id)
            count, changed = result
            if count.poll.closed_at is not None:
                raise Refused("community.polls.over", number=poll_id)
            if not changed:
                raise Refused("community.polls.votes_used", count=count.poll.most_votes)
            await interaction.response.edit_message(embed=poll_embed(count.poll, count.tally, count.voters))

    async def _close_due(self) -> datetime | None:
        over = await self.store.close_due(self.schedule.now())
        shown = [await self._show_closed(count) for count in over]
        due = await self.store.next_close()
        again = None if all(shown) else self.schedule.now() + AGAIN
        return min((moment for moment in (due, again) if moment), default=None)

    async def _show_closed(self, count: Count) -> bool:
        """Change the message of a poll that is over; False where it may work later.

        A message that is gone, or out of the bot's reach, needs no change.
        """
        poll = count.poll
        if poll.message_id is None and self.schedule.now() - poll.created_at < ORPHANED:
            return False
        if poll.message_id is not None:
            channel = self.bot.get_partial_messageable(poll.channel_id, guild_id=poll.guild_id)
            message = channel.get_partial_message(poll.message_id)
            async with self._turns[poll.id]:
                try:
                    await message.edit(embed=poll_embed(poll, count.tally, count.voters), view=poll_view(poll))
                except TROUBLE as error:
                    log.warning("a poll that is over cannot be shown so", poll=poll.id, error=str(error))
                    if not isinstance(error, (discord.Forbidden, discord.NotFound)):
                        return False
        self._turns.pop(poll.id, None)
        await self.store.shown(poll.id)
        return True
