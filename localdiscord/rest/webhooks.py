"""Webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from localdiscord.actions import messages, webhooks
from localdiscord.actions.access import require, require_in_guild
from localdiscord.actions.deletion import announce_deletion
from localdiscord.permissions import Permissions
from localdiscord.rest.drafts import change_of, draft_from
from localdiscord.rest.forms.fields import Form, Image, Snowflake, text
from localdiscord.rest.forms.messages import WebhookMessageForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.webhook import Webhook

OF_WEBHOOK = "/webhooks/{webhook_id}"
OF_TOKEN = OF_WEBHOOK + "/{webhook_token}"
OF_MESSAGE = OF_TOKEN + "/messages/{message_id}"


class WebhookForm(Form):
    """A new webhook."""

    name: Annotated[str, text(1, 80)]
    avatar: Image | None = None


class ChangeForm(Form):
    """A change of a webhook."""

    name: Annotated[str, text(1, 80)] | None = None
    avatar: Image | None = None
    channel_id: Snowflake | None = None


class FollowForm(Form):
    """Where announcements shall be carried over to."""

    webhook_channel_id: Snowflake


class PlaceForm(Form):
    """The thread that a message is in."""

    thread_id: Snowflake | None = None


def _payload(call: Call, webhook: Webhook, *, with_user: bool = True) -> dict[str, Any]:
    return webhook.payload(with_user=with_user, url=call.discord.url)


def _of_token(call: Call) -> Webhook:
    return webhooks.of_token(call.world, call.id("webhook_id"), call.path["webhook_token"])


@route("GET", "/channels/{channel_id}/webhooks")
async def list_channel_webhooks(call: Call) -> list[dict[str, Any]]:
    """Return the webhooks of a channel."""
    _, channel = call.guild_channel()
    require(call.world, channel, call.bot, Permissions.MANAGE_WEBHOOKS)
    return [_payload(call, each) for each in call.world.webhooks.values() if each.channel_id == channel.id]


@route("GET", "/guilds/{guild_id}/webhooks")
async def list_guild_webhooks(call: Call) -> list[dict[str, Any]]:
    """Return the webhooks of a guild."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_WEBHOOKS)
    return [_payload(call, each) for each in call.world.webhooks.values() if each.guild_id == guild.id]


@route("POST", "/channels/{channel_id}/webhooks")
async def create_webhook(call: Call) -> dict[str, Any]:
    """Make a webhook."""
    _, channel = call.guild_channel()
    values = call.form(WebhookForm).given()
    return _payload(call, webhooks.create(call.world, channel, call.bot, values, call.reason))


@route("POST", "/channels/{channel_id}/followers")
async def follow(call: Call) -> dict[str, Any]:
    """Have announcements carried over."""
    _, channel = call.guild_channel()
    target = call.world.channel(call.form(FollowForm).webhook_channel_id)
    webhook = webhooks.follow(call.world, channel, target, call.bot, call.reason)
    return {"channel_id": str(channel.id), "webhook_id": str(webhook.id)}


@route("GET", OF_WEBHOOK)
async def get_webhook(call: Call) -> dict[str, Any]:
    """Return a webhook."""
    webhook = webhooks.find(call.world, call.id("webhook_id"))
    require(call.world, call.world.channel(webhook.channel_id), call.bot, Permissions.MANAGE_WEBHOOKS)
    return _payload(call, webhook)


@route("PATCH", OF_WEBHOOK)
async def edit_webhook(call: Call) -> dict[str, Any]:
    """Change a webhook."""
    webhook = webhooks.find(call.world, call.id("webhook_id"))
    webhooks.change(call.world, webhook, call.form(ChangeForm).given(), call.bot, call.reason)
    return _payload(call, webhook)


@route("DELETE", OF_WEBHOOK)
async def delete_webhook(call: Call) -> None:
    """Delete a webhook."""
    webhook = webhooks.find(call.world, call.id("webhook_id"))
    webhooks.delete(call.world, webhook, call.bot, call.reason)


# -- with the token --------------------------------------------------------------------------------------------------


@route("GET", OF_TOKEN, anonymous=True)
async def get_own_webhook(call: Call) -> dict[str, Any]:
    """Return a webhook to the holder of its token."""
    return _payload(call, _of_token(call), with_user=False)


@route("PATCH", OF_TOKEN, anonymous=True)
async def edit_own_webhook(call: Call) -> dict[str, Any]:
    """Change a webhook, as the holder of its token."""
    webhook, values = _of_token(call), call.form(ChangeForm).given()
    values.pop("channel_id", None)
    webhooks.change(call.world, webhook, values, None, call.reason)
    return _payload(call, webhook, with_user=False)


@route("DELETE", OF_TOKEN, anonymous=True)
async def delete_own_webhook(call: Call) -> None:
    """Delete a webhook, as the holder of its token."""
    webhooks.delete(call.world, _of_token(call), None, call.reason)


@route("POST", OF_TOKEN, anonymous=True)
async def execute(call: Call) -> dict[str, Any] | None:
    """Write a message; its answer has the message where it was waited for."""
    webhook, form = _of_token(call), call.form(WebhookMessageForm)
    values = form.given() | {"thread_id": call.asked(PlaceForm).thread_id}
    message = webhooks.execute(call.world, webhook, draft_from(form, call.files), values)
    return message.payload() if call.is_asked("wait") else None


def _message(call: Call) -> Message:
    place = call.asked(PlaceForm).thread_id
    return webhooks.message_of(call.world, _of_token(call), call.id("message_id"), place)


@route("GET", OF_MESSAGE, anonymous=True)
async def get_own_message(call: Call) -> dict[str, Any]:
    """Return a message that the webhook wrote."""
    return _message(call).payload()


@route("PATCH", OF_MESSAGE, anonymous=True)
async def edit_own_message(call: Call) -> dict[str, Any]:
    """Change a message that the webhook wrote."""
    message = _message(call)
    messages.edit(call.world, message, change_of(call.body, call.files))
    return message.payload()


@route("DELETE", OF_MESSAGE, anonymous=True)
async def delete_own_message(call: Call) -> None:
    """Delete a message that the webhook wrote."""
    announce_deletion(call.world, _message(call))
