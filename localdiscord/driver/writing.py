"""Writing, and what is done with messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions import messages
from localdiscord.actions.messages import Draft
from localdiscord.driver.acting import Acting, place
from localdiscord.driver.errors import humanly

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message

__all__ = ["Writing"]


class Writing(Acting):
    """Somebody who writes."""

    def say(self, channel: Channel, content: str) -> Message:
        """Write a message.

        Raises:
            HumanlyImpossibleError: they may not write there, or Discord does not take it.
        """
        self.require_sight(channel)
        with humanly(f"{self.name} cannot write in {place(channel)}"):
            return messages.send(self.world, channel, self.user, Draft(content))
