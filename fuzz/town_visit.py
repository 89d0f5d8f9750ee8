"""A visit to a local Discord: a bot that sends drawn requests, people who act, a second bot that must not notice."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from yarl import URL

from fuzz.conformance import judged
from fuzz.drawn_requests import PARAMETER
from fuzz.gateway_client import UNHURRIED, GatewayClient, at_once
from fuzz.town_state import faults, known
from localdiscord import LocalDiscord
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.channel import ChannelType
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from localdiscord.model.world import Event

__all__ = ["ACTS", "PRELUDE", "Answer", "Visit"]

NAME = re.compile(r"<(\w+) (\d+)>")
BEGIN = 1_750_000_000.0
"""When visits take place, in Unix seconds; each step takes one of them."""

TOLD_OF_REFUSALS = {"AUTO_MODERATION_ACTION_EXECUTION", "GUILD_AUDIT_LOG_ENTRY_CREATE", "MESSAGE_CREATE"}
"""Events that automatic moderation makes of a message that it refuses."""

AUTOMOD = 200000
NO_CONTENT = 204


class Log(logging.Handler):
    """Keeps what servers and event loops complain of.

    Attributes:
        complaints: one line each: the exception and where in the local Discord it arose.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.complaints: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        error = record.exc_info[1] if record.exc_info else None
        self.complaints.append(f"{record.getMessage()}: {type(error).__name__}: {error}{_place(error)}")

    def __enter__(self) -> Self:
        """Begin to listen."""
        for name in ("aiohttp.server", "asyncio"):
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        for name in ("aiohttp.server", "asyncio"):
            logging.getLogger(name).removeHandler(self)


def _place(error: BaseException | None) -> str:
    trace, found = error.__traceback__ if error else None, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if "localdiscord" in code.co_filename and "fuzz" not in Path(code.co_filename).parts:
            found = f" in {Path(code.co_filename).name}, {code.co_name}"
        trace = trace.tb_next
    return found


@dataclass(frozen=True)
class Answer:
    """What came back: the status, whether it is JSON, and the body."""

    status: int
    kind: str
    body: Any


@dataclass
class Visit:
    """A server with two bots: one that is tested with, one that must not notice.

    Attributes:
        seconds: how much time has passed.
        happened: the events so far.
    """

    discord: LocalDiscord
    http: aiohttp.ClientSession
    log: Log
    happened: list[Event] = field(default_factory=list)

    @classmethod
    @contextlib.asynccontextmanager
    async def to_town(cls) -> Any:
        """Run a server, prepare it, and look at the end whether all is well."""
        passed = [0.0]
        discord = LocalDiscord(clock=lambda: BEGIN + passed[0])
        with Log() as log, at_once():
            async with discord, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=4)) as http:
                visit = cls(discord, http, log)
                visit.passed = passed
                with judged(discord):
                    await visit.settle_in()
                    yield visit
                    await visit.check_all()
            assert not log.complaints, log.complaints[0]

    passed: list[float] = field(default_factory=list)

    async def settle_in(self) -> None:
        """Found a second town with a bot of its own, and let both bots log in."""
        world = self.discord.world
        self.discord.heartbeat_interval = UNHURRIED
        self.application = self.discord.town.application
        self.other = world.add_application("Other", self.discord.town.owner)
        self.elsewhere = world.add_guild("Elsewhere", self.discord.town.owner)
        world.add_member(self.elsewhere, self.other.bot)
        self.there = world.add_channel(self.elsewhere, "general")
        for name, kind in (
            ("forum", ChannelType.FORUM),
            ("stage", ChannelType.STAGE),
            ("news", ChannelType.ANNOUNCEMENT),
        ):
            world.add_channel(self.discord.town.guild, name, kind)
        world.add_role(self.discord.town.guild, "Low", Permissions(0)).position = 1
        world.listeners.append(self.happened.append)
        self.bot = await GatewayClient(self.discord, self.http, self.application).connect()
        self.witness = await GatewayClient(self.discord, self.http, self.other).connect()
        await self.bot.identify()
        await self.witness.identify()
        for step in PRELUDE:
            await self.take(step)

    # -- steps -------------------------------------------------------------------------------------------------------

    async def take(self, step: dict[str, Any]) -> Answer | None:
        """Take a step: a request, or an act of a person."""
        self.passed[0] += 1.0
        if "act" in step:
            self._act(step)
            return None
        before = len(self.happened)
        answer = await self._ask(step)
        self._check(step, answer, [event.name for event in self.happened[before:]])
        return answer

    def _act(self, step: dict[str, Any]) -> None:
        users = self.discord.town.members
        person = self.discord.person(users[step.get("who", 0) % len(users)])
        with contextlib.suppress(HumanlyImpossibleError):
            ACTS[step["act"]](self, person, step.get("value", 0))

    async def _ask(self, step: dict[str, Any]) -> Answer:
        method, _, template = step["route"].partition(" ")
        path = self._path(template, step.get("path", {}))
        headers = {"Authorization": f"Bot {self.application.token}", **step.get("headers", {})}
        query = {name: self._named(value) for name, value in step.get("query", {}).items()}
        url = URL(f"{self.discord.url}/api/v10{path}", encoded=True)
        body: Any = None
        if "raw" in step:
            body, headers["Content-Type"] = step["raw"], step["type"]
        elif "files" in step:
            body = self._form(step)
        elif "body" in step:
            body, headers["Content-Type"] = json.dumps(self._named(step["body"])), "application/json"
        async with self.http.request(method, url.update_query(query), headers=headers, data=body) as response:
            raw = await response.read()
            is_json = response.content_type == "application/json"
            return Answer(response.status, response.content_type, json.loads(raw) if raw and is_json else raw or None)

    def _path(self, template: str, given: dict[str, str]) -> str:
        path: dict[str, str] = {}
        for name in PARAMETER.findall(template):
            path[name] = self._named(given.get(name, "1"), path)
        return PARAMETER.sub(lambda match: path[match[1]], template)

    def _form(self, step: dict[str, Any]) -> aiohttp.FormData:
        form = aiohttp.FormData(default_to_multipart=True)
        if "body" in step:
            form.add_field("payload_json", json.dumps(self._named(step["body"])), content_type="application/json")
        for name, value in step.get("fields", {}).items():
            form.add_field(name, value)
        for name, (filename, content) in step["files"].items():
            form.add_field(name, content, filename=filename)
        return form

    def _named(self, value: Any, path: dict[str, str] | None = None) -> Any:
        """Put ids in the place of names such as `<role 2>`."""
        if isinstance(value, dict):
            return {self._named(key, path): self._named(each, path) for key, each in value.items()}
        if isinstance(value, list):
            return [self._named(each, path) for each in value]
        match = NAME.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return value
        there = known(self.discord.world, self.application, path or {}).get(match[1], [])
        return there[int(match[2]) % len(there)] if there else "1"

    # -- what must hold ----------------------------------------------------------------------------------------------

    def _check(self, step: dict[str, Any], answer: Answer, events: list[str]) -> None:
        what = f"{step['route']} was answered with {answer.status}"
        assert answer.status < 500, f"{what}: {self.log.complaints[-1:]}"
        assert answer.status // 100 in {2, 4}, what
        if answer.status // 100 == 4:
            assert answer.kind == "application/json", f"{what} in {answer.kind}: {answer.body!r:.80}"
            assert not (problem := misshapen(answer.body)), f"{what} in another shape: {problem}"
            is_automod = answer.body["code"] == AUTOMOD
            left = [name for name in events if not (is_automod and name in TOLD_OF_REFUSALS)]
            assert not left, f"{what}, and yet {left[0]} was told"
        elif answer.status != NO_CONTENT and answer.body is not None:
            assert answer.kind in {"application/json", "image/png"}, f"{what} in {answer.kind}"

    async def check_all(self) -> None:
        """Look whether the world is sound, both bots hear, and the one that must not notice can still work."""
        assert not (found := faults(self.discord.world)), found[0]
        assert await self.bot.is_alive(), f"the bot's connection was closed with {self.bot.code}"
        headers = {"Authorization": f"Bot {self.other.token}", "Content-Type": "application/json"}
        url = f"{self.discord.url}/api/v10/channels/{self.there.id}/messages"
        async with self.http.post(url, headers=headers, data='{"content": "still here"}') as response:
            assert response.status == 200, f"the other bot cannot write: {response.status} {await response.text()}"
        heard = await self.witness.until(lambda payload: payload["t"] == "MESSAGE_CREATE")
        assert heard is not None, f"the other bot was closed with {self.witness.code}"
        assert heard["d"]["content"] == "still here", "the other bot heard of somebody else's message"


def misshapen(body: Any) -> str:
    """Say what keeps a refusal from looking like Discord's; nothing where it looks so."""
    if not isinstance(body, dict) or not isinstance(body.get("code"), int) or not isinstance(body.get("message"), str):
        return f"{body!r:.120}"
    return _nested(body["errors"]) if "errors" in body else ""


def _nested(errors: Any) -> str:
    if not isinstance(errors, dict) or not errors:
        return f"errors {errors!r:.120}"
    for key, value in errors.items():
        if key != "_errors":
            problem = _nested(value)
        else:
            fits = (
                isinstance(value, list)
                and value
                and all(
                    each.keys() == {"code", "message"} and all(isinstance(text, str) for text in each.values())
                    for each in value
                )
            )
            problem = "" if fits else f"_errors {value!r:.120}"
        if problem:
            return problem
    return ""


def _channel(visit: Visit, value: int) -> Any:
    return list(visit.discord.town.guild.channels.values())[value % len(visit.discord.town.guild.channels)]


def _message(visit: Visit) -> Any:
    found = [each for channel in visit.discord.world.channels.values() for each in channel.messages.values()]
    if not found:
        raise HumanlyImpossibleError("There is no message.")
    return found[-1]


def _permit(visit: Visit, _person: Any, value: int) -> None:
    town = visit.discord.town
    for role in town.guild.roles.values():
        role.permissions = Permissions(value & int(~Permissions(0)))


def _use(visit: Visit, person: Any, value: int) -> None:
    channel = _channel(visit, value)
    if offers := person.commands(channel):
        person.slash(channel, offers[value % len(offers)].name)


ACTS: dict[str, Callable[[Visit, Any, int], None]] = {
    "say": lambda visit, person, value: person.say(_channel(visit, value), "hello"),
    "react": lambda visit, person, _value: person.react(_message(visit), "\U0001f600"),
    "pin": lambda visit, person, _value: person.pin(_message(visit)),
    "thread": lambda visit, person, value: person.begin_thread(_channel(visit, value), "aside"),
    "vote": lambda visit, person, _value: person.vote(_message(visit), 1),
    "speak": lambda visit, person, value: person.join_voice(_channel(visit, value)),
    "leave": lambda visit, person, _value: person.leave(visit.discord.town.guild),
    "join": lambda visit, person, _value: person.join(visit.discord.town.guild),
    "permit": _permit,
    "use": _use,
}
"""What people do meanwhile."""

_GENERAL = {"channel_id": "<channel 9>"}
PRELUDE: tuple[dict[str, Any], ...] = (
    {"act": "say", "value": 3},
    {"route": "POST /channels/{channel_id}/messages", "path": {"channel_id": "<channel 9>"}, "body": {"content": "a"}},
    {"route": "POST /channels/{channel_id}/webhooks", "path": {"channel_id": "<channel 9>"}, "body": {"name": "word"}},
    {"route": "POST /channels/{channel_id}/invites", "path": {"channel_id": "<channel 9>"}, "body": {}},
    {
        "route": "POST /applications/{application_id}/commands",
        "path": {"application_id": "<application 0>"},
        "body": {"name": "word", "description": "a word"},
    },
    {"act": "use", "value": 3},
)
"""Steps before the drawn ones, so that there is one of most kinds."""
