"""What the bot keeps about people: they get it, it is forgotten, and no table is left out."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from reference.privacy import Privacy
from reference.utils.database.database import Database

if TYPE_CHECKING:
    from tests.bot.conftest import Stage

USER_COLUMNS = ("user_id", "author_id", "member_id", "moderator_id", "target_id", "owner_id", "creator_id")


def table_columns(raw: object) -> dict[str, set[str]]:
    """Return the columns of each table of a database."""
    names = [row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]  # type: ignore[attr-defined]
    return {name: {row[1] for row in raw.execute(f"PRAGMA table_info({name})")} for name in names}  # type: ignore[attr-defined]


async def test_every_table_with_a_person_in_it_is_answered_for(stage: Stage) -> None:
    """Each table with a column for a person is named by an area that exports and forgets it."""
    tables = await stage.bot.database.read(table_columns)
    with_people = {name for name, columns in tables.items() if columns.intersection(USER_COLUMNS)}
    assert with_people - stage.bot.privacy.tables == set()
    assert stage.bot.privacy.tables - tables.keys() == set()


async def test_everybody_gets_what_is_kept(stage: Stage) -> None:
    """`/privacy export` answers with a file for the asker's eyes alone, which holds the counters and an incident."""
    member = stage.town.members[0]
    await stage.bot.database.increment_user_stat(member.id, stage.town.guild.id, "messages_count", 3)
    await stage.bot.errors.incidents.add("abc", ValueError("x"), "/test", None, member.id)
    reply = await stage.member.reply(stage.member.slash(stage.channels["general"], "privacy export"))
    assert reply.is_ephemeral
    (attachment,) = reply.attachments
    assert attachment["filename"] == "my-data.json"
    async with (
        aiohttp.ClientSession(connector=stage.discord.connector()) as session,
        session.get(attachment["url"]) as response,
    ):
        kept = json.loads(await response.read())["kept"]
    assert kept["stats"][0]["messages_count"] == 3
    assert kept["incidents"][0]["id"] == "abc"


async def test_nothing_is_kept_of_a_stranger(stage: Stage) -> None:
    """Somebody of whom nothing is kept is told so, without a file."""
    reply = await stage.thai.reply(stage.thai.slash(stage.channels["general"], "privacy export"))
    assert reply.content.startswith("ฉันไม่ได้เก็บ")
    assert not reply.attachments


async def test_a_text_command_is_answered_in_a_direct_message(stage: Stage) -> None:
    """After `!privacy export` the file comes as a direct message, and the channel learns only that it was sent."""
    general, member = stage.channels["general"], stage.town.members[0]
    await stage.bot.database.increment_user_stat(member.id, stage.town.guild.id, "messages_count", 3)
    stage.member.say(general, "!privacy export")
    told = await stage.member.expect(general, lambda message: "direct message" in message.content)
    assert not told.attachments


async def test_who_confirms_is_forgotten(stage: Stage) -> None:
    """`/privacy forget` asks, forgets on the button, and says what stays and why."""
    member, database = stage.town.members[0], stage.bot.database
    await database.increment_user_stat(member.id, stage.town.guild.id, "messages_count", 3)
    await stage.bot.errors.incidents.add("abc", ValueError("x"), "/test", None, member.id)
    stage.bot.tokens.record(member.id, 3, 4)
    asked = stage.member.slash(stage.channels["general"], "privacy forget")
    question = await stage.member.reply(asked)
    pressed = stage.member.click(question, "Forget me")
    await stage.member.answered(pressed)
    await stage.settled()
    assert "audit log" in asked.original.content  # type: ignore[union-attr]
    kept = await stage.bot.privacy.export(member.id)
    assert kept.keys() <= {"audit log"}
    incident = await stage.bot.errors.incidents.get("abc")
    assert incident is not None
    assert incident.user_id is None


async def test_who_cancels_is_not_forgotten(stage: Stage) -> None:
    """The other button leaves everything as it is."""
    member = stage.town.members[0]
    await stage.bot.database.increment_user_stat(member.id, stage.town.guild.id, "messages_count", 3)
    asked = stage.member.slash(stage.channels["general"], "privacy forget")
    question = await stage.member.reply(asked)
    await stage.member.answered(stage.member.click(question, "Cancel"))
    await stage.settled()
    assert asked.original.content == "Cancelled."  # type: ignore[union-attr]
    assert "stats" in await stage.bot.privacy.export(member.id)


async def test_a_question_that_nobody_answered_ends_with_the_bot(stage: Stage) -> None:
    """Buttons that were not pressed keep no task waiting after the bot was closed."""
    await stage.member.reply(stage.member.slash(stage.channels["general"], "privacy forget"))
    await stage.settled()
    assert [name for name in waiting() if "timeout" in name]
    await stage.bot.close()
    await asyncio.sleep(0)
    assert not [name for name in waiting() if "timeout" in name]


def waiting() -> list[str]:
    """Return the names of the coroutines of all tasks."""
    return [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]


async def test_what_is_kept_is_listed(stage: Stage) -> None:
    """`/privacy info` names what the areas keep."""
    reply = await stage.member.reply(stage.member.slash(stage.channels["general"], "privacy info"))
    assert "stats" in reply.content
    assert "audit log" in reply.content


async def test_what_is_too_large_is_packed_and_what_is_larger_still_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that Discord would not take is packed; where that is not enough, the operator hears of it."""
    alerts: list[str] = []
    monkeypatch.setattr(stage.bot, "alert", lambda title, *_: alerts.append(title))
    member, general = stage.town.members[0], stage.channels["general"]
    await stage.bot.database.increment_user_stat(member.id, stage.town.guild.id, "messages_count", 3)
    monkeypatch.setattr(sys.modules["reference.cogs.privacy.cog"], "LARGEST", 300)
    reply = await stage.member.reply(stage.member.slash(general, "privacy export"))
    assert reply.attachments[0]["filename"] == "my-data.json.gz"
    monkeypatch.setattr(sys.modules["reference.cogs.privacy.cog"], "LARGEST", 10)
    refused = await stage.member.reply(stage.member.slash(general, "privacy export"))
    assert "more than Discord takes" in refused.content
    assert alerts == ["An export is too large"]


async def test_what_could_not_be_forgotten_is_told_to_person_and_operator(stage: Stage) -> None:
    """A part that fails is named to the person, and is an incident for the operator."""

    async def nothing(_user_id: int) -> None:
        return None

    async def fail(_user_id: int) -> int:
        raise OSError("the disk is full")

    stage.bot.privacy.register("diary", nothing, fail)
    asked = stage.member.slash(stage.channels["general"], "privacy forget")
    question = await stage.member.reply(asked)
    await stage.member.answered(stage.member.click(question, "Forget me"))
    await stage.settled()
    assert asked.original is not None
    assert "could not be forgotten now; my owner was told: diary" in asked.original.content
    (incident,) = await stage.bot.errors.incidents.recent()
    assert (incident.place, incident.error_type) == ("privacy forget: diary", "OSError")


@pytest.fixture
def privacy(monkeypatch: pytest.MonkeyPatch) -> Privacy:
    """A registry without a bot."""
    monkeypatch.setattr(Database, "_instance", None)
    return Privacy(Database())


async def test_a_keeper_that_fails_is_named_and_keeps_no_other_from_it(privacy: Privacy) -> None:
    """Where one part cannot forget, the others do, and its failure is told."""
    forgotten = []

    async def export(_user_id: int) -> list[int]:
        return []

    async def forget(user_id: int) -> int:
        forgotten.append(user_id)
        return 2

    async def fail(_user_id: int) -> int:
        raise OSError("the disk is full")

    privacy.register("a", export, fail, stays="a.stays")
    privacy.register("b", export, forget, tables={"t"}, stays="b.stays")
    told = await privacy.forget(7)
    assert (told.entries, told.stays, [name for name, _ in told.failed]) == (2, ("b.stays",), ["a"])
    assert forgotten == [7]
    assert await privacy.export(7) == {}
    assert privacy.tables == {"t"}
