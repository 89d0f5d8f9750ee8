"""Voting in polls, and ending them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import messages
from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.message import Message, MessageType
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.poll import Poll
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["end", "finish", "poll_of", "vote"]


def poll_of(message: Message) -> Poll:
    """Return the poll of a message; raises DiscordError where there is none."""
    if message.poll is None:
        raise DiscordError(Refusal.POLL_EXPIRE_OTHERS)
    return message.poll


def vote(world: World, message: Message, user: User, answers: list[int]) -> None:
    """Vote for some answers of a poll, in place of the vote before; for none, to take it back.

    Raises:
        DiscordError: the poll is over, or has no such answers.
    """
    require(world, message.channel, user, Permissions.VIEW_CHANNEL)
    poll = poll_of(message)
    if poll.finalized or poll.expiry <= world.now():
        raise DiscordError(Refusal.POLL_EXPIRED)
    known = range(1, len(poll.answers) + 1)
    if any(answer not in known for answer in answers) or (len(answers) > 1 and not poll.multiple):
        raise DiscordError(Refusal.POLL_VOTING_BLOCKED)
    for answer in known:
        users = poll.votes.setdefault(answer, {})
        if user.id in users and answer not in answers:
            del users[user.id]
            _tell(world, message, "MESSAGE_POLL_VOTE_REMOVE", user, answer)
        elif user.id not in users and answer in answers:
            users[user.id] = None
            _tell(world, message, "MESSAGE_POLL_VOTE_ADD", user, answer)
        if not users:
            del poll.votes[answer]


def _tell(world: World, message: Message, name: str, user: User, answer: int) -> None:
    channel = message.channel
    data: dict[str, Any] = {
        "user_id": str(user.id),
        "channel_id": str(channel.id),
        "message_id": str(message.id),
        "answer_id": answer,
    }
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    needs = Intents.GUILD_MESSAGE_POLLS if channel.guild_id else Intents.DIRECT_MESSAGE_POLLS
    world.emit(Event(name, data, needs, channel.guild_id, channel.id))


def end(world: World, message: Message, by: User) -> None:
    """End a poll at once, and tell its result.

    Raises:
        DiscordError: it is another's, or over.
    """
    poll = poll_of(message)
    if message.author is not by:
        raise DiscordError(Refusal.CANNOT_EDIT_OTHERS)
    if poll.finalized:
        raise DiscordError(Refusal.POLL_EXPIRED)
    finish(world, message)


def finish(world: World, message: Message) -> None:
    """Count the votes of a poll that is over, and tell its result."""
    poll = poll_of(message)
    poll.finalized, poll.expiry = True, min(poll.expiry, world.now())
    world.open_polls.pop(message.id, None)
    messages.announce(world, message, "MESSAGE_UPDATE")
    result = Message(world.snowflakes.next(), message.channel, message.author, type=MessageType.POLL_RESULT)
    result.reference = {"type": 0, "channel_id": str(message.channel.id), "message_id": str(message.id)}
    if message.channel.guild_id:
        result.reference["guild_id"] = str(message.channel.guild_id)
    result.embeds = [{"type": "poll_result", "fields": _result(poll)}]
    messages.put(result)
    messages.announce(world, result)


def _result(poll: Poll) -> list[dict[str, Any]]:
    total = sum(len(users) for users in poll.votes.values())
    told = {"poll_question_text": poll.question, "total_votes": str(total), "victor_answer_votes": "0"}
    ranked = sorted(poll.votes, key=lambda answer: len(poll.votes[answer]), reverse=True)
    if ranked:
        told["victor_answer_votes"] = str(len(poll.votes[ranked[0]]))
    is_tie = len(ranked) > 1 and len(poll.votes[ranked[0]]) == len(poll.votes[ranked[1]])
    if ranked and not is_tie:
        told["victor_answer_id"] = str(ranked[0])
        told["victor_answer_text"] = poll.answers[ranked[0] - 1].get("text", "")
    return [{"name": name, "value": value, "inline": False} for name, value in told.items()]
