"""The page's server part, spoken to as the page does: with a real client, over a real websocket."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localdiscord import LocalDiscord
from localdiscord.web.guard import is_own_host, is_own_origin

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
