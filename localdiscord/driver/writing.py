"""Writing, reading, and what is done with messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import deletion, messages, reactions, typing
from localdiscord.actions.access import may
from localdiscord.actions.messages import Draft
from localdiscord.driver.acting import Acting, place
from localdiscord.driver.errors import HumanlyImpossibleError, humanly
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localdiscord.model.channel import Channel
    from localdiscord.model.files import Upload
    from localdiscord.model.message import Message

__all__ = ["Writing"]


class Writing(Acting):
    """Somebody who writes and reads."""

    def say(
        self,
        channel: Channel,
        content: str = "",
        *,
        reply_to: Message | None = None,
        files: Sequence[Upload] = (),
        ping: bool = True,
    ) -> Message:
        """Write a message.

        Args:
            channel: where.
            content: the text; `user.mention` and `role.mention` in it mention them.
            reply_to: the message that it answers.
            files: what is sent with it.
            ping: whether the author of the answered message is told.

        Raises:
            HumanlyImpossibleError: they may not write there, or Discord does not take it.
        """
        self.require_sight(channel)
        draft = Draft(content, files=dict(enumerate(files)))
        if reply_to is not None:
            self.require_sight(reply_to)
            draft.reference = {"type": 0, "message_id": reply_to.id, "channel_id": reply_to.channel.id}
            if not ping:
                draft.allowed_mentions = {"parse": ["users", "roles", "everyone"], "replied_user": False}
        with humanly(f"{self.name} cannot write in {place(channel)}"):
            return messages.send(self.world, channel, self.user, draft)

    def edit(self, message: Message, content: str) -> None:
        """Change the text of a message of theirs.

        Raises:
            HumanlyImpossibleError: it is another's, deleted, or Discord does not take the text.
        """
        self.require_sight(message)
        if message.author is not self.user:
            raise HumanlyImpossibleError(f"{self.name} cannot change a message of {message.author.username}.")
        with humanly(f"{self.name} cannot change the message"):
            messages.edit_as(self.world, message, self.user, Draft(content, given=frozenset({"content"})))

    def delete(self, message: Message) -> None:
        """Delete a message; an ephemeral one is dismissed, of which no bot hears.

        Raises:
            HumanlyImpossibleError: it is another's and they may not, or it is deleted.
        """
        self.require_sight(message)
        if message.is_ephemeral:
            del message.channel.messages[message.id]
            return
        with humanly(f"{self.name} cannot delete the message"):
            deletion.delete(self.world, message, self.user)

    def react(self, message: Message, emoji: str) -> None:
        """React to a message.

        Args:
            message: to what.
            emoji: a character, or `name:id` of one of the guild.

        Raises:
            HumanlyImpossibleError: they may not, there is no such emoji, or the message is ephemeral.
        """
        self._require_public(message)
        with humanly(f"{self.name} cannot react with {emoji}"):
            reactions.add(self.world, message, self.user, reactions.emoji_of(self.world, emoji))

    def unreact(self, message: Message, emoji: str) -> None:
        """Take a reaction of theirs back.

        Raises:
            HumanlyImpossibleError: they did not react with it.
        """
        self._require_public(message)
        with humanly(f"{self.name} cannot take back {emoji}"):
            wanted = reactions.emoji_of(self.world, emoji)
            reaction = message.reactions.get(wanted.key)
            if reaction is None or self.user.id not in reaction.users:
                raise HumanlyImpossibleError(f"{self.name} did not react with {emoji}.")
            reactions.remove(self.world, message, wanted, self.user.id, self.user)

    def type(self, channel: Channel) -> None:
        """Begin to type.

        Raises:
            HumanlyImpossibleError: they may not write there.
        """
        self.require_sight(channel)
        with humanly(f"{self.name} cannot type in {place(channel)}"):
            typing.start(self.world, channel, self.user)

    def read(self, channel: Channel, limit: int = 50) -> list[Message]:
        """Return the newest messages that they see in a channel, oldest first.

        Raises:
            HumanlyImpossibleError: they do not see the channel, or may not read what was written before.
        """
        self.require_sight(channel)
        if not may(self.world, channel, self.user, Permissions.READ_MESSAGE_HISTORY):
            raise HumanlyImpossibleError(f"{self.name} may not read what was written in {place(channel)}.")
        return [message for message in channel.messages.values() if self.sees(message)][-limit:]

    def _require_public(self, message: Message) -> None:
        self.require_sight(message)
        if message.is_ephemeral:
            raise HumanlyImpossibleError("Nobody can react to a message that one person alone sees.")
