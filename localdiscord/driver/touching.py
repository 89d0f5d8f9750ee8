"""Using buttons, menus and forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import interactions
from localdiscord.components import SELECTS, ButtonStyle, ComponentType, walk
from localdiscord.driver.acting import Acting
from localdiscord.driver.choosing import chosen, default_of, field_value
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.driver.resolving import Resolved
from localdiscord.model.interaction import Act, Interaction, InteractionType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localdiscord.model.message import Message

__all__ = ["Touching"]


class Touching(Acting):
    """Somebody who uses what bots put below their messages."""

    def click(self, message: Message, button: str) -> Interaction:
        """Press a button.

        Args:
            message: below which it stands.
            button: its label, the name of its emoji, or its custom_id.

        Raises:
            HumanlyImpossibleError: there is no such button for them, it is disabled, or a link.
        """
        component = self._component(message, button, {ComponentType.BUTTON})
        if component.get("style") == ButtonStyle.LINK:
            raise HumanlyImpossibleError(
                f"The button {button} is a link to {component.get('url')}; no bot hears of it."
            )
        return self._use(message, component, {})

    def select(self, message: Message, menu: str, *values: Any) -> Interaction:
        """Choose in a menu.

        Args:
            message: below which it stands.
            menu: its custom_id or its placeholder.
            *values: labels or values of its options; users, roles or channels as such.

        Raises:
            HumanlyImpossibleError: there is no such menu for them, it is disabled, or does not offer the values.
        """
        component = self._component(message, menu, SELECTS)
        resolved = Resolved(self.world, message.channel, self.user)
        data = {"values": chosen(component, values, resolved)}
        return self._use(message, component, data | resolved.payload())

    def submit(self, opened: Interaction, values: Mapping[str, Any] | None = None, /, **named: Any) -> Interaction:
        """Fill in the form that a bot opened, and send it; fields that are not named keep what stands in them.

        Args:
            opened: the interaction that the bot answered with the form.
            values: by the labels or the custom_ids of the fields.
            **named: likewise.

        Raises:
            HumanlyImpossibleError: no form is open, it has no such field, or the field does not take the value.
        """
        self._require_open(opened)
        form, given = opened.form, {**(values or {}), **named}
        resolved = Resolved(self.world, opened.channel, self.user)
        sent = [_filled(row, given, resolved) for row in form["components"]]
        if given:
            raise HumanlyImpossibleError(f"The form {form['title']} has no field {next(iter(given))}.")
        opened.closed = True
        data = {"custom_id": form["custom_id"], "components": sent, **resolved.payload()}
        act = Act(InteractionType.MODAL, data, opened.message, cause=opened)
        return interactions.begin(self.world, opened.application, self.user, opened.channel, act)

    def dismiss(self, opened: Interaction) -> None:
        """Close the form that a bot opened, unsent.

        Raises:
            HumanlyImpossibleError: no form is open.
        """
        self._require_open(opened)
        opened.closed = True

    def _require_open(self, opened: Interaction) -> None:
        if opened.user is not self.user:
            raise HumanlyImpossibleError(f"The form is open before {opened.user.username}, not before {self.name}.")
        if not opened.is_open:
            raise HumanlyImpossibleError(f"No form is open before {self.name}.")

    def _component(self, message: Message, wanted: str, kinds: Iterable[int]) -> dict[str, Any]:
        self.require_sight(message)
        usable = [each for each in walk(message.components) if each["type"] in kinds]
        matching = [each for each in usable if wanted in _names(each)]
        if not matching:
            listed = ", ".join(next(iter(_names(each))) for each in usable) or "none"
            raise HumanlyImpossibleError(f"There is no {wanted} below the message; there is: {listed}.")
        if len(matching) > 1:
            raise HumanlyImpossibleError(f"{len(matching)} components are called {wanted}: name one by its custom_id.")
        if matching[0].get("disabled"):
            raise HumanlyImpossibleError(f"{wanted} is disabled.")
        return matching[0]

    def _use(self, message: Message, component: dict[str, Any], more: dict[str, Any]) -> Interaction:
        custom_id = component.get("custom_id")
        application = self.world.applications.get(message.application_id or message.author.id)
        if custom_id is None or application is None:
            raise HumanlyImpossibleError("No bot hears of it: the component has no custom_id, or no bot wrote it.")
        data = {"custom_id": custom_id, "component_type": component["type"], "id": component.get("id", 0), **more}
        act = Act(InteractionType.COMPONENT, data, message)
        return interactions.begin(self.world, application, self.user, message.channel, act)


def _names(component: dict[str, Any]) -> list[str]:
    names = (component.get("label"), component.get("placeholder"), component.get("custom_id"))
    emoji = (component.get("emoji") or {}).get("name")
    return [name for name in (*names, emoji, component.get("url")) if name]


def _filled(row: dict[str, Any], given: dict[str, Any], resolved: Resolved) -> dict[str, Any]:
    """Return a row of a form as it is sent; takes what is meant for it out of `given`."""
    head = {"type": row["type"], "id": row["id"]}
    if row["type"] == ComponentType.LABEL:
        labelled = {**row["component"], "label": row["label"]}
        return head | {"component": _filled(labelled, given, resolved)}
    if row["type"] == ComponentType.ACTION_ROW:
        return head | {"components": [_filled(each, given, resolved) for each in row["components"]]}
    if "custom_id" not in row:
        return head
    key = next((name for name in (row["custom_id"], row.get("label")) if name in given), None)
    value = default_of(row) if key is None else given.pop(key)
    return head | {"custom_id": row["custom_id"]} | field_value(row, value, resolved)
