"""The operator's commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bot.conftest import Stage


async def test_ping_answers_in_the_language_of_the_asker(stage: Stage) -> None:
    """`/ping` answers in English, and in Thai to somebody whose client is Thai."""
    general = stage.channels["general"]
    english = await stage.owner.reply(stage.owner.slash(general, "ping"))
    thai = await stage.thai.reply(stage.thai.slash(general, "ping"))
    assert english.content.startswith("Pong")
    assert thai.content.startswith("ปอง")
