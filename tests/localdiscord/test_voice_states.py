"""Facts about voice states: who may enter, move and mute whom, what is told of it, and what a bot asks for in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localdiscord import DiscordError, LocalDiscord
from localdiscord.actions import voice
from localdiscord.gateway.session import Session
from localdiscord.intents import Intents
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.user import User


class Place:
    """A local Discord that does not listen, and what its gateway tells a bot."""

    def __init__(self) -> None:
        self.discord = LocalDiscord()
        self.world, self.town = self.discord.world, self.discord.town
        self.guild, self.bot = self.town.guild, self.town.application.bot
        self.lounge, self.studio = self.town.channels["Lounge"], self.town.channels["Studio"]
        self.carol, self.somchai = self.town.members
        self.session = Session(self.world, self.town.application, Intents.GUILDS | Intents.GUILD_VOICE_STATES)
        self.discord.sessions[self.session.id] = self.session

    def told(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a name that the bot was told."""
        return [payload["d"] for payload in self.session.history if payload["t"] == name]

    def where(self, user: User) -> int | None:
        """Return the channel that somebody is in."""
        state = self.guild.voice_states.get(user.id)
        return state.channel_id if state else None

    def ask(self, **data: Any) -> None:
        """Send the gateway's op 4 as a bot."""
        self.discord.voice_bridge.ask(self.session, {"guild_id": self.guild.id, "self_mute": False} | data)

    def forbid(self, permission: Permissions, user: User) -> None:
        """Deny somebody a permission in the lounge."""
        self.lounge.overwrites.append(Overwrite(user.id, 1, deny=permission))


@pytest.fixture
def place() -> Place:
    """A local Discord that does not listen."""
    return Place()


def test_joining_is_told(place: Place) -> None:
    """Whoever joins, changes what is muted, moves and leaves is told of each time, in one voice session."""
    voice.join(place.world, place.lounge, place.carol)
    voice.join(place.world, place.lounge, place.carol, self_mute=True, self_deaf=True)
    voice.join(place.world, place.studio, place.carol)
    voice.leave(place.world, place.guild, place.carol)
    voice.leave(place.world, place.guild, place.carol)
    updates = place.told("VOICE_STATE_UPDATE")
    places = [str(place.lounge.id), str(place.lounge.id), str(place.studio.id), None]
    assert [update["channel_id"] for update in updates] == places
    assert [update["self_mute"] for update in updates] == [False, True, False, False]
    assert len({update["session_id"] for update in updates}) == 1
    assert {update["member"]["user"]["id"] for update in updates} == {str(place.carol.id)}


def test_who_is_in_voice_is_told_at_the_beginning(place: Place) -> None:
    """GUILD_CREATE holds the voice states, without guild and member."""
    voice.join(place.world, place.lounge, place.carol)
    (state,) = place.guild.create_payload([place.guild.member(place.carol.id)])["voice_states"]
    assert state["user_id"] == str(place.carol.id)
    assert not state.keys() & {"guild_id", "member"}


@pytest.mark.parametrize("permission", [Permissions.CONNECT, Permissions.VIEW_CHANNEL])
def test_a_closed_channel_is_not_entered(place: Place, permission: Permissions) -> None:
    """Without the permissions to see and to connect nobody enters."""
    place.forbid(permission, place.carol)
    with pytest.raises(DiscordError):
        voice.join(place.world, place.lounge, place.carol)
    assert place.where(place.carol) is None


def test_a_text_channel_is_no_voice_channel(place: Place) -> None:
    """Nobody enters a text channel by voice."""
    with pytest.raises(DiscordError, match="50035"):
        voice.join(place.world, place.town.channels["general"], place.carol)


def test_a_full_channel_takes_only_movers(place: Place) -> None:
    """A full channel refuses members, and lets in those who may move others; who is in it may mute itself."""
    place.lounge.user_limit = 1
    voice.join(place.world, place.lounge, place.carol)
    voice.join(place.world, place.lounge, place.carol, self_mute=True)
    with pytest.raises(DiscordError):
        voice.join(place.world, place.lounge, place.somchai)
    voice.join(place.world, place.lounge, place.town.moderator)
    assert place.where(place.town.moderator) == place.lounge.id


def test_who_may_not_speak_is_suppressed(place: Place) -> None:
    """Without the permission to speak a member is in the channel, and heard by nobody."""
    place.forbid(Permissions.SPEAK, place.carol)
    state = voice.join(place.world, place.lounge, place.carol)
    assert (state.suppress, state.is_heard, state.hears) == (True, False, True)
    assert not voice.join(place.world, place.studio, place.carol).suppress


def test_moderators_move_and_disconnect(place: Place) -> None:
    """A moderator moves and disconnects others; a member may not, and nobody can who is in no channel."""
    moderator = place.discord.person(place.town.moderator)
    voice.join(place.world, place.lounge, place.carol)
    moderator.move_to_voice(place.carol, place.studio)
    moderator.move_to_voice(place.carol, place.studio)
    assert place.where(place.carol) == place.studio.id
    assert len(place.told("VOICE_STATE_UPDATE")) == 2
    with pytest.raises(DiscordError):
        voice.move(place.world, place.somchai, place.guild, place.carol, place.lounge)
    with pytest.raises(DiscordError):
        voice.disconnect(place.world, place.somchai, place.guild, place.carol)
    moderator.disconnect_from_voice(place.carol, place.studio)
    assert place.where(place.carol) is None
    with pytest.raises(DiscordError, match="40032"):
        voice.disconnect(place.world, place.town.moderator, place.guild, place.carol)


def test_moderators_mute_and_deafen(place: Place) -> None:
    """Muted and deafened by a moderator, a member is not heard and hears nothing, in other channels as well."""
    voice.join(place.world, place.lounge, place.carol)
    voice.mute(place.world, place.town.owner, place.guild, place.carol, on=True)
    voice.deafen(place.world, place.town.owner, place.guild, place.carol, on=True)
    state = voice.join(place.world, place.studio, place.carol)
    assert (state.is_heard, state.hears) == (False, False)
    voice.mute(place.world, place.town.owner, place.guild, place.carol, on=False)
    voice.deafen(place.world, place.town.owner, place.guild, place.carol, on=False)
    assert (state.is_heard, state.hears) == (True, True)
    with pytest.raises(DiscordError):
        voice.deafen(place.world, place.town.moderator, place.guild, place.carol, on=True)


def test_a_bot_is_told_where_to_connect(place: Place) -> None:
    """A bot that joins is told state, then server; when it mutes itself only the state; when it moves both again."""
    place.ask(channel_id=place.lounge.id)
    place.ask(channel_id=str(place.lounge.id), self_mute=True)
    place.ask(channel_id=place.studio.id)
    names = [payload["t"] for payload in place.session.history]
    assert names == ["VOICE_STATE_UPDATE", "VOICE_SERVER_UPDATE", *["VOICE_STATE_UPDATE"] * 2, "VOICE_SERVER_UPDATE"]
    first, second = place.told("VOICE_SERVER_UPDATE")
    assert first["endpoint"] == second["endpoint"] == "local.discord.media:443"
    assert first["token"] != second["token"]
    assert {update["session_id"] for update in place.told("VOICE_STATE_UPDATE")} == {place.session.id}
    place.ask(channel_id=None)
    assert place.discord.voice.session(place.guild.id, place.bot.id) is None


def test_a_bot_that_lost_its_connection_is_told_again(place: Place) -> None:
    """A bot that asks for the channel it is in, without a voice connection, gets the same credentials again."""
    place.ask(channel_id=place.lounge.id)
    session = place.discord.voice.session(place.guild.id, place.bot.id)
    assert session is not None
    session.identified = True
    place.ask(channel_id=place.lounge.id)
    first, second = place.told("VOICE_SERVER_UPDATE")
    assert first == second


def test_what_a_bot_may_not_is_passed_over(place: Place) -> None:
    """Op 4 for an unknown guild or channel, or for a closed channel, is answered with nothing, as on Discord."""
    place.guild.members[place.bot.id].roles.clear()
    place.forbid(Permissions.CONNECT, place.bot)
    place.ask(channel_id=place.lounge.id)
    place.ask(channel_id=5)
    place.ask(guild_id=5, channel_id=place.lounge.id)
    assert list(place.session.history) == []


def test_a_bot_whose_session_is_over_leaves_voice(place: Place) -> None:
    """A bot whose gateway session is forgotten is out of voice; others stay."""
    place.ask(channel_id=place.lounge.id)
    voice.join(place.world, place.lounge, place.carol)
    place.discord.voice_bridge.forget(place.session)
    assert place.where(place.bot) is None
    assert place.where(place.carol) == place.lounge.id


async def test_voice_states_are_read_by_rest() -> None:
    """A bot reads its own voice state and a member's; others' are unknown; the region is this machine."""
    async with LocalDiscord() as discord, aiohttp.ClientSession() as http:
        town = discord.town
        guild, token = town.guild, {"Authorization": f"Bot {town.application.token}"}
        voice.join(discord.world, town.channels["Lounge"], town.members[0])
        voice.join(discord.world, town.channels["Lounge"], town.application.bot)

        async def get(path: str) -> tuple[int, Any]:
            async with http.get(f"{discord.url}/api/v10{path}", headers=token) as answer:
                return answer.status, await answer.json()

        places = (f"@me {town.application.bot.id}", f"{town.members[0].id} {town.members[0].id}")
        for path, user in (each.split() for each in places):
            status, state = await get(f"/guilds/{guild.id}/voice-states/{path}")
            assert (status, state["user_id"]) == (200, user)
        status, refusal = await get(f"/guilds/{guild.id}/voice-states/{town.members[1].id}")
        assert (status, refusal["code"]) == (404, 10065)
        status, regions = await get("/voice/regions")
        assert (status, [region["id"] for region in regions]) == (200, ["local"])
