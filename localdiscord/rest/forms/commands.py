"""Application commands, as bodies describe them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from localdiscord.rest.forms.fields import (
    REQUIRED,
    Flag,
    Form,
    PermissionBits,
    Snowflake,
    choice,
    length,
    refuse,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LARGEST_COMMAND", "CommandForm", "OptionForm"]

LARGEST_COMMAND = 8000
"""Characters: names, descriptions and values, of all options; of translations the longest counts."""

CHAT_INPUT, MENUS = 1, {2, 3}
SUBCOMMAND, GROUP = 1, 2
STRING, INTEGER, CHANNEL, NUMBER = 3, 4, 7, 10
CHOOSABLE = {STRING, INTEGER, NUMBER}

# fmt: off
LOCALES = frozenset({
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
})
# fmt: on
WITH_MARKS = ((0x0900, 0x097F), (0x0E00, 0x0E7F))
"""Devanagari and Thai, whose names may hold marks above and below letters."""


def is_name(name: str) -> bool:
    """Tell whether a typed command, or an option, may be called so."""
    return 1 <= len(name) <= 32 and name == name.lower() and all(map(_is_of_name, name))


def _is_of_name(letter: str) -> bool:
    if letter in "-_'" or unicodedata.category(letter)[0] in "LN":
        return True
    return any(first <= ord(letter) <= last for first, last in WITH_MARKS)


def _name(value: str) -> str:
    if not is_name(value):
        raise refuse("APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return value


def _locales(value: dict[str, str]) -> dict[str, str]:
    for locale in value:
        if locale not in LOCALES:
            listed = ", ".join(repr(each) for each in sorted(LOCALES))
            raise refuse("BASE_TYPE_CHOICES", f"Value must be one of {{{listed}}}.")
    return value


Name = Annotated[str, AfterValidator(_name)]
Title = Annotated[str, length(1, 32)]
Description = Annotated[str, length(1, 100)]
Names = Annotated[dict[str, Title], AfterValidator(_locales)]
Descriptions = Annotated[dict[str, Description], AfterValidator(_locales)]


class ChoiceForm(Form):
    """A value that a person may choose."""

    name: Annotated[str, length(1, 100)]
    name_localizations: Annotated[dict[str, Annotated[str, length(1, 100)]], AfterValidator(_locales)] | None = None
    value: Annotated[str, length(None, 6000)] | int | float


class OptionForm(Form):
    """An option, a command of a group, or a group."""

    type: Annotated[int, choice(*range(1, 12))]
    name: Name
    name_localizations: Names | None = None
    description: Description
    description_localizations: Descriptions | None = None
    required: Flag | None = None
    choices: Annotated[list[ChoiceForm], length(None, 25)] | None = None
    options: Annotated[list[OptionForm], length(None, 25)] | None = None
    channel_types: list[int] | None = None
    min_value: int | float | None = None
    max_value: int | float | None = None
    min_length: Annotated[int, within(0, 6000)] | None = None
    max_length: Annotated[int, within(1, 6000)] | None = None
    autocomplete: Flag | None = None

    @field_validator("options")
    @classmethod
    def _nested(cls, value: list[OptionForm] | None, info: ValidationInfo) -> list[OptionForm] | None:
        kind = info.data.get("type")
        if kind in {SUBCOMMAND, GROUP}:
            check_options(value or [], {SUBCOMMAND} if kind == GROUP else set(range(3, 12)))
        elif value:
            raise refuse("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only groups have options of their own")
        return value

    @field_validator("choices")
    @classmethod
    def _chosen(cls, value: list[ChoiceForm] | None, info: ValidationInfo) -> list[ChoiceForm] | None:
        _check_choices(info.data.get("type", STRING), value or [])
        return value

    @field_validator("autocomplete")
    @classmethod
    def _helped(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value and info.data.get("choices"):
            words = "Options with autocomplete cannot have choices"
            raise refuse("APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES", words)
        if value and info.data.get("type") not in CHOOSABLE:
            raise refuse("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "This type takes no autocomplete")
        return value


def _check_choices(kind: int, choices: list[ChoiceForm]) -> None:
    if choices and kind not in CHOOSABLE:
        raise refuse("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "This type takes no choices")
    if len({each.name for each in choices}) < len(choices):
        words = "The specified option choice name already exists"
        raise refuse("APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_EXISTS", words)
    for each in choices:
        if isinstance(each.value, str) is not (kind == STRING) or (kind == INTEGER and isinstance(each.value, float)):
            raise refuse("APPLICATION_COMMAND_OPTIONS_VALUE_INVALID", f'Value "{each.value}" is not of the type.')


def check_options(options: list[OptionForm], allowed: set[int]) -> None:
    """Refuse options that do not go together.

    Raises:
        PydanticCustomError: of other types than allowed, groups beside options, a name twice, or a required one late.
    """
    grouping = [option.type in {SUBCOMMAND, GROUP} for option in options]
    if any(option.type not in allowed for option in options) or (any(grouping) and not all(grouping)):
        words = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        raise refuse("APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)
    if len({option.name for option in options}) < len(options):
        raise refuse("APPLICATION_COMMAND_OPTIONS_NAME_EXISTS", "Option names must be unique")
    needed = [bool(option.required) for option in options]
    if needed != sorted(needed, reverse=True):
        words = "Required options must be placed before non-required options"
        raise refuse("APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)


class CommandForm(Form):
    """A command."""

    id: Snowflake | None = None
    type: Annotated[int, choice(1, 2, 3)] | None = None
    name: Title
    name_localizations: Names | None = None
    description: Annotated[str, length(None, 100)] | None = Field(default=None, validate_default=True)
    description_localizations: Descriptions | None = None
    options: Annotated[list[OptionForm], length(None, 25)] | None = None
    default_member_permissions: Annotated[PermissionBits, within(0, (1 << 54) - 1)] | None = None
    dm_permission: Flag | None = None
    contexts: Annotated[list[Annotated[int, choice(0, 1, 2)]], length(1, 3)] | None = None
    integration_types: Annotated[list[Annotated[int, choice(0, 1)]], length(1, 2)] | None = None
    nsfw: Flag | None = None
    handler: Annotated[int, choice(1, 2)] | None = None

    @field_validator("name", "name_localizations")
    @classmethod
    def _named(cls, value: Any, info: ValidationInfo) -> Any:
        names = value.values() if isinstance(value, dict) else [value or "nothing"]
        if info.data.get("type") not in MENUS:
            for name in names:
                _name(name)
        return value

    @field_validator("description")
    @classmethod
    def _described(cls, value: str | None, info: ValidationInfo) -> str | None:
        is_menu = info.data.get("type") in MENUS
        if is_menu and value:
            words = "Context menu commands cannot have description"
            raise refuse("APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED", words)
        if not is_menu and not value:
            raise refuse(*REQUIRED)
        return value

    @field_validator("options")
    @classmethod
    def _optioned(cls, value: list[OptionForm] | None, info: ValidationInfo) -> list[OptionForm] | None:
        if value and info.data.get("type") in MENUS:
            words = "Context menu commands cannot have options"
            raise refuse("APPLICATION_COMMAND_CONTEXT_MENU_OPTIONS_NOT_ALLOWED", words)
        check_options(value or [], set(range(1, 12)))
        return value

    @model_validator(mode="after")
    def _bounded(self) -> CommandForm:
        if self.size > LARGEST_COMMAND:
            raise refuse("APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({LARGEST_COMMAND})")
        return self

    @property
    def size(self) -> int:
        """How many characters count."""
        return sum(_sizes([self]))


def _sizes(parts: Iterable[Any]) -> Iterable[int]:
    for part in parts:
        yield _longest(part.name, part.name_localizations)
        if isinstance(part, ChoiceForm):
            yield len(str(part.value))
            continue
        yield _longest(part.description or "", part.description_localizations)
        yield from _sizes(part.options or ())
        yield from _sizes(getattr(part, "choices", None) or ())


def _longest(text: str, translations: dict[str, str] | None) -> int:
    return max(len(each) for each in (text, *(translations or {}).values()))
