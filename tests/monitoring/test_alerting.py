"""Facts about alerts: what is sent, when it is not, and that nothing of it is left over."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.parts.webserver import Reply, Request, WebServer
from reference.utils.monitoring import alerting
from reference.utils.monitoring.alert_message import FIELD_VALUE, TOTAL, clipped, message_of, units
from reference.utils.monitoring.alerting import AlertManager
from reference.utils.monitoring.loop_sessions import LoopSessions, private_session
from reference.utils.monitoring.webhook_url import webhook_fault
from reference.utils.reliability.shutdown_manager import shutdown_manager

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/api/webhooks/123456789012345678/se-cret_Token"


class Discord:
    """A webhook server that answers as told, and a manager that believes it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.server = WebServer(self._answer)

    def _answer(self, _request: Request) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else (self.replies or [Reply(status=204)])[0]

    def manager(self, cooldown: float = 0.0) -> AlertManager:
        """Make a manager whose webhook is on this server."""
        origin = f"http://127.0.0.1:{self.server.port}"
        return AlertManager(origin + PATH, cooldown, origins={origin})

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What arrived."""
        return [json.loads(request.body) for request in self.server.requests]


@pytest.fixture
def discord() -> Iterator[Discord]:
    """A running webhook server."""
    discord = Discord()
    with discord.server:
        yield discord


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "FIRST_WAIT", 0.0)


async def settled(manager: AlertManager) -> None:
    """Wait until nothing is tried in the background any more."""
    if manager._pending:
        await asyncio.wait(manager._pending, timeout=10)
    assert not manager.pending


async def test_an_alert_arrives(discord: Discord) -> None:
    """An alert is one embed with title, text, colour and fields, which mentions nobody."""
    manager = discord.manager()
    assert await manager.send_alert("Full", "disk @everyone", "disk", "critical", {"free": 3}) is True
    (message,) = discord.messages
    (embed,) = message["embeds"]
    assert message["allowed_mentions"] == {"parse": []}
    assert embed["title"].endswith("Full")
    assert (embed["description"], embed["color"]) == ("disk @everyone", 0x992D22)
    assert embed["fields"] == [{"name": "free", "value": "3", "inline": True}]
    await manager.close()


async def test_a_type_is_sent_once_within_the_cool_down(discord: Discord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many alerts of a type at once one is sent; another type is not held up; time brings the next."""
    now = [time.monotonic()]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    manager = discord.manager(cooldown=60)
    sent = await asyncio.gather(*(manager.send_alert("t", "d", "disk") for _ in range(5)))
    assert sorted(sent) == [False] * 4 + [True]
    assert await manager.send_alert("t", "d", "memory")
    now[0] += 60
    assert await manager.send_alert("t", "d", "disk")
    await manager.close()


async def test_cool_downs_are_remembered_for_so_many_types(discord: Discord, monkeypatch: pytest.MonkeyPatch) -> None:
    """Types made up by callers without end do not fill the memory."""
    monkeypatch.setattr(alerting, "MOST_TYPES", 3)
    manager = discord.manager(cooldown=60)
    for number in range(5):
        assert await manager.send_alert("t", "d", f"type {number}")
    assert await manager.send_alert("t", "d", "type 0")
    assert not await manager.send_alert("t", "d", "type 4")
    await manager.close()


@pytest.mark.parametrize(
    "reply", [Reply(status=503), Reply(status=429, headers={"Retry-After": "0"}), Reply(cut=True, status=500)]
)
async def test_what_may_pass_is_tried_again_in_the_background(discord: Discord, reply: Reply) -> None:
    """After 429 or 5xx the caller is told False at once, and the alert arrives by itself."""
    discord.replies = [reply, Reply(status=204)]
    manager = discord.manager(cooldown=60)
    assert await manager.send_alert("t", "d") is False
    await settled(manager)
    assert len(discord.messages) == 2
    assert await manager.send_alert("t", "d") is False, "the cool-down holds for an alert that was delivered late"
    assert len(discord.messages) == 2
    await manager.close()


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "2.5"}, b"", 2.5),
        ({"Retry-After": "1e9"}, b"", alerting.LONGEST_WAIT),
        ({"Retry-After": "-3"}, b"", 0.0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, b"", 0.0),
        ({}, b'{"retry_after": 1.5}', 1.5),
        ({}, b"not json", 0.0),
        ({"Retry-After": "nan"}, b"", 0.0),
    ],
)
async def test_discord_says_how_long_to_wait(
    discord: Discord, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str], body: bytes, seconds: float
) -> None:
    """The wait is the header's, in seconds or as a date, or the body's, and has a limit."""
    waits: list[float] = []

    async def note(_self: object, _url: str, _type: str, _message: object, wait: float) -> None:
        waits.append(wait)

    monkeypatch.setattr(AlertManager, "_retry", note)
    discord.replies = [Reply(body, 429, headers)]
    manager = discord.manager()
    await manager.send_alert("t", "d")
    await settled(manager)
    assert waits == [seconds]
    await manager.close()


async def test_attempts_have_an_end(discord: Discord, caplog: pytest.LogCaptureFixture) -> None:
    """An alert is given up after some attempts, with a line in the log, and its type may be sent again."""
    discord.replies = [Reply(status=500)]
    manager = discord.manager(cooldown=60)
    await manager.send_alert("t", "d")
    await settled(manager)
    assert len(discord.messages) == alerting.MOST_ATTEMPTS
    assert "was lost: HTTP 500" in caplog.text
    discord.replies = [Reply(status=204)]
    assert await manager.send_alert("t", "d")
    await manager.close()


async def test_a_final_refusal_is_not_repeated(discord: Discord, caplog: pytest.LogCaptureFixture) -> None:
    """After 404 nothing is tried again, and the secret address is in no line of the log."""
    discord.replies = [Reply(status=404)]
    manager = discord.manager()
    with caplog.at_level(logging.DEBUG):
        assert not await manager.send_alert("t", "d")
    assert (len(discord.messages), manager.pending) == (1, 0)
    assert "se-cret" not in caplog.text
    assert "se-cret" not in repr(manager)
    await manager.close()


async def test_a_redirect_is_not_followed(discord: Discord) -> None:
    """An alert goes to the configured address or nowhere."""
    discord.replies = [Reply(status=307, headers={"Location": "/elsewhere"})]
    manager = discord.manager()
    assert not await manager.send_alert("t", "d")
    assert [request.path for request in discord.server.requests] == [PATH]
    await manager.close()


async def test_waiting_alerts_are_bounded(discord: Discord, monkeypatch: pytest.MonkeyPatch) -> None:
    """With so many waiting, further alerts are dropped; close drops the waiting ones."""
    monkeypatch.setattr(alerting, "MOST_PENDING", 2)
    discord.replies = [Reply(status=429, headers={"Retry-After": "50"})]
    manager = discord.manager()
    for number in range(4):
        assert not await manager.send_alert("t", "d", f"type {number}")
    assert manager.pending == 2
    await manager.close()
    assert manager.pending == 0
    assert len(asyncio.all_tasks()) == 1


async def test_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an unreachable server nor text that cannot be shown makes the caller fail."""
    origin = "http://127.0.0.1:1"
    manager = AlertManager(origin + PATH, 0, origins={origin})
    monkeypatch.setattr(alerting, "MOST_ATTEMPTS", 1)
    assert not await manager.send_alert("t", "d")
    await settled(manager)

    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError

    assert not await manager.send_alert(Unspeakable(), "d")  # type: ignore[arg-type]  # the point
    await manager.close()


async def test_a_cancelled_alert_may_be_sent_again(discord: Discord) -> None:
    """Cancellation gets through, and the type's cool-down is given back."""
    discord.replies = [Reply(silent=True)]
    manager = discord.manager(cooldown=60)
    task = asyncio.create_task(manager.send_alert("t", "d"))
    assert await discord.server.until(lambda: discord.server.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    discord.replies = [Reply(status=204)]
    assert await manager.send_alert("t", "d")
    await manager.close()


async def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and cool-down have variables; without an address nothing is sent, and a bad cool-down is the default."""
    monkeypatch.delenv("ALERT_WEBHOOK_URL", raising=False)
    monkeypatch.setenv("ALERT_COOLDOWN_SECONDS", "12.5")
    manager = AlertManager()
    assert (await manager.send_alert("t", "d"), manager.cooldown, repr(manager)[:18]) == (
        False,
        12.5,
        "<AlertManager off,",
    )
    for bad in ("soon", "-1", "nan"):
        monkeypatch.setenv("ALERT_COOLDOWN_SECONDS", bad)
        assert manager.cooldown == alerting.DEFAULT_COOLDOWN


async def test_a_wrong_address_is_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """An address that is not Discord's is refused, said once, without repeating it."""
    monkeypatch.setenv("ALERT_WEBHOOK_URL", f"https://evil.example{PATH}")
    manager = AlertManager()
    for _ in range(3):
        assert not await manager.send_alert("t", "d")
    assert caplog.text.count("does not lead to Discord") == 1
    assert "evil" not in caplog.text


@pytest.mark.parametrize(
    "origin", ["https://discord.com", "https://ptb.discord.com:443", "https://CANARY.discordapp.com"]
)
@pytest.mark.parametrize("prefix", ["/api", "/api/v10"])
def test_discord_s_own_addresses_are_believed(origin: str, prefix: str) -> None:
    """Every server of Discord's, with or without a version, is believed."""
    assert webhook_fault(f"{origin}{prefix}{PATH.removeprefix('/api')}?wait=true") is None


@pytest.mark.parametrize(
    "url",
    [
        f"http://discord.com{PATH}",
        f"https://discord.com.evil.example{PATH}",
        f"https://evil.example/discord.com{PATH}",
        f"https://user@discord.com{PATH}",
        f"https://discord.com@evil.example{PATH}",
        f"https://discord.com:8443{PATH}",
        f"https://discord.com:x{PATH}",
        f"https://d\u0131scord.com{PATH}",
        f"https://discord.com\\{PATH}",
        f"https://discord.com{PATH}/../../../oauth2",
        "https://discord.com/api/webhooks/x/y",
        f"https://discord.com{PATH}#x",
        "",
        "nonsense",
    ],
)
def test_other_addresses_are_not(url: str) -> None:
    """Look-alikes, other schemes, ports, users and paths are refused, in words that do not repeat the address."""
    fault = webhook_fault(url)
    assert fault is not None
    assert "discord.com" not in fault


@given(
    title=st.text(),
    description=st.text(max_size=9000),
    fields=st.lists(st.tuples(st.text(max_size=400), st.text(max_size=1500)), max_size=40),
)
def test_every_message_fits(title: str, description: str, fields: list[tuple[str, str]]) -> None:
    """Whatever the texts, the embed keeps Discord's limits and can be encoded."""
    (embed,) = message_of(title, description, "type", "error", fields)["embeds"]
    texts = [embed["title"], embed["description"], embed["footer"]["text"]]
    texts += [text for field in embed["fields"] for text in (field["name"], field["value"])]
    assert sum(map(units, texts)) <= TOTAL
    assert len(embed["fields"]) <= 25
    assert all(field["name"] and units(field["value"]) <= FIELD_VALUE for field in embed["fields"])
    json.dumps(embed, ensure_ascii=False).encode()


def test_long_text_is_cut_between_characters() -> None:
    """A text is shortened with an ellipsis and never in the middle of a character."""
    assert clipped("abcdef", 4) == "abc…"
    assert clipped("😀😀", 3) == "😀…"
    assert clipped("x", 0) == ""


@pytest.mark.parametrize(
    "fields", [{"a": 1}, [("a", 1)], [("a", 1, True)], [{"name": "a", "value": 1}], [("a", 1), "nonsense"]]
)
def test_fields_have_many_forms(fields: Any) -> None:
    """Mappings, pairs and Discord's own objects are fields; anything else is passed over."""
    (embed,) = message_of("t", "d", "type", "nonsense", fields)["embeds"]
    assert embed["fields"] == [{"name": "a", "value": "1", "inline": True}]


def ends_of_a_loop() -> dict[str, Callable[[LoopSessions], None]]:
    """Ways for a loop to end, none of which closes the sessions by itself."""

    async def use(sessions: LoopSessions) -> None:
        await sessions.get()

    async def crash(sessions: LoopSessions) -> None:
        await sessions.get()
        raise ZeroDivisionError

    def by_exception(sessions: LoopSessions) -> None:
        with pytest.raises(ZeroDivisionError):
            asyncio.run(crash(sessions))

    def roughly(sessions: LoopSessions) -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(use(sessions))
        loop.close()

    return {"return": lambda sessions: asyncio.run(use(sessions)), "exception": by_exception, "rough": roughly}


@pytest.mark.parametrize("end", ends_of_a_loop())
def test_no_end_of_a_loop_leaves_a_session_open(end: str, caplog: pytest.LogCaptureFixture) -> None:
    """However a loop ends, with nobody closing anything, no session is left to complain."""
    sessions = LoopSessions(lambda: private_session(1.0))
    ends_of_a_loop()[end](sessions)
    asyncio.run(sessions.close())
    assert len(sessions) == 0
    gc.collect()
    assert "Unclosed" not in caplog.text


def test_each_loop_has_its_session(caplog: pytest.LogCaptureFixture) -> None:
    """A loop gets one session for all its calls, the next loop another; a forgotten owner leaves nothing open."""
    sessions = LoopSessions(lambda: private_session(1.0))

    async def twice() -> list[Any]:
        return [await sessions.get(), await sessions.get()]

    first, second = asyncio.run(twice()), asyncio.run(twice())
    assert first[0] is first[1]
    assert first[0] is not second[0]
    assert first[0].closed
    assert second[0].closed
    loop = asyncio.new_event_loop()
    left = loop.run_until_complete(sessions.get())
    loop.close()
    sessions = LoopSessions(lambda: private_session(1.0))
    gc.collect()
    assert left.closed
    assert "Unclosed" not in caplog.text


def test_close_reaches_a_loop_in_another_thread() -> None:
    """Closing from one loop closes the session of a loop that runs in another thread, over there."""
    sessions = LoopSessions(lambda: private_session(1.0))
    made, leave, found = threading.Event(), threading.Event(), []

    async def other() -> None:
        found.append(await sessions.get())
        made.set()
        await asyncio.to_thread(leave.wait, 10)

    thread = threading.Thread(target=asyncio.run, args=(other(),))
    thread.start()
    assert made.wait(10)
    asyncio.run(sessions.close())
    assert found[0].closed
    leave.set()
    thread.join(10)


def test_retries_of_another_loop_are_dropped(discord: Discord) -> None:
    """Alerts that wait in a loop that has ended are forgotten, and close in the next loop says nothing of them."""
    discord.replies = [Reply(status=429, headers={"Retry-After": "50"})]
    manager = discord.manager()
    asyncio.run(manager.send_alert("t", "d"))
    asyncio.run(manager.close())
    assert manager.pending == 0


async def test_the_shutdown_manager_closes_what_is_used(discord: Discord) -> None:
    """The first session registers the manager's close, once, and a manager that is gone is no longer registered."""
    manager = discord.manager()
    names = [f"alerts-{id(manager):x}"]
    for _ in range(3):
        await manager.send_alert("t", "d")
    registered = [handler for handler in shutdown_manager._handlers if handler.name in names]
    assert len(registered) == 1
    await registered[0].callback()
    assert len(manager._sessions) == 0
    del manager
    gc.collect()
    assert not [handler for handler in shutdown_manager._handlers if handler.name in names]
    await registered[0].callback()
