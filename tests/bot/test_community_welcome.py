"""Welcome cards as newcomers meet them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from localdiscord.actions import channels, members, roles
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions
from reference.guilds import Feature
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from tests.bot.square import Square

__all__ = ["settings", "square"]


def card(square: Square, message: Message) -> Image.Image:
    """Return the card of a message."""
    url = message.payload()["attachments"][0]["url"]
    path = "/" + url.split("://", 1)[1].split("/", 1)[1].split("?")[0]
    return Image.open(io.BytesIO(square.world.files.stored[path].data))


async def switched_on(square: Square) -> None:
    """Choose #welcome, and switch welcome on."""
    channel = square.stage.channels["welcome"]
    await square.bot.guild_configs.save(square.guild.id, welcome_channel_id=channel.id)
    await square.bot.guild_configs.switch(square.guild.id, {Feature.WELCOME: True})


async def joined(square: Square, name: str = "Dave", *, bot: bool = False) -> User:
    """Let somebody join, and the bot do what it does."""
    user = square.world.add_user(name, bot=bot)
    members.join(square.world, square.guild, user)
    await square.stage.settled()
    return user


@pytest.mark.parametrize("name", ["Dave", "สมหญิง", "你好", "Ðavé 😀", "x" * 32])
async def test_a_newcomer_gets_a_card(square: Square, name: str) -> None:
    """Whoever joins is greeted in the chosen channel with a card, whatever the name; nobody else is mentioned."""
    await switched_on(square)
    user = await joined(square, name)
    (message,) = square.said(square.stage.channels["welcome"])
    assert message.content == f"Welcome, {user.mention}!"
    assert card(square, message).size == (900, 280)
    assert message.mentions == [user]


async def test_who_is_not_greeted(square: Square) -> None:
    """Bots are not greeted, and nobody is where welcome is off, has no channel, or the bot may not write there."""
    welcome = square.stage.channels["welcome"]
    await joined(square, "Early")
    await switched_on(square)
    await joined(square, "Robot", bot=True)
    await square.bot.guild_configs.save(square.guild.id, welcome_channel_id=square.stage.channels["Lounge"].id)
    await joined(square, "Nowhere")
    await square.bot.guild_configs.save(square.guild.id, welcome_channel_id=welcome.id)
    bot_role = next(role for role in square.guild.roles.values() if role.managed)
    roles.change(square.world, square.guild, square.alice.user, bot_role, {"permissions": Permissions.VIEW_CHANNEL})
    overwrite = Overwrite(square.guild.id, 0, deny=Permissions.SEND_MESSAGES)
    channels.set_overwrite(square.world, welcome, square.alice.user, overwrite)
    await square.stage.settled()
    await joined(square, "Late")
    assert square.said(welcome) == []


async def test_the_card_can_be_seen_before(square: Square) -> None:
    """`/welcome` shows a card privately, and says whether newcomers get it."""
    message = await square.use(square.alice, "welcome")
    assert message.is_ephemeral
    assert message.content.startswith("This is the card. Newcomers are not greeted")
    assert card(square, message).size == (900, 280)
    await switched_on(square)
    message = await square.use(square.alice, "welcome", member=square.somchai.user)
    channel = square.stage.channels["welcome"]
    assert message.content == f"This is the card that newcomers get in <#{channel.id}>."


async def test_a_missing_avatar_costs_no_card(square: Square) -> None:
    """Where the CDN has no avatar the card comes without it."""
    await switched_on(square)
    user = square.world.add_user("Dave")
    user.avatar = "a" * 32
    members.join(square.world, square.guild, user)
    await square.stage.settled()
    (message,) = square.said(square.stage.channels["welcome"])
    assert card(square, message).size == (900, 280)


async def test_members_may_not_see_it(square: Square) -> None:
    """Without the permission to manage the server the command is refused."""
    square.carol.say(square.general, "!welcome")
    await square.carol.expect(
        square.general, lambda message: message.content == "You need the permission manage server for that."
    )


async def test_trouble_costs_nothing_but_the_card(square: Square) -> None:
    """Where Discord does not take the card, nobody is bothered, and the next newcomer is greeted."""
    await switched_on(square)
    square.stage.discord.faults.server_error("/channels/*/messages", 503, method="POST")
    await joined(square, "Dave")
    user = await joined(square, "Erin")
    (message,) = square.said(square.stage.channels["welcome"])
    assert message.content == f"Welcome, {user.mention}!"
    assert await square.bot.errors.incidents.recent() == []
