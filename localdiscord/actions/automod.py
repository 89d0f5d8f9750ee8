"""Discord's automatic moderation: its rules, and what they do to messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit
from localdiscord.actions.access import permissions_in, require_in_guild
from localdiscord.actions.content import ROLE, USER
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.automod import Deed, Rule, Trigger
from localdiscord.model.message import Message, MessageType
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "create", "delete", "judge"]

CONFIGURATION, EXECUTION = Intents.AUTO_MODERATION_CONFIGURATION, Intents.AUTO_MODERATION_EXECUTION
NOTED = {Deed.BLOCK: Audited.RULE_BLOCK, Deed.ALERT: Audited.RULE_FLAG, Deed.TIMEOUT: Audited.RULE_TIMEOUT}


# -- rules -------------------------------------------------------------------------------------------------------


def create(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> Rule:
    """Make a rule.

    Args:
        world: the world.
        guild: where.
        by: who makes it.
        values: by the rule's attributes.
        reason: why.

    Raises:
        DiscordError: the actor may not.
    """
    require_in_guild(guild, by, Permissions.MANAGE_GUILD)
    rule = Rule(world.snowflakes.next(), guild.id, by.id, **values)
    guild.rules[rule.id] = rule
    _tell(world, guild, "AUTO_MODERATION_RULE_CREATE", rule)
    audit.note(world, guild, by, Audited.RULE_CREATE, rule.id, reason, changes=audit.created(rule.payload()))
    return rule


def change(world: World, guild: Guild, by: User, rule: Rule, values: dict[str, Any], reason: str | None = None) -> None:
    """Change a rule; raises DiscordError where the actor may not. See `create`."""
    require_in_guild(guild, by, Permissions.MANAGE_GUILD)
    before = rule.payload()
    for name, value in values.items():
        if value is not None:
            setattr(rule, name, value)
    _tell(world, guild, "AUTO_MODERATION_RULE_UPDATE", rule)
    changes = audit.differences(before, rule.payload())
    audit.note(world, guild, by, Audited.RULE_UPDATE, rule.id, reason, changes=changes)


def delete(world: World, guild: Guild, by: User, rule: Rule, reason: str | None = None) -> None:
    """Delete a rule; raises DiscordError where the actor may not."""
    require_in_guild(guild, by, Permissions.MANAGE_GUILD)
    del guild.rules[rule.id]
    _tell(world, guild, "AUTO_MODERATION_RULE_DELETE", rule)
    audit.note(world, guild, by, Audited.RULE_DELETE, rule.id, reason, changes=audit.deleted(rule.payload()))


def _tell(world: World, guild: Guild, name: str, rule: Rule) -> None:
    world.emit(Event(name, rule.payload(), CONFIGURATION, guild.id))


# -- judging -----------------------------------------------------------------------------------------------------


def judge(world: World, channel: Channel, author: User, content: str, announce: Callable[[Message], None]) -> None:
    """Do what the rules of a guild say about a message that somebody is about to write.

    Args:
        world: the world.
        channel: where.
        author: who; bots and those who manage the guild are not judged.
        content: what it says.
        announce: tells of a message that the rules write.

    Raises:
        DiscordError: a rule blocks it.
    """
    guild = world.guilds.get(channel.guild_id or 0)
    member = guild.members.get(author.id) if guild else None
    if guild is None or member is None or author.bot:
        return
    if permissions_in(world, channel, author) & (Permissions.MANAGE_GUILD | Permissions.ADMINISTRATOR):
        return
    mentions = len({*USER.findall(content), *ROLE.findall(content)})
    places = {channel.id, channel.parent_id}
    is_blocked = False
    for rule in guild.rules.values():
        exempt = places & set(rule.exempt_channels) or set(member.roles) & set(rule.exempt_roles)
        if rule.enabled and rule.event == 1 and not exempt and (found := rule.match(content, mentions)):
            is_blocked |= _act(world, guild, (rule, channel, author, content, found), announce)
    if is_blocked:
        raise DiscordError(Refusal.AUTOMOD_BLOCKED)


Case = tuple[Rule, "Channel", "User", str, tuple[str | None, str]]


def _act(world: World, guild: Guild, case: Case, announce: Callable[[Message], None]) -> bool:
    """Do what a rule says; returns whether the message is blocked."""
    rule, channel, author, content, (keyword, matched) = case
    is_blocked = any(action["type"] == Deed.BLOCK for action in rule.actions)
    for action in rule.actions:
        data: dict[str, Any] = {
            "guild_id": str(guild.id),
            "action": action,
            "rule_id": str(rule.id),
            "rule_trigger_type": int(rule.trigger),
            "user_id": str(author.id),
            "channel_id": str(channel.id),
            "content": content,
            "matched_keyword": keyword,
            "matched_content": matched,
        }
        if action["type"] == Deed.ALERT:
            alert = _alert(world, guild, case, action)
            data["alert_system_message_id"] = str(alert.id)
            announce(alert)
        elif action["type"] == Deed.TIMEOUT and rule.trigger in {Trigger.KEYWORD, Trigger.MENTION_SPAM}:
            _silence(world, guild, author, action["metadata"]["duration_seconds"])
        world.emit(Event("AUTO_MODERATION_ACTION_EXECUTION", data, EXECUTION, guild.id))
        if Deed(action["type"]) in NOTED:
            options = {"channel_id": str(channel.id), "auto_moderation_rule_name": rule.name}
            options["auto_moderation_rule_trigger_type"] = str(int(rule.trigger))
            audit.note(world, guild, author, NOTED[Deed(action["type"])], author.id, None, options=options)
    return is_blocked


def _alert(world: World, guild: Guild, case: Case, action: dict[str, Any]) -> Message:
    rule, channel, author, content, (keyword, matched) = case
    place = guild.channels.get(int(action["metadata"]["channel_id"]), channel)
    alert = Message(world.snowflakes.next(), place, author, type=MessageType.AUTO_MODERATION)
    told = {
        "rule_name": rule.name,
        "channel_id": str(channel.id),
        "keyword": keyword or "",
        "keyword_matched_content": matched,
    }
    fields = [{"name": name, "value": value, "inline": False} for name, value in told.items()]
    alert.embeds = [{"type": "auto_moderation_message", "description": content, "fields": fields}]
    place.messages[alert.id] = alert
    place.last_message_id = alert.id
    return alert


def _silence(world: World, guild: Guild, author: User, seconds: int) -> None:
    member = guild.member(author.id)
    member.timed_out_until = world.now() + timedelta(seconds=seconds)
    data = member.payload() | {"guild_id": str(guild.id)}
    world.emit(Event("GUILD_MEMBER_UPDATE", data, Intents.GUILD_MEMBERS, guild.id))
