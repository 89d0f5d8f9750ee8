"""Facts about the texts of the community area: each is there in both languages, and fits Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference.texts import problems_of
from reference.utils.localization import Language, check_locales
from tests.bot.square import settings, square

if TYPE_CHECKING:
    from tests.bot.square import Square

__all__ = ["settings", "square"]


async def test_everything_is_said_in_both_languages(square: Square) -> None:
    """Answers have the same keys and placeholders in English and Thai; commands have Thai names that Discord takes."""
    assert check_locales() == []
    assert list(problems_of(square.bot.tree.get_commands(), square.bot.texts.tables[Language.THAI])) == []


async def test_the_area_answers_for_its_tables(square: Square) -> None:
    """Each of the area's tables with people in it is exported and forgotten by somebody."""
    tables = {"reminder", "time_zone", "poll", "poll_vote"}
    assert tables <= square.bot.privacy.tables
