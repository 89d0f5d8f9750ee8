"""Planning events, and what goes on on stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit
from localdiscord.actions.access import held_in, require
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import ChannelType
from localdiscord.model.scheduled_event import ScheduledEvent, Stage
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "close_stage", "create", "delete", "forget_channel", "interest", "open_stage", "retitle_stage"]

NEEDS = Intents.GUILD_SCHEDULED_EVENTS
PLANNED, ACTIVE, OVER, OFF = 1, 2, 3, 4
NEXT = {PLANNED: {PLANNED, ACTIVE, OFF}, ACTIVE: {ACTIVE, OVER}, OVER: {OVER}, OFF: {OFF}}
"""What may become of an event in each state."""

PLACES = {1: ChannelType.STAGE, 2: ChannelType.VOICE}
ELSEWHERE = 3


# -- events ------------------------------------------------------------------------------------------------------


def _require(guild: Guild, by: User, creator: User) -> None:
    enough = Permissions.MANAGE_EVENTS
    if by is creator:
        enough |= Permissions.CREATE_EVENTS
    if not held_in(guild, by) & enough:
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def _require_place(world: World, guild: Guild, event: ScheduledEvent) -> None:
    """Refuse an event whose place or time is missing."""
    if event.kind == ELSEWHERE:
        if not event.location:
            raise invalid_form("entity_metadata.location", "BASE_TYPE_REQUIRED", "This field is required")
        if event.ends_at is None:
            raise invalid_form("scheduled_end_time", "BASE_TYPE_REQUIRED", "This field is required")
    else:
        channel = guild.channels.get(event.channel_id or 0)
        if channel is None or channel.type is not PLACES[event.kind]:
            raise invalid_form("channel_id", "CHANNEL_INVALID_TYPE", "Invalid channel type")
    if event.status == PLANNED and event.starts_at < world.now():
        words = "Cannot schedule event in the past."
        raise invalid_form("scheduled_start_time", "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST", words)


def _with_picture(world: World, key: int, values: dict[str, Any]) -> dict[str, Any]:
    data = values.get("image")
    return values | {"image": world.files.keep_image(f"/guild-events/{key}", data)} if data else values


def create(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> ScheduledEvent:
    """Plan an event.

    Args:
        world: the world.
        guild: where.
        by: who plans it.
        values: by the event's attributes; `image` is the bytes of a picture.
        reason: why.

    Raises:
        DiscordError: the actor may not, or its place or time does not fit.
    """
    _require(guild, by, by)
    key = world.snowflakes.next()
    event = ScheduledEvent(key, guild.id, by, **_with_picture(world, key, values))
    _require_place(world, guild, event)
    guild.events[event.id] = event
    _tell(world, guild, "GUILD_SCHEDULED_EVENT_CREATE", event)
    audit.note(world, guild, by, Audited.EVENT_CREATE, event.id, reason, changes=audit.created(event.payload()))
    return event


def change(
    world: World, guild: Guild, by: User, event: ScheduledEvent, values: dict[str, Any], reason: str | None = None
) -> None:
    """Change an event; all of it, or nothing.

    Raises:
        DiscordError: the actor may not, its place does not fit, or it cannot become what it shall.
    """
    _require(guild, by, event.creator)
    if values.get("status") is not None and values["status"] not in NEXT[event.status]:
        raise invalid_form(
            "status", "GUILD_SCHEDULED_EVENT_INVALID_STATUS", "Invalid Guild Scheduled Event Status Update"
        )
    before, state = event.payload(), dict(vars(event))
    for name, value in _with_picture(world, event.id, values).items():
        setattr(event, name, value)
    try:
        if values.keys() - {"status"}:
            _require_place(world, guild, event)
    except DiscordError:
        vars(event).update(state)
        raise
    _tell(world, guild, "GUILD_SCHEDULED_EVENT_UPDATE", event)
    changes = audit.differences(before, event.payload())
    audit.note(world, guild, by, Audited.EVENT_UPDATE, event.id, reason, changes=changes)
    if event.status in {OVER, OFF}:
        guild.events.pop(event.id, None)


def delete(world: World, guild: Guild, by: User, event: ScheduledEvent, reason: str | None = None) -> None:
    """Delete an event; raises DiscordError where the actor may not."""
    _require(guild, by, event.creator)
    del guild.events[event.id]
    _tell(world, guild, "GUILD_SCHEDULED_EVENT_DELETE", event)
    audit.note(world, guild, by, Audited.EVENT_DELETE, event.id, reason, changes=audit.deleted(event.payload()))


def interest(world: World, guild: Guild, user: User, event: ScheduledEvent, *, comes: bool) -> None:
    """Say that somebody wants to come, or no longer does; raises DiscordError where they are no member."""
    held_in(guild, user)
    if comes is (user.id in event.users):
        return
    name = "GUILD_SCHEDULED_EVENT_USER_ADD" if comes else "GUILD_SCHEDULED_EVENT_USER_REMOVE"
    if comes:
        event.users[user.id] = None
    else:
        del event.users[user.id]
    data = {"guild_scheduled_event_id": str(event.id), "user_id": str(user.id), "guild_id": str(guild.id)}
    world.emit(Event(name, data, NEEDS, guild.id))


def _tell(world: World, guild: Guild, name: str, event: ScheduledEvent) -> None:
    world.emit(Event(name, event.payload(), NEEDS, guild.id))


# -- stages ------------------------------------------------------------------------------------------------------

MODERATES = Permissions.MANAGE_CHANNELS | Permissions.MUTE_MEMBERS | Permissions.MOVE_MEMBERS


def open_stage(world: World, channel: Channel, by: User, topic: str, reason: str | None = None) -> Stage:
    """Begin something on a stage.

    Raises:
        DiscordError: the actor does not moderate it, it is no stage, or something goes on already.
    """
    if channel.type is not ChannelType.STAGE:
        raise invalid_form("channel_id", "CHANNEL_INVALID_TYPE", "Invalid channel type")
    require(world, channel, by, MODERATES)
    guild = world.guild(channel.guild_id or 0)
    if channel.id in guild.stages:
        raise DiscordError(Refusal.STAGE_EXISTS)
    stage = Stage(world.snowflakes.next(), guild.id, channel.id, topic)
    guild.stages[channel.id] = stage
    _tell_stage(world, "STAGE_INSTANCE_CREATE", stage)
    _note_stage(world, by, Audited.STAGE_CREATE, stage, reason, audit.created(stage.payload()))
    return stage


def retitle_stage(world: World, stage: Stage, by: User, topic: str, reason: str | None = None) -> None:
    """Change what goes on on a stage; raises DiscordError where the actor does not moderate it."""
    require(world, world.channel(stage.channel_id), by, MODERATES)
    before = stage.payload()
    stage.topic = topic
    _tell_stage(world, "STAGE_INSTANCE_UPDATE", stage)
    changes = audit.differences(before, stage.payload())
    _note_stage(world, by, Audited.STAGE_UPDATE, stage, reason, changes)


def close_stage(world: World, stage: Stage, by: User, reason: str | None = None) -> None:
    """End what goes on on a stage; raises DiscordError where the actor does not moderate it."""
    require(world, world.channel(stage.channel_id), by, MODERATES)
    del world.guild(stage.guild_id).stages[stage.channel_id]
    _tell_stage(world, "STAGE_INSTANCE_DELETE", stage)
    _note_stage(world, by, Audited.STAGE_DELETE, stage, reason, audit.deleted(stage.payload()))


def _tell_stage(world: World, name: str, stage: Stage) -> None:
    world.emit(Event(name, stage.payload(), Intents.GUILDS, stage.guild_id, stage.channel_id))


def _note_stage(
    world: World, by: User, action: Audited, stage: Stage, reason: str | None, changes: list[dict[str, Any]]
) -> None:
    guild, options = world.guild(stage.guild_id), {"channel_id": str(stage.channel_id)}
    audit.note(world, guild, by, action, stage.id, reason, changes=changes, options=options)


# -- channels that are deleted -------------------------------------------------------------------------------------


def forget_channel(world: World, guild: Guild, channel: Channel) -> None:
    """End what goes on in a channel that is deleted, and call off what is planned there."""
    if (stage := guild.stages.pop(channel.id, None)) is not None:
        _tell_stage(world, "STAGE_INSTANCE_DELETE", stage)
    for event in [each for each in guild.events.values() if each.channel_id == channel.id]:
        del guild.events[event.id]
        _tell(world, guild, "GUILD_SCHEDULED_EVENT_DELETE", event)
