"""The health API: any text in, well-formed pages, JSON and metrics out, nothing forged, and nothing but the snapshot.

Names and reports come from people who name servers, services and models; links come from anybody. Whatever text they
choose, a page has the elements and attributes that it has for harmless text of the same length, and nests as well.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.bot import ModelCog, QuietBot, guild
from harness.parts.health import Answer, HealthServer, handler_of, rendered, served, set_token
from harness.parts.markup import ELEMENT, taken_for_markup
from harness.parts.nested import changed, places

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
"""Elements that have no end (HTML 13.1.2)."""

FRAGMENTS = (
    *("<", ">", '"', "'", "&", "`", "=", "/", " ", "\n", "\r\n", "\t", "\x00", "\x1b[2J", "\ud800", "\\", "--", "%"),
    *("<b>", "</td>", "</main>", "</title>", "</script>", "</style>", "<!--", "-->", "]]>", "<![CDATA[", "<?x "),
    *(
        "<script>",
        "<img src=x onerror=1>",
        " onload=1 ",
        "javascript:",
        "&lt;",
        "&#60;",
        "%3Cb%3E",
        "{{7*7}}",
        "{% x %}",
    ),
    *(f"<{ELEMENT}>", '"} 1\nforged_total 1\n', '", "healthy": true, "', "word"),
)
texts = (
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), min_size=1, max_size=6)
    .map("".join)
    .filter(lambda text: not text.isalnum() and text.strip())
)


def harmless(text: str) -> str:
    """Return a text of the same length in which nothing means anything to any format."""
    return re.sub("[^A-Za-z0-9]", "x", text)


class Structure(HTMLParser):
    """What a page is made of.

    Attributes:
        parts: names of elements, with the attributes of each.
        faults: ends of elements that were not open, and elements that were left open.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: set[tuple[str, str]] = set()
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        self.faults += [f"<{tag}> is left open" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element."""
        self.parts |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of an element that ends where it begins."""
        self.parts |= {(tag, ""), *((tag, name) for name, _ in attrs)}

    def handle_endtag(self, tag: str) -> None:
        """Take note of the end of an element."""
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> ends what is not open")

    def handle_comment(self, data: str) -> None:  # noqa: ARG002  html.parser's name
        """Take note of a comment."""
        self.parts.add(("a comment", ""))

    def unknown_decl(self, data: str) -> None:  # noqa: ARG002  html.parser's name
        """Take note of a declaration."""
        self.parts.add(("a declaration", ""))


def judge_page(page: str, expected: str, what: str) -> None:
    """Check that a page with hostile text is made of what it is made of with harmless text."""
    became = taken_for_markup(page)
    assert became is None, f"{what} turned a text into {became}"
    made, due = Structure(page), Structure(expected)
    if forged := sorted(made.parts - due.parts):
        tag, attribute = forged[0]
        name = f"the attribute {attribute!r} of <{tag}>" if attribute else f"the element <{tag}>"
        raise AssertionError(f"{what} turned a text into {name}")
    assert due.faults or not made.faults, f"{what} is no longer well-formed: {made.faults[0]}"


def judge_json(body: str, _expected: str, what: str) -> None:
    """Check that an answer is strict JSON in which nobody's name became a word of ours."""

    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"{what} says the same thing twice"
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{what} says {constant}, which is no JSON")

    try:
        json.loads(body, parse_constant=refuse, object_pairs_hook=no_twins)
    except ValueError as error:
        raise AssertionError(f"{what} is no JSON: {error}") from error


def judge_metrics(body: str, expected: str, what: str) -> None:
    """Check that an answer holds the metrics that it holds with harmless text."""
    forged = sorted(_metrics(body, what) - _metrics(expected, what))
    assert not forged, f"{what} holds a forged metric: {forged[0]!r}"


def _metrics(body: str, what: str) -> set[tuple[str, ...]]:
    parser = pytest.importorskip("prometheus_client.parser")
    try:
        families = list(parser.text_string_to_metric_families(body))
    except ValueError as error:
        raise AssertionError(f"{what} is no exposition of metrics: {error}") from error
    return {(sample.name, *sorted(sample.labels)) for family in families for sample in family.samples}


JUDGES: dict[str, Callable[[str, str, str], None]] = {
    "html": judge_page,
    "json": judge_json,
    "text/plain; version": judge_metrics,
    "openmetrics": judge_metrics,
}
"""By a part of the media type; an answer that names none is taken for a page, as browsers take it."""


def judge(answer: Answer, expected: Answer, what: str) -> None:
    """Judge an answer beside the one to harmless text."""
    assert answer.code or not expected.code, f"{what} was not answered; with harmless text it was"
    kind = answer.content_type.lower()
    for part, judging in JUDGES.items():
        if part in kind or (not kind and part == "html"):
            judging(answer.body, expected.body, what)
            return


@pytest.fixture
def health_api(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tree's module, asked with the token that it may want."""
    set_token(monkeypatch)
    return subject.monitoring.health_api


@pytest.fixture
def server(health_api: Any) -> Iterator[HealthServer]:
    """The tree's server, over all examples."""
    with served(health_api) as running:
        yield running


def publish(health_api: Any, names: list[str], report: object) -> None:
    """Let a bot and a service report under these names."""
    cogs = {name: ModelCog(names) for name in (names[0], "AI", "AICog", "Chat")}
    health_api.health_data.update_from_bot(QuietBot(cogs=cogs, guilds=[guild(3, names[-1])], user=names[-1]))
    health_api.health_data.service_health[names[0]] = report


def withdraw(health_api: Any, names: list[str]) -> None:
    """Let nobody report any more."""
    health_api.health_data.service_health.pop(names[0], None)


reports = (
    st.booleans()
    | texts
    | st.dictionaries(
        st.sampled_from(["healthy", "status", "error", "message"]) | texts, texts | st.booleans(), max_size=3
    )
)


def harmless_report(report: Any) -> Any:
    """Return a report with harmless texts."""
    if isinstance(report, dict):
        known = {"healthy", "status", "error", "message"}
        return {key if key in known else harmless(key): harmless_report(value) for key, value in report.items()}
    return harmless(report) if isinstance(report, str) else report


PATHS = ["/health", "/stats", "/health/json", "/health/deep", "/ai/stats", "/metrics"]


@FUZZ.tries
@given(path=st.sampled_from(PATHS), names=st.lists(texts, min_size=1, max_size=3), report=reports)
def test_any_name_stays_a_name(
    *, health_api: Any, server: HealthServer, path: str, names: list[str], report: object
) -> None:
    """Whatever a bot, its cogs, its servers and services are called, every answer says it as data."""
    answers = []
    for called, said in ((names, report), ([harmless(name) for name in names], harmless_report(report))):
        try:
            publish(health_api, called, said)
            answers.append(server.get(path))
        except (ValueError, TypeError, UnicodeError):
            return  # a name that the tree refuses forges nothing
        finally:
            withdraw(health_api, called)
    judge(answers[0], answers[1], f"GET {path}")


FORMS = [
    "/{}",
    "/health/{}",
    "/stats/{}",
    "/health?view={}",
    "/stats?sort={}",
    "/health/json?{}=1",
    "/metrics?name[]={}",
]


@FUZZ.tries
@given(form=st.sampled_from(FORMS), text=texts)
def test_any_link_stays_a_link(*, server: HealthServer, form: str, text: str) -> None:
    """Whatever a link asks for, what answers says it as data, if at all."""
    asked, instead = (form.format(quote(each, safe="", errors="surrogatepass")) for each in (text, harmless(text)))
    judge(server.get(asked), server.get(instead), f"GET {form.format('…')}")


PAGES = ["_generate_health_html", "_generate_stats_html"]


@FUZZ.tries
@given(
    page=st.sampled_from(PAGES),
    text=texts,
    numbers=st.none() | st.lists(st.integers(0, 99), min_size=1, max_size=4),
)
def test_any_text_among_the_data(*, health_api: Any, page: str, text: str, numbers: list[int] | None) -> None:
    """Whichever texts of the data a page is made of are hostile, all of them or some, they stay text."""
    try:
        publish(health_api, ["Music"], report=True)
        data = health_api.health_data.to_dict()
    finally:
        withdraw(health_api, ["Music"])
    every = list(places(data))
    chosen = every if numbers is None else [every[number % len(every)] for number in dict.fromkeys(numbers)]
    generate = getattr(handler_of(health_api), page)
    made = [rendered(generate, changed(data, chosen, each)) for each in (text, harmless(text))]
    judge_page(made[0], made[1], page)


states = st.tuples(st.lists(st.integers(0, 5), unique=True, max_size=4), st.integers(0, 9), st.integers(0, 9))
"""Which cogs are loaded, and how many servers and members there are."""


def bot_in(state: tuple[list[int], int, int], word: str) -> QuietBot:
    """Make a bot in a state, whose cogs carry a word in their names."""
    cogs, guilds, members = state
    return QuietBot(
        cogs={f"{word}-cog-{number}": ModelCog([word]) for number in cogs},
        guilds=[guild(members, f"{word}-server")] * guilds,
        user=f"{word}-bot",
    )


@FUZZ.tries
@given(page=st.sampled_from(PAGES), before=states, after=states)
def test_a_page_shows_the_reading_it_was_given(
    *, health_api: Any, page: str, before: tuple[list[int], int, int], after: tuple[list[int], int, int]
) -> None:
    """A page made after the bot has moved on shows what was read before, and nothing newer."""
    generate = getattr(handler_of(health_api), page)
    health_api.health_data.update_from_bot(bot_in(before, "former"))
    data = health_api.health_data.to_dict()
    due = set(re.findall(r"former-[\w-]+", str(generate(data))))
    health_api.health_data.update_from_bot(bot_in(after, "latter"))
    shown = str(generate(data))
    newer = re.findall(r"latter-[\w-]+", shown)
    assert not newer, f"{page} showed {newer[0]!r} after the bot had moved on"
    lost = due - set(re.findall(r"former-[\w-]+", shown))
    assert not lost, f"{page} lost {min(lost)!r} after the bot had moved on"


@FUZZ.tries
@given(path=st.sampled_from([*PATHS, "/health/live", "/health/ready"]), state=states)
def test_who_answers_reads_nothing_of_the_bot(
    *, health_api: Any, server: HealthServer, path: str, state: tuple[list[int], int, int]
) -> None:
    """The thread that answers a request leaves the bot alone, which belongs to the event loop."""
    bot = bot_in(state, "the")
    health_api.health_data.update_from_bot(bot)
    bot.readers.clear()
    server.get(path)
    read = [figure for figure, _ in bot.readers]
    assert not read, f"the thread that answers GET {path} read the bot's {read[0]}"
