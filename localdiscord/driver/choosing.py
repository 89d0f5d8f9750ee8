"""Values for menus and the fields of forms, as Discord's client lets a person choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.components import SELECTS, ComponentType
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.channel import Channel
from localdiscord.model.member import Member
from localdiscord.model.role import Role
from localdiscord.model.user import User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from localdiscord.driver.resolving import Resolved, Thing

__all__ = ["chosen", "default_of", "field_value"]

LONGEST_INPUT = 4000

THINGS: dict[int, tuple[type[Thing], ...]] = {
    ComponentType.USER_SELECT: (User,),
    ComponentType.ROLE_SELECT: (Role,),
    ComponentType.MENTIONABLE_SELECT: (User, Role),
    ComponentType.CHANNEL_SELECT: (Channel,),
}


def chosen(component: dict[str, Any], values: Sequence[Any], resolved: Resolved) -> list[str]:
    """Return what is chosen in a menu, as Discord writes it.

    Args:
        component: the menu.
        values: labels or values of its options; users, roles or channels as such.
        resolved: takes whom and what they name.

    Raises:
        HumanlyImpossibleError: a value is not offered, or there are too many or too few.
    """
    name = named(component)
    low, high = component.get("min_values"), component.get("max_values")
    low, high = 1 if low is None else low, 1 if high is None else high
    is_optional = component.get("required") is False and not values
    if not (low <= len(values) <= high or is_optional):
        raise HumanlyImpossibleError(f"{name}: {len(values)} chosen, where it takes {low} to {high}.")
    found = [_one(component, name, value, resolved) for value in values]
    if len(set(found)) < len(found):
        raise HumanlyImpossibleError(f"{name}: something is chosen twice.")
    return found


def named(component: dict[str, Any]) -> str:
    """Name a component in a sentence."""
    return str(component.get("label") or component.get("placeholder") or component.get("custom_id"))


def _one(component: dict[str, Any], name: str, value: Any, resolved: Resolved) -> str:
    kinds = THINGS.get(component["type"])
    if kinds is None:
        return _option(component, name, value)
    thing = value.user if isinstance(value, Member) else value
    if not isinstance(thing, kinds):
        names = " or ".join(kind.__name__.lower() for kind in kinds)
        raise HumanlyImpossibleError(f"{name}: {value!r} is no {names}.")
    allowed = component.get("channel_types")
    if isinstance(thing, Channel) and allowed and thing.type not in allowed:
        raise HumanlyImpossibleError(f"{name}: #{thing.name} is not a channel of the kinds that it takes.")
    return resolved.add(thing)


def _option(component: dict[str, Any], name: str, value: Any) -> str:
    for option in component.get("options") or ():
        if value in {option["value"], option["label"]}:
            return str(option["value"])
    listed = ", ".join(option["label"] for option in component.get("options") or ())
    raise HumanlyImpossibleError(f"{name}: {value!r} is not among its options: {listed}.")


def default_of(component: dict[str, Any]) -> Any:
    """Return what a field of a form holds before a person changes it."""
    kind = component["type"]
    if kind == ComponentType.TEXT_INPUT:
        return component.get("value") or ""
    if kind == ComponentType.CHECKBOX:
        return bool(component.get("default"))
    preset = [option["value"] for option in component.get("options") or () if option.get("default")]
    if kind == ComponentType.RADIO_GROUP:
        return preset[0] if preset else None
    return preset


def field_value(component: dict[str, Any], value: Any, resolved: Resolved) -> dict[str, Any]:
    """Return what a field of a form is filled in with, as Discord writes it.

    Args:
        component: the field.
        value: text, a choice, several, or a yes or no; whatever the field takes.
        resolved: takes whom and what the value names.

    Raises:
        HumanlyImpossibleError: the field does not take the value.
    """
    return _FIELDS[component["type"]](component, value, resolved)


def _text(component: dict[str, Any], value: Any, _resolved: Resolved) -> dict[str, Any]:
    text, name = str(value), named(component)
    if not text and component.get("required", True):
        raise HumanlyImpossibleError(f"{name}: the form cannot be sent without it.")
    low, high = component.get("min_length") or 0, component.get("max_length") or LONGEST_INPUT
    if text and not low <= len(text) <= high:
        raise HumanlyImpossibleError(f"{name}: {len(text)} characters, where {low} to {high} are taken.")
    return {"value": text}


def _several(component: dict[str, Any], value: Any, resolved: Resolved) -> dict[str, Any]:
    values = value if isinstance(value, (list, tuple)) else [value]
    if component["type"] == ComponentType.CHECKBOX_GROUP:
        component = {"max_values": len(component["options"]), **component}
    return {"values": chosen(component, values, resolved)}


def _one_of(component: dict[str, Any], value: Any, _resolved: Resolved) -> dict[str, Any]:
    if value is None:
        if component.get("required", True):
            raise HumanlyImpossibleError(f"{named(component)}: the form cannot be sent without it.")
        return {"value": None}
    return {"value": _option(component, named(component), value)}


def _tick(component: dict[str, Any], value: Any, _resolved: Resolved) -> dict[str, Any]:
    if not isinstance(value, bool):
        raise HumanlyImpossibleError(f"{named(component)}: {value!r} is neither True nor False.")
    return {"value": value}


def _files(component: dict[str, Any], value: Any, resolved: Resolved) -> dict[str, Any]:
    files, name = value if isinstance(value, (list, tuple)) else [value], named(component)
    low, high = component.get("min_values"), component.get("max_values")
    low, high = 1 if low is None else low, 1 if high is None else high
    if not (low <= len(files) <= high or (component.get("required") is False and not files)):
        raise HumanlyImpossibleError(f"{name}: {len(files)} files, where it takes {low} to {high}.")
    return {"values": [resolved.attach(name, file) for file in files]}


_FIELDS: dict[int, Callable[[dict[str, Any], Any, Resolved], dict[str, Any]]] = {
    **dict.fromkeys(SELECTS, _several),
    ComponentType.TEXT_INPUT: _text,
    ComponentType.FILE_UPLOAD: _files,
    ComponentType.RADIO_GROUP: _one_of,
    ComponentType.CHECKBOX_GROUP: _several,
    ComponentType.CHECKBOX: _tick,
}
