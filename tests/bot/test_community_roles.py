"""Roles that members give themselves: what is offered, what is refused, and panels that follow and outlive restarts."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import deletion, roles
from localdiscord.permissions import Permissions
from reference.cogs.community.role_store import MOST_ROLES
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.role import Role
    from tests.bot.square import Square

__all__ = ["settings", "square"]


def made(square: Square, name: str, **values: Any) -> Role:
    """Have the owner make a role."""
    return roles.create(square.world, square.guild, square.alice.user, {"name": name} | values)


async def offered(square: Square, *names: str) -> list[Role]:
    """Have the owner make roles and offer them."""
    found = [made(square, name) for name in names]
    await square.stage.settled()
    for role in found:
        assert (
            await square.told(square.alice, "roles offer", role=role) == f"Members may give themselves <@&{role.id}>."
        )
    return found


async def panel(square: Square, style: str = "buttons") -> Message:
    """Have the owner show a panel; return it."""
    answer = await square.told(square.alice, "roles panel", style=style, title="Pick")
    assert answer == "The panel is there. It follows what you offer and withdraw."
    return next(message for message in square.said() if message.components)


def roles_of(square: Square) -> list[int]:
    """Return Carol's roles."""
    return square.guild.member(square.carol.user.id).roles


def labels(message: Message) -> list[str]:
    """Return what stands on the buttons of a message."""
    return [button["label"] for row in message.components for button in row["components"]]


async def test_a_button_gives_and_takes(square: Square) -> None:
    """A press on a role's button gives it, another takes it; the answer is private and says what one has now."""
    red, _ = await offered(square, "Red", "Blue")
    message = await panel(square)
    assert (message.embeds[0]["title"], labels(message)) == ("Pick", ["Red", "Blue"])
    answer = await square.carol.reply(square.carol.click(message, "Red"))
    assert (answer.content, answer.is_ephemeral) == (f"You have: <@&{red.id}>.", True)
    assert roles_of(square) == [red.id]
    answer = await square.carol.reply(square.carol.click(message, "Red"))
    assert answer.content == f"You no longer have: <@&{red.id}>."
    assert roles_of(square) == []


async def test_a_menu_sets_all(square: Square) -> None:
    """A menu gives what is chosen and takes the rest."""
    red, blue = await offered(square, "Red", "Blue")
    message = await panel(square, "menu")
    await square.carol.reply(square.carol.select(message, "selfroles", "Red"))
    assert roles_of(square) == [red.id]
    answer = await square.carol.reply(square.carol.select(message, "selfroles", "Blue"))
    assert answer.content == f"You have: <@&{blue.id}>.\nYou no longer have: <@&{red.id}>."
    assert (
        await square.carol.reply(square.carol.select(message, "selfroles", "Blue"))
    ).content == "Nothing has changed."
    assert roles_of(square) == [blue.id]


@pytest.mark.parametrize("permission", ["ADMINISTRATOR", "BAN_MEMBERS", "MANAGE_ROLES", "MENTION_EVERYONE"])
async def test_power_is_not_offered(square: Square, permission: str) -> None:
    """A role with power over others is refused, and the answer names the power."""
    role = made(square, "Boss", permissions=Permissions[permission])
    await square.stage.settled()
    answer = await square.told(square.alice, "roles offer", role=role)
    assert answer.startswith(f"<@&{role.id}> gives power over others ({permission.lower().replace('_', ' ')}")


async def test_roles_above_are_not_offered(square: Square) -> None:
    """Roles of integrations, the role of everybody, and roles above the bot or above the moderator are refused."""
    bot_role = next(role for role in square.guild.roles.values() if role.managed)
    assert "integration" in await square.told(square.alice, "roles offer", role=bot_role)
    assert "integration" in await square.told(square.alice, "roles offer", role=square.guild.everyone)
    high = made(square, "High")
    roles.reorder(square.world, square.guild, square.alice.user, {high.id: bot_role.position + 1})
    await square.stage.settled()
    assert "not below my own highest role" in await square.told(square.alice, "roles offer", role=high)
    bobs = square.guild.roles[square.guild.member(square.bob.user.id).roles[0]]
    more = {"permissions": bobs.permissions | Permissions.MANAGE_ROLES}
    roles.change(square.world, square.guild, square.alice.user, bobs, more)
    middle = made(square, "Middle")
    order: dict[int, int | None] = {
        middle.id: bot_role.position,
        bot_role.id: bot_role.position + 1,
        high.id: bot_role.position + 2,
    }
    roles.reorder(square.world, square.guild, square.alice.user, order)
    await square.stage.settled()
    assert "not below your own highest role" in await square.told(square.bob, "roles offer", role=middle)


async def test_a_role_that_gained_power_is_refused(square: Square) -> None:
    """Power that a role got after it was offered is noticed when somebody wants it."""
    (red,) = await offered(square, "Red")
    message = await panel(square)
    roles.change(square.world, square.guild, square.alice.user, red, {"permissions": Permissions.KICK_MEMBERS})
    await square.stage.settled()
    assert "kick members" in (await square.carol.reply(square.carol.click(message, "Red"))).content
    assert roles_of(square) == []
    shown = await square.use(square.alice, "roles list")
    assert shown.embeds[0]["description"] == f"<@&{red.id}> ⚠️ · 0"


async def test_panels_follow(square: Square) -> None:
    """A panel shows what is offered, withdrawn, renamed and deleted; an old button is refused."""
    red, blue = await offered(square, "Red", "Blue")
    message = await panel(square)
    before = copy.deepcopy(message.components)
    assert await square.told(square.alice, "roles withdraw", role=red) == (
        f"Members can no longer give themselves <@&{red.id}>."
    )
    assert await square.told(square.alice, "roles withdraw", role=red) == f"<@&{red.id}> is not offered."
    assert labels(message) == ["Blue"]
    roles.change(square.world, square.guild, square.alice.user, blue, {"name": "Navy"})
    await square.stage.discord.until(lambda: labels(message) == ["Navy"])
    roles.delete(square.world, square.guild, square.alice.user, blue)
    await square.stage.discord.until(lambda: labels(message) == [])
    await square.stage.settled()
    assert await square.cog("SelfRoles").store.offered(square.guild.id) == []
    message.components = before
    assert (await square.carol.reply(square.carol.click(message, "Red"))).content == "That role is no longer offered."


async def test_panels_outlive_a_restart(square: Square) -> None:
    """Buttons and menus are answered by a new bot; a panel that was deleted is forgotten."""
    (red,) = await offered(square, "Red")
    buttons, menu = await panel(square), await square.use(square.alice, "roles list")
    assert menu.embeds
    async with square.restarted():
        await square.carol.reply(square.carol.click(buttons, "Red"))
        assert roles_of(square) == [red.id]
        deletion.delete(square.world, buttons, square.alice.user)
        await square.stage.settled()
        assert await square.cog("SelfRoles").store.panels(square.guild.id) == []


async def test_a_panel_that_is_gone_is_forgotten(square: Square) -> None:
    """A panel that was deleted while the bot was away is forgotten at the next change."""
    (red,) = await offered(square, "Red")
    message = await panel(square)
    del square.general.messages[message.id]
    await square.told(square.alice, "roles withdraw", role=red)
    assert await square.cog("SelfRoles").store.panels(square.guild.id) == []


async def test_who_may_offer(square: Square) -> None:
    """Without the permission to manage roles nothing is offered, not even by a text command."""
    red = made(square, "Red")
    await square.stage.settled()
    square.carol.say(square.general, f"!roles offer <@&{red.id}>")
    await square.carol.expect(square.general, lambda message: message.content.startswith("You need the permission"))
    assert await square.told(square.alice, "roles panel") == "No role is offered here yet. `/roles offer` offers one."
    assert await square.told(square.alice, "roles list") == "No role is offered here yet. `/roles offer` offers one."
    square.alice.say(square.general, "!roles")
    await square.alice.expect(square.general, lambda message: "!roles panel" in message.content)


async def test_no_more_than_fit(square: Square) -> None:
    """At most 25 roles are offered."""
    store = square.cog("SelfRoles").store
    for number in range(MOST_ROLES):
        assert await store.offer(square.guild.id, number)
    assert await store.offer(square.guild.id, 3)
    red = made(square, "Red")
    await square.stage.settled()
    answer = await square.told(square.alice, "roles offer", role=red)
    assert answer == "25 roles are offered here; more do not fit on a panel."
    await store.forget_guild(square.guild.id)
    assert await store.offered(square.guild.id) == []
