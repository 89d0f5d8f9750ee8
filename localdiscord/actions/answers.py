"""A bot's answers to interactions: the first one, follow-ups, and changes of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import messages
from localdiscord.actions.deletion import announce_deletion
from localdiscord.actions.messages import Draft
from localdiscord.components import walk
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.model.interaction import ANSWER_WITHIN, Callback, Interaction, InteractionType
from localdiscord.model.message import EPHEMERAL, MessageType

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.message import Message
    from localdiscord.model.world import World

__all__ = ["LOADING", "answer", "delete", "edit", "follow_up", "written"]

LOADING = 1 << 7
"""The flag of a message that the bot has promised."""

MESSAGES = {Callback.MESSAGE, Callback.DEFERRED_MESSAGE}
UPDATES = {Callback.UPDATE, Callback.DEFERRED_UPDATE}
ALLOWED: dict[InteractionType, set[Callback]] = {
    InteractionType.COMMAND: {*MESSAGES, Callback.MODAL},
    InteractionType.COMPONENT: {*MESSAGES, *UPDATES, Callback.MODAL},
    InteractionType.AUTOCOMPLETE: {Callback.CHOICES},
    InteractionType.MODAL: {*MESSAGES, *UPDATES},
}
"""The first answers that each kind of interaction takes."""


def answer(world: World, interaction: Interaction, kind: int, data: dict[str, Any], draft: Draft) -> None:
    """Take the bot's first answer.

    Args:
        world: the world.
        interaction: what is answered.
        kind: Discord's kind of callback.
        data: what it carries, as it came.
        draft: the message in it, where it is one.

    Raises:
        DiscordError: it was answered before, comes too late, or Discord does not take it.
    """
    if interaction.callback is not None:
        raise DiscordError(Refusal.INTERACTION_ACKNOWLEDGED)
    if world.clock() - interaction.begun > ANSWER_WITHIN:
        raise DiscordError(Refusal.UNKNOWN_INTERACTION)
    allowed = ALLOWED[interaction.type]
    if kind not in allowed or (kind in UPDATES and interaction.message is None):
        listed = ", ".join(str(int(each)) for each in sorted(allowed))
        raise invalid_form("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{listed}}}.")
    _TAKE[Callback(kind)](world, interaction, data, draft)
    interaction.callback = {"type": kind, "data": data}


def _promise(world: World, interaction: Interaction, data: dict[str, Any], _draft: Draft) -> None:
    flags = (data.get("flags") or 0) & EPHEMERAL
    interaction.original = _write(world, interaction, Draft(flags=flags | LOADING))


def _message(world: World, interaction: Interaction, _data: dict[str, Any], draft: Draft) -> None:
    draft.check()
    interaction.original = _write(world, interaction, draft)


def _update(world: World, interaction: Interaction, data: dict[str, Any], draft: Draft) -> None:
    message = _component_message(interaction)
    if data or draft.files:
        messages.edit(world, message, draft)
    interaction.original = message


def _keep(_world: World, interaction: Interaction, _data: dict[str, Any], _draft: Draft) -> None:
    interaction.original = _component_message(interaction)


def _component_message(interaction: Interaction) -> Message:
    message = interaction.message
    if message is None or message.id not in message.channel.messages:
        raise DiscordError(Refusal.UNKNOWN_MESSAGE)
    return message


def _offer(_world: World, _interaction: Interaction, _data: dict[str, Any], _draft: Draft) -> None:
    """Do nothing: the choices stand in what is kept of the answer."""


def _open(_world: World, _interaction: Interaction, data: dict[str, Any], _draft: Draft) -> None:
    for number, component in enumerate(walk(data["components"]), 1):
        component.setdefault("id", number)


_TAKE: dict[Callback, Callable[[World, Interaction, dict[str, Any], Draft], None]] = {
    Callback.MESSAGE: _message,
    Callback.DEFERRED_MESSAGE: _promise,
    Callback.DEFERRED_UPDATE: _keep,
    Callback.UPDATE: _update,
    Callback.CHOICES: _offer,
    Callback.MODAL: _open,
}


def follow_up(world: World, interaction: Interaction, draft: Draft) -> Message:
    """Take another answer; the first one after a promise keeps it.

    Raises:
        DiscordError: the interaction was not answered yet, or Discord does not take it.
    """
    _require_answered(interaction)
    original = interaction.original
    if original is not None and original.flags & LOADING and original.id in original.channel.messages:
        draft.flags = draft.flags & ~EPHEMERAL | original.flags & EPHEMERAL
        edit(world, interaction, original, draft)
        return original
    draft.check()
    message = _write(world, interaction, draft)
    interaction.followups.append(message)
    return message


def written(interaction: Interaction, which: str) -> Message:
    """Return a message that the bot wrote with an interaction's token.

    Args:
        interaction: the interaction.
        which: `@original` or an id.

    Raises:
        DiscordError: there is none, or it was deleted.
    """
    _require_answered(interaction)
    own = [interaction.original, *interaction.followups]
    message = own[0] if which == "@original" else next((each for each in own if each and str(each.id) == which), None)
    if message is None or message.id not in message.channel.messages:
        raise DiscordError(Refusal.UNKNOWN_MESSAGE)
    return message


def edit(world: World, interaction: Interaction, message: Message, draft: Draft) -> None:
    """Change a message that the bot wrote with an interaction's token; a promise is kept by it.

    Raises:
        DiscordError: Discord does not take it.
    """
    promised = message.flags & LOADING
    message.flags &= ~LOADING
    try:
        messages.edit(world, message, draft, is_change=not promised)
    except DiscordError:
        message.flags |= promised
        raise
    message.application_id = interaction.application.id


def delete(world: World, message: Message) -> None:
    """Delete a message that the bot wrote with an interaction's token."""
    announce_deletion(world, message)


def _require_answered(interaction: Interaction) -> None:
    if not interaction.is_answered:
        raise DiscordError(Refusal.UNKNOWN_WEBHOOK)


def _write(world: World, interaction: Interaction, draft: Draft) -> Message:
    application = interaction.application
    message = messages.compose(world, interaction.channel, application.bot, draft, webhook_id=application.id)
    message.application_id = application.id
    message.interaction_metadata = _metadata(interaction)
    if interaction.type is InteractionType.COMMAND and interaction.original is None:
        typed = interaction.data.get("type", 1) == 1
        message.type = MessageType.COMMAND if typed else MessageType.CONTEXT_MENU
    else:
        _refer(message, interaction.original or interaction.message)
    if draft.flags & EPHEMERAL:
        message.audience = interaction.user
    messages.announce(world, message)
    return message


def _refer(message: Message, other: Message | None) -> None:
    """Show a message as a reply to another, where that is there."""
    if other is None or other.id not in other.channel.messages:
        return
    message.type, message.referenced = MessageType.REPLY, other
    message.reference = {"type": 0, "channel_id": str(other.channel.id), "message_id": str(other.id)}
    if other.channel.guild_id is not None:
        message.reference["guild_id"] = str(other.channel.guild_id)


def _metadata(interaction: Interaction) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(interaction.id),
        "type": int(interaction.type),
        "user": interaction.user.payload(),
        "authorizing_integration_owners": {"0": str(interaction.channel.guild_id or 0)},
    }
    if interaction.original is not None:
        body["original_response_message_id"] = str(interaction.original.id)
    if interaction.type is InteractionType.COMMAND:
        return body | {"name": interaction.act.command, "command_type": interaction.data.get("type", 1)}
    if interaction.type is InteractionType.COMPONENT and interaction.message:
        return body | {"interacted_message_id": str(interaction.message.id)}
    if interaction.act.cause is not None:
        return body | {"triggering_interaction_metadata": _metadata(interaction.act.cause)}
    return body
