"""Faults that are injected, and rate limits: what a client meets, how often, and that it is recorded."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from localdiscord import LocalDiscord
from localdiscord.faults import Injected
from localdiscord.gateway.codes import Op
from localdiscord.rest.limits import GLOBAL, Limits
from tests.localdiscord.gateway_peer import peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from localdiscord.faults import Faults

ME = "/users/@me"


class Asker:
    """Asks the API as the town's bot."""

    def __init__(self, discord: LocalDiscord, http: aiohttp.ClientSession) -> None:
        """Keep the session."""
        self.discord = discord
        self.http = http

    async def ask(self, path: str = ME, method: str = "GET", **options: Any) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of an answer."""
        headers = {"Authorization": f"Bot {self.discord.town.application.token}"}
        async with self.http.request(
            method, f"{self.discord.url}/api/v10{path}", headers=headers, **options
        ) as response:
            return response.status, dict(response.headers), await response.read()

    async def say(self, content: str) -> int:
        """Write a message in #general; returns the status."""
        path = f"/channels/{self.discord.town.channels['general'].id}/messages"
        return (await self.ask(path, "POST", json={"content": content}))[0]


@contextlib.asynccontextmanager
async def asking(discord: LocalDiscord) -> AsyncIterator[Asker]:
    """Give an asker to the body."""
    async with aiohttp.ClientSession() as http:
        yield Asker(discord, http)


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord."""
    async with LocalDiscord() as server:
        yield server


# -- faults of requests ------------------------------------------------------------------------------------------------


async def test_a_server_error_happens_so_often(discord: LocalDiscord) -> None:
    """A fault meets as many requests as it shall, is recorded, and then all is well."""
    async with asking(discord) as bot:
        fault = discord.faults.server_error(ME, 502, times=2)
        assert [(await bot.ask())[0] for _ in range(3)] == [502, 502, 200]
    assert fault.met == 2
    assert discord.faults.log == [Injected("server_error", f"GET {ME}")] * 2
    assert discord.faults.counts == {"server_error": 2}


async def test_a_fault_meets_what_its_patterns_name(discord: LocalDiscord) -> None:
    """A pattern of method and path chooses the requests; `heal` takes the fault back."""
    async with asking(discord) as bot:
        discord.faults.server_error("/channels/*", method="POST", times=None)
        assert (await bot.ask())[0] == 200
        assert await bot.say("hello") == 500
        assert await bot.say("hello") == 500
        discord.faults.heal()
        assert await bot.say("hello") == 200


@pytest.mark.parametrize("scope", ["user", "shared", "global"])
async def test_an_injected_rate_limit_looks_like_discords(discord: LocalDiscord, scope: str) -> None:
    """A 429 names its scope and how long to wait, and bears the header Via by which clients know Discord's."""
    async with asking(discord) as bot:
        discord.faults.rate_limit(ME, 1.5, scope)
        status, headers, body = await bot.ask()
    assert status == 429
    assert headers["X-RateLimit-Scope"] == scope
    assert headers["Retry-After"] == "2"
    assert headers["Via"]
    assert ("X-RateLimit-Global" in headers) is (scope == "global")
    assert b'"retry_after": 1.5' in body


async def test_a_ban_is_not_discords(discord: LocalDiscord) -> None:
    """A ban by Cloudflare is a 429 in HTML without Via."""
    async with asking(discord) as bot:
        discord.faults.ban()
        status, headers, body = await bot.ask()
    assert status == 429
    assert "Via" not in headers
    assert body.startswith(b"<html>")


async def test_latency_is_waited_by_the_clock_given(discord: LocalDiscord) -> None:
    """Latency asks the clock that it was given for its seconds."""
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    discord.faults.sleep = sleep
    async with asking(discord) as bot:
        discord.faults.latency(30.0, ME)
        assert (await bot.ask())[0] == 200
    assert waited == [30.0]


async def test_a_held_request_waits_for_its_release(discord: LocalDiscord) -> None:
    """A request that is held is acted on when it is released."""
    general = discord.town.channels["general"]
    async with asking(discord) as bot:
        fault = discord.faults.hold("/channels/*")
        task = asyncio.create_task(bot.say("held"))
        async with asyncio.timeout(5):
            await discord.until(lambda: fault.met)
        assert not general.messages
        fault.release()
        assert await task == 200
    assert [message.content for message in general.messages.values()] == ["held"]


@pytest.mark.parametrize(
    ("inject", "acted"),
    [
        (lambda faults: faults.drop_request("/channels/*"), False),
        (lambda faults: faults.drop_answer("/channels/*"), True),
        (lambda faults: faults.truncate("/channels/*"), True),
    ],
    ids=["drop_request", "drop_answer", "truncate"],
)
async def test_a_broken_request_was_acted_on_or_not(
    discord: LocalDiscord, inject: Callable[[Faults], object], acted: bool
) -> None:
    """A connection that breaks off before, after or within the answer says nothing of whether the act was done."""
    async with asking(discord) as bot:
        inject(discord.faults)
        with pytest.raises(aiohttp.ClientError):
            await bot.say("hello")
    assert bool(discord.town.channels["general"].messages) is acted


async def test_a_garbled_answer_is_no_json(discord: LocalDiscord) -> None:
    """A garbled answer has the right status and type, and nonsense in it."""
    async with asking(discord) as bot:
        discord.faults.garble_answer(ME)
        status, headers, body = await bot.ask()
    assert (status, body) == (200, b'{"id": nonsense')
    assert headers["Content-Type"].startswith("application/json")


async def test_a_server_that_refuses_takes_nobody(discord: LocalDiscord) -> None:
    """While the server refuses connections none comes in; afterwards it is where it was."""
    async with asking(discord) as bot:
        await discord.refuse()
        with pytest.raises(aiohttp.ClientConnectorError):
            await bot.ask()
        await discord.listen()
        assert (await bot.ask())[0] == 200


# -- faults of the gateway -------------------------------------------------------------------------------------------


async def test_faults_of_the_gateway_meet_one_bot_or_all(discord: LocalDiscord) -> None:
    """A fault meets the connections of the bot that it names, and is recorded."""
    async with peer(discord) as client:
        await client.identify()
        assert discord.faults.reconnect(discord.town.owner) == 0
        assert discord.faults.reconnect(discord.town.application.bot) == 1
        assert await client.op(Op.RECONNECT) is None
    assert discord.faults.log == [Injected("reconnect", "Reference shard 0")]


async def test_a_poisoned_payload_has_its_number(discord: LocalDiscord) -> None:
    """A poisoned event comes in order, with what it was given or nothing in it."""
    async with peer(discord) as client:
        await client.identify()
        discord.faults.poison()
        assert await client.event("MESSAGE_CREATE") == {}
        discord.faults.poison("GUILD_ROLE_CREATE", {"guild_id": "x"})
        assert await client.event("GUILD_ROLE_CREATE") == {"guild_id": "x"}


async def test_a_garbled_payload_is_no_json(discord: LocalDiscord) -> None:
    """A garbled payload cannot be read."""
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.faults.garble()
        with pytest.raises(ValueError, match="invalid literal"):
            await client.receive()


async def test_a_muted_gateway_acknowledges_nothing(discord: LocalDiscord) -> None:
    """After `mute` heartbeats stay unanswered, while events go on."""
    async with peer(discord) as client:
        await client.identify()
        await client.quiet()
        discord.faults.mute()
        await client.send(Op.HEARTBEAT, 1)
        discord.person(discord.town.owner).say(discord.town.channels["general"], "hello")
        assert (await client.receive())["t"] == "MESSAGE_CREATE"


# -- rate limits -------------------------------------------------------------------------------------------------------


async def test_a_bucket_empties_and_fills() -> None:
    """Five messages in five seconds pass and the sixth is refused; the headers count down; each channel has its own."""
    async with LocalDiscord(rate_limits=1) as discord, asking(discord) as bot:
        path = f"/channels/{discord.town.channels['general'].id}/messages"
        answers = [await bot.ask(path, "POST", json={"content": "hello"}) for _ in range(6)]
        assert [status for status, _, _ in answers] == [200] * 5 + [429]
        assert [headers["X-RateLimit-Remaining"] for _, headers, _ in answers] == ["4", "3", "2", "1", "0", "0"]
        assert answers[5][1]["X-RateLimit-Scope"] == "user"
        other = f"/channels/{discord.town.channels['music'].id}/messages"
        assert (await bot.ask(other, "POST", json={"content": "hello"}))[0] == 200
        assert discord.limits.hits == 1


def test_the_clock_of_limits_may_go_quicker() -> None:
    """With a scale of ten a window is a tenth as long; after it requests pass again."""
    now = [100.0]
    limits = Limits(10.0, lambda: now[0])
    path = {"channel_id": "1"}
    verdicts = [limits.judge("bot", "POST", "/channels/{channel_id}/messages", path) for _ in range(6)]
    assert [verdict.passes for verdict in verdicts] == [True] * 5 + [False]
    assert verdicts[5].retry_after == pytest.approx(0.5)
    now[0] += 0.5
    assert limits.judge("bot", "POST", "/channels/{channel_id}/messages", path).passes


def test_fifty_requests_a_second_are_the_limit_of_all() -> None:
    """The 51st request of a bot within a second is refused whatever it asks; another bot's, and answers, pass."""
    limits = Limits(1.0, lambda: 0.0)
    for number in range(GLOBAL.most):
        assert limits.judge("bot", "GET", f"/made/up/{number}", {}).passes
    refused = limits.judge("bot", "GET", "/users/@me", {})
    assert refused.scope == "global"
    assert refused.headers["X-RateLimit-Global"] == "true"
    assert limits.judge("other", "GET", "/users/@me", {}).passes
    callback = "/interactions/{interaction_id}/{webhook_token}/callback"
    assert all(limits.judge("bot", "POST", callback, {}).passes for _ in range(100))


def test_old_buckets_are_forgotten() -> None:
    """Buckets whose time is over do not pile up."""
    now = [0.0]
    limits = Limits(1.0, lambda: now[0])
    for number in range(30_000):
        now[0] += 1
        limits.judge(f"bot {number}", "GET", "/users/@me", {})
    assert len(limits._windows) < 11_000


def test_without_limits_everything_passes() -> None:
    """With rate limits off nothing is refused, and no header speaks of them."""
    limits = Limits()
    verdicts = [limits.judge("bot", "POST", "/channels/{channel_id}/messages", {}) for _ in range(100)]
    assert all(verdict.passes and not verdict.headers for verdict in verdicts)
    assert all(limits.may_identify(1, 0) for _ in range(5))


def test_sessions_of_a_day_are_counted() -> None:
    """A thousand sessions may begin in a day, one in five seconds for each remainder of the shard's number."""
    now = [0.0]
    limits = Limits(1.0, lambda: now[0])
    assert limits.starts(1) == {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 16}
    assert [limits.may_identify(1, shard) for shard in (0, 1, 16)] == [True, True, False]
    assert limits.starts(1)["remaining"] == 998
    for _ in range(998):
        now[0] += 5
        assert limits.may_identify(1, 0)
    now[0] += 5
    assert not limits.may_identify(1, 0)
    assert limits.starts(1)["remaining"] == 0
    assert limits.may_identify(2, 0)
    now[0] += 86_400
    assert limits.may_identify(1, 0)
