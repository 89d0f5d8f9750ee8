"""Application commands: how they are made, changed and refused, and who is offered them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from localdiscord import DiscordError, HumanlyImpossibleError
from localdiscord.actions import commands
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions
from tests.localdiscord.rest_peer import Peer, peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PING = {"name": "ping", "description": "Pong."}


@pytest.fixture
async def bot() -> AsyncIterator[Peer]:
    """A bot written by hand."""
    async with peer() as hand:
        yield hand


def everywhere(bot: Peer) -> str:
    """Return the path of the global commands."""
    return f"/applications/{bot.bot.id}/commands"


def here(bot: Peer) -> str:
    """Return the path of the guild's commands."""
    return f"/applications/{bot.bot.id}/guilds/{bot.guild.id}/commands"


def option(**changes: Any) -> dict[str, Any]:
    """Return an option."""
    return {"type": 3, "name": "what", "description": "What."} | changes


# -- making and changing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [everywhere, here])
async def test_a_command_lives(bot: Peer, path: Any) -> None:
    """A command is made, found, listed, changed in part, and deleted; then it is unknown."""
    status, made = await bot.call("POST", path(bot), PING | {"default_member_permissions": 8})
    assert status == 201
    assert (made["type"], made["default_member_permissions"]) == (1, "8")
    assert ("guild_id" in made) is (path is here)
    one = f"{path(bot)}/{made['id']}"
    assert await bot.ask("GET", one) == made
    changed = await bot.ask("PATCH", one, {"description": "Pong!"})
    assert (changed["id"], changed["name"], changed["description"]) == (made["id"], "ping", "Pong!")
    assert changed["version"] != made["version"]
    assert await bot.ask("GET", path(bot)) == [changed]
    await bot.ask("DELETE", one)
    assert await bot.refused("GET", one) == (404, 10063)
    assert await bot.refused("DELETE", one) == (404, 10063)


async def test_a_command_of_the_same_name_is_replaced(bot: Peer) -> None:
    """Making a command of a known name replaces it, with the same id and status 200."""
    _, made = await bot.call("POST", everywhere(bot), PING)
    status, same = await bot.call("POST", everywhere(bot), PING)
    assert (status, same) == (200, made)
    _, other = await bot.call("POST", everywhere(bot), PING | {"description": "Else."})
    assert other["id"] == made["id"]
    await bot.ask("POST", everywhere(bot), {"name": "pong", "description": "Ping."})
    assert await bot.invalid("PATCH", f"{everywhere(bot)}/{made['id']}", {"name": "pong"}) == {
        "name": "APPLICATION_COMMANDS_DUPLICATE_NAME"
    }


async def test_all_commands_are_replaced_at_once(bot: Peer) -> None:
    """A list replaces all commands of a scope; those that keep name and type keep their id."""
    first = await bot.ask("PUT", everywhere(bot), [PING, {"name": "Look", "type": 3}])
    second = await bot.ask("PUT", everywhere(bot), [{"name": "Look", "type": 3}, {"name": "ping", "type": 3}])
    assert second[0] == first[1]
    assert second[1]["id"] not in {command["id"] for command in first}
    codes = await bot.invalid("PUT", everywhere(bot), [PING, PING])
    assert codes == {"1": "APPLICATION_COMMANDS_DUPLICATE_NAME"}
    assert await bot.invalid("PUT", everywhere(bot), {"name": "x"}) == {"": "LIST_TYPE_CONVERT"}
    assert len(await bot.ask("GET", everywhere(bot))) == 2


async def test_there_are_at_most_a_hundred(bot: Peer) -> None:
    """The 101st command of a scope is refused."""
    many = [{"name": f"c{number}", "description": "x"} for number in range(101)]
    assert await bot.refused("PUT", everywhere(bot), many) == (400, 30032)
    await bot.ask("PUT", everywhere(bot), many[:100])
    assert await bot.refused("POST", everywhere(bot), many[100]) == (400, 30032)
    await bot.ask("POST", everywhere(bot), many[0])


async def test_translations_are_listed_when_asked_for(bot: Peer) -> None:
    """Translations are kept, and listed only when they are asked for."""
    thai = {"th": "ปิง"}
    texts = {"name_localizations": thai, "options": [option(description_localizations={"th": "อะไร"})]}
    await bot.ask("POST", everywhere(bot), PING | texts)
    (plain,) = await bot.ask("GET", everywhere(bot))
    (whole,) = await bot.ask("GET", f"{everywhere(bot)}?with_localizations=true")
    assert "name_localizations" not in plain
    assert "description_localizations" not in plain["options"][0]
    assert whole["name_localizations"] == thai
    assert whole["options"][0]["description_localizations"] == {"th": "อะไร"}


async def test_others_applications_are_not_touched(bot: Peer) -> None:
    """A bot cannot see commands of another application, nor those of a guild that it is not in."""
    other = bot.world.add_application("Other", bot.town.owner)
    assert await bot.refused("GET", f"/applications/{other.id}/commands") == (403, 20012)
    elsewhere = bot.world.add_guild("Elsewhere", bot.town.owner)
    path = f"/applications/{bot.bot.id}/guilds/{elsewhere.id}/commands"
    assert await bot.refused("POST", path, PING) == (403, 50001)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "Ping"}, "name: APPLICATION_COMMAND_INVALID_NAME"),
        ({"name": "two words"}, "name: APPLICATION_COMMAND_INVALID_NAME"),
        ({"name": "x" * 33}, "name: BASE_TYPE_BAD_LENGTH"),
        ({"name_localizations": {"xx": "a"}}, "name_localizations: BASE_TYPE_CHOICES"),
        ({"description": ""}, "description: BASE_TYPE_REQUIRED"),
        ({"description": None}, "description: BASE_TYPE_REQUIRED"),
        ({"description": "x" * 101}, "description: BASE_TYPE_MAX_LENGTH"),
        ({"type": 4}, "type: BASE_TYPE_CHOICES"),
        ({"type": 2}, "description: APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED"),
        (
            {"type": 2, "description": "", "options": [option()]},
            "options: APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_ALLOWED",
        ),
        ({"options": [option()] * 26}, "options: BASE_TYPE_MAX_LENGTH"),
        ({"options": [option(), option()]}, "options: APPLICATION_COMMAND_OPTIONS_NAME_EXISTS"),
        (
            {"options": [option(), option(name="b", required=True)]},
            "options: APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        ({"options": [option(), option(name="b", type=1)]}, "options: APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"),
        (
            {"options": [option(type=1, options=[option(type=2)])]},
            "options.0.options: APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        ({"options": [option(options=[option()])]}, "options.0.options: APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"),
        ({"options": [option(type=12)]}, "options.0.type: BASE_TYPE_CHOICES"),
        ({"options": [option(description="")]}, "options.0.description: BASE_TYPE_BAD_LENGTH"),
        ({"options": [option(name="A")]}, "options.0.name: APPLICATION_COMMAND_INVALID_NAME"),
        (
            {"options": [option(choices=[{"name": "a", "value": "a"}], autocomplete=True)]},
            "options.0.autocomplete: APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
        ),
        (
            {"options": [option(type=6, autocomplete=True)]},
            "options.0.autocomplete: APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            {"options": [option(type=5, choices=[{"name": "a", "value": "a"}])]},
            "options.0.choices: APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            {"options": [option(choices=[{"name": "a", "value": "a"}, {"name": "a", "value": "b"}])]},
            "options.0.choices: APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_EXISTS",
        ),
        (
            {"options": [option(type=4, choices=[{"name": "a", "value": "a"}])]},
            "options.0.choices: APPLICATION_COMMAND_OPTIONS_VALUE_INVALID",
        ),
        ({"options": [option(max_length=6001)]}, "options.0.max_length: NUMBER_TYPE_MAX"),
    ],
)
async def test_a_wrong_command_is_refused(bot: Peer, changes: dict[str, Any], code: str) -> None:
    """Each thing that is wrong in a command is refused at its place, with Discord's code."""
    place, _, name = code.partition(": ")
    assert (await bot.invalid("POST", everywhere(bot), PING | changes))[place] == name
    assert (await bot.invalid("PUT", everywhere(bot), [PING | changes]))[f"0.{place}"] == name


async def test_a_command_is_at_most_8000_characters(bot: Peer) -> None:
    """Names, descriptions and values of a command count together; of translations the longest counts."""
    choices = [{"name": f"{number}" * 50, "value": f"{number}" * 90} for number in range(10, 35)]
    large = PING | {"options": [option(name=f"o{number}", choices=choices) for number in range(2)]}
    assert await bot.invalid("POST", everywhere(bot), large) == {"": "APPLICATION_COMMAND_TOO_LARGE"}


async def test_the_forms_of_names(bot: Peer) -> None:
    """Names in Thai, with dashes and apostrophes are taken, and menus may be called anything."""
    for name in ("ปิงเล็ก", "a-b_c'd", "ñandú"):
        await bot.ask("POST", everywhere(bot), {"name": name, "description": "x"})
    await bot.ask("POST", everywhere(bot), {"name": "Look At This!", "type": 3})


# -- who is offered what ---------------------------------------------------------------------------------------------


async def make(bot: Peer, **changes: Any) -> dict[str, Any]:
    """Make a command."""
    made: dict[str, Any] = await bot.ask("POST", everywhere(bot), PING | changes)
    return made


def offered(bot: Peer, who: Any = None, channel: Any = None) -> list[str]:
    """Return the names of the commands that somebody is offered; Carol in general, unless said otherwise."""
    person = bot.discord.person(who or bot.carol.user)
    return [offer.name for offer in person.commands(channel or bot.general)]


async def test_permissions_decide(bot: Peer) -> None:
    """A command with default permissions is offered to those who have them; with none at all to administrators."""
    await make(bot, default_member_permissions=int(Permissions.KICK_MEMBERS))
    assert offered(bot) == []
    assert offered(bot, bot.town.moderator) == ["ping"]
    await make(bot, default_member_permissions=0)
    assert offered(bot, bot.town.moderator) == []
    assert offered(bot, bot.town.owner) == ["ping"]
    with pytest.raises(HumanlyImpossibleError, match=r"Carol is offered no /ping in #general; offered: none\."):
        bot.discord.person(bot.carol.user).slash(bot.general, "ping")


async def test_places_decide(bot: Peer) -> None:
    """Contexts, the older field for direct messages, and age limits decide where a command is offered."""
    direct = bot.discord.person(bot.carol.user).open_dm(bot.bot)
    await make(bot)
    assert offered(bot, channel=direct) == ["ping"]
    await make(bot, dm_permission=False)
    assert offered(bot, channel=direct) == []
    await make(bot, contexts=[1])
    assert (offered(bot), offered(bot, channel=direct)) == ([], ["ping"])
    await make(bot, contexts=[0, 1], nsfw=True)
    assert (offered(bot), offered(bot, channel=direct)) == ([], ["ping"])
    bot.general.nsfw = True
    assert offered(bot) == ["ping"]


async def test_a_channel_may_be_closed_to_commands(bot: Peer) -> None:
    """Who may not use commands in a channel is offered none; who does not see the channel cannot even look."""
    await make(bot)
    bot.general.overwrites.append(Overwrite(bot.guild.id, 0, deny=Permissions.USE_APPLICATION_COMMANDS))
    assert offered(bot) == []
    bot.general.overwrites.append(Overwrite(bot.carol.user.id, 1, deny=Permissions.VIEW_CHANNEL))
    with pytest.raises(HumanlyImpossibleError, match="Carol does not see #general"):
        offered(bot)


async def test_a_bot_that_is_not_here_offers_nothing(bot: Peer) -> None:
    """Commands of a bot that is no member are not offered; a guild's own stand before the global ones."""
    await make(bot)
    await bot.ask("POST", here(bot), PING | {"description": "Ours."})
    first = bot.discord.person(bot.carol.user).commands(bot.general)[0]
    assert first.command["description"] == "Ours."
    bot.discord.person(bot.town.owner).kick(bot.guild, bot.bot)
    assert offered(bot) == []


async def test_groups_are_offered_by_their_leaves(bot: Peer) -> None:
    """Of a command with groups, what can be used is offered, with its whole name."""
    leaf = {"type": 1, "name": "set", "description": "x"}
    groups = [{"type": 2, "name": "language", "description": "x", "options": [leaf]}, leaf]
    await make(bot, name="settings", options=groups)
    assert offered(bot) == ["settings language set", "settings set"]


@pytest.mark.parametrize(
    ("rules", "carol", "moderator"),
    [
        ([("role", "everyone", False)], False, False),
        ([("role", "everyone", False), ("user", "carol", True)], True, False),
        ([("role", "everyone", False), ("role", "moderator", True)], False, True),
        ([("channel", "here", False)], False, False),
        ([("channel", "all", False), ("channel", "here", True)], True, True),
        ([("channel", "all", False)], False, False),
    ],
)
async def test_the_guilds_people_decide(
    bot: Peer, rules: list[tuple[str, str, bool]], carol: bool, moderator: bool
) -> None:
    """Who runs the guild decides by role, user and channel who is offered a command, and the bot is told."""
    made = await make(bot)
    ids = {
        "everyone": bot.guild.id,
        "carol": bot.carol.user.id,
        "moderator": bot.guild.member(bot.town.moderator.id).roles[0],
        "here": bot.general.id,
        "all": bot.guild.id - 1,
    }
    kinds = {"role": 1, "user": 2, "channel": 3}
    body = [{"id": str(ids[who]), "type": kinds[kind], "permission": may} for kind, who, may in rules]
    application = bot.town.application
    commands.permit(bot.world, bot.guild, bot.town.owner, application, int(made["id"]), body)
    assert bool(offered(bot)) is carol
    assert bool(offered(bot, bot.town.moderator)) is moderator
    assert offered(bot, bot.town.owner) == ["ping"]
    (told,) = bot.told("APPLICATION_COMMAND_PERMISSIONS_UPDATE")
    assert told["permissions"] == body
    assert await bot.ask("GET", f"{here(bot)}/permissions") == [told]
    assert await bot.ask("GET", f"{here(bot)}/{made['id']}/permissions") == told
    commands.permit(bot.world, bot.guild, bot.town.owner, application, int(made["id"]), [])
    assert offered(bot) == ["ping"]


async def test_bots_do_not_decide(bot: Peer) -> None:
    """A bot cannot decide who may use its commands, nor somebody who does not run the guild."""
    made = await make(bot)
    path = f"{here(bot)}/{made['id']}/permissions"
    assert await bot.refused("PUT", path, {"permissions": []}) == (403, 20001)
    assert await bot.refused("GET", path) == (404, 10066)
    with pytest.raises(DiscordError, match="50013"):
        commands.permit(bot.world, bot.guild, bot.carol.user, bot.town.application, int(made["id"]), [])
