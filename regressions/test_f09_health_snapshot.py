"""The HTTP thread reads the bot's live state.

The health pages are served from a thread of their own while the bot's event loop goes on changing what they show. A
page that collects its figures one by one, from the bot or from the shared health object, can show the old half of one
state beside the new half of another, say 200 above the word unhealthy, or die of a dictionary that changes while it is
walked through. And the bot's own objects belong to its event loop: the thread that serves a page must not reach for
them, not least because a page is wanted most when that loop is stuck.
"""

from __future__ import annotations

import json
import threading
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.bot import QuietBot, guild
from harness.parts.health import Answer, served, set_token
from harness.parts.interleave import Interleaver

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subject import Subject

LOOP = "the event loop"
OLD, NEW = "OldHalf", "NewHalf"
MEMBERS = {OLD: 314159, NEW: 271828}
PATHS = (
    "/health/live",
    "/health/ready",
    "/health",
    "/health/json",
    "/health/deep",
    "/stats",
    "/ai/stats",
    "/metrics",
)
RACED = (("/health", "text/html"), ("/health/json", "application/json"))


class Cog:
    """A cog that keeps figures about its language model, itself and in a manager."""

    def __init__(self) -> None:
        self.chat_manager = self

    def get_performance_stats(self) -> dict[str, Any]:
        """Return figures by phase."""
        return {"api": {"count": 1, "avg_ms": 1.0, "min_ms": 1.0, "max_ms": 1.0, "p95_ms": 1.0}}


def figures(half: str) -> dict[str, Any]:
    """Everything that a bot says of itself when it is wholly in one of the two states."""
    cogs = {f"{half}Cog": Cog()}
    return {"cogs": cogs, "guilds": [guild(MEMBERS[half])], "user": f"{half}Bot", "ready": half == OLD}


def on_the_loop(work: Callable[[], object]) -> None:
    """Do work on a thread that stands for the event loop."""
    thread = threading.Thread(target=work, name=LOOP, daemon=True)
    thread.start()
    thread.join(10)


def seen(answer: Answer, marks: tuple[str, ...]) -> tuple[int, object, tuple[str, ...]]:
    """Reduce an answer to what must belong together: the HTTP code, the word in the JSON, the figures it shows."""
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    bare = answer.body.replace(",", "").replace("\N{THIN SPACE}", "").replace("\N{NO-BREAK SPACE}", "")
    return answer.code, told.get("status") if isinstance(told, dict) else None, tuple(m for m in marks if m in bare)


@pytest.fixture
def health_api(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tree's module, asked with the token that it may want."""
    set_token(monkeypatch)
    return subject.monitoring.health_api


@pytest.fixture
def reader(subject: Subject) -> Interleaver:
    """Stops the threads that serve pages."""
    return Interleaver(subject.owns, lambda name: name not in {LOOP, "meanwhile"})


def publish(health_api: Any, bot: QuietBot, half: str) -> None:
    """Let the event loop publish one of the two states."""
    bot.figures |= figures(half)
    on_the_loop(lambda: health_api.health_data.update_from_bot(bot))


def states(health_api: Any, bot: QuietBot, ask: Callable[[], Any]) -> dict[str, Any]:
    """Return what an undisturbed reader is told in each state."""
    told = {}
    for half in (NEW, OLD):
        publish(health_api, bot, half)
        told[half] = ask()
    return told


MARKS = tuple(f"{half}{what}" for half in (OLD, NEW) for what in ("Cog", "Bot")) + tuple(map(str, MEMBERS.values()))


def describe(path: str, got: object, told: dict[str, Any]) -> str:
    """Say in one line that an answer belongs to neither state."""
    return f"GET {path} told of a state that never was, {got}; the bot was in {told[OLD]} and then in {told[NEW]}"


@pytest.mark.parametrize(("path", "accept"), RACED, ids=[path for path, _ in RACED])
def test_a_page_overtaken_by_the_event_loop_shows_one_state(
    health_api: Any, reader: Interleaver, path: str, accept: str
) -> None:
    """Wherever a page is overtaken by new figures and a new service, it shows what was before or what is after."""
    bot = QuietBot()
    with reader.watching(), served(health_api) as server:
        page = partial(server.get, path, accept)
        board = Board(health_api, page)
        told = states(health_api, bot, lambda: seen(page(), MARKS))
        services = {here: board.told(page()) for here in (True, False) if board.put(here=here)}
        try:
            for place, half in zip(reader.places(page), cycle((NEW, OLD)), strict=False):
                answer = reader.overtake(place, page, partial(both, health_api, bot, board, half))
                got, known = seen(answer, MARKS), board.told(answer)
                assert known in services.values(), f"GET {path} gave {known} when a service began or ceased to report"
                assert got in told.values(), describe(path, got, told)
        finally:
            board.clear()


def test_a_page_asked_for_in_the_middle_of_an_update_shows_one_state(subject: Subject, health_api: Any) -> None:
    """Wherever the event loop is in publishing the bot's figures, pages show the state before or the state after."""
    bot = QuietBot()
    writer = Interleaver(subject.owns, LOOP.__eq__, rounds=3)
    with writer.watching(), served(health_api) as server:

        def ask() -> dict[str, Any]:
            return {path: seen(server.get(path, accept), MARKS) for path, accept in RACED}

        told = states(health_api, bot, ask)
        for place, half in zip(writer.places(lambda: publish(health_api, bot, OLD)), cycle((NEW, OLD)), strict=False):
            got: list[dict[str, Any]] = []
            writer.overtake(place, partial(publish, health_api, bot, half), partial(_note, got, ask))
            for path, answer in ((path, answer) for answers in got for path, answer in answers.items()):
                at_rest = {half: answers[path] for half, answers in told.items()}
                assert answer in at_rest.values(), describe(path, answer, at_rest)


def _note(answers: list[dict[str, Any]], ask: Callable[[], dict[str, Any]]) -> None:
    answers.append(ask())


def both(health_api: Any, bot: QuietBot, board: Board, half: str) -> None:
    """Let the event loop publish a state, and a service begin or cease to report with it."""
    publish(health_api, bot, half)
    on_the_loop(partial(board.put, here=half == NEW))


class Board:
    """The services of a tree's health data; where it keeps none that this test understands, nothing is done."""

    def __init__(self, health_api: Any, page: Callable[[], Answer]) -> None:
        self._services = health_api.health_data.service_health
        self._value = next((value for value in self._possible() if self._shows(value, page)), None)
        if self._value is None:
            self.clear()

    def _possible(self) -> list[Any]:
        if not hasattr(self._services, "items") or not hasattr(self._services, "pop"):
            return []
        kept = list(self._services.values())[:1]
        return [*kept, True, "healthy", {"status": "healthy", "healthy": True, "available": True}]

    def _shows(self, value: object, page: Callable[[], Answer]) -> bool:
        self._services["service-a"] = value
        return page().code in {200, 503}

    def put(self, *, here: bool) -> bool:
        """Make a service report, or cease to."""
        if self._value is not None and here:
            self._services["service-b"] = self._value
        elif self._value is not None:
            self._services.pop("service-b", None)
        return True

    def told(self, answer: Answer) -> tuple[bool, tuple[str, ...]]:
        """Reduce an answer to whether it is one, and to the services it names."""
        return answer.code in {200, 503}, seen(answer, ("service-a", "service-b"))[2]

    def clear(self) -> None:
        """Remove what this test put there."""
        for name in ("service-a", "service-b"):
            getattr(self._services, "pop", lambda *_: None)(name, None)


async def test_no_page_touches_the_bot(health_api: Any) -> None:
    """All pages are answered while the event loop is blocked, and no thread but the loop's reads the bot's objects."""
    bot = QuietBot(cogs={name: Cog() for name in ("AI", "AICog", "AI Chat", "Chat")}, guilds=[guild(3)])
    health_api.health_data.update_from_bot(bot)
    loop_thread = threading.current_thread().name
    with served(health_api) as server:
        for path in PATHS:
            bot.readers.clear()
            answer = server.get(path)  # this call blocks the event loop
            strangers = sorted({figure for figure, name in bot.readers if name != loop_thread})
            assert not strangers, f"the thread that answers GET {path} read the bot's {', '.join(strangers)}"
            assert answer.code, f"GET {path} was not answered while the event loop was blocked"


def test_ai_figures_are_read_without_touching_the_bot(health_api: Any) -> None:
    """Asking for the AI figures on another thread does not read the bot's cogs there."""
    bot = QuietBot(cogs={name: Cog() for name in ("AI", "AICog", "AI Chat", "Chat")})
    health_api.health_data.update_from_bot(bot)
    bot.readers.clear()
    thread = threading.Thread(target=health_api.health_data.get_ai_performance_stats, name="page", daemon=True)
    thread.start()
    thread.join(10)
    assert not bot.readers, f"get_ai_performance_stats read the bot's {bot.readers[0][0]} on the thread that asked"


def test_a_page_is_made_of_the_data_it_is_given(health_api: Any) -> None:
    """A page made from a dictionary shows that dictionary's state, whatever has happened to the bot since."""
    bot = QuietBot()
    publish(health_api, bot, OLD)
    data = health_api.health_data.to_dict()
    handler = health_api.HealthRequestHandler.__new__(health_api.HealthRequestHandler)
    alone = handler._generate_health_html(data)
    publish(health_api, bot, NEW)
    later = handler._generate_health_html(data)
    was, now = (seen(Answer(0, page), MARKS)[2] for page in (alone, later))
    assert was == now, f"a page made from one reading showed {now} after the bot had moved on, and {was} before"
