"""The operator's commands."""

from __future__ import annotations

import asyncio
import math
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from reference.cogs import FOLDER
from reference.cogs.admin.reloading import ReloadError, reload_area
from reference.privacy import Privacy
from reference.utils.localization import get_message

if TYPE_CHECKING:
    from pathlib import Path

    from localdiscord.model.message import Message
    from tests.bot.conftest import Stage


async def asked(stage: Stage, line: str, **options: Any) -> Message:
    """Use a command as the owner, and return its answer when all is done."""
    interaction = stage.owner.slash(stage.channels["general"], line, **options)
    await stage.owner.reply(interaction)
    await stage.settled()
    assert interaction.original is not None
    return interaction.original


async def test_ping_answers_in_the_language_of_the_asker(stage: Stage) -> None:
    """`/ping` answers in English, and in Thai to somebody whose client is Thai."""
    general = stage.channels["general"]
    english = await stage.owner.reply(stage.owner.slash(general, "ping"))
    thai = await stage.thai.reply(stage.thai.slash(general, "ping"))
    assert english.content.startswith("Pong")
    assert thai.content.startswith("ปอง")


async def test_ping_before_the_first_heartbeat(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Discord has answered a heartbeat the bot says that it knows no time yet."""
    monkeypatch.setattr(type(stage.bot), "latency", math.inf)
    answer = await stage.owner.reply(stage.owner.slash(stage.channels["general"], "ping"))
    assert answer.content == "Pong! How far away Discord is has not been measured yet."


@pytest.mark.parametrize(
    "line", ["health", "shards", "errors", "sync", "reload admin", "maintenance yes", "shutdown", "restart"]
)
async def test_nobody_but_the_owner_may(stage: Stage, line: str) -> None:
    """Each command of the operator is refused to others, also as a text command, and changes nothing."""
    general = stage.channels["general"]
    stage.moderator.say(general, f"!admin {line}")
    await stage.settled()
    assert list(general.messages.values())[-1].content == "Only my owner may do that."
    assert not stage.bot.is_ending


async def test_slash_commands_of_the_operator_are_not_offered_to_others(stage: Stage) -> None:
    """Discord's client shows them to administrators alone."""
    offered = {offer.name for offer in stage.member.commands(stage.channels["general"])}
    assert "ping" in offered
    assert not {name for name in offered if name.startswith("admin")}


async def test_health_says_what_the_health_page_says(stage: Stage) -> None:
    """`/admin health` shows status, figures and services, for the owner's eyes alone."""
    answer = await asked(stage, "admin health")
    assert answer.is_ephemeral
    (embed,) = answer.embeds
    assert embed["title"] in {"All is well", "Something is amiss"}
    shown = {field["name"]: field["value"] for field in embed["fields"]}
    assert shown["Servers"] == "1"
    assert "shard 0" in shown["Services"]
    assert "database" in shown["Services"]


async def test_shards_are_shown_one_by_one(stage: Stage) -> None:
    """`/admin shards` shows each connection."""
    (embed,) = (await asked(stage, "admin shards")).embeds
    assert embed["title"] == "1 shard"
    assert "1 servers, lost 0 times, resumed 0 times" in embed["description"]


async def test_errors_are_listed_and_looked_up_by_their_incident(stage: Stage) -> None:
    """`/admin errors` lists the newest; with an id it shows one, with its traceback as a file."""
    (none,) = (await asked(stage, "admin errors")).embeds
    assert none["title"] == "No errors are known."
    await stage.bot.errors.incidents.add("0123456789abcdef", ValueError("a *fault*"), "/test", 1, 2)
    (listed,) = (await asked(stage, "admin errors")).embeds
    assert "0123456789abcdef" in listed["description"]
    one = await asked(stage, "admin errors", incident=" 0123456789ABCDEF ")
    assert one.embeds[0]["description"] == r"a \*fault\*"
    assert one.attachments[0]["filename"] == "0123456789abcdef.txt"
    unknown = await asked(stage, "admin errors", incident="nothing")
    assert unknown.content.startswith("No incident nothing is known.")


async def test_sync_tells_discord_the_commands(stage: Stage) -> None:
    """`/admin sync` tells Discord all commands, and the audit log notes who asked for it."""
    stage.town.application.commands[None].pop(next(iter(stage.town.application.commands[None])), None)
    count = len(stage.bot.tree.get_commands())
    answer = await asked(stage, "admin sync")
    assert answer.content == f"Discord was told {count} commands."
    assert len(stage.town.application.commands[None]) == count
    (act,) = await stage.bot.audit.get_recent_actions(action="sync")
    assert act["actor_id"] == stage.town.owner.id


async def test_an_area_is_read_anew_without_losing_a_command(stage: Stage) -> None:
    """After `/admin reload` the same commands are there, of new modules, and answer."""
    before = {each.qualified_name for each in stage.bot.walk_commands()}
    module = sys.modules["reference.cogs.privacy.cog"]
    answer = await asked(stage, "admin reload", area="privacy")
    assert answer.content == "privacy was read anew."
    assert {each.qualified_name for each in stage.bot.walk_commands()} == before
    assert sys.modules["reference.cogs.privacy.cog"] is not module
    told = await stage.member.reply(stage.member.slash(stage.channels["general"], "privacy info"))
    assert "stats" in told.content


async def test_the_operators_area_can_read_itself_anew(stage: Stage) -> None:
    """The command that reloads belongs to the area that is reloaded, and goes on to answer."""
    assert (await asked(stage, "admin reload", area="admin")).content == "admin was read anew."
    assert (await asked(stage, "admin reload", area="admin")).content == "admin was read anew."


async def test_areas_are_offered_while_typing(stage: Stage) -> None:
    """Discord offers the names of areas."""
    typed = stage.owner.autocomplete(stage.channels["general"], "admin reload", "area", "pri")
    assert [choice["value"] for choice in await stage.owner.choices(typed)] == ["privacy"]


async def test_an_unknown_area_is_refused(stage: Stage) -> None:
    """A name that is no area is answered with those that are."""
    answer = await asked(stage, "admin reload", area="nothing")
    assert answer.content.startswith("There is no area nothing. There are: admin, help, privacy")


async def test_a_broken_area_stays_as_it_was(stage: Stage, tmp_path: Path) -> None:
    """A file that is no Python is found before anything is unloaded; the old commands go on."""
    cog = stage.bot.get_cog("Privacy")
    await asyncio.to_thread((tmp_path / "broken.py").write_text, "def broken(:\n", encoding="utf-8")
    with pytest.raises(ReloadError, match=r"broken\.py line 1"):
        await reload_area(stage.bot, "privacy", tmp_path)
    assert stage.bot.get_cog("Privacy") is cog


async def test_an_area_that_cannot_be_set_up_comes_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the new area fails as it is set up, the old one is set up again."""
    register, calls = Privacy.register, [0]

    def fail_once(*arguments: Any, **options: Any) -> None:
        calls[0] += 1
        if calls[0] == 1:
            raise ValueError("a new fault")
        register(*arguments, **options)

    monkeypatch.setattr(Privacy, "register", fail_once)
    answer = await asked(stage, "admin reload", area="privacy")
    assert "ValueError: a new fault" in answer.content
    told = await stage.member.reply(stage.member.slash(stage.channels["general"], "privacy info"))
    assert "stats" in told.content


async def test_broken_texts_are_told(stage: Stage, tmp_path: Path) -> None:
    """A file of texts that is no JSON keeps the area as it was."""
    await asyncio.to_thread(shutil.copytree, FOLDER / "privacy" / "locales", tmp_path / "locales")
    await asyncio.to_thread((tmp_path / "commands.th.json").write_text, "{", encoding="utf-8")
    with pytest.raises(ReloadError, match=r"commands\.th\.json"):
        await reload_area(stage.bot, "privacy", tmp_path)
    assert get_message("admin.pong", "en", milliseconds=1) == "Pong: 1 ms."


@pytest.mark.parametrize(("line", "restarts"), [("shutdown", False), ("restart", True)])
async def test_the_owner_ends_the_bot_in_order(stage: Stage, line: str, restarts: bool) -> None:
    """`/admin shutdown` and `/admin restart` answer first, and end the bot then; the audit log notes it."""
    begun = asyncio.Event()

    async def note() -> None:
        begun.set()

    stage.bot.ending.before_leaving("test", note)
    answer = await stage.owner.reply(stage.owner.slash(stage.channels["general"], f"admin {line}"))
    assert answer.content.startswith("I finish what I am doing")
    await asyncio.wait_for(begun.wait(), 5)
    report: Any = await stage.bot.ending._under_way  # type: ignore[misc]
    assert report.ok
    assert stage.bot.is_closed()
    assert stage.bot.is_restarting is restarts
    (act,) = await stage.bot.audit.get_recent_actions(action=line)
    assert act["actor_id"] == stage.town.owner.id


async def test_while_the_bot_rests_it_works_for_its_owner_alone(stage: Stage) -> None:
    """`/admin maintenance` refuses everybody else, in commands of both kinds, until it is over; Discord shows it."""
    general = stage.channels["general"]
    assert (await asked(stage, "admin maintenance", on=True)).content.startswith("I rest now")
    refused = await stage.member.reply(stage.member.slash(general, "ping"))
    assert refused.content.startswith("I am being looked after")
    stage.member.say(general, "!ping")
    await stage.member.expect(general, lambda message: message.content.startswith("I am being looked after"))
    assert (await asked(stage, "ping")).content.startswith("Pong")
    assert (await asked(stage, "admin maintenance", on=False)).content.startswith("I am back")
    answer = await stage.member.reply(stage.member.slash(general, "ping"))
    assert answer.content.startswith("Pong")
