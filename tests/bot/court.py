"""The stage with what moderation needs; tests import the fixtures by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reference import bot as bot_module

if TYPE_CHECKING:
    from localdiscord import Person
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from reference.config import Settings
    from tests.bot.conftest import Stage

__all__ = ["Court", "court", "settings"]


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot with moderation alone."""
    monkeypatch.setattr(bot_module, "AREAS", ("moderation",))
    return settings


class Court:
    """The stage with what moderation needs."""

    def __init__(self, stage: Stage) -> None:
        """Name who is who."""
        self.stage = stage
        self.guild = stage.town.guild
        self.world = stage.discord.world
        self.general, self.log = stage.channels["general"], stage.channels["mod-log"]
        self.alice, self.bob, self.carol, self.somchai = stage.owner, stage.moderator, stage.member, stage.thai
        self.bot = stage.bot
        cog: Any = stage.bot.get_cog("Members")
        self.acts: Any = cog.acts

    async def open_log(self) -> None:
        """Choose the channel of the mod-log."""
        await self.bot.guild_configs.save(self.guild.id, log_channel_id=self.log.id)

    async def use(self, person: Person, command: str, /, **options: Any) -> str:
        """Have somebody use a command; return what the bot answers."""
        message = await person.reply(person.slash(self.general, command, **options))
        return message.content

    def logged(self) -> list[dict[str, Any]]:
        """Return what stands in the mod-log, the oldest first."""
        return [embed for message in self.log.messages.values() for embed in message.embeds]

    def direct(self, user: User) -> list[Message]:
        """Return what the bot wrote to somebody directly."""
        channels = [channel for channel in self.world.channels.values() if user in channel.recipients]
        return [message for channel in channels for message in channel.messages.values()]

    async def case(self, number: int) -> Any:
        """Return a case."""
        return await self.acts.store.find(self.guild.id, number)

    async def audited(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of one kind of the bot's audit log."""
        return await self.bot.database.get_audit_logs(guild_id=self.guild.id, action_type=f"moderation.{kind}")


@pytest.fixture
async def court(stage: Stage) -> Court:
    """A stage with a mod-log."""
    court = Court(stage)
    await court.open_log()
    return court
