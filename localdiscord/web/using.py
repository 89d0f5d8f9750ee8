"""Using bots: commands, buttons, menus and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.components import SELECTS, ComponentType, walk
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.interaction import ANSWER_WITHIN
from localdiscord.web.acts import BadRequestError, act, channel_of, message_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.actions.commands import Offer
    from localdiscord.model.channel import Channel
    from localdiscord.model.files import Upload
    from localdiscord.model.interaction import Interaction
    from localdiscord.model.role import Role
    from localdiscord.model.user import User
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["commands", "slash"]

INTEGER, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 4, 6, 7, 8, 9, 10, 11

THINGS = {
    ComponentType.USER_SELECT: USER,
    ComponentType.ROLE_SELECT: ROLE,
    ComponentType.MENTIONABLE_SELECT: MENTIONABLE,
    ComponentType.CHANNEL_SELECT: CHANNEL,
}
"""What each menu chooses from, as the kind of option that takes the same."""


# -- what is offered ------------------------------------------------------------------------------------------------


@act("commands")
async def commands(tab: Tab, request: Request) -> list[dict[str, Any]]:
    """Return the commands of a kind that the person is offered in a channel, in their language where it has names."""
    offered = tab.person.commands(channel_of(tab, request), int(request.get("kind", 1)))
    return [_offer_view(offer, tab.person.user.locale) for offer in offered]


def _offer_view(offer: Offer, locale: str) -> dict[str, Any]:
    chain = [offer.command]
    for name in offer.path[1:]:
        chain.append(next(each for each in chain[-1]["options"] if each["name"] == name))
    return {
        "name": offer.name,
        "shown": " ".join(_in(locale, each, "name") for each in chain),
        "description": _in(locale, chain[-1], "description"),
        "bot": str(offer.application.bot.id),
        "botName": offer.application.bot.username,
        "options": [_option_view(option, locale) for option in offer.options],
    }


def _option_view(option: dict[str, Any], locale: str) -> dict[str, Any]:
    choices = [{**choice, "shown": _in(locale, choice, "name")} for choice in option.get("choices") or ()]
    shown = {"shown": _in(locale, option, "name"), "description": _in(locale, option, "description")}
    return {**option, **shown, "choices": choices}


def _in(locale: str, entry: dict[str, Any], field: str) -> str:
    """Return a name or a description in a language, in English where there is none."""
    localised = entry.get(f"{field}_localizations") or {}
    return str(localised.get(locale) or entry.get(field) or "")


# -- what is used ---------------------------------------------------------------------------------------------------


@act("slash")
async def slash(tab: Tab, request: Request) -> dict[str, Any]:
    """Use a slash command."""
    channel, name = channel_of(tab, request), str(request["name"])
    bot = tab.discord.world.user(int(request["bot"]))
    options = _values(tab, channel, name, request["options"])
    return await _outcome(tab, tab.person.slash(channel, name, bot, **options))


@act("autocomplete")
async def autocomplete(tab: Tab, request: Request) -> list[dict[str, Any]]:
    """Return what the bot offers for what is typed into an option."""
    channel, name, option = channel_of(tab, request), str(request["name"]), str(request["option"])
    others = {key: value for key, value in request["options"].items() if key != option}
    values = _values(tab, channel, name, others, strict=False)
    interaction = tab.person.autocomplete(channel, name, option, str(request["typed"]), values)
    try:
        return await tab.person.choices(interaction, ANSWER_WITHIN)
    except TimeoutError:
        return []


def _values(tab: Tab, channel: Channel, name: str, given: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """Return the values of a command's options as the driver takes them."""
    offer = next((each for each in tab.person.commands(channel) if each.name == name), None)
    kinds = {option["name"]: option["type"] for option in offer.options} if offer else {}
    values = {}
    for option, value in given.items():
        try:
            values[option] = _value(tab, channel, kinds.get(option, 0), value, option)
        except BadRequestError:
            if strict:
                raise
    return values


def _value(tab: Tab, channel: Channel, kind: int, value: Any, where: str) -> Any:
    convert = CONVERT.get(kind)
    if convert is None:
        return value
    try:
        return convert(tab, channel, value)
    except (ValueError, KeyError, TypeError):
        raise BadRequestError(f"{where}: {value!r} is not what belongs there.") from None


def _user(tab: Tab, _channel: Channel, value: Any) -> User:
    return tab.discord.world.user(int(value))


def _channel(tab: Tab, _channel: Channel, value: Any) -> Channel:
    return tab.discord.world.channel(int(value))


def _role(tab: Tab, channel: Channel, value: Any) -> Role:
    return tab.discord.world.guild(channel.guild_id or 0).role(int(value))


def _mentionable(tab: Tab, channel: Channel, value: Any) -> Role | User:
    guild = tab.discord.world.guilds.get(channel.guild_id or 0)
    role = guild.roles.get(int(value)) if guild else None
    return role or _user(tab, channel, value)


def _attachment(tab: Tab, _channel: Channel, value: Any) -> Upload:
    return tab.uploads.take(str(value))


CONVERT: dict[int, Callable[[Tab, Channel, Any], Any]] = {
    INTEGER: lambda _tab, _channel, value: int(value),
    NUMBER: lambda _tab, _channel, value: float(value),
    USER: _user,
    CHANNEL: _channel,
    ROLE: _role,
    MENTIONABLE: _mentionable,
    ATTACHMENT: _attachment,
}
"""How the kinds of option read what the page sends; the others take it as it comes."""


@act("user-command")
async def on_user(tab: Tab, request: Request) -> dict[str, Any]:
    """Choose an entry of the menu of a person."""
    user = tab.discord.world.user(int(request["user"]))
    return await _outcome(tab, tab.person.use_on_user(channel_of(tab, request), user, str(request["name"])))


@act("message-command")
async def on_message(tab: Tab, request: Request) -> dict[str, Any]:
    """Choose an entry of the menu of a message."""
    return await _outcome(tab, tab.person.use_on_message(message_of(tab, request), str(request["name"])))


@act("click")
async def click(tab: Tab, request: Request) -> dict[str, Any]:
    """Press a button."""
    return await _outcome(tab, tab.person.click(message_of(tab, request), str(request["custom_id"])))


@act("choose")
async def choose(tab: Tab, request: Request) -> dict[str, Any]:
    """Choose in a menu."""
    message, custom_id = message_of(tab, request), str(request["custom_id"])
    menu = next((each for each in walk(message.components) if each.get("custom_id") == custom_id), None)
    kind = THINGS.get(menu["type"], 0) if menu else 0
    values = [_value(tab, message.channel, kind, value, "The menu") for value in request["values"]]
    return await _outcome(tab, tab.person.select(message, custom_id, *values))


@act("submit")
async def submit(tab: Tab, request: Request) -> dict[str, Any]:
    """Send a form."""
    opened = _opened(tab, request)
    fields = {each["custom_id"]: each for each in walk(opened.form.get("components", [])) if "custom_id" in each}
    values = {}
    for name, value in request["values"].items():
        kind = fields.get(name, {}).get("type", 0)
        if kind in SELECTS or kind == ComponentType.FILE_UPLOAD:
            kind = ATTACHMENT if kind == ComponentType.FILE_UPLOAD else THINGS.get(kind, 0)
            values[name] = [_value(tab, opened.channel, kind, each, name) for each in value]
        else:
            values[name] = value
    return await _outcome(tab, tab.person.submit(opened, values))


@act("close")
async def close(tab: Tab, request: Request) -> None:
    """Close a form, unsent."""
    tab.person.dismiss(_opened(tab, request))


def _opened(tab: Tab, request: Request) -> Interaction:
    """Return the interaction whose form is open, by its id: its token is the bot's secret."""
    for interaction in tab.discord.world.interactions.values():
        if str(interaction.id) == request["interaction"]:
            return interaction
    raise HumanlyImpossibleError("That form has run out; begin again.")


async def _outcome(tab: Tab, interaction: Interaction) -> dict[str, Any]:
    """Wait for the bot's first answer; where it is a form, return it."""
    try:
        await tab.person.answered(interaction, ANSWER_WITHIN)
    except TimeoutError:
        raise BadRequestError(f"{interaction.application.name} did not answer in time.") from None
    return {"form": interaction.form, "interaction": str(interaction.id)} if interaction.is_open else {}
