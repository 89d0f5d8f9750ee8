"""Reminders: kept before they are acknowledged, and delivered once.

A reminder is removed after Discord took its message. A bot that is killed in between delivers it again at its next
start; the message bears the reminder's number as its nonce, by which Discord recognises it for some minutes and shows
it once. Only a bot that stays away longer than that, killed in that instant, repeats itself.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_group, subcommand
from reference.guilds import Feature
from reference.limits import limited
from reference.refusals import Refused
from reference.utils.localization import get_message
from reference.utils.monitoring.structured_logger import get_logger

from .reminder_store import MOST_REMINDERS, Reminder, ReminderStore
from .schedule import TROUBLE, Schedule
from .when import WhenError, parse_when, zone_of

if TYPE_CHECKING:
    from datetime import datetime

    from reference.bot import Bot

__all__ = ["Reminders"]

log = get_logger(__name__)

LONGEST_ABOUT = 1000
LATE = timedelta(minutes=2)
"""From when on a reminder says that it comes late."""

AGAIN = timedelta(minutes=1)
"""After which delivery is tried again that Discord could not do."""

GIVE_UP = timedelta(days=1)
"""After which it is not tried any more."""

MOST_CHOICES = 25


class Reminders(commands.Cog):
    """Reminds people.

    Args:
        bot: whose cog it is.
    """

    feature = Feature.REMINDERS

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.store = ReminderStore(bot.database)
        self.schedule = Schedule(bot, "reminders", self._deliver_due)

    async def cog_load(self) -> None:
        """Deliver from now on; what fell due meanwhile first."""
        self.schedule.start()

    async def cog_unload(self) -> None:
        """Deliver nothing more."""
        await self.schedule.stop()

    # Commands

    @hybrid_group(name="remind")
    async def remind(self, ctx: commands.Context[Bot]) -> None:
        """Be reminded of things."""
        await ctx.send(await self.bot.text(ctx, "community.reminders.usage", prefix=ctx.clean_prefix))

    @subcommand(remind, name="me")
    @limited(5, per=30)
    async def me(
        self,
        ctx: commands.Context[Bot],
        when: commands.Range[str, 1, 100],
        *,
        about: commands.Range[str, 1, LONGEST_ABOUT],
    ) -> None:
        """Remind me of something.

        Args:
            ctx: where.
            when: When: in 10 minutes, 1h30m, tomorrow at 9, friday 18:00, 2026-12-24.
            about: What of.
        """
        now = self.schedule.now()
        due = self._moment(when, now, await self.store.zone(ctx.author.id))
        guild_id = ctx.guild.id if ctx.guild else None
        language = await self.bot.language(ctx)
        reminder = Reminder(ctx.author.id, guild_id, ctx.channel.id, about.strip(), language, now, due)
        number = await self.store.add(reminder)
        if number is None:
            raise Refused("community.reminders.too_many", count=MOST_REMINDERS)
        self.schedule.wake()
        stamps = _stamps(due)
        await self._whisper(ctx, await self.bot.text(ctx, "community.reminders.kept", number=number, **stamps))

    def _moment(self, text: str, now: datetime, zone: object) -> datetime:
        try:
            return parse_when(text, now, zone)  # type: ignore[arg-type]  # a tzinfo
        except WhenError as error:
            shown = discord.utils.escape_mentions(discord.utils.escape_markdown(text))
            raise Refused(f"community.reminders.when_{error.kind}", when=shown) from None

    @subcommand(remind, name="list")
    @limited(5, per=30)
    async def listed(self, ctx: commands.Context[Bot]) -> None:
        """Show what I am to be reminded of."""
        reminders = await self.store.of_user(ctx.author.id)
        if not reminders:
            raise Refused("community.reminders.none")
        lines = [
            await self.bot.text(
                ctx, "community.reminders.line", number=each.id, about=_short(each.about, 100), **_stamps(each.due_at)
            )
            for each in reminders
        ]
        title = await self.bot.text(ctx, "community.reminders.title", count=len(reminders))
        embed = discord.Embed(title=title, description="\n".join(lines), colour=0x5865F2)
        await ctx.send(embed=embed, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    @subcommand(remind, name="cancel")
    @limited(5, per=30)
    async def cancel(self, ctx: commands.Context[Bot], number: int) -> None:
        """Forget one of my reminders.

        Args:
            ctx: where.
            number: Its number, as in the list.
        """
        if not 0 < number < 2**53 or (gone := await self.store.cancel(number, ctx.author.id)) is None:
            raise Refused("community.reminders.unknown", number=number)
        self.schedule.wake()
        about = _short(gone.about, 100)
        await self._whisper(ctx, await self.bot.text(ctx, "community.reminders.cancelled", number=number, about=about))

    @cancel.autocomplete("number")
    async def _numbers(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[int]]:
        """Offer the person's own reminders."""
        reminders = await self.store.of_user(interaction.user.id)
        fitting = [each for each in reminders if typed.lower() in f"{each.id} {each.about.lower()}"]
        return [
            app_commands.Choice(name=f"{each.id}: {each.about}"[:100], value=each.id) for each in fitting[:MOST_CHOICES]
        ]

    @subcommand(remind, name="zone")
    @limited(5, per=30)
    async def zone(self, ctx: commands.Context[Bot], *, name: commands.Range[str, 1, 60]) -> None:
        """Say in which time zone I live, so that `at 9` is understood.

        Args:
            ctx: where.
            name: The time zone, such as Asia/Bangkok.
        """
        try:
            zone = zone_of(name)
        except ValueError:
            shown = discord.utils.escape_mentions(discord.utils.escape_markdown(name))
            raise Refused("community.reminders.zone_unknown", zone=shown) from None
        await self.store.set_zone(ctx.author.id, zone.key)
        clock = f"{self.schedule.now().astimezone(zone):%H:%M}"
        await self._whisper(ctx, await self.bot.text(ctx, "community.reminders.zone", zone=zone.key, clock=clock))

    @zone.autocomplete("name")
    async def _zones(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer time zones."""
        wanted = typed.lower().replace(" ", "_")
        fitting = [name for name in _zone_names() if wanted in name.lower()]
        return [app_commands.Choice(name=name, value=name) for name in fitting[:MOST_CHOICES]]

    async def _whisper(self, ctx: commands.Context[Bot], text: str) -> None:
        """Answer for the person's eyes, where Discord can, and mention nobody."""
        await ctx.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    # Delivery

    async def _deliver_due(self) -> datetime | None:
        for reminder in await self.store.due(self.schedule.now()):
            if await self._deliver(reminder):
                await self.store.delivered(reminder)
            else:
                await self.store.postpone(reminder, self.schedule.now() + AGAIN)
        return await self.store.next_due()

    async def _deliver(self, reminder: Reminder) -> bool:
        """Write the reminder where it was asked for, else to the person directly; False where it may work later."""
        try:
            await self._send(self.bot.get_partial_messageable(reminder.channel_id), reminder)
        except (discord.Forbidden, discord.NotFound):
            return await self._deliver_directly(reminder)
        except TROUBLE as error:
            return self._give_up(reminder, error)
        return True

    async def _deliver_directly(self, reminder: Reminder) -> bool:
        try:
            user = self.bot.get_user(reminder.user_id) or await self.bot.fetch_user(reminder.user_id)
            await self._send(user, reminder)
        except (discord.Forbidden, discord.NotFound) as error:
            log.warning("a reminder reaches nobody", number=reminder.id, error=str(error))
        except TROUBLE as error:
            return self._give_up(reminder, error)
        return True

    def _give_up(self, reminder: Reminder, error: Exception) -> bool:
        """Tell whether to stop trying."""
        log.warning("a reminder cannot be delivered now", number=reminder.id, error=str(error))
        return self.schedule.now() - reminder.due_at > GIVE_UP

    async def _send(self, place: discord.abc.Messageable, reminder: Reminder) -> None:
        late = self.schedule.now() - reminder.due_at > LATE
        key = "community.reminders.late" if late else "community.reminders.due"
        values = {"user": f"<@{reminder.user_id}>", "about": reminder.about, **_stamps(reminder.due_at)}
        text = get_message(key, reminder.language, asked=f"<t:{int(reminder.created_at.timestamp())}:R>", **values)
        mentions = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(reminder.user_id)])
        await place.send(text[:2000], nonce=f"reminder-{reminder.id}", allowed_mentions=mentions)


@lru_cache(maxsize=1)
def _zone_names() -> list[str]:
    """Return the names of the time zones, those of places first."""
    with contextlib.suppress(OSError):
        return sorted(available_timezones(), key=lambda name: ("/" not in name or name.startswith("Etc"), name))
    return []


def _stamps(due: datetime) -> dict[str, str]:
    """Return a time as each reader's client shows it: in full, and how far away."""
    seconds = int(due.timestamp())
    return {"time": f"<t:{seconds}:f>", "relative": f"<t:{seconds}:R>"}


def _short(text: str, length: int) -> str:
    """Show what a person wrote on one short line, as it was written."""
    line = " ".join(text.split())
    line = line if len(line) <= length else f"{line[: length - 1]}…"
    return discord.utils.escape_mentions(discord.utils.escape_markdown(line))
