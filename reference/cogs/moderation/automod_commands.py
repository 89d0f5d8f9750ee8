"""Commands about the filters: what they are, what they do, whom they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import discord
from discord.ext import commands
from pydantic import ValidationError

from reference.commands import hybrid_group, subcommand
from reference.errors import Refused
from reference.guilds import Feature

from .filters import Message, find
from .guards import guarded, guild_of, quietly
from .policy import FILTERS, Filter, Response
from .texts import shown

if TYPE_CHECKING:
    from reference.bot import Bot

    from .acts import Acts
    from .policy import Policy, Rule

__all__ = ["AutoModCommands", "details_of"]

Name = Literal["words", "invites", "links", "mentions", "attachments", "caps", "spam"]
Listed = Literal["words", "links", "attachments"]
Some = Literal["all", "words", "invites", "links", "mentions", "attachments", "caps", "spam"]
Answer = Literal["delete", "warn", "timeout"]


class AutoModCommands(commands.Cog):
    """What those who manage a server do to its filters."""

    def __init__(self, bot: Bot, acts: Acts) -> None:
        self.bot = bot
        self.policies = acts.policies

    @hybrid_group(fallback="status")
    @guarded("manage_guild", "")
    async def automod(self, ctx: commands.Context[Bot]) -> None:
        """Show what the filters do.

        Args:
            ctx: where.
        """
        guild = guild_of(ctx)
        policy = await self.policies.of(guild.id)
        config = await self.bot.guild_config(guild.id)
        title = "moderation.automod.on" if config.enabled(Feature.AUTOMOD) else "moderation.automod.off"
        embed = discord.Embed(title=await self.bot.text(ctx, title), colour=0x3498DB)
        for name in FILTERS:
            label = await self.bot.text(ctx, f"moderation.filter_name.{name}")
            embed.add_field(name=label, value=await self._shown(ctx, policy, name), inline=True)
        rule = policy.escalation
        values = {"warnings": rule.warnings, "hours": rule.hours, "minutes": rule.minutes}
        key = "moderation.automod.escalation" if rule.enabled else "moderation.automod.no_escalation"
        embed.set_footer(text=await self.bot.text(ctx, key, **values))
        await ctx.send(embed=embed, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    async def _shown(self, ctx: commands.Context[Bot], policy: Policy, name: Filter) -> str:
        rule = policy.rule(name)
        state = await self.bot.text(ctx, f"moderation.automod.{rule.action}" if rule.enabled else "moderation.off")
        exempt = [f"<@&{role}>" for role in rule.exempt_roles] + [f"<#{channel}>" for channel in rule.exempt_channels]
        lines = [state, details_of(rule), " ".join(exempt[:10])]
        return "\n".join(line for line in lines if line)[:1024]

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def filter(self, ctx: commands.Context[Bot], name: Name, enabled: bool, action: Answer | None = None) -> None:
        """Switch a filter on or off, and say what it does.

        Args:
            ctx: where.
            name: Which filter.
            enabled: On or off.
            action: What happens to the message and its author.
        """
        guild = guild_of(ctx)
        changes: dict[str, Any] = {"enabled": enabled}
        if action is not None:
            changes["action"] = Response(action)
        await self._change(ctx, Filter(name), **changes)
        if enabled:
            await self.bot.guild_configs.switch(guild.id, {Feature.AUTOMOD: True})
        label = await self.bot.text(ctx, f"moderation.filter_name.{name}")
        await quietly(
            ctx, "moderation.automod.switched_on" if enabled else "moderation.automod.switched_off", name=label
        )

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def add(self, ctx: commands.Context[Bot], name: Listed, *, entries: str) -> None:
        """Add banned words, allowed domains, or banned kinds of file.

        Args:
            ctx: where.
            name: Of which filter.
            entries: With commas between them.
        """
        rule = (await self.policies.of(guild_of(ctx).id)).rule(Filter(name))
        await self._set_entries(ctx, Filter(name), (*rule.entries, *_split(entries)))

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def remove(self, ctx: commands.Context[Bot], name: Listed, *, entries: str) -> None:
        """Remove banned words, allowed domains, or banned kinds of file.

        Args:
            ctx: where.
            name: Of which filter.
            entries: With commas between them.
        """
        rule = (await self.policies.of(guild_of(ctx).id)).rule(Filter(name))
        gone = {entry.casefold() for entry in _split(entries)}
        unknown = gone - {entry.casefold() for entry in rule.entries}
        if unknown:
            raise Refused("moderation.automod.no_entry", entry=shown(", ".join(sorted(unknown))[:200]))
        await self._set_entries(ctx, Filter(name), [each for each in rule.entries if each.casefold() not in gone])

    async def _set_entries(self, ctx: commands.Context[Bot], name: Filter, entries: Any) -> None:
        policy = await self._change(ctx, name, entries=tuple(dict.fromkeys(entries)))
        label = await self.bot.text(ctx, f"moderation.filter_name.{name}")
        await quietly(ctx, "moderation.automod.entries", name=label, count=len(policy.rule(name).entries))

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def exempt(
        self,
        ctx: commands.Context[Bot],
        name: Some,
        role: discord.Role | None = None,
        channel: discord.TextChannel | None = None,
        remove: bool = False,
    ) -> None:
        """Have a filter leave a role or a channel alone, or not any more.

        Args:
            ctx: where.
            name: Which filter, or all.
            role: Whose members.
            channel: Where.
            remove: Not any more.
        """
        if role is None and channel is None:
            raise Refused("moderation.automod.name_somebody")
        policy = await self.policies.of(guild_of(ctx).id)
        for each in FILTERS if name == "all" else (Filter(name),):
            rule = policy.rule(each)
            roles = _with(rule.exempt_roles, role.id if role else None, remove=remove)
            channels = _with(rule.exempt_channels, channel.id if channel else None, remove=remove)
            policy = await self._change(ctx, each, exempt_roles=roles, exempt_channels=channels)
        mention = " ".join(each.mention for each in (role, channel) if each)
        await quietly(ctx, "moderation.automod.looks_at" if remove else "moderation.automod.leaves", mention=mention)

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def limits(
        self,
        ctx: commands.Context[Bot],
        mentions: commands.Range[int, 1, 100] | None = None,
        caps_percent: commands.Range[int, 10, 100] | None = None,
        messages: commands.Range[int, 2, 100] | None = None,
        seconds: commands.Range[int, 1, 600] | None = None,
        duplicates: commands.Range[int, 2, 50] | None = None,
    ) -> None:
        """Say how much is too much.

        Args:
            ctx: where.
            mentions: How many people a message may mention.
            caps_percent: How many percent of capitals are too many.
            messages: How many messages somebody may write
            seconds: Within how many seconds.
            duplicates: From which time on the same message is too often.
        """
        given = {
            Filter.MENTIONS: {"most": mentions},
            Filter.CAPS: {"percent": caps_percent},
            Filter.SPAM: {"messages": messages, "seconds": seconds, "duplicates": duplicates},
        }
        for name, values in given.items():
            if changes := {key: value for key, value in values.items() if value is not None}:
                await self._change(ctx, name, **changes)
        await quietly(ctx, "settings.saved")

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def escalation(
        self,
        ctx: commands.Context[Bot],
        enabled: bool,
        warnings: commands.Range[int, 2, 20] | None = None,
        hours: commands.Range[int, 1, 2160] | None = None,
        minutes: commands.Range[int, 1, 40320] | None = None,
    ) -> None:
        """Say after how many warnings a time-out follows.

        Args:
            ctx: where.
            enabled: Whether one does.
            warnings: How many warnings.
            hours: Within how many hours.
            minutes: How long the time-out is.
        """
        guild = guild_of(ctx)
        given = {"enabled": enabled, "warnings": warnings, "hours": hours, "minutes": minutes}
        policy = await self.policies.of(guild.id)
        changes = {key: value for key, value in given.items() if value is not None}
        rule = {**policy.escalation.model_dump(), **changes}
        policy = await self._save(ctx, policy.changed({"escalation": rule}))
        key = "moderation.automod.escalation" if enabled else "moderation.automod.no_escalation"
        await quietly(ctx, key, **policy.escalation.model_dump(include={"warnings", "hours", "minutes"}))

    @subcommand(automod)
    @guarded("manage_guild", "")
    async def test(self, ctx: commands.Context[Bot], *, text: str) -> None:
        """Try which filter would take offence at a text.

        Args:
            ctx: where.
            text: What somebody might write.
        """
        found = find(await self.policies.of(guild_of(ctx).id), Message(text))
        if found is None:
            await quietly(ctx, "moderation.automod.harmless")
        else:
            await quietly(ctx, f"moderation.filter.{found}")

    async def _change(self, ctx: commands.Context[Bot], name: Filter, **changes: Any) -> Policy:
        """Change a rule; what is out of its limits is refused, and nothing changes."""
        policy = await self.policies.of(guild_of(ctx).id)
        try:
            changed = policy.with_rule(name, **changes)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]["msg"]
            raise Refused("moderation.automod.not_taken", problem=shown(problem)) from None
        return await self._save(ctx, changed)

    async def _save(self, ctx: commands.Context[Bot], policy: Policy) -> Policy:
        guild = guild_of(ctx)
        saved = await self.policies.save(guild.id, policy)
        await self.bot.database.log_audit("moderation.automod", guild.id, ctx.author.id)
        return saved


def details_of(rule: Rule) -> str:
    """Return the limits and lists of a rule, shortened, as `name: value`."""
    values = rule.model_dump(exclude={"enabled", "action", "exempt_roles", "exempt_channels", "entries"})
    listed = ", ".join(shown(entry) for entry in rule.entries)
    parts = [f"{name}: {value}" for name, value in values.items()]
    return " · ".join([*parts, listed[:300]] if listed else parts)


def _split(entries: str) -> list[str]:
    return [entry.strip() for entry in entries.replace("\n", ",").split(",") if entry.strip()]


def _with(ids: tuple[int, ...], changed: int | None, *, remove: bool) -> tuple[int, ...]:
    if changed is None:
        return ids
    rest = tuple(each for each in ids if each != changed)
    return rest if remove else (*rest, changed)
