"""Keeping order among messages: pins, threads and polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import pins, polls, threads
from localdiscord.actions.access import may
from localdiscord.driver.acting import Acting, place
from localdiscord.driver.errors import HumanlyImpossibleError, humanly
from localdiscord.model.channel import Channel, ChannelType
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.message import Message

__all__ = ["Organizing"]


class Organizing(Acting):
    """Somebody who keeps order."""

    def pin(self, message: Message) -> None:
        """Pin a message.

        Raises:
            HumanlyImpossibleError: they may not, or they alone see it.
        """
        self.require_sight(message)
        if message.is_ephemeral:
            raise HumanlyImpossibleError("Nobody can pin a message that one person alone sees.")
        with humanly(f"{self.name} cannot pin in {place(message.channel)}"):
            pins.pin(self.world, message, self.user)

    def unpin(self, message: Message) -> None:
        """Take a message from the pinned ones.

        Raises:
            HumanlyImpossibleError: they may not.
        """
        self.require_sight(message)
        with humanly(f"{self.name} cannot unpin in {place(message.channel)}"):
            pins.unpin(self.world, message, self.user)

    def pinned(self, channel: Channel) -> list[Message]:
        """Return the pinned messages of a channel, those pinned last first.

        Raises:
            HumanlyImpossibleError: they do not see the channel, or may not read what was written before.
        """
        self.require_sight(channel)
        if not may(self.world, channel, self.user, Permissions.READ_MESSAGE_HISTORY):
            raise HumanlyImpossibleError(f"{self.name} may not read what was written in {place(channel)}.")
        return pins.pinned(channel)

    def begin_thread(self, where: Channel | Message, name: str) -> Channel:
        """Begin a thread in a channel, or with a message; returns it.

        Raises:
            HumanlyImpossibleError: they may not, or there is one already.
        """
        self.require_sight(where)
        channel = where if isinstance(where, Channel) else where.channel
        values = {"name": name, "type": ChannelType.PUBLIC_THREAD}
        with humanly(f"{self.name} cannot begin a thread in {place(channel)}"):
            if isinstance(where, Channel):
                return threads.begin(self.world, where, self.user, values)
            return threads.begin_from(self.world, where, self.user, values)

    def vote(self, message: Message, *answers: int) -> None:
        """Vote in a poll, in place of one's vote before; for no answer, to take it back.

        Args:
            message: the poll.
            *answers: their numbers, from 1.

        Raises:
            HumanlyImpossibleError: it is no poll, is over, or has no such answers.
        """
        self.require_sight(message)
        with humanly(f"{self.name} cannot vote so"):
            polls.vote(self.world, message, self.user, list(answers))
