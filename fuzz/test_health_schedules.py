"""Health pages that are made while the bot's event loop publishes, under every change of threads to a bound.

One thread stands for the event loop: it publishes the bot's new figures, and services begin or cease to report. Other
threads answer requests with the tree's own handler. Wherever they are changed, each answer shows a state that the bot
was in, the services of one moment, and no thread but the event loop's has read the bot.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import every_of_threads, of_threads
from harness.parts.anew import imported_anew
from harness.parts.bot import QuietBot
from harness.parts.health import Answer, handled, set_token
from harness.parts.health_states import NEW, OLD, Board, describe, figures, seen
from harness.parts.turn_locks import known_locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzz.explore import Together
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
PAGES = {"page": ("/health", "text/html"), "json": ("/health/json", "application/json")}
OTHERS = {"ready": ("/health/ready", "*/*"), "deep": ("/health/deep", "*/*"), "ai": ("/ai/stats", "*/*")}
ROUNDS = 4
"""Passes of a loop in which the event loop is overtaken: one that writes figure after figure shows it late."""

Act = tuple[str, bool]
"""What the event loop does: ``publish`` the new (or old) state, or ``report`` of one more service (or not)."""


@dataclass
class Bot:
    """A bot, and the health data that it publishes to.

    Attributes:
        told: what an undisturbed page shows, by page and state.
        named: the services that an undisturbed page names, by page and whether the second one reports.
        loop_thread: the thread that stands for the event loop in a run.
    """

    health_api: Any
    bot: QuietBot = field(default_factory=QuietBot)
    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: dict[str, dict[bool, Any]] = field(default_factory=dict)
    loop_thread: str = ""

    def __post_init__(self) -> None:
        self.board = Board(self.health_api, partial(self.ask, "page"))
        for page in PAGES:
            self.told[page] = {half: seen(self.ask(page)) for half in (NEW, OLD) if self.act(("publish", half == NEW))}
            self.named[page] = {
                here: self.board.told(self.ask(page)) for here in (True, False) if self.act(("report", here))
            }

    def act(self, act: Act) -> bool:
        """Do something on the event loop."""
        kind, new = act
        if kind == "publish":
            self.bot.figures |= figures(NEW if new else OLD)
            self.health_api.health_data.update_from_bot(self.bot)
        else:
            self.board.put(here=new)
        return True

    def ask(self, page: str) -> Answer:
        """Ask for a page, on this thread."""
        return handled(self.health_api, *{**PAGES, **OTHERS}[page])

    def judge(self, page: str, answer: Answer) -> None:
        """See that an answer shows one state, and the services of one moment."""
        path = {**PAGES, **OTHERS}[page][0]
        assert answer.code, f"GET {path} was not answered while the event loop published"
        if page in PAGES:
            known = self.board.told(answer)
            assert known in self.named[page].values(), f"GET {path} gave {known} when a service began or ceased"
            assert seen(answer) in self.told[page].values(), describe(path, seen(answer), self.told[page])

    def judge_readers(self, pages: list[str]) -> None:
        """See that no thread but the event loop's has read the bot."""
        strangers = sorted({figure for figure, name in self.bot.readers if name != self.loop_thread})
        paths = " or ".join(sorted({{**PAGES, **OTHERS}[page][0] for page in pages}))
        assert not strangers, f"a thread that answers GET {paths} read the bot's {', '.join(strangers)}"


@pytest.fixture
def bot(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bot]:
    """A bot whose health data, made anew, has locks that the schedules know."""
    set_token(monkeypatch)
    assert subject.monitoring.health_api
    with pytest.MonkeyPatch.context() as patch, known_locks():
        yield Bot(imported_anew(patch, "utils.monitoring", "health_api", prefix="health"))


def scenario(bot: Bot, acts: list[Act], pages: list[str], together: Together, *, page_first: bool = False) -> None:
    """Let the event loop act, one thing after the other, while each page is asked for by a thread of its own.

    In the ordinary order the event loop is first, or the page is.
    """
    bot.act(("publish", False))
    bot.act(("report", False))
    bot.bot.readers.clear()

    def loop() -> None:
        bot.loop_thread = threading.current_thread().name
        for act in acts:
            bot.act(act)

    jobs = [loop, *(partial(bot.ask, page) for page in pages)]
    answers = list(together(*(reversed(jobs) if page_first else jobs)))
    answers.remove(None)
    for page, answer in zip(pages, answers, strict=True):
        bot.judge(page, answer)
    bot.judge_readers(pages)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("page_first", [True, False], ids=["overtaken", "overtaking"])
def test_every_schedule_of_a_page(
    *, subject: Subject, bot: Bot, page: str, page_first: bool, replay: str | None
) -> None:
    """Wherever the event loop overtakes a page, or a page the event loop, the page shows one state."""
    acts = [("publish", True), ("report", True)]
    play = partial(scenario, bot, acts, [page], page_first=page_first)
    rounds = 1 if page_first else ROUNDS
    explored = every_of_threads(play, subject.owns, departures=1, most=2 * FUZZ.examples, rounds=rounds, replay=replay)
    bounds.note(FUZZ, f"{page} {'overtaken by' if page_first else 'overtaking'} the event loop", explored)


@FUZZ.tries
@given(
    acts=st.lists(st.tuples(st.sampled_from(["publish", "report"]), st.booleans()), min_size=1, max_size=4),
    pages=st.lists(st.sampled_from([*PAGES, *OTHERS]), min_size=1, max_size=2),
    departures=st.dictionaries(st.integers(0, 80) | st.integers(0, 400), st.integers(1, 2), max_size=4),
)
def test_drawn_schedules_of_any_pages(
    *,
    subject: Subject,
    bot: Bot,
    replay: str | None,
    acts: list[Act],
    pages: list[str],
    departures: dict[int, int],
) -> None:
    """Whatever the event loop does and whichever pages are asked for meanwhile, each shows one state."""
    of_threads(partial(scenario, bot, acts, pages), subject.owns, departures, replay=replay)
