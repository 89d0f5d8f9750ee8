"""Using commands: typed ones, and those of the menus of people and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import commands, interactions
from localdiscord.driver.acting import Acting, place
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.driver.options import fill, nested
from localdiscord.driver.resolving import Resolved
from localdiscord.model.interaction import Act, Interaction, InteractionType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localdiscord.actions.commands import Offer
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User

__all__ = ["Commanding"]

AUTOCOMPLETED = {3, 4, 10}
"""Kinds of option that a bot may help to fill in."""


class Commanding(Acting):
    """Somebody who uses commands."""

    def commands(self, channel: Channel, kind: int = commands.CHAT_INPUT) -> list[Offer]:
        """Return the commands that they are offered in a channel.

        Args:
            channel: where.
            kind: 1 for typed commands, 2 for the menu of a person, 3 for that of a message.

        Raises:
            HumanlyImpossibleError: they do not see the channel.
        """
        self.require_sight(channel)
        return commands.offers(self.world, channel, self.user, kind)

    def slash(self, channel: Channel, name: str, bot: User | None = None, /, **options: Any) -> Interaction:
        """Use a slash command.

        Args:
            channel: where.
            name: the command, groups first: `settings language`.
            bot: whose command, where several bots have one of that name.
            **options: its options by name; users, roles and channels as such, files as `Upload`.

        Raises:
            HumanlyImpossibleError: they are not offered the command, or an option does not take its value.
        """
        offer = self._offer(channel, name, commands.CHAT_INPUT, bot)
        resolved = Resolved(self.world, channel, self.user)
        filled = fill(offer, options, resolved, self.user.locale)
        return self._send(channel, offer, nested(offer, filled), resolved)

    def autocomplete(
        self, channel: Channel, name: str, option: str, typed: str = "", others: Mapping[str, Any] | None = None
    ) -> Interaction:
        """Type into an option that the bot helps to fill in; `choices` waits for what it offers.

        Args:
            channel: where.
            name: the command, groups first.
            option: the name of the option.
            typed: what stands in it so far.
            others: the options that were filled in before, by name.

        Raises:
            HumanlyImpossibleError: they are not offered the command, or the bot does not help with that option.
        """
        offer = self._offer(channel, name, commands.CHAT_INPUT, None)
        wanted = next((each for each in offer.options if each["name"] == option and each.get("autocomplete")), None)
        if wanted is None or wanted["type"] not in AUTOCOMPLETED:
            raise HumanlyImpossibleError(f"/{offer.name} offers nothing while one types into {option}.")
        resolved = Resolved(self.world, channel, self.user)
        loose = [{**each, "required": False} for each in offer.options]
        filled = fill(offer._replace(options=loose), others or {}, resolved, self.user.locale)
        filled.append({"name": option, "type": wanted["type"], "value": typed, "focused": True})
        return self._send(channel, offer, nested(offer, filled), resolved, InteractionType.AUTOCOMPLETE)

    def use_on_user(self, channel: Channel, user: User, name: str) -> Interaction:
        """Choose an entry of the menu of a person.

        Raises:
            HumanlyImpossibleError: the menu has no such entry for them.
        """
        offer = self._offer(channel, name, commands.USER, None)
        resolved = Resolved(self.world, channel, self.user)
        resolved.add(user)
        return self._send(channel, offer, [], resolved, target=user.id)

    def use_on_message(self, message: Message, name: str) -> Interaction:
        """Choose an entry of the menu of a message.

        Raises:
            HumanlyImpossibleError: they do not see the message, or its menu has no such entry for them.
        """
        self.require_sight(message)
        offer = self._offer(message.channel, name, commands.MESSAGE, None)
        resolved = Resolved(self.world, message.channel, self.user)
        resolved.add(message)
        return self._send(message.channel, offer, [], resolved, target=message.id)

    def _offer(self, channel: Channel, name: str, kind: int, bot: User | None) -> Offer:
        wanted = name.removeprefix("/") if kind == commands.CHAT_INPUT else name
        offered = self.commands(channel, kind)
        for offer in offered:
            if offer.name == wanted and (bot is None or bot is offer.application.bot):
                return offer
        sign = "/" if kind == commands.CHAT_INPUT else ""
        listed = ", ".join(sorted({sign + offer.name for offer in offered})) or "none"
        raise HumanlyImpossibleError(
            f"{self.name} is offered no {sign}{wanted} in {place(channel)}; offered: {listed}."
        )

    def _send(
        self,
        channel: Channel,
        offer: Offer,
        options: list[dict[str, Any]],
        resolved: Resolved,
        kind: InteractionType = InteractionType.COMMAND,
        *,
        target: int | None = None,
    ) -> Interaction:
        command = offer.command
        data: dict[str, Any] = {"id": command["id"], "name": command["name"], "type": command["type"]}
        data |= {"options": options} if command["type"] == commands.CHAT_INPUT else {}
        data |= {"guild_id": command["guild_id"]} if command.get("guild_id") else {}
        data |= {"target_id": str(target)} if target is not None else {}
        act = Act(kind, data | resolved.payload(), command=offer.name)
        return interactions.begin(self.world, offer.application, self.user, channel, act)
