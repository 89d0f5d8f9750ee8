"""The page's server part, spoken to as the page does: with a real client, over a real websocket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from discord import VoiceChannel, VoiceClient

from localdiscord import LocalDiscord
from localdiscord.model.channel import Overwrite
from localdiscord.permissions import ALL, Permissions
from localdiscord.web import connection, using
from localdiscord.web.guard import is_own_host, is_own_origin
from tests.localdiscord.showcase import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class PageClient:
    """What the page is to the server: questions with numbers, and news in between."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.number = 0
        self.news: list[dict[str, Any]] = []

    async def ask(self, what: str, **args: Any) -> Any:
        """Ask, and return the answer; what comes before it is kept as news."""
        self.number += 1
        await self.socket.send_json({"n": self.number, "do": what, **args})
        while True:
            message = await self.socket.receive_json(timeout=5)
            if message.get("n") == self.number:
                return message
            self.news.append(message)

    async def hear(self, event: str) -> dict[str, Any]:
        """Return the next news of a kind."""
        for message in self.news:
            if message["event"] == event:
                self.news.remove(message)
                return message
        while True:
            message = await self.socket.receive_json(timeout=5)
            if message["event"] == event:
                return dict(message)
            self.news.append(message)


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord."""
    async with LocalDiscord() as server:
        yield server


@contextlib.asynccontextmanager
async def page(discord: LocalDiscord, username: str | None = None) -> AsyncIterator[PageClient]:
    """Open the page's websocket, and be somebody."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{discord.url}/web/socket", headers={"Origin": discord.url}) as socket,
    ):
        client = PageClient(socket)
        if username:
            assert "ok" in await client.ask("enter", username=username)
        yield client


async def test_what_one_says_the_other_hears(discord: LocalDiscord) -> None:
    """A message of one tab comes to the tab of another person."""
    general = str(discord.town.channels["general"].id)
    async with page(discord, "alice") as alice, page(discord, "carol") as carol:
        assert await alice.ask("say", channel=general, content="Good evening") == {"n": 2, "ok": None}
        heard = await carol.hear("message")
        assert heard["message"]["content"] == "Good evening"
        assert heard["message"]["author"]["username"] == "alice"


async def test_refusals_are_kind_sentences(discord: LocalDiscord) -> None:
    """What is refused comes back as a sentence, without codes."""
    general = str(discord.town.channels["general"].id)
    async with page(discord, "carol") as carol:
        assert (await carol.ask("say", channel=general, content=" "))["refused"] == (
            "A message needs some words or a file."
        )


async def test_nothing_can_be_done_before_one_is_somebody(discord: LocalDiscord) -> None:
    """A tab whose person is not chosen yet is told to choose first."""
    general = str(discord.town.channels["general"].id)
    async with page(discord) as nobody:
        assert (await nobody.ask("say", channel=general, content="?"))["refused"] == "Choose first who you are."


@pytest.mark.parametrize(
    "raw", ["no JSON", "[]", '{"n": 1}', '{"n": 1, "do": "fly"}', '{"n": 1, "do": "say", "channel": "x"}']
)
async def test_nonsense_is_answered_and_ends_nothing(discord: LocalDiscord, raw: str) -> None:
    """What is no request gets an answer, and the tab goes on."""
    async with page(discord, "alice") as alice:
        await alice.socket.send_str(raw)
        assert "reload the page" in (await alice.socket.receive_json(timeout=5))["refused"]
        assert "ok" in await alice.ask("people")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("evil.example:{port}", "http://evil.example:{port}"),
        ("127.0.0.1:{port}", "http://127.0.0.1:1"),
        ("127.0.0.1:{port}", "http://evil.example"),
        ("127.0.0.1:{port}", None),
        ("127.0.0.1:1", "http://127.0.0.1:1"),
        ("127.0.0.1", "http://127.0.0.1"),
    ],
)
async def test_strangers_get_no_websocket(discord: LocalDiscord, host: str, origin: str | None) -> None:
    """Neither a foreign name for this machine nor a page of another origin may open the websocket."""
    headers = {"Host": host.format(port=discord.port)} | (
        {"Origin": origin.format(port=discord.port)} if origin is not None else {}
    )
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await session.ws_connect(f"{discord.url}/web/socket", headers=headers)
    assert refusal.value.status == 403


async def test_a_foreign_name_does_not_get_the_page(discord: LocalDiscord) -> None:
    """Under a name that was made to point to this machine there is no page."""
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/web/main.js"):
            async with session.get(discord.url + path, headers={"Host": f"evil.example:{discord.port}"}) as answer:
                assert answer.status == 403
        async with session.get(discord.url) as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "<script type=" in await answer.text()


def test_the_names_of_this_machine() -> None:
    """The loopback names with the right port are this machine, all else is not."""
    assert all(is_own_host(f"{name}:80", 80) for name in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"))
    assert not any(is_own_host(name, 80) for name in ("localhost:81", "localhost", "127.0.0.1.evil.example:80", ""))
    assert is_own_origin("http://LOCALHOST:80", "localhost:80")
    assert not is_own_origin(None, "localhost:80")
    assert not is_own_origin("https://localhost:80", "localhost:80")


# -- who one is ------------------------------------------------------------------------------------------------------


async def test_people_are_told_with_their_part(discord: LocalDiscord) -> None:
    """At the door stand the people of the town, no bots, each with what they are there."""
    guild, town = discord.town.guild, discord.town
    discord.world.add_member(guild, discord.world.add_user("Ada"), discord.world.add_role(guild, "All", ALL))
    async with page(discord) as nobody:
        people = (await nobody.ask("people"))["ok"]["people"]
    parts = {person["name"]: person["part"] for person in people}
    assert parts == {"Alice": "owner", "Bob": "moderator", "Carol": None, "Somchai": None, "Ada": "administrator"}
    assert town.application.bot.username not in parts


async def test_newcomers_need_a_name_of_their_own(discord: LocalDiscord) -> None:
    """A name that is too short or taken is refused; a good one makes a member, of whom the others hear."""
    async with page(discord, "alice") as alice, page(discord) as dana:
        for name, reason in (("x", "A name has 2 to 32 characters."), ("Carol", "Carol is here already")):
            assert (await dana.ask("arrive", name=name, locale="en-US"))["refused"].startswith(reason)
        arrived = (await dana.ask("arrive", name="Dana", locale="xx"))["ok"]
        assert arrived["me"]["locale"] == "en-US"
        town = (await alice.hear("town"))["town"]
        assert "Dana" in {member["name"] for member in town["guilds"][0]["members"]}
        assert (await dana.ask("leave")) == {"n": 4, "ok": None}
        assert "Choose first" in (await dana.ask("presence", status="idle"))["refused"]
        assert (await dana.ask("enter", username="nobody"))["refused"] == "There is no nobody here."


async def test_who_was_kicked_comes_back_through_the_door(discord: LocalDiscord) -> None:
    """Somebody who was put out sees no guild any more, and is a member again after the door; the banned are not."""
    guild, carol = discord.town.guild, discord.town.members[0]
    async with page(discord, "bob") as bob, page(discord, "carol") as tab:
        ids = {"guild": str(guild.id), "user": str(carol.id)}
        assert "ok" in await bob.ask("kick", **ids)
        assert "ok" in await tab.ask("enter", username="carol")
        assert carol.id in guild.members
        assert "ok" in await bob.ask("ban", **ids)
        assert "banned" in (await tab.ask("enter", username="carol"))["refused"]


async def test_one_can_leave_the_server(discord: LocalDiscord) -> None:
    """Whoever leaves the guild sees it no more."""
    async with page(discord, "carol") as carol:
        assert "ok" in await carol.ask("leave-guild", guild=str(discord.town.guild.id))
        assert (await carol.ask("say", channel=str(discord.town.channels["general"].id), content="?"))["refused"]
        assert discord.town.members[0].id not in discord.town.guild.members


# -- what one sees ----------------------------------------------------------------------------------------------------


async def test_hidden_channels_are_not_told(discord: LocalDiscord) -> None:
    """A channel that somebody may not see is neither in their view nor in their news, nor can it be asked for."""
    secret = discord.town.channels["mod-log"]
    secret.overwrites.append(Overwrite(discord.town.guild.id, 0, deny=Permissions.VIEW_CHANNEL))
    async with page(discord) as carol, page(discord, "alice") as alice:
        view = (await carol.ask("enter", username="carol"))["ok"]
        assert str(secret.id) not in {channel["id"] for channel in view["guilds"][0]["channels"]}
        await alice.ask("say", channel=str(secret.id), content="secret")
        assert "does not see" in (await carol.ask("history", channel=str(secret.id), limit=50))["refused"]
        assert carol.news == []


async def test_history_is_given_in_pages(discord: LocalDiscord) -> None:
    """History comes newest page first, oldest message first within it, and says when it is whole."""
    general, alice = discord.town.channels["general"], discord.person(discord.town.owner)
    for number in range(5):
        alice.say(general, str(number))
    async with page(discord, "carol") as carol:
        last = (await carol.ask("history", channel=str(general.id), limit=3))["ok"]
        assert ([message["content"] for message in last["messages"]], last["whole"]) == (["2", "3", "4"], False)
        before = last["messages"][0]["id"]
        first = (await carol.ask("history", channel=str(general.id), limit=3, before=before))["ok"]
        assert ([message["content"] for message in first["messages"]], first["whole"]) == (["0", "1"], True)
        general.overwrites.append(Overwrite(discord.town.guild.id, 0, deny=Permissions.READ_MESSAGE_HISTORY))
        none = (await carol.ask("history", channel=str(general.id), limit=3))["ok"]
        assert none == {"messages": [], "whole": True}
        assert "may not read" in (await carol.ask("pins", channel=str(general.id)))["refused"]


async def test_direct_messages_are_told_to_both(discord: LocalDiscord) -> None:
    """The first direct message brings its channel along; people outside hear nothing."""
    async with page(discord, "alice") as alice, page(discord, "bob") as bob, page(discord, "carol") as carol:
        channel = (await alice.ask("open-direct", user=str(discord.town.moderator.id)))["ok"]["channel"]
        await alice.ask("say", channel=channel, content="Between us")
        town = (await bob.hear("town"))["town"]
        assert [direct["name"] for direct in town["direct"]] == ["Alice"]
        assert (await bob.hear("message"))["message"]["content"] == "Between us"
        await carol.ask("people")
        assert carol.news == []


async def test_deleted_messages_are_gone(discord: LocalDiscord) -> None:
    """A deletion is told by id, and what is done with the message afterwards is refused kindly."""
    general = str(discord.town.channels["general"].id)
    async with page(discord, "alice") as alice, page(discord, "carol") as carol:
        await alice.ask("say", channel=general, content="Oops")
        message = (await carol.hear("message"))["message"]["id"]
        refusal = await carol.ask("delete", channel=general, message=message)
        assert refusal["refused"] == "You are not allowed to do that here."
        assert "ok" in await alice.ask("delete", channel=general, message=message)
        assert (await carol.hear("gone"))["ids"] == [message]
        refusal = await carol.ask("react", channel=general, message=message, emoji="👍")
        assert refusal["refused"] == "That message is not there any more."


async def test_pins_threads_and_votes_are_refused_in_sentences(discord: LocalDiscord) -> None:
    """What a member may not do, or cannot be done, comes back as a sentence."""
    general = str(discord.town.channels["general"].id)
    async with page(discord, "alice") as alice, page(discord, "carol") as carol:
        await alice.ask("say", channel=general, content="Hello")
        place = {"channel": general, "message": (await carol.hear("message"))["message"]["id"]}
        assert (await carol.ask("pin", **place))["refused"] == "You are not allowed to do that here."
        assert "ok" in await alice.ask("pin", **place)
        assert "ok" in await alice.ask("unpin", **place)
        assert (await alice.ask("pins", channel=general))["ok"] == {"messages": []}
        assert "ok" in await carol.ask("thread", channel=general, message=None, name="Alone")
        assert (await carol.ask("vote", **place, answers=[1]))["refused"]
        nick = await carol.ask("nick", guild=str(discord.town.guild.id), nick="x" * 40)
        assert nick["refused"] == "A nickname has at most 32 characters."


async def test_a_file_that_did_not_arrive(discord: LocalDiscord) -> None:
    """A message whose file is not there is refused, and of many waiting files the oldest goes."""
    general = str(discord.town.channels["general"].id)
    async with page(discord, "alice") as alice, aiohttp.ClientSession(headers={"Origin": discord.url}) as session:
        keys = []
        for number in range(21):
            async with session.post(f"{discord.url}/web/files?name=a/{number}.txt", data=b"x") as answer:
                keys.append((await answer.json())["file"])
        refusal = await alice.ask("say", channel=general, content="", files=[keys[0]])
        assert refusal["refused"] == "The file did not arrive: choose it again."
        assert "ok" in await alice.ask("say", channel=general, content="", files=[keys[20]])
        assert (await alice.hear("message"))["message"]["attachments"][0]["filename"] == "20.txt"
        async with session.get(f"{discord.url}/web/nothing.js") as answer:
            assert answer.status == 404


async def test_a_tab_that_does_not_read_is_closed(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tab with too much waiting for it is closed, to come back for the present state."""
    monkeypatch.setattr(connection, "LONGEST_OUTBOX", 10)
    owner, general = discord.person(discord.town.owner), discord.town.channels["general"]
    async with page(discord, "carol") as carol:
        for number in range(50):
            owner.say(general, str(number))
        while (message := await carol.socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == aiohttp.WSCloseCode.TRY_AGAIN_LATER


# -- bots --------------------------------------------------------------------------------------------------------------


async def test_what_a_bot_plays_is_told(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in voice and how many packets came of them is told while they come."""
    monkeypatch.setattr(connection, "LISTEN_SECONDS", 0.02)
    async with running(discord) as bot, page(discord, "carol") as carol:
        channel = bot.get_channel(discord.town.channels["Lounge"].id)
        assert isinstance(channel, VoiceChannel)
        voice = await channel.connect(cls=VoiceClient)
        for _ in range(5):
            voice.send_audio_packet(b"\x78" + bytes(8), encode=False)
        key = str(discord.town.application.bot.id)
        while not (heard := (await carol.hear("heard"))["heard"].get(key, {})).get("packets", 0) >= 5:
            assert heard.keys() <= {"packets", "seconds", "playing"}
        assert heard["playing"]
        await voice.disconnect()


async def test_refusals_of_what_bots_offer(discord: LocalDiscord) -> None:
    """Values that do not fit, forms that are closed and buttons that are not there are refused in sentences."""
    place = {"channel": str(discord.town.channels["general"].id)}
    async with running(discord) as bot, page(discord, "carol") as carol:
        me = {"bot": str(discord.town.application.bot.id), **place}
        odd = await carol.ask("slash", name="box open", options={"member": "x", "where": "y"}, **me)
        assert odd["refused"] == "Member: 'x' is not what belongs there."
        none = await carol.ask("slash", name="greet", options={"name": "A", "times": 9}, **me)
        assert none["refused"].startswith("/greet times: 9")
        given = {"name": "a", "times": "x"}
        choices = await carol.ask("autocomplete", name="greet", option="name", typed="a", options=given, **me)
        assert [choice["name"] for choice in choices["ok"]] == ["Alice", "Albert"]
        opened = (await carol.ask("slash", name="form", options={}, **me))["ok"]
        assert "ok" in await carol.ask("close", interaction=opened["interaction"])
        closed = await carol.ask("submit", interaction=opened["interaction"], values={})
        assert closed["refused"] == "No form is open before Carol."
        gone = await carol.ask("submit", interaction="1", values={})
        assert gone["refused"] == "That form has run out; begin again."
        await carol.ask("slash", name="panel", options={}, **me)
        message = (await carol.hear("message"))["message"]["id"]
        missing = await carol.ask("click", message=message, custom_id="nothing", **place)
        assert missing["refused"].startswith("There is no nothing below the message")
        missing = await carol.ask("choose", message=message, custom_id="nothing", values=["x"], **place)
        assert missing["refused"].startswith("There is no nothing below the message")
        assert bot.is_ready()


async def test_a_bot_that_offers_nothing_in_time(discord: LocalDiscord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the bot does not say in time what may be typed, nothing is offered."""
    monkeypatch.setattr(using, "ANSWER_WITHIN", 0.01)
    async with running(discord) as bot, page(discord, "carol") as carol:
        await bot.close()
        request = {"channel": str(discord.town.channels["general"].id), "bot": str(discord.town.application.bot.id)}
        answer = await carol.ask("autocomplete", name="greet", option="name", typed="a", options={}, **request)
        assert answer["ok"] == []
