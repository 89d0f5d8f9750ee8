"""First answers to interactions, as bodies describe them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict

from localdiscord.model.interaction import Callback
from localdiscord.rest.forms.fields import Flag, Form, length

__all__ = ["FORMS", "CallbackForm"]


class CallbackForm(Form):
    """A first answer."""

    type: int
    data: dict[str, Any] | None = None


class PromiseForm(Form):
    """The promise of a message."""

    flags: int | None = None


class ChoiceForm(Form):
    """Something to choose while one types; a number may be the value as well."""

    name: Annotated[str, length(1, 100)]
    name_localizations: dict[str, str] | None = None
    value: int | float | Annotated[str, length(1, 100)]


class ChoicesForm(Form):
    """What is offered while one types."""

    choices: Annotated[list[ChoiceForm], length(None, 25)]


class PartForm(Form):
    """A part of a form, whatever it is; what is not checked stays as it came."""

    model_config = ConfigDict(extra="allow")

    type: int
    id: int | None = None
    custom_id: Annotated[str, length(1, 100)] | None = None
    label: Annotated[str, length(1, 100)] | None = None
    required: Flag | None = None
    components: list[PartForm] | None = None
    component: PartForm | None = None
    accessory: PartForm | None = None


class ModalForm(Form):
    """A form that is opened before the person."""

    title: Annotated[str, length(1, 45)]
    custom_id: Annotated[str, length(1, 100)]
    components: Annotated[list[PartForm], length(1, 5)]


FORMS: dict[int, type[Form]] = {
    Callback.DEFERRED_MESSAGE: PromiseForm,
    Callback.CHOICES: ChoicesForm,
    Callback.MODAL: ModalForm,
}
"""What the first answers carry that are no messages."""
