"""Looking for messages in a whole guild."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from localdiscord.actions.access import permissions_in
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Form, Snowflake, choice, length, within
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localdiscord.model.message import Message

NEEDED = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY

HAS: dict[str, Callable[[Message], bool]] = {
    "embed": lambda message: bool(message.embeds),
    "file": lambda message: bool(message.attachments),
    "image": lambda message: any("width" in each for each in message.attachments),
    "link": lambda message: "://" in message.content,
    "poll": lambda message: message.poll is not None,
    "sticker": lambda message: bool(message.stickers),
}
"""What a message may be wanted to have."""


class SearchForm(Form):
    """What is looked for."""

    content: Annotated[str, length(None, 1024)] | None = None
    author_id: Snowflake | None = None
    channel_id: Snowflake | None = None
    mentions: Snowflake | None = None
    min_id: Snowflake = 0
    max_id: Snowflake | None = None
    has: Annotated[str, choice(*HAS)] | None = None
    pinned: bool | None = None
    sort_order: Annotated[str, choice("asc", "desc")] = "desc"
    limit: Annotated[int, within(1, 25)] = 25
    offset: Annotated[int, within(0, 9975)] = 0

    def matches(self, message: Message) -> bool:
        """Tell whether a message is looked for."""
        words = (self.content or "").casefold().split()
        within_ids = self.min_id < message.id and (self.max_id is None or message.id < self.max_id)
        return within_ids and all(
            (
                all(word in message.content.casefold() for word in words),
                self.author_id in {None, message.author.id},
                self.channel_id in {None, message.channel.id},
                self.mentions is None or any(user.id == self.mentions for user in message.mentions),
                self.has is None or HAS[self.has](message),
                self.pinned in {None, message.pinned},
            )
        )


@route("GET", "/guilds/{guild_id}/messages/search")
async def search_messages(call: Call) -> dict[str, Any]:
    """Return the messages of a guild that are looked for, as far as the bot may read them."""
    asked = call.asked(SearchForm)
    found = [message for message in _readable(call) if asked.matches(message)]
    found.sort(key=lambda message: message.id, reverse=asked.sort_order == "desc")
    page = found[asked.offset : asked.offset + asked.limit]
    return {
        "messages": [[message.payload(call.bot.id) | {"hit": True}] for message in page],
        "doing_deep_historical_index": False,
        "total_results": len(found),
    }


def _readable(call: Call) -> Iterator[Message]:
    guild = call.guild()
    for channel in [*guild.channels.values(), *guild.threads.values()]:
        if NEEDED in permissions_in(call.world, channel, call.bot):
            yield from (message for message in channel.messages.values() if not message.is_ephemeral)
