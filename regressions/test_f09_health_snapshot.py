"""The HTTP thread reads the bot's live state.

The health pages are served from a thread of their own while the bot's event loop goes on changing what they show. A
page that collects its figures one by one, from the bot or from the shared health object, can show the old half of one
state beside the new half of another, say 200 above the word unhealthy, or die of a dictionary that changes while it is
walked through. And the bot's own objects belong to its event loop: the thread that serves a page must not reach for
them, not least because a page is wanted most when that loop is stuck.
"""

from __future__ import annotations

import threading
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.bot import ModelCog, QuietBot, guild
from harness.parts.health import Answer, served, set_token
from harness.parts.health_states import NEW, OLD, Board, describe, figures, seen
from harness.parts.interleave import Interleaver

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.subject import Subject

LOOP = "the event loop"
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


def on_the_loop(work: Callable[[], object]) -> None:
    """Do work on a thread that stands for the event loop."""
    thread = threading.Thread(target=work, name=LOOP, daemon=True)
    thread.start()
    thread.join(10)


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


@pytest.mark.parametrize(("path", "accept"), RACED, ids=[path for path, _ in RACED])
def test_a_page_overtaken_by_the_event_loop_shows_one_state(
    health_api: Any, reader: Interleaver, path: str, accept: str
) -> None:
    """Wherever a page is overtaken by new figures and a new service, it shows what was before or what is after."""
    bot = QuietBot()
    with reader.watching(), served(health_api) as server:
        page = partial(server.get, path, accept)
        board = Board(health_api, page)
        told = states(health_api, bot, lambda: seen(page()))
        services = {here: board.told(page()) for here in (True, False) if board.put(here=here)}
        try:
            for place, half in zip(reader.places(page), cycle((NEW, OLD)), strict=False):
                answer = reader.overtake(place, page, partial(both, health_api, bot, board, half))
                got, known = seen(answer), board.told(answer)
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
            return {path: seen(server.get(path, accept)) for path, accept in RACED}

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


async def test_no_page_touches_the_bot(health_api: Any) -> None:
    """All pages are answered while the event loop is blocked, and no thread but the loop's reads the bot's objects."""
    bot = QuietBot(cogs={name: ModelCog() for name in ("AI", "AICog", "AI Chat", "Chat")}, guilds=[guild(3)])
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
    bot = QuietBot(cogs={name: ModelCog() for name in ("AI", "AICog", "AI Chat", "Chat")})
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
    was, now = (seen(Answer(0, page))[2] for page in (alone, later))
    assert was == now, f"a page made from one reading showed {now} after the bot had moved on, and {was} before"
