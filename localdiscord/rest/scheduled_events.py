"""Planned events, and what goes on on stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from localdiscord.actions import scheduled_events
from localdiscord.errors import DiscordError, Refusal
from localdiscord.rest.forms.fields import Flag, Form, Image, Moment, Snowflake, choice, text, within
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.scheduled_event import ScheduledEvent, Stage

EVENTS = "/guilds/{guild_id}/scheduled-events"
OF_EVENT = EVENTS + "/{guild_scheduled_event_id}"
OF_STAGE = "/stage-instances/{channel_id}"


class MetadataForm(Form):
    """Where an event is, where that is no channel."""

    location: Annotated[str, text(1, 100)] | None = None


class EventChangeForm(Form):
    """A change of an event."""

    name: Annotated[str, text(1, 100)] | None = None
    description: Annotated[str, text(None, 1000)] | None = None
    privacy_level: Annotated[int, choice(2)] | None = None
    scheduled_start_time: Moment | None = None
    scheduled_end_time: Moment | None = None
    entity_type: Annotated[int, choice(1, 2, 3)] | None = None
    channel_id: Snowflake | None = None
    entity_metadata: MetadataForm | None = None
    image: Image | None = None
    recurrence_rule: dict[str, Any] | None = None
    status: Annotated[int, choice(1, 2, 3, 4)] | None = None


class EventForm(EventChangeForm):
    """A new event."""

    name: Annotated[str, text(1, 100)]
    privacy_level: Annotated[int, choice(2)]
    scheduled_start_time: Moment
    entity_type: Annotated[int, choice(1, 2, 3)]


class UserListForm(Form):
    """Which of those who want to come a list shall hold."""

    limit: Annotated[int, within(1, 100)] = 100
    before: Snowflake | None = None
    after: Snowflake | None = None


class StageForm(Form):
    """What shall go on on a stage."""

    channel_id: Snowflake
    topic: Annotated[str, text(1, 120)]
    privacy_level: Annotated[int, choice(2)] | None = None
    send_start_notification: Flag | None = None


class StageChangeForm(Form):
    """A change of what goes on on a stage."""

    topic: Annotated[str, text(1, 120)] | None = None
    privacy_level: Annotated[int, choice(2)] | None = None


RENAMED = {
    "scheduled_start_time": "starts_at",
    "scheduled_end_time": "ends_at",
    "entity_type": "kind",
    "recurrence_rule": "recurrence",
}


def _values(form: EventChangeForm) -> dict[str, Any]:
    values = {RENAMED.get(name, name): value for name, value in form.given().items() if name != "privacy_level"}
    metadata = values.pop("entity_metadata", None)
    if metadata is not None:
        values["location"] = metadata.location
    if values.get("recurrence"):
        missing = dict.fromkeys(
            ("end", "by_weekday", "by_n_weekday", "by_month", "by_month_day", "by_year_day", "count")
        )
        values["recurrence"] = missing | {"interval": 1} | values["recurrence"]
    return values


def _event(call: Call) -> ScheduledEvent:
    try:
        return call.guild().events[call.id("guild_scheduled_event_id")]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_SCHEDULED_EVENT) from None


@route("GET", EVENTS)
async def list_events(call: Call) -> list[dict[str, Any]]:
    """Return what a guild plans."""
    counted = call.is_asked("with_user_count")
    return [event.payload(with_count=counted) for event in call.guild().events.values()]


@route("POST", EVENTS)
async def create_event(call: Call) -> dict[str, Any]:
    """Plan an event."""
    values = _values(call.form(EventForm))
    return scheduled_events.create(call.world, call.guild(), call.bot, values, call.reason).payload()


@route("GET", OF_EVENT)
async def get_event(call: Call) -> dict[str, Any]:
    """Return an event."""
    return _event(call).payload(with_count=call.is_asked("with_user_count"))


@route("PATCH", OF_EVENT)
async def edit_event(call: Call) -> dict[str, Any]:
    """Change an event."""
    event = _event(call)
    values = _values(call.form(EventChangeForm))
    scheduled_events.change(call.world, call.guild(), call.bot, event, values, call.reason)
    return event.payload()


@route("DELETE", OF_EVENT)
async def delete_event(call: Call) -> None:
    """Delete an event."""
    scheduled_events.delete(call.world, call.guild(), call.bot, _event(call), call.reason)


@route("GET", OF_EVENT + "/users")
async def list_event_users(call: Call) -> list[dict[str, Any]]:
    """Return who wants to come."""
    guild, event, asked = call.guild(), _event(call), call.asked(UserListForm)
    keys = sorted(event.users)
    if asked.before is not None:
        keys = [key for key in keys if key < asked.before][-asked.limit :]
    elif asked.after is not None:
        keys = [key for key in keys if key > asked.after]
    shown = []
    for key in keys[: asked.limit]:
        body = {"guild_scheduled_event_id": str(event.id), "user_id": str(key), "response": 1}
        body |= {"user": call.world.user(key).payload()}
        if call.is_asked("with_member") and key in guild.members:
            body |= {"member": guild.members[key].payload()}
        shown.append(body)
    return shown


# -- stages ----------------------------------------------------------------------------------------------------------


def _stage(call: Call) -> Stage:
    guild, channel = call.guild_channel()
    try:
        return guild.stages[channel.id]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_STAGE_INSTANCE) from None


@route("POST", "/stage-instances")
async def open_stage(call: Call) -> dict[str, Any]:
    """Begin something on a stage."""
    form = call.form(StageForm)
    channel = call.world.channel(form.channel_id)
    return scheduled_events.open_stage(call.world, channel, call.bot, form.topic, call.reason).payload()


@route("GET", OF_STAGE)
async def get_stage(call: Call) -> dict[str, Any]:
    """Return what goes on on a stage."""
    return _stage(call).payload()


@route("PATCH", OF_STAGE)
async def edit_stage(call: Call) -> dict[str, Any]:
    """Change what goes on on a stage."""
    stage = _stage(call)
    topic = call.form(StageChangeForm).topic
    scheduled_events.retitle_stage(call.world, stage, call.bot, topic or stage.topic, call.reason)
    return stage.payload()


@route("DELETE", OF_STAGE)
async def close_stage(call: Call) -> None:
    """End what goes on on a stage."""
    scheduled_events.close_stage(call.world, _stage(call), call.bot, call.reason)
