"""The options of a command, filled in as Discord's client lets a person do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.channel import Channel
from localdiscord.model.member import Member
from localdiscord.model.role import Role
from localdiscord.model.user import User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from localdiscord.actions.commands import Offer
    from localdiscord.driver.resolving import Resolved, Thing

__all__ = ["fill", "nested"]

STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
LARGEST_NUMBER = 1 << 53
"""Beyond it a number option is not exact, so Discord takes none."""

LONGEST_TEXT = 6000


def fill(offer: Offer, values: Mapping[str, Any], resolved: Resolved, locale: str) -> list[dict[str, Any]]:
    """Fill in a command's options.

    Args:
        offer: the command.
        values: by the name of the option.
        resolved: takes whom and what the values name.
        locale: of the person: choices may be given by their localised name.

    Raises:
        HumanlyImpossibleError: an option is unknown, missing, or does not take the value.
    """
    known = {option["name"]: option for option in offer.options}
    for name in values:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise HumanlyImpossibleError(f"/{offer.name} has no option {name}; it has {listed}.")
    filled = []
    for name, option in known.items():
        if values.get(name) is not None:
            value = _value(offer, option, values[name], resolved, locale)
            filled.append({"name": name, "type": option["type"], "value": value})
        elif option.get("required"):
            raise HumanlyImpossibleError(f"/{offer.name} cannot be sent without its option {name}.")
    return filled


def nested(offer: Offer, filled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put filled-in options into the groups of their command."""
    for depth, name in enumerate(reversed(offer.path[1:])):
        filled = [{"name": name, "type": 2 if depth else 1, "options": filled}]
    return filled


def _value(offer: Offer, option: dict[str, Any], value: Any, resolved: Resolved, locale: str) -> Any:
    where = f"/{offer.name} {option['name']}"
    if option.get("choices"):
        return _choice(where, option["choices"], value, locale)
    return _CONVERTERS[option["type"]](where, option, value, resolved)


def _choice(where: str, choices: list[dict[str, Any]], value: Any, locale: str) -> Any:
    for choice in choices:
        shown = (choice.get("name_localizations") or {}).get(locale)
        if value in {choice["value"], choice["name"], shown}:
            return choice["value"]
    listed = ", ".join(choice["name"] for choice in choices)
    raise HumanlyImpossibleError(f"{where}: {value!r} is not among its choices: {listed}.")


def _text(where: str, option: dict[str, Any], value: Any, _resolved: Resolved) -> str:
    text = str(value)
    low, high = option.get("min_length") or 0, option.get("max_length") or LONGEST_TEXT
    if not text:
        raise HumanlyImpossibleError(f"{where}: Discord sends no empty text.")
    if not low <= len(text) <= high:
        raise HumanlyImpossibleError(f"{where}: {len(text)} characters, where {low} to {high} are taken.")
    return text


def _number(where: str, option: dict[str, Any], value: Any, _resolved: Resolved) -> int | float:
    wanted: Any = int if option["type"] == INTEGER else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise HumanlyImpossibleError(f"{where}: {value!r} is no {'whole ' if wanted is int else ''}number.")
    low, high = option.get("min_value"), option.get("max_value")
    low, high = -LARGEST_NUMBER if low is None else low, LARGEST_NUMBER if high is None else high
    if not low <= value <= high:
        raise HumanlyImpossibleError(f"{where}: {value} is not between {low} and {high}.")
    return value  # type: ignore[no-any-return]  # it is one of both, as checked above


def _flag(where: str, _option: dict[str, Any], value: Any, _resolved: Resolved) -> bool:
    if not isinstance(value, bool):
        raise HumanlyImpossibleError(f"{where}: {value!r} is neither True nor False.")
    return value


def _thing(*kinds: type[Thing]) -> Callable[[str, dict[str, Any], Any, Resolved], str]:
    def convert(where: str, option: dict[str, Any], value: Any, resolved: Resolved) -> str:
        thing = value.user if isinstance(value, Member) else value
        if not isinstance(thing, kinds):
            names = " or ".join(kind.__name__.lower() for kind in kinds)
            raise HumanlyImpossibleError(f"{where}: {value!r} is no {names}.")
        allowed = option.get("channel_types")
        if isinstance(thing, Channel) and allowed and thing.type not in allowed:
            raise HumanlyImpossibleError(f"{where}: #{thing.name} is not a channel of the kinds that it takes.")
        return resolved.add(thing)

    return convert


def _file(where: str, _option: dict[str, Any], value: Any, resolved: Resolved) -> str:
    return resolved.attach(where, value)


_CONVERTERS: dict[int, Callable[[str, dict[str, Any], Any, Resolved], Any]] = {
    STRING: _text,
    INTEGER: _number,
    BOOLEAN: _flag,
    USER: _thing(User),
    CHANNEL: _thing(Channel),
    ROLE: _thing(Role),
    MENTIONABLE: _thing(User, Role),
    NUMBER: _number,
    ATTACHMENT: _file,
}
