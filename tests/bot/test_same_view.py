"""Whatever people do and whatever breaks: once all is quiet, the bot sees what there is."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from discord.backoff import ExponentialBackoff
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from localdiscord import LocalDiscord
from localdiscord.actions import channels, members, roles
from localdiscord.gateway.codes import Close
from localdiscord.model.channel import ChannelType
from reference.bot import Bot, build_bot
from reference.config import LimitSettings, Settings
from reference.utils.database.database import Database
from tests.bot.conftest import running
from tests.bot.settling import settled

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import discord as client

    from localdiscord.model.message import Message
    from localdiscord.model.user import User

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda text: bool(text.strip())
)
PICK = st.integers(0, 2**16)
RESUMABLE = (Close.UNKNOWN_ERROR, Close.SESSION_TIMED_OUT, Close.RATE_LIMITED)


class SameView(RuleBasedStateMachine):
    """People act, connections break, and the bot must not lose its view of the guild."""

    def __init__(self) -> None:
        """Bring up a local Discord with the bot on it."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="same-view-"))
        self.runner = asyncio.Runner()
        self.known_since = 0
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(ExponentialBackoff, "delay", lambda _self: 0.0)
        self.patches.setattr(Bot, "before_identify_hook", _at_once)
        self.patches.setattr(Database, "_instance", None)
        self.runner.run(self._start())

    async def _start(self) -> None:
        self.discord = LocalDiscord()
        await self.discord.start()
        self.guild = self.discord.town.guild
        self.owner = self.discord.person(self.discord.town.owner)
        chosen = Settings(data=self.folder, limits=LimitSettings(commands=1000))
        self.bot: Bot = build_bot(chosen, connector=self.discord.connector(), guild_ready_timeout=0)
        self._running: AbstractAsyncContextManager[None] = running(self.bot, self.discord)
        await self._running.__aenter__()

    def teardown(self) -> None:
        """Take everything down."""

        async def stop() -> None:
            await self._running.__aexit__(None, None, None)
            assert await Database().close_pool()
            await self.discord.stop()

        try:
            self.runner.run(stop())
        finally:
            self.runner.close()
            self.patches.undo()
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- what there is to pick from ------------------------------------------------------------------------------

    @property
    def people(self) -> list[User]:
        """The members who are people and not the owner."""
        return [
            each.user for each in self.guild.members.values() if not each.user.bot and each.user is not self.owner.user
        ]

    @property
    def messages(self) -> list[Message]:
        """The messages of people."""
        return [
            message
            for channel in self.guild.channels.values()
            for message in channel.messages.values()
            if not message.author.bot
        ]

    # -- what people do ------------------------------------------------------------------------------------------

    def _act(self, act: Any, *arguments: Any) -> None:
        async def run() -> None:
            act(*arguments)

        self.runner.run(run())

    @rule(words=WORDS)
    def say(self, words: str) -> None:
        """Somebody writes."""
        self._act(self.owner.say, self.discord.town.channels["general"], words)

    @precondition(lambda self: self.messages)
    @rule(pick=PICK, words=WORDS)
    def edit(self, pick: int, words: str) -> None:
        """Somebody changes what they wrote."""
        message = self.messages[pick % len(self.messages)]
        self._act(self.discord.person(message.author).edit, message, words)

    @precondition(lambda self: self.messages)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        """A message is deleted."""
        self._act(self.owner.delete, self.messages[pick % len(self.messages)])

    @precondition(lambda self: self.messages)
    @rule(pick=PICK, emoji=st.sampled_from("👍🎉❤"))
    def react(self, pick: int, emoji: str) -> None:
        """Somebody reacts."""
        self._act(self.owner.react, self.messages[pick % len(self.messages)], emoji)

    @rule(name=st.text("abcdefgh", min_size=2, max_size=8))
    def join(self, name: str) -> None:
        """Somebody new comes in."""
        self._act(members.join, self.discord.world, self.guild, self.discord.world.add_user(name))

    @precondition(lambda self: self.people)
    @rule(pick=PICK)
    def leave(self, pick: int) -> None:
        """Somebody leaves."""
        self._act(members.leave, self.discord.world, self.guild, self.people[pick % len(self.people)])

    @precondition(lambda self: self.people)
    @rule(pick=PICK, nick=st.none() | st.text("abcdefgh", min_size=1, max_size=8))
    def rename(self, pick: int, nick: str | None) -> None:
        """The owner gives somebody another nick."""
        member = self.guild.members[self.people[pick % len(self.people)].id]
        self._act(members.change, self.discord.world, self.guild, self.owner.user, member, {"nick": nick})

    @rule(name=st.text("abcdefgh", min_size=1, max_size=8), pick=PICK)
    def give_role(self, name: str, pick: int) -> None:
        """The owner makes a role, and gives it to somebody."""

        def act() -> None:
            role = roles.create(self.discord.world, self.guild, self.owner.user, {"name": name})
            if self.people:
                member = self.guild.members[self.people[pick % len(self.people)].id]
                members.add_role(self.discord.world, self.guild, self.owner.user, member, role.id)

        self._act(act)

    @precondition(lambda self: len(self.guild.roles) > 3)
    @rule(pick=PICK)
    def delete_role(self, pick: int) -> None:
        """The owner deletes a role."""
        free = [role for role in self.guild.roles.values() if not role.managed and role.id != self.guild.id]
        self._act(roles.delete, self.discord.world, self.guild, self.owner.user, free[pick % len(free)])

    @rule(name=st.text("abcdefgh", min_size=1, max_size=8), topic=WORDS)
    def make_channel(self, name: str, topic: str) -> None:
        """The owner makes a channel."""
        values = {"name": name, "type": ChannelType.TEXT, "topic": topic}
        self._act(channels.create, self.discord.world, self.guild, self.owner.user, values)

    @precondition(lambda self: len(self.guild.channels) > 9)
    @rule()
    def delete_channel(self) -> None:
        """The owner deletes the newest channel."""
        newest = self.guild.channels[max(self.guild.channels)]
        self._act(channels.delete, self.discord.world, newest, self.owner.user)

    @rule(name=st.sampled_from(["Lounge", "Studio"]), pick=PICK)
    def move_between_voice_channels(self, name: str, pick: int) -> None:
        """Somebody joins a voice channel, or leaves it."""
        channel = self.discord.town.channels[name]
        person = self.discord.person([*self.people, self.owner.user][pick % (len(self.people) + 1)])
        state = self.guild.voice_states.get(person.user.id)
        is_there = state is not None and state.channel_id == channel.id
        self._act(person.leave_voice if is_there else person.join_voice, channel)

    # -- what breaks ---------------------------------------------------------------------------------------------

    @rule(kind=st.sampled_from(["drop", "half_frame", "reconnect"]))
    def break_off(self, kind: str) -> None:
        """The connection breaks, and what is missed has to be told again."""
        self._act(getattr(self.discord.faults, kind))

    @rule(code=st.sampled_from(RESUMABLE))
    def close(self, code: Close) -> None:
        """Discord closes the connection with a code after which clients come back."""
        self._act(self.discord.faults.close, code)

    @rule(resumable=st.booleans())
    def invalidate(self, *, resumable: bool) -> None:
        """Discord declares the session invalid; what was told in it of messages cannot be told again."""
        self._act(lambda: self.discord.faults.invalidate(resumable=resumable))
        if not resumable:
            self.known_since = self.discord.world.snowflakes.next()

    # -- what must hold ------------------------------------------------------------------------------------------

    @invariant()
    def the_bot_sees_what_there_is(self) -> None:
        """Members, roles, channels, voice and messages are the same on both sides."""
        self.runner.run(self._settle())
        seen = self.bot.get_guild(self.guild.id)
        assert seen is not None
        assert _seen(seen) == self._there()
        cached = {each.id: each.content for each in self.bot.cached_messages if each.id > self.known_since}
        written = {each.id: each.content for each in self.messages if each.id > self.known_since}
        assert {key: cached.get(key) for key in written} == written
        there = {key for channel in self.guild.channels.values() for key in channel.messages}
        assert cached.keys() <= there

    async def _settle(self) -> None:
        async with asyncio.timeout(10):
            await self.discord.until(lambda: self.discord.sessions)
            await settled(self.discord, 10)
            guild = self.bot.get_guild(self.guild.id)
            if guild is not None and not guild.chunked:
                await guild.chunk()
                await settled(self.discord, 10)

    def _there(self) -> dict[str, Any]:
        guild = self.guild
        voice = {key: state.channel_id for key, state in guild.voice_states.items() if state.channel_id}
        return {
            "members": {
                member.user.id: (member.user.username, member.nick, sorted(member.roles))
                for member in guild.members.values()
            },
            "roles": {role.id: (role.name, int(role.permissions), role.position) for role in guild.roles.values()},
            "channels": {channel.id: (channel.name, channel.topic) for channel in guild.channels.values()},
            "voice": voice,
        }


async def _at_once(_bot: Bot, _shard_id: int | None, *, initial: bool = False) -> None:
    """Identify without a pause, also again, where discord.py waits five seconds."""


def _seen(guild: client.Guild) -> dict[str, Any]:
    voice = {member.id: member.voice.channel.id for member in guild.members if member.voice and member.voice.channel}
    return {
        "members": {
            member.id: (member.name, member.nick, sorted(role.id for role in member.roles[1:]))
            for member in guild.members
        },
        "roles": {role.id: (role.name, role.permissions.value, role.position) for role in guild.roles},
        "channels": {channel.id: (channel.name, getattr(channel, "topic", None)) for channel in guild.channels},
        "voice": voice,
    }


TestSameView = SameView.TestCase
TestSameView.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
