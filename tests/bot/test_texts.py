"""The names and descriptions of commands in Thai: none is missing, none is stale, and Discord takes all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from discord import Interaction, Locale, Message, app_commands
from discord.ext import commands

from reference.cogs import FOLDER
from reference.guilds import Feature
from reference.texts import Texts, keys_of, problems_of
from reference.utils.localization import Language, check_locales

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bot.conftest import Stage


HYBRID = (commands.HybridCommand, commands.HybridGroup)


async def test_every_command_has_its_thai_texts_and_no_text_is_stale(stage: Stage) -> None:
    """Each command, parameter and choice of the running bot has a Thai name and description that Discord takes."""
    table = stage.bot.texts.tables[Language.THAI]
    assert list(problems_of(stage.bot.tree.get_commands(), table)) == []


async def test_discord_is_told_them(stage: Stage) -> None:
    """The commands that Discord has carry the Thai names."""
    told = {each["name"]: each for each in stage.town.application.commands[None].values()}
    assert told["ping"]["name_localizations"] == {"th": "ปิง"}
    (reload,) = [each for each in told["admin"]["options"] if each["name"] == "reload"]
    assert reload["options"][0]["name_localizations"] == {"th": "ส่วน"}


async def test_all_messages_are_there_in_both_languages(stage: Stage) -> None:
    """English and Thai have the same messages with the same placeholders, in every area that is loaded."""
    assert check_locales() == []


async def test_every_text_command_has_a_slash_command(stage: Stage) -> None:
    """Whatever can be written can be chosen, too."""
    assert [each.qualified_name for each in stage.bot.walk_commands() if not isinstance(each, HYBRID)] == []


def test_every_area_has_its_files() -> None:
    """Each area has messages in both languages, and Thai texts for its commands, if it has any of its own."""
    for area in (folder for folder in FOLDER.iterdir() if (folder / "__init__.py").exists()):
        assert (area / "locales" / "en.json").exists(), area.name
        assert (area / "locales" / "th.json").exists(), area.name


@app_commands.command()
@app_commands.describe(level="How much")
@app_commands.choices(level=[app_commands.Choice(name="high", value=3)])
async def warn(_interaction: Interaction, level: int) -> None:
    """Warn somebody."""


NEEDED = {
    "warn.name": "เตือน",
    "warn.description": "เตือน",
    "warn.level.name": "ระดับ",
    "warn.level.description": "เท่าใด",
    "warn.level.choice.high": "สูง",
}


def test_problems_are_said_with_their_key() -> None:
    """A text that is missing, stale, too long, empty, in upper case or no name is told."""
    commands: list[object] = [warn]
    assert list(problems_of(commands, NEEDED)) == []  # type: ignore[arg-type]
    broken = {
        "warn.name": "two words",
        "warn.description": "x" * 101,
        "warn.level.name": "LEVEL",
        "warn.level.choice.high": "",
        "warn.colour.name": "x",
    }
    assert sorted(problems_of(commands, broken)) == [  # type: ignore[arg-type]
        "warn.colour.name belongs to no command",
        "warn.description: it is 101 characters long, not 1 to 100",
        "warn.level.choice.high: it is 0 characters long, not 1 to 100",
        "warn.level.description is missing",
        "warn.level.name: 'LEVEL' is not in lower case",
        "warn.name: 'two words' is no name: 1 to 32 letters, digits, - and _, without spaces",
    ]


def test_a_menus_entry_needs_a_name_alone() -> None:
    """An entry of a context menu has no description."""
    menu = app_commands.ContextMenu(name="Report it", callback=_menu)
    assert [key for key, _ in keys_of([menu])] == ["Report it.name"]
    assert list(problems_of([menu], {"Report it.name": "x" * 33})) == [
        "Report it.name: it is 33 characters long, not 1 to 32"
    ]


async def _menu(_interaction: Interaction, _message: Message) -> None:
    """Do nothing."""


async def test_a_choice_is_known_by_its_parameter(tmp_path: Path) -> None:
    """discord.py does not say whose a choice is; it gets the text of its own parameter all the same."""
    (tmp_path / "commands.th.json").write_text('{"warn.level.choice.high": "สูง"}', encoding="utf-8")
    texts = Texts()
    texts.add(tmp_path)
    (parameter,) = warn._params.values()
    parameter._convert_to_locale_strings()
    payload = await parameter.get_translated_payload(texts, warn.parameters[0])
    assert payload["choices"][0]["name_localizations"] == {"th": "สูง"}


async def test_other_languages_keep_english(tmp_path: Path) -> None:
    """A locale that the bot does not speak gets no text, so Discord shows the English one."""
    texts = Texts()
    texts.tables[Language.THAI]["warn.name"] = "เตือน"
    place: app_commands.TranslationContext[Any, Any] = app_commands.TranslationContext(
        app_commands.TranslationContextLocation.command_name, warn
    )
    text = app_commands.locale_str("warn")
    assert await texts.translate(text, Locale.german, place) is None
    assert await texts.translate(text, Locale.thai, place) == "เตือน"


async def test_broken_texts_are_an_error(tmp_path: Path) -> None:
    """A file that is no JSON is refused, and not passed over."""
    (tmp_path / "commands.th.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting"):
        Texts().add(tmp_path)


def test_features_have_one_name() -> None:
    """A feature is called the same where it is refused and where it is switched."""
    for language in Language:
        core = json.loads((FOLDER.parent / "locales" / f"{language}.json").read_text(encoding="utf-8"))
        area = json.loads((FOLDER / "settings" / "locales" / f"{language}.json").read_text(encoding="utf-8"))
        for feature in Feature:
            assert core[f"core.feature.{feature}"] == area[f"settings.feature.{feature}"]
