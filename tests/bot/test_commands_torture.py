"""Every command of the bot under torture: whatever happens in it, people are answered and nothing is half done.

Each command is used on its good path; then it is cancelled at some of its awaits, and some of its calls to database
and Discord fail, one at a time. Which ones is drawn from a number; with ``FUZZ_PROFILE=deep`` it is all of them.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from discord.gateway import GatewayRatelimiter

from fuzz.torture import Tormentor
from harness.parts.site import HTML
from harness.parts.webserver import Reply
from localdiscord.actions import members, roles
from localdiscord.model.files import Upload
from reference import errors
from reference.cogs.moderation import acts
from tests.bot.band import tones
from tests.bot.ordeal import Judge, Ordeal, Use, names
from tests.web.loopback import Web, web_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reference.config import Settings
    from tests.bot.conftest import Stage

WITH_FFMPEG = shutil.which("ffmpeg") is not None
IS_DEEP = os.environ.get("FUZZ_PROFILE") == "deep"
FEW = 1
"""Awaits, and calls, of each command that are disturbed, unless the profile is the deep one; of music calls alone."""

ELSEWHERE = {
    "admin shutdown": "it ends the bot, which test_admin.py and test_supervision.py look at",
    "admin restart": "it ends the bot, which test_admin.py and test_supervision.py look at",
}
"""Commands that are not used here, and why."""


@pytest.fixture
def judge() -> Iterator[Judge]:
    """What says which call fails, before the bot opens its database."""
    judge = Judge()
    with judge.over_the_database():
        yield judge


@pytest.fixture
def settings(
    settings: Settings, judge: Judge, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The settings of a bot with all its areas and some tones, whose heart may beat as often as somebody asks."""
    assert judge.tormentor is None
    if WITH_FFMPEG:
        shutil.copytree(tones(tmp_path_factory.getbasetemp()), settings.data / "music")
    monkeypatch.setattr(GatewayRatelimiter, "get_delay", lambda _limiter: 0.0)
    return settings


@pytest.fixture
def web() -> Iterator[Web]:
    """A web on loopback with a page to read."""
    with web_of("a.example") as web:
        web.pages["/"] = Reply(b"<title>Harbour</title><p>The harbour is deep enough for large ships.", headers=HTML)
        yield web


def by(person: str, name: str, channel: str = "general", /, **options: Any) -> Callable[[Ordeal], Any]:
    """Return what has somebody use a slash command; an option that can be called is asked for its value."""

    def begin(ordeal: Ordeal) -> Any:
        values = {key: value(ordeal) if callable(value) else value for key, value in options.items()}
        stage = ordeal.stage
        return getattr(stage, person).slash(stage.channels[channel], name, **values)

    return begin


def carol(ordeal: Ordeal) -> Any:
    """Return the member to whom things are done."""
    return ordeal.stage.town.members[0]


def log(ordeal: Ordeal) -> Any:
    """Return the channel of the mod-log."""
    return ordeal.stage.channels["mod-log"]


def role(ordeal: Ordeal) -> Any:
    """Return a role that the owner made."""
    if "role" not in ordeal.memory:
        stage = ordeal.stage
        made = roles.create(stage.discord.world, stage.town.guild, stage.owner.user, {"name": "Red"})
        ordeal.memory["role"] = made
    return ordeal.memory["role"]


async def present(ordeal: Ordeal) -> None:
    """Have Carol in the guild, neither banned nor in a time-out."""
    stage, user = ordeal.stage, carol(ordeal)
    guild = stage.town.guild
    if user.id in guild.bans:
        stage.owner.unban(guild, user)
    if user.id not in guild.members:
        stage.discord.person(user).join(guild)
    elif guild.members[user.id].timed_out_until is not None:
        restrict(ordeal, None)
    await stage.settled()


async def banned(ordeal: Ordeal) -> None:
    """Have Carol banned."""
    await present(ordeal)
    ordeal.stage.owner.ban(ordeal.stage.town.guild, carol(ordeal))
    await ordeal.stage.settled()


async def restricted(ordeal: Ordeal) -> None:
    """Have Carol in a time-out."""
    await present(ordeal)
    restrict(ordeal, datetime.now(UTC) + timedelta(hours=1))
    await ordeal.stage.settled()


def restrict(ordeal: Ordeal, until: datetime | None) -> None:
    """Put Carol into a time-out, or end it, by the owner's hand."""
    stage = ordeal.stage
    guild = stage.town.guild
    member = guild.members[carol(ordeal).id]
    members.change(stage.discord.world, guild, stage.owner.user, member, {"communication_disabled_until": until})


async def used(ordeal: Ordeal, begin: Callable[[Ordeal], Any]) -> Any:
    """Use a command undisturbed, and wait for what comes of it."""
    interaction = begin(ordeal)
    await ordeal.stage.settled()
    return interaction


def after(*before: Callable[[Ordeal], Any]) -> Callable[[Ordeal], Any]:
    """Return what uses commands undisturbed, to make ready for another one."""

    async def prepare(ordeal: Ordeal) -> None:
        for begin in before:
            await used(ordeal, begin)

    return prepare


async def messages(ordeal: Ordeal) -> None:
    """Have some messages in the channel."""
    for number in range(3):
        ordeal.stage.moderator.say(ordeal.stage.channels["general"], f"message {number}")
    await ordeal.stage.settled()


async def listening(ordeal: Ordeal) -> None:
    """Have the owner sit in the Lounge."""
    stage = ordeal.stage
    if stage.owner.user.id not in stage.town.guild.voice_states:
        stage.owner.join_voice(stage.channels["Lounge"])


async def playing(ordeal: Ordeal) -> None:
    """Have a track played, one before it and two more waiting."""
    await listening(ordeal)
    music: Any = ordeal.bot.get_cog("Music")
    session = music.jukebox.known(ordeal.stage.town.guild.id)
    queue = session.player.queue if session is not None and session.player.is_playing else None
    if queue is None or not queue.history or len(queue.upcoming) < 2:
        for title in ("long", "long", "long", "long"):
            await used(ordeal, by("owner", "play", "music", query=title))
        await used(ordeal, by("owner", "loop", "music", mode="off"))
        await used(ordeal, by("owner", "skip", "music"))


def tone(ordeal: Ordeal) -> Upload:
    """Return a file of a tone."""
    path = ordeal.bot.settings.data / "music" / "first.wav"
    return Upload("first.wav", "audio/wav", path.read_bytes())


def report(ordeal: Ordeal) -> Any:
    """Have Carol report a message of the moderator."""
    stage = ordeal.stage
    message = stage.moderator.say(stage.channels["general"], "look here")
    return stage.thai.use_on_message(message, "Report message")


def document(_ordeal: Ordeal) -> Upload:
    """Return a document of settings."""
    return Upload("settings.json", "application/json", json.dumps({"format": 1, "language": "en"}).encode())


WARN = by("moderator", "warn", member=carol, reason="be kind")
START = by("member", "poll start", question="Tea?", options="yes | no")
REMIND = by("member", "remind me", when="1 hour", about="bread")
OFFER = by("owner", "roles offer", role=role)

AREAS: dict[str, dict[str, Use]] = {
    "operator": {
        "ping": Use(by("member", "ping")),
        "help": Use(by("member", "help")),
        "admin health": Use(by("owner", "admin health")),
        "admin shards": Use(by("owner", "admin shards")),
        "admin errors": Use(by("owner", "admin errors")),
        "admin sync": Use(by("owner", "admin sync")),
        "admin reload": Use(by("owner", "admin reload", area="help")),
        "admin maintenance": Use(by("owner", "admin maintenance", on=False)),
        "privacy info": Use(by("member", "privacy info")),
        "privacy export": Use(by("member", "privacy export")),
        "privacy forget": Use(by("member", "privacy forget")),
    },
    "settings": {
        "settings form": Use(by("owner", "settings form")),
        "settings language": Use(by("owner", "settings language", language="en")),
        "settings prefix": Use(by("owner", "settings prefix", prefix="?")),
        "settings channel": Use(by("owner", "settings channel", purpose="log", channel=log)),
        "settings dj": Use(by("owner", "settings dj", role=role)),
        "settings music": Use(by("owner", "settings music", volume=120, stay=True)),
        "settings feature": Use(by("owner", "settings feature", feature="polls", enabled=True)),
        "settings export": Use(by("owner", "settings export")),
        "settings import": Use(by("owner", "settings import", file=document)),
        "settings reset": Use(by("owner", "settings reset")),
        "automod status": Use(by("owner", "automod status")),
        "automod filter": Use(by("owner", "automod filter", name="words", enabled=True, action="warn")),
        "automod add": Use(by("owner", "automod add", name="words", entries="one, two")),
        "automod remove": Use(
            by("owner", "automod remove", name="words", entries="two"),
            after(by("owner", "automod add", name="words", entries="two")),
        ),
        "automod exempt": Use(by("owner", "automod exempt", name="words", role=role)),
        "automod limits": Use(by("owner", "automod limits", mentions=3, messages=9)),
        "automod escalation": Use(by("owner", "automod escalation", enabled=True, warnings=9, hours=1, minutes=30)),
        "automod test": Use(by("owner", "automod test", text="o.n.e")),
    },
    "moderation": {
        "note": Use(by("moderator", "note", user=carol, text="watch this one"), present),
        "warn": Use(WARN, present),
        "Warn": Use(
            lambda it: it.stage.moderator.use_on_user(it.stage.channels["general"], carol(it), "Warn"), present
        ),
        "timeout": Use(by("moderator", "timeout", member=carol, duration="1h", reason="calm"), present, "timeout"),
        "untimeout": Use(by("moderator", "untimeout", member=carol), restricted, "untimeout"),
        "kick": Use(by("moderator", "kick", member=carol, reason="spam"), present, "kick"),
        "ban": Use(by("moderator", "ban", user=carol, reason="spam", duration="1d"), present, "ban"),
        "unban": Use(by("moderator", "unban", user=carol), banned, "unban"),
        "purge": Use(by("moderator", "purge", count=2), messages),
        "slowmode": Use(by("owner", "slowmode", duration="5s")),
        "lock": Use(by("owner", "lock", reason="raid"), after(by("owner", "unlock"))),
        "unlock": Use(by("owner", "unlock"), after(by("owner", "lock"))),
        "case": Use(by("moderator", "case", number=1), after(WARN)),
        "cases": Use(by("moderator", "cases", user=carol)),
        "reason": Use(by("moderator", "reason", number=1, text="better"), after(WARN)),
        "Report message": Use(report),
    },
    "community": {
        "stats member": Use(by("member", "stats member")),
        "stats top": Use(by("member", "stats top", what="messages"), messages),
        "stats server": Use(by("member", "stats server")),
        "roles offer": Use(OFFER),
        "roles withdraw": Use(by("owner", "roles withdraw", role=role), after(OFFER)),
        "roles list": Use(by("owner", "roles list"), after(OFFER)),
        "roles panel": Use(by("owner", "roles panel", style="buttons", title="Pick"), after(OFFER)),
        "poll start": Use(START),
        "poll close": Use(by("member", "poll close", number=1), after(START)),
        "poll show": Use(by("member", "poll show", number=1), after(START)),
        "remind me": Use(REMIND),
        "remind list": Use(by("member", "remind list"), after(REMIND)),
        "remind cancel": Use(by("member", "remind cancel", number=1), after(REMIND)),
        "remind zone": Use(by("member", "remind zone", name="Asia/Bangkok")),
        "welcome": Use(by("owner", "welcome")),
        "feedback": Use(by("owner", "feedback")),
    },
    "music": {
        "play": Use(by("owner", "play", "music", query="first"), listening),
        "playfile": Use(by("owner", "playfile", "music", file=tone), listening),
        "search": Use(by("owner", "search", "music", words="first"), listening),
        "queue": Use(by("owner", "queue", "music"), playing),
        "loop": Use(by("owner", "loop", "music", mode="queue"), playing),
        "shuffle": Use(by("owner", "shuffle", "music"), playing),
        "move": Use(by("owner", "move", "music", position=2, target=1), playing),
        "remove": Use(by("owner", "remove", "music", position=1), playing),
        "clear": Use(by("owner", "clear", "music"), playing),
        "nowplaying": Use(by("owner", "nowplaying", "music"), playing),
        "volume": Use(by("owner", "volume", "music", percent=120), playing),
        "seek": Use(by("owner", "seek", "music", position="0:30"), playing),
        "pause": Use(by("owner", "pause", "music"), playing),
        "resume": Use(by("owner", "resume", "music"), playing),
        "skip": Use(by("owner", "skip", "music"), playing),
        "previous": Use(by("owner", "previous", "music"), playing),
        "stop": Use(by("owner", "stop", "music"), playing),
        "leave": Use(by("owner", "leave", "music"), playing),
    },
    "ai and links": {
        "ai status": Use(by("member", "ai status")),
        "ai ask": Use(by("member", "ai ask", question="who are you?")),
        "ai forget": Use(by("moderator", "ai forget")),
        "ai usage": Use(by("member", "ai usage")),
        "links read": Use(by("member", "links read", url="http://a.example/")),
    },
}


def points(name: str, count: int) -> list[int]:
    """Draw the awaits, or calls, of a command that are disturbed: some, or all of them."""
    everything = range(1, count + 1)
    if IS_DEEP:
        return list(everything)
    return sorted(random.Random(name).sample(everything, min(FEW, count)))  # noqa: S311  no secret


MUSIC = pytest.param("music", marks=pytest.mark.skipif(not WITH_FFMPEG, reason="ffmpeg is not installed"))


@pytest.mark.timeout(3600 if IS_DEEP else 240)
@pytest.mark.parametrize("area", [MUSIC if area == "music" else area for area in AREAS])
async def test_a_command_is_whole_or_not_at_all(stage: Stage, judge: Judge, web: Web, area: str) -> None:
    """A command that is cancelled, or whose call fails: people are answered, nothing is half, the next one works."""
    assert web.pages
    ordeal = Ordeal(stage, judge)
    failures: list[str] = []
    for name, use in AREAS[area].items():
        try:
            await torture(ordeal, name, use)
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


async def torture(ordeal: Ordeal, name: str, use: Use) -> None:
    """Use a command undisturbed, and then once for each of the points that are drawn."""
    first = Tormentor()
    await ordeal.play(name, use, first)
    assert first.awaits, f"/{name} was not used"
    trials = [Tormentor(cancel_at=moment) for moment in points(f"{name} cancelled", first.awaits)]
    trials += [Tormentor(fail_at=call) for call in points(f"{name} failed", len(first.calls))]
    for trial in trials[-1:] if name in AREAS["music"] and not IS_DEEP else trials:
        await ordeal.play(name, use, trial)


PLANTED: dict[str, tuple[Any, str, str, str]] = {
    "a ban that is not done": (acts.Acts, "_perform", "ban", "1 cases of ban were made, and Discord did 0"),
    "an error that is not told": (errors.Errors, "tell", "note", "the person got no answer"),
}
"""Defects: what is done no more, the command that has it, and what is said of it."""


@pytest.mark.parametrize("defect", PLANTED)
async def test_defects_are_found(stage: Stage, judge: Judge, monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    """A case without its act and a person without an answer are found out."""
    owner, name, command, said = PLANTED[defect]

    async def omitted(*_args: Any, **_options: Any) -> None:
        """Do nothing."""

    monkeypatch.setattr(owner, name, omitted)
    with pytest.raises(AssertionError, match=said):
        await torture(Ordeal(stage, judge), command, AREAS["moderation"][command])


async def test_every_command_is_in_the_table(stage: Stage) -> None:
    """The bot offers the commands of the tables and those that are named with a reason, and no other ones."""
    assert names(stage.bot) == {*(name for area in AREAS.values() for name in area), *ELSEWHERE}
