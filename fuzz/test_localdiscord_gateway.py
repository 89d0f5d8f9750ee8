"""The local Discord's gateway: whatever a client says is answered, or it is closed with a reason; others go on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.drawn_json import odd
from fuzz.gateway_client import UNHURRIED, GatewayClient, at_once
from fuzz.town_state import faults
from fuzz.town_visit import Log
from localdiscord import LocalDiscord
from localdiscord.gateway.codes import Close, Op
from localdiscord.gateway.connection import MOST_PAYLOADS
from localdiscord.intents import ALL_INTENTS

FUZZ = fuzzer(__file__)

PROTOCOL_ERRORS = {1000, 1002, 1007, 1009}
"""Codes with which websockets themselves close what is no frame, no text, or too large."""

KNOWN = PROTOCOL_ERRORS | {int(code) for code in Close}
SLOW_CLOCK = 0.1
"""How quick the clock of rate limits goes, so that their minute is not over before a slow machine has sent all."""

Step = tuple[Any, ...]

token = st.sampled_from(["<token>", "<token>", "<token>", "Bot <token>", "x", "", "\u00e9"]) | odd
intents = st.sampled_from([int(ALL_INTENTS), 0, 1, 513, 2**15, 2**40, -1, True]) | odd
shard = st.sampled_from([[0, 1], [0, 2], [1, 2], [2, 2], [0, 0], [-1, 1], [0], "01", [True, 2]]) | odd
presence = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["online", "idle", "dnd", "invisible", "offline", "nowhere"]) | odd,
        "activities": st.lists(
            st.fixed_dictionaries({"name": st.just("a"), "type": st.integers(0, 9)}) | odd, max_size=2
        )
        | odd,
        "since": odd,
        "afk": odd,
    },
)
place = st.sampled_from(["<guild>", "<guild>", "1", 0, None, ["<guild>"], []]) | odd
DATA: dict[int, st.SearchStrategy[Any]] = {
    Op.HEARTBEAT: st.none() | st.integers(-3, 30) | odd,
    Op.IDENTIFY: st.fixed_dictionaries(
        {"token": token, "intents": intents, "properties": st.just({}) | odd},
        optional={
            "shard": shard,
            "presence": presence | odd,
            "compress": st.booleans() | odd,
            "large_threshold": st.integers(-5, 300) | odd,
        },
    ),
    Op.RESUME: st.fixed_dictionaries(
        {
            "token": token,
            "session_id": st.sampled_from(["<session>", "<session>", "<session>", "<foreign>", "x"]) | odd,
            "seq": st.sampled_from(["<seq>", "<seq>", 0, 1, 3, 10**6, -1, None, "2"]) | odd,
        }
    ),
    Op.PRESENCE_UPDATE: presence,
    Op.VOICE_STATE_UPDATE: st.fixed_dictionaries(
        {"guild_id": place, "channel_id": st.sampled_from(["<voice>", "<voice>", "<text>", None, "1"]) | odd},
        optional={"self_mute": st.booleans() | odd, "self_deaf": st.booleans() | odd},
    ),
    Op.REQUEST_GUILD_MEMBERS: st.fixed_dictionaries(
        {"guild_id": place},
        optional={
            "query": st.sampled_from(["", "c", "nobody"]) | odd,
            "limit": st.integers(-2, 5) | odd,
            "presences": st.booleans() | odd,
            "user_ids": st.lists(st.sampled_from(["1", 2, "<user>"]) | odd, max_size=3) | odd,
            "nonce": st.text(max_size=40) | odd,
        },
    ),
    Op.REQUEST_SOUNDBOARD_SOUNDS: st.fixed_dictionaries({"guild_ids": st.lists(place, max_size=3) | odd}),
}
BROKEN = [
    b"\x81\x05hello",
    b"\xf1\x80abcd",
    b"\x82\xff" + b"\x7f" * 8,
    b"\x82\xfe\x10\x00half",
    b"\x88\x81abcd\x00",
    b"\x83\x80abcd",
]
payload = st.sampled_from(sorted(DATA)).flatmap(lambda op: st.tuples(st.just("send"), st.just(op), DATA[op] | odd))
steps = st.one_of(
    payload,
    payload,
    payload,
    st.just(("identify",)),
    st.just(("resume",)),
    st.tuples(st.just("send"), st.integers(-1, 40) | odd, odd),
    st.tuples(
        st.just("text"),
        st.sampled_from(["", "{", "[]", '{"op":1e400}', '{"op":1,"d":1' + "0" * 400 + "}", "x" * 16_000]) | st.text(),
    ),
    st.tuples(
        st.just("binary"),
        st.sampled_from([b"\x78\x9c\x03", b"\x00\x00\xff\xff", b'{"op":1,"d":null}']) | st.binary(max_size=9),
    ),
    st.tuples(st.just("broken"), st.sampled_from(BROKEN) | st.binary(min_size=1, max_size=9)),
    st.tuples(st.just("burst"), st.integers(1, 60)),
    st.tuples(st.just("close"), st.sampled_from([1000, 1001, 3000, 4000])),
    st.sampled_from([("cut",), ("say",), ("say",), ("look",), ("zlib",), ("plain",)]),
)


class Line:
    """A bot on a bad line: it says drawn things, and connects again when it was closed or broke off itself."""

    def __init__(self, discord: LocalDiscord, http: aiohttp.ClientSession) -> None:
        self.discord = discord
        self.client = GatewayClient(discord, http, discord.town.application)
        self.foreign = ""
        self.is_up = False

    async def take(self, step: Step) -> None:
        """Take a step."""
        if not self.is_up:
            await self.client.connect()
            self.is_up = True
        try:
            await getattr(self, f"_{step[0]}")(*step[1:])
        except (ConnectionError, aiohttp.ClientError):
            await self._look()

    async def _send(self, op: Any, data: Any) -> None:
        await self.client.send_json({"op": op, "d": self._named(data)})
        await self._look()

    async def _identify(self) -> None:
        await self.client.send(
            Op.IDENTIFY, self._named({"token": "<token>", "intents": int(ALL_INTENTS), "properties": {}})
        )
        await self._look()

    async def _resume(self) -> None:
        await self.client.send(Op.RESUME, self._named({"token": "<token>", "session_id": "<session>", "seq": "<seq>"}))
        await self._look()

    async def _text(self, text: str) -> None:
        await self.client.socket.send_str(text)
        await self._look()

    async def _binary(self, data: bytes) -> None:
        await self.client.socket.send_bytes(data)
        await self._look()

    async def _broken(self, data: bytes) -> None:
        self._transport().write(data)
        await asyncio.sleep(0)
        await self._cut()

    async def _burst(self, count: int) -> None:
        for number in range(count):
            await self.client.send(Op.HEARTBEAT, number)
        await self._look()

    async def _close(self, code: int) -> None:
        await self.client.socket.close(code=code)
        self.is_up = False

    async def _cut(self) -> None:
        self._transport().abort()
        self.is_up = False

    async def _say(self) -> None:
        town = self.discord.town
        self.discord.person(town.owner).say(town.channels["general"], "hello")

    async def _zlib(self) -> None:
        await self._cut()
        await self.client.connect(compress="zlib-stream")
        self.is_up = True
        await self._cut()

    async def _plain(self) -> None:
        await self._cut()

    async def _look(self) -> None:
        """See whether the connection is there; a closed one has a reason."""
        self.is_up = await self.client.is_alive()
        assert self.is_up or self.client.code in KNOWN, f"the gateway closed with {self.client.code}"

    def _transport(self) -> asyncio.Transport:
        connection = self.client.socket._response.connection
        assert connection is not None
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport

    def _named(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._named(each) for each in value]
        town = self.discord.town
        named = {
            "<token>": town.application.token,
            "Bot <token>": f"Bot {town.application.token}",
            "<session>": self.client.session_id,
            "<foreign>": self.foreign,
            "<seq>": self.client.sequence,
            "<guild>": str(town.guild.id),
            "<voice>": str(town.channels["Lounge"].id),
            "<text>": str(town.channels["general"].id),
            "<user>": str(town.owner.id),
        }
        return named.get(value, value) if isinstance(value, str) else value


async def heard(history: list[Step]) -> None:
    """Take the steps before a new server, and look whether all is well after them."""
    passed = [0.0]
    with Log() as log, at_once():
        async with LocalDiscord(clock=lambda: 1.75e9 + passed[0]) as discord, aiohttp.ClientSession() as http:
            discord.heartbeat_interval = UNHURRIED
            other = discord.world.add_application("Other", discord.town.owner)
            elsewhere = discord.world.add_guild("Elsewhere", discord.town.owner)
            discord.world.add_member(elsewhere, other.bot)
            there = discord.world.add_channel(elsewhere, "general")
            witness = await GatewayClient(discord, http, other).connect()
            await witness.identify()
            line = Line(discord, http)
            line.foreign = witness.session_id
            for step in history:
                passed[0] += 1.0
                await line.take(step)
            await check(discord, http, line, witness, there)
        assert not log.complaints, log.complaints[0]


async def check(
    discord: LocalDiscord, http: aiohttp.ClientSession, line: Line, witness: GatewayClient, there: Any
) -> None:
    """Look whether the world is sound, the bot can begin anew, and the other bot has noticed nothing."""
    assert not (found := faults(discord.world)), found[0]
    fresh = await GatewayClient(discord, http, discord.town.application).connect()
    await fresh.identify()
    assert await fresh.is_alive(), f"a new session was closed with {fresh.code}"
    discord.person(discord.town.owner).say(there, "still here")
    told = await witness.until(lambda payload: payload["t"] == "MESSAGE_CREATE")
    assert told is not None, f"the other bot was closed with {witness.code}"
    own = {"READY", "GUILD_CREATE", "MESSAGE_CREATE"}
    strays = [name for name, data in witness.events if name not in own and str(witness.application.id) not in str(data)]
    assert not strays, f"the other bot was told of {strays[:1]}, which is not its business"
    links = [session.link for session in discord.sessions.values() if session.link is not None]
    assert len(set(map(id, links))) == len(links), "two sessions have one connection"
    assert set(links) <= discord.connections, "a session has a connection that is over"


@FUZZ.tries
@given(history=st.lists(steps, max_size=12) | st.lists(steps, min_size=8, max_size=24))
def test_any_payloads(*, history: list[Step]) -> None:
    """Whatever a client says, it is answered or closed with a known code, and it and others can go on after that."""
    asyncio.run(heard(history))


async def flooded(count: int, chunk: int) -> int | None:
    """Send so many payloads where rate limits hold; return the code with which the server closed."""
    async with LocalDiscord(rate_limits=SLOW_CLOCK) as discord, aiohttp.ClientSession() as http:
        client = await GatewayClient(discord, http, discord.town.application).connect()
        await client.identify()
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            for number in range(1, count):
                await client.send(Op.HEARTBEAT, None)
                if number % chunk == 0:
                    await client.receive()
        while await client.receive() is not None:
            continue
        code, client.code = client.code, None
        await client.connect()
        await client.send(
            Op.RESUME,
            {"token": client.application.token, "session_id": client.session_id, "seq": client.sequence},
        )
        resumed = await client.until(lambda payload: payload["op"] in {Op.INVALID_SESSION, Op.DISPATCH})
        assert resumed is not None, f"the session was closed with {client.code} when it was to be resumed"
        assert resumed["t"] == "RESUMED", "the session of a client that said too much could not be resumed"
        return code


@FUZZ.tries
@given(more=st.integers(1, 80), chunk=st.integers(1, 50))
def test_floods(*, more: int, chunk: int) -> None:
    """Who sends more payloads than the limit allows is closed for that reason, and may resume."""
    with at_once():
        code = asyncio.run(flooded(MOST_PAYLOADS + more, chunk))
    assert code == Close.RATE_LIMITED, f"{MOST_PAYLOADS + more} payloads at once were closed with {code}"
