"""What the bot can do, for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bot.conftest import Stage


async def test_help_lists_what_somebody_may_use(stage: Stage) -> None:
    """A member sees the commands of everybody and not the operator's; the owner sees all."""
    general = stage.channels["general"]
    shown = []
    for person in (stage.member, stage.owner):
        (embed,) = (await person.reply(person.slash(general, "help"))).embeds
        shown.append(" ".join(field["value"] for field in embed["fields"]))
    assert "`/ping`" in shown[0]
    assert "`/privacy export`" in shown[0]
    assert "`/admin sync`" not in shown[0]
    assert "`/admin sync`" in shown[1]


async def test_help_tells_how_a_command_is_used_in_the_readers_language(stage: Stage) -> None:
    """With a name it tells what the command does and takes."""
    general = stage.channels["general"]
    (english,) = (await stage.owner.reply(stage.owner.slash(general, "help", command="/admin reload"))).embeds
    assert english["title"] == "/admin reload"
    assert english["description"].startswith("Read an area of the bot anew")
    assert english["fields"][0]["name"] == "area"
    (thai,) = (await stage.thai.reply(stage.thai.slash(general, "help", command="privacy export"))).embeds
    assert thai["description"].startswith("ให้ไฟล์")


async def test_help_knows_no_command_of_that_name(stage: Stage) -> None:
    """A name that is no command, or one of the operator's, is told, after a text command too."""
    general = stage.channels["general"]
    stage.member.say(general, "!help admin sync")
    answer = await stage.member.expect(general, lambda message: message.content.startswith("There is no command"))
    assert answer.content == "There is no command admin sync."


async def test_names_are_offered_while_typing(stage: Stage) -> None:
    """Discord offers the commands that somebody may use."""
    typed = stage.member.autocomplete(stage.channels["general"], "help", "command", "priv")
    offered = [choice["value"] for choice in await stage.member.choices(typed)]
    assert sorted(offered) == ["privacy export", "privacy forget", "privacy info"]
