"""Answers to errors that are hard to give: Discord has an answer already, knows of nothing, or refuses the channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from discord.ext import commands

from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions
from reference.commands import hybrid_command
from reference.refusals import Refused

if TYPE_CHECKING:
    from localdiscord.model.role import Role
    from tests.bot.conftest import Stage

Context = commands.Context[Any]
TOLD = "I could not find it."


class Hard(commands.Cog):
    """Commands whose errors are hard to answer."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @hybrid_command()
    async def answered(self, ctx: Context) -> None:
        """Answer, and forget that; then refuse."""
        assert ctx.interaction is not None
        await ctx.interaction.response.send_message("First.", ephemeral=True)
        ctx.interaction.response._response_type = None
        raise Refused("common.not_found", name="it")

    @hybrid_command()
    async def vanished(self, ctx: Context) -> None:
        """Refuse when Discord has forgotten the interaction, or the message."""
        if ctx.interaction is not None:
            del self.stage.discord.world.interactions[ctx.interaction.token]
        else:
            await ctx.message.delete()
        raise Refused("common.not_found", name="it")

    @hybrid_command()
    async def refuse(self, _ctx: Context) -> None:
        """Refuse kindly."""
        raise Refused("common.not_found", name="it")


@pytest.fixture
async def hard(stage: Stage) -> Stage:
    """A bot with commands whose errors are hard to answer."""
    await stage.bot.add_cog(Hard(stage))
    await stage.bot.sync_commands(force=True)
    return stage


async def test_what_discord_has_an_answer_to_is_answered_behind_it(hard: Stage) -> None:
    """Where an answer was given that the bot does not know of, the error follows it."""
    asked = hard.member.slash(hard.channels["general"], "answered")
    (told,) = await hard.member.follow_ups(asked)
    assert told.content == TOLD
    assert asked.original is not None
    assert asked.original.content == "First."


async def test_what_discord_has_forgotten_is_noted(hard: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """An interaction that is gone cannot be answered, and that is no incident."""
    hard.member.slash(hard.channels["general"], "vanished")
    await hard.settled()
    assert "a person could not be told" in caplog.text
    assert await hard.bot.errors.incidents.recent() == []


async def test_a_message_that_is_gone_is_answered_without_a_reply(hard: Stage) -> None:
    """Where the text command was deleted, the answer stands alone."""
    hard.member.say(hard.channels["general"], "!vanished")
    answer = await hard.member.expect(hard.channels["general"], lambda message: message.content == TOLD)
    assert answer.author == hard.town.application.bot


def bots_role(stage: Stage) -> Role:
    """Return the role that the bot has its permissions from."""
    return next(role for role in stage.town.guild.roles.values() if role.managed)


async def test_a_channel_that_refuses_is_no_reason_for_silence(hard: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Where the bot may not write, the person is told in a direct message."""
    general, role = hard.channels["general"], bots_role(hard)
    role.permissions = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY
    everyone = hard.town.guild.id
    general.overwrites.append(Overwrite(everyone, 0, deny=Permissions.SEND_MESSAGES))
    hard.owner.say(general, "!refuse")
    await hard.settled()
    assert [message.content for message in general.messages.values()] == ["!refuse"]
    assert "a person could not be told" not in caplog.text
    direct = [each for each in hard.discord.world.channels.values() if each.guild_id is None]
    assert [message.content for channel in direct for message in channel.messages.values()] == [TOLD]
