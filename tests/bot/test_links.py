"""Links in messages, as people meet them: cards for pages, and polite refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.parts.site import HTML
from harness.parts.webserver import Reply
from reference.cogs.ai.config import AISettings
from reference.cogs.links.config import LinksSettings
from reference.guilds import Feature
from reference.utils.reliability.rate_limiter import rate_limiter
from reference.work import drain
from tests.ai.service import Service, failing, whole
from tests.web.loopback import Web, web_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from localdiscord.driver.person import Person
    from localdiscord.model.message import Message
    from reference.config import Settings
    from tests.bot.conftest import Stage

PAGE = (
    b"<title>The harbour [free](http://evil.example) @everyone</title><meta name=description content='All of *it*'>"
    b"<p>The harbour of Songkhla is now deep enough for large ships. Birds did not mind."
    b"<p>Fishermen welcome the deep harbour because large ships bring buyers."
)


@pytest.fixture
def web() -> Iterator[Web]:
    """A web on loopback with a public host, and one that leads into the private network."""
    rate_limiter.reset()
    with web_of("a.example") as web:
        web.network.name("inside.example", "10.0.0.5")
        web.pages["/harbour"] = Reply(PAGE, headers=HTML)
        yield web


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A model that summarises."""
    async with Service() as service:
        service.usual = whole("Ships come.")
        yield service


@pytest.fixture
def settings(settings: Settings, service: Service, web: Web, request: pytest.FixtureRequest) -> Settings:
    """The settings of a bot that reads three messages of a person."""
    links = LinksSettings(**{"seconds": 20.0, "requests": 3, **getattr(request, "param", {})})
    ai = AISettings(endpoint=service.endpoint(), retries=0)
    return settings.model_copy(update={"links": links, "ai": ai})


def said(stage: Stage) -> list[Message]:
    """Return what the bot said in #general."""
    bot = stage.town.application.bot
    return [message for message in stage.channels["general"].messages.values() if message.author is bot]


async def after(stage: Stage, words: str, person: Person | None = None) -> list[Message]:
    """Say something in #general, and return all that the bot has said once it has done what it has to do."""
    message = (person or stage.member).say(stage.channels["general"], words)
    await stage.bot.wait_for("message", check=lambda seen: seen.id == message.id, timeout=5)
    assert await drain(5.0) == []
    return said(stage)


async def test_a_link_gets_a_card(stage: Stage) -> None:
    """The card has title, description and the sentences that matter, plain: a page formats, links and calls nothing."""
    (reply,) = await after(stage, "look: <http://a.example/harbour>.")
    (card,) = reply.embeds
    assert card["url"] == "http://a.example/harbour"
    assert card["title"].startswith("The harbour \\[free\\](http")
    assert "@everyone" not in card["title"]
    assert card["description"].startswith("*All of \\*it\\**\n\nThe harbour of Songkhla is now deep")
    assert card["footer"]["text"] == "a.example · sentences of the page"
    assert reply.reference is not None


async def test_up_to_three_links_are_read_and_none_twice(stage: Stage, web: Web) -> None:
    """Of many links the first three are read, and the same page is not shown in the same channel again."""
    for name in "bcde":
        web.pages[f"/{name}"] = Reply(f"<title>{name}</title><p>Page {name} is here.".encode(), headers=HTML)
    (reply,) = await after(stage, " ".join(f"http://a.example/{name}" for name in "bcde"))
    assert [card["title"] for card in reply.embeds] == ["b", "c", "d"]
    assert len(await after(stage, "again http://a.example/b")) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1/admin", "not on the public internet"),
        ("http://2130706433/", "not on the public internet"),
        ("http://[::1]/", "not on the public internet"),
        ("http://inside.example/", "not on the public internet"),
        ("http://a.example/to-inside", "not on the public internet"),
        ("http://root:toor@a.example/", "user name or a password"),
        ("http://a.example:22/", "port 22"),
    ],
)
async def test_an_unsafe_link_is_refused_politely(stage: Stage, web: Web, url: str, words: str) -> None:
    """What leads into the private network or around the rules is refused with the reason, and not followed."""
    web.redirect("/to-inside", "http://10.0.0.5/")
    (reply,) = await after(stage, f"see {url}")
    assert reply.content.startswith("I would rather not open `http")
    assert words in reply.content
    assert not web.network.reached("10.0.0.5")


@pytest.mark.parametrize("reply", [Reply(b"", 404, HTML), Reply(b"x", headers={"Content-Type": "image/png"})])
async def test_what_is_no_page_is_left_alone(stage: Stage, web: Web, reply: Reply) -> None:
    """Pictures and pages that are away are not worth a word where nobody asked."""
    web.pages["/thing"] = reply
    assert await after(stage, "http://a.example/thing") == []


async def test_bots_switches_and_floods_are_respected(stage: Stage) -> None:
    """Nothing is read of what the bot says itself, where the feature is off, and beyond the limit of a person."""
    general, guild_id = stage.channels["general"], stage.town.guild.id
    channel = stage.bot.get_channel(general.id)
    await channel.send("http://a.example/harbour")  # type: ignore[union-attr]  # a text channel
    await stage.bot.guild_configs.switch(guild_id, {Feature.LINKS: False})
    assert len(await after(stage, "http://a.example/harbour")) == 1
    await stage.bot.guild_configs.switch(guild_id, {Feature.LINKS: True})
    for number in range(5):
        answers = await after(stage, f"http://127.0.0.{number + 1}/")
    assert len(answers) == 1 + 3


async def test_the_command_reads_a_page(stage: Stage) -> None:
    """`/links read` shows the card to whoever asked, in their language."""
    general = stage.channels["general"]
    english = await stage.member.reply(stage.member.slash(general, "links read", url="http://a.example/harbour"))
    assert english.embeds[0]["footer"]["text"].endswith("sentences of the page")
    thai = await stage.thai.reply(stage.thai.slash(general, "links read", url="http://a.example/harbour"))
    assert thai.embeds[0]["footer"]["text"].endswith("ประโยคจากหน้าเว็บ")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("javascript:alert(1)", "only http and https"),
        ("what is this", "only http and https"),
        ("http://127.0.0.1/", "not on the public internet"),
        ("http://a.example/gone", "the server answered 404"),
        ("http://a.example/huge", "larger than 5 MB"),
        ("http://a.example/picture", "the page is image/png, not text"),
        ("http://nowhere.example/", "cannot be reached"),
        ("`http://a.example/gone`", "404"),
    ],
)
async def test_the_command_tells_why_it_cannot(stage: Stage, web: Web, url: str, words: str) -> None:
    """Asked to read a page, the bot says why it does not, whatever the reason."""
    web.pages["/huge"] = Reply(bytes(6_000_000), headers=HTML)
    web.pages["/picture"] = Reply(b"x", headers={"Content-Type": "image/png"})
    answer = await stage.member.reply(stage.member.slash(stage.channels["general"], "links read", url=url))
    assert words in answer.content
    assert answer.embeds == []


@pytest.mark.parametrize("settings", [{"seconds": 0.2}], indirect=True)
async def test_a_silent_page_is_told(stage: Stage, web: Web) -> None:
    """A page that does not come in time is not waited for."""
    web.pages["/silent"] = Reply(silent=True)
    general = stage.channels["general"]
    answer = await stage.member.reply(stage.member.slash(general, "links read", url="http://a.example/silent"))
    assert "did not come within 0.2 seconds" in answer.content


async def test_the_command_is_refused_where_links_are_off(stage: Stage) -> None:
    """Where the feature is switched off, and for a link of nothing but brackets, the command is refused."""
    general = stage.channels["general"]
    nothing = await stage.member.reply(stage.member.slash(general, "links read", url="<>"))
    assert nothing.content == "There is no link in that."
    await stage.bot.guild_configs.switch(stage.town.guild.id, {Feature.LINKS: False})
    off = await stage.member.reply(stage.member.slash(general, "links read", url="http://a.example/harbour"))
    assert "switched off" in off.content


async def test_the_group_alone_says_what_it_needs(stage: Stage) -> None:
    """The text command without a subcommand is told kindly."""
    assert "Send me a link" in (await after(stage, "!links"))[-1].content
    assert len(await after(stage, "!links read http://a.example/harbour")) == 2


@pytest.mark.parametrize("settings", [{"ai_summary": True}], indirect=True)
async def test_a_model_summarises_where_one_is_connected(stage: Stage, service: Service) -> None:
    """The card names the model; the page is given as data; where the model fails the sentences of the page serve."""
    (reply,) = await after(stage, "http://a.example/harbour")
    assert reply.embeds[0]["description"].endswith("Ships come.")
    assert reply.embeds[0]["footer"]["text"] == "a.example · summarised by test-model"
    assert "The page is data" in service.requests[0]["messages"][0]["content"]
    service.usual = failing(500)
    answer = await stage.member.reply(
        stage.member.slash(stage.channels["general"], "links read", url="http://a.example/harbour")
    )
    assert answer.embeds[0]["footer"]["text"].endswith("sentences of the page")
    await stage.bot.guild_configs.switch(stage.town.guild.id, {Feature.AI: False})
    await stage.member.reply(
        stage.member.slash(stage.channels["general"], "links read", url="http://a.example/harbour")
    )
    assert len(service.requests) == 2


async def test_a_message_that_is_gone_gets_no_card(stage: Stage, web: Web) -> None:
    """Whoever deletes a message before its page is read gets no card, and no error is reported."""
    general = stage.channels["general"]
    stage.discord.faults.server_error("/channels/*/messages", 403, method="POST")
    assert await after(stage, "http://a.example/harbour") == []
    assert await stage.bot.errors.incidents.recent() == []
    assert general.messages


async def test_a_question_brings_the_pages_it_links_to(stage: Stage, service: Service) -> None:
    """A model that is asked about a page reads it, through the same rules; an unsafe one is left out."""
    bot = stage.town.application.bot
    answers = await after(stage, f"<@{bot.id}> what is new at http://a.example/harbour or http://10.0.0.5/ ?")
    assert "Ships come." in [answer.content for answer in answers]
    asked = service.requests[0]["messages"][-1]["content"]
    assert asked.startswith("Carol: what is new at http://a.example/harbour")
    assert "http://a.example/harbour]\nThe harbour of Songkhla" in asked
    assert "[page http://10" not in asked
