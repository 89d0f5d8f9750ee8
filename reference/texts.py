"""What commands are called and how they are described, in Discord's other languages.

The English names and descriptions stand in the code. Each area keeps the others in `commands.th.json`, by the qualified
name of the command and then by what is named:

    "warn.name", "warn.description"                       a command
    "warn.member.name", "warn.member.description"         its parameter `member`
    "warn.level.choice.high"                              a choice of its parameter `level`, by its English name
    "settings.name", "settings language.description"      a group, and a command of it
    "Report message.name"                                 a context menu
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import TranslationContextLocation as Place

from .utils.localization import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from discord.app_commands import TranslationContextTypes

__all__ = ["LOCALES", "Texts", "check_files", "keys_of", "problems_of"]

LOCALES: Mapping[discord.Locale, Language] = {discord.Locale.thai: Language.THAI}
"""Discord's locales in which commands have other names than in the code."""

NAME = re.compile(r"[-_'\w\u0e00-\u0e7f]{1,32}")
"""What Discord accepts as the name of a slash command or of a parameter; Thai vowel signs included."""

LONGEST_DESCRIPTION = 100
LONGEST_CHOICE = 100
LONGEST_MENU = 32


def check_files(folder: Path) -> None:
    """Find what is broken in the texts of an area before anything depends on them.

    Args:
        folder: the area's.

    Raises:
        ValueError: a file is no JSON, or no UTF-8; the text names it.
        OSError: a file cannot be read, or the messages of a language are missing.
    """
    for file in (*(folder / "locales" / f"{language.value}.json" for language in Language), *folder.glob("*.json")):
        try:
            json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from error


class Texts(app_commands.Translator):
    """Gives discord.py the names and descriptions of commands in other languages."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[Language, dict[str, str]] = {language: {} for language in LOCALES.values()}
        self._choices: dict[int, str] = {}

    def add(self, folder: Path) -> None:
        """Add the texts of an area.

        Args:
            folder: the area's; holds `commands.th.json`, if it has commands.

        Raises:
            ValueError: a file is no JSON.
        """
        for language, table in self.tables.items():
            file = folder / f"commands.{language.value}.json"
            if file.exists():
                table.update(json.loads(file.read_text(encoding="utf-8")))

    async def translate(
        self,
        string: app_commands.locale_str,  # noqa: ARG002  the key is made of what is named, not of its English text
        locale: discord.Locale,
        context: TranslationContextTypes,
    ) -> str | None:
        """Return a name or a description in a language; None where the English one shall stand."""
        language = LOCALES.get(locale)
        return None if language is None else self.tables[language].get(self._key(context))

    def _key(self, context: TranslationContextTypes) -> str:
        """Return the key under which a text is kept.

        discord.py does not say whose choice a choice is, but asks for the name of the parameter first.
        """
        data: Any = context.data
        if context.location is Place.choice_name:
            return self._choices.get(id(data), "")
        if context.location in PARAMETER:
            owner = _parameter_key(data)
            self._choices.update({id(choice): f"{owner}.choice.{choice.name}" for choice in data.choices})
        else:
            owner = data.qualified_name
        return f"{owner}.name" if context.location in NAMES else f"{owner}.description"


PARAMETER = frozenset({Place.parameter_name, Place.parameter_description})
NAMES = frozenset({Place.command_name, Place.group_name, Place.parameter_name})

Command = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu


def keys_of(commands: Iterable[Command]) -> Iterator[tuple[str, Callable[[str], str | None]]]:
    """Yield the key of each text that commands need, with what tells why Discord would not take a text."""
    for command in commands:
        if isinstance(command, app_commands.ContextMenu):
            yield f"{command.qualified_name}.name", _menu_problem
            continue
        yield f"{command.qualified_name}.name", _name_problem
        yield f"{command.qualified_name}.description", _description_problem
        if isinstance(command, app_commands.Group):
            yield from keys_of(command.commands)
            continue
        for parameter in command.parameters:
            key = _parameter_key(parameter)
            yield f"{key}.name", _name_problem
            yield f"{key}.description", _description_problem
            yield from ((f"{key}.choice.{choice.name}", _choice_problem) for choice in parameter.choices)


def _parameter_key(parameter: app_commands.Parameter) -> str:
    return f"{parameter.command.qualified_name}.{parameter.name}"


def problems_of(commands: Iterable[Command], table: Mapping[str, str]) -> Iterator[str]:
    """Say what is amiss with the texts of one language, a sentence each: missing, not needed, or not for Discord."""
    needed = dict(keys_of(commands))
    yield from (f"{key} is missing" for key in needed if key not in table)
    yield from (f"{key} belongs to no command" for key in table if key not in needed)
    for key, problem_with in needed.items():
        if key in table and (problem := problem_with(table[key])):
            yield f"{key}: {problem}"


def _name_problem(text: str) -> str | None:
    if not NAME.fullmatch(text):
        return f"{text!r} is no name: 1 to 32 letters, digits, - and _, without spaces"
    return None if text == text.lower() else f"{text!r} is not in lower case"


def _description_problem(text: str) -> str | None:
    return None if 0 < len(text) <= LONGEST_DESCRIPTION else f"it is {len(text)} characters long, not 1 to 100"


def _choice_problem(text: str) -> str | None:
    return None if 0 < len(text) <= LONGEST_CHOICE else f"it is {len(text)} characters long, not 1 to 100"


def _menu_problem(text: str) -> str | None:
    return None if 0 < len(text) <= LONGEST_MENU else f"it is {len(text)} characters long, not 1 to 32"
