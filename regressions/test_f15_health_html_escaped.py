"""HTML is made from f-strings.

The health pages are put together from strings by hand, and each value that goes into them needs its own call to be
escaped. Names of cogs have it; words such as a status, the name or report of a service, the phases of a language model
or the bot's own name are put in as they are. Whoever can choose one of them, by naming a server, a model or a service,
writes script into the page that the bot's owner looks at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from harness.parts.bot import ModelCog, QuietBot, guild
from harness.parts.health import handler_of, rendered, served, set_token
from harness.parts.markup import HOSTILE, taken_for_markup
from harness.parts.nested import changed, places

if TYPE_CHECKING:
    from harness.subject import Subject


@pytest.fixture
def health_api(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tree's module, asked with the token that it may want."""
    set_token(monkeypatch)
    return subject.monitoring.health_api


def hostile_bot() -> QuietBot:
    """A bot that people have named and extended with ill intent."""
    cogs = {name: ModelCog([HOSTILE]) for name in (HOSTILE, "AI", "AICog", "AI Chat", "Chat")}
    return QuietBot(cogs=cogs, guilds=[guild(3, HOSTILE)], user=HOSTILE)


@pytest.mark.parametrize("path", ["/health", "/stats"])
def test_what_a_bot_says_of_itself_stays_text(health_api: Any, path: str) -> None:
    """Whatever the bot, its cogs and their figures are called, the page shows it as text."""
    health_api.health_data.update_from_bot(hostile_bot())
    with served(health_api) as server:
        became = taken_for_markup(server.get(path).body)
    assert became is None, f"GET {path} turned a name that the bot reported into {became}"


@pytest.mark.parametrize("form", ["/{}", "/health/{}", "/health?view={}", "/stats?sort={}"])
def test_what_a_link_says_stays_text(health_api: Any, form: str) -> None:
    """Whatever a link that the owner follows asks for, the page that answers shows it as text."""
    with served(health_api) as server:
        answer = server.get(form.format(quote(HOSTILE, safe="")))
    became = taken_for_markup(answer.body) if answer.is_page else None
    assert became is None, f"GET {form.format('…')} turned what the link said into {became}"


REPORTS = (True, HOSTILE, {"healthy": False, "status": HOSTILE, "error": HOSTILE, "message": HOSTILE, HOSTILE: HOSTILE})


@pytest.mark.parametrize("report", REPORTS, ids=["name", "word", "details"])
def test_what_a_service_reports_stays_text(health_api: Any, report: object) -> None:
    """Whatever a service is called and reports of itself, the page shows it as text."""
    board = health_api.health_data.service_health
    board[HOSTILE] = report
    try:
        health_api.health_data.update_from_bot(QuietBot())
        with served(health_api) as server:
            became = {path: taken_for_markup(server.get(path).body) for path in ("/health", "/stats")}
    finally:
        board.pop(HOSTILE, None)
    for path, what in became.items():
        assert what is None, f"GET {path} turned what a service reported into {what}"


def readings(health_api: Any, page: str) -> list[dict[str, Any]]:
    """What a page is made of: everything, or for the page of statistics the AI figures alone."""
    health_api.health_data.update_from_bot(
        QuietBot(cogs={"Music": ModelCog([HOSTILE]), "AI": ModelCog([HOSTILE])}, guilds=[guild(3)])
    )
    health_api.health_data.service_health["database"] = True
    everything = health_api.health_data.to_dict()
    if page == "_generate_health_html":
        return [everything]
    return [everything, health_api.health_data.get_ai_performance_stats()]


@pytest.mark.parametrize("page", ["_generate_health_html", "_generate_stats_html"])
def test_any_text_among_the_data_stays_text(health_api: Any, page: str) -> None:
    """Whichever text of the data a page is made of is hostile, or a name more in one of its tables, it stays text."""
    generate = getattr(handler_of(health_api), page)
    try:
        for data in readings(health_api, page):
            for at, grows in places(data):
                became = taken_for_markup(rendered(generate, changed(data, [(at, grows)], HOSTILE)))
                where = ".".join(map(str, at)).replace(HOSTILE, "…")
                assert became is None, f"{page} turned {'a name in ' * grows}{where} into {became}"
    finally:
        health_api.health_data.service_health.pop("database", None)
