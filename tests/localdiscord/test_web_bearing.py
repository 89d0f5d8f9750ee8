"""How the page bears what it meets, in a real browser: hostile messages, small screens, darkness, restarts, crowds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import expect

from localdiscord import LocalDiscord
from localdiscord.actions import messages
from localdiscord.actions.messages import Draft
from localdiscord.model.files import Upload

if TYPE_CHECKING:
    from tests.localdiscord.conftest import Pages

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

HOSTILE = (
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    '"><svg/onload=alert(1)>',
    "[click](javascript:alert(1)) <javascript:alert(1)> javascript:alert(1)",
    "[click](data:text/html,<script>alert(1)</script>)",
    "[**https://good.example**](https://evil.example/)",
    "https://example.com/\"onmouseover='alert(1)'",
    "<@1> <@&1> <#1> <:x:1> <a:x:123456> <t:99999999999999:R> <t:9999999999999:F> </x:123456>",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "||" * 700,
    "*" * 1500 + "_" * 400,
    "> " * 900,
    "[" * 1900,
    "~~" * 3 + "**__*||a||*__**" * 100,
)

CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const read = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const part = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = read(getComputedStyle(each).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return [255, 255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim()).map(node => node.data);
    if (!text.length || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    if (element.closest(":disabled, .unseen, noscript, .emoji, .spoiler, .skip, .brand")) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(read(style.color)), light(ground(element))].sort((x, y) => y - x);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) low.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${text}`);
  }
  return [...new Set(low)];
}"""


async def test_hostile_words_stay_words(pages: Pages) -> None:
    """Whatever a message, a card, a file or a name says stays text: no script runs, no bad link is made."""
    page = await pages.enter("Carol")
    world, town = pages.discord.world, pages.discord.town
    general = town.channels["general"]
    for words in HOSTILE:
        messages.send(world, general, town.owner, Draft(words))
    evil = HOSTILE[1]
    card: dict[str, Any] = {
        "type": "rich",
        "title": evil,
        "description": evil,
        "url": "javascript:alert(1)",
        "footer": {"text": evil},
    }
    card |= {"author": {"name": evil, "url": "javascript:alert(1)"}, "image": {"url": "https://evil.example/x.png"}}
    card |= {"fields": [{"name": evil, "value": evil, "inline": True}]}
    button = {"type": 2, "style": 5, "label": evil, "url": "javascript:alert(1)", "id": 2}
    files = {0: Upload("<svg onload=alert(1)>.svg", "image/svg+xml", b"<svg onload='alert(1)'/>")}
    rows = [{"type": 1, "id": 1, "components": [button]}]
    messages.send(world, general, town.application.bot, Draft(evil, embeds=[card], components=rows, files=files))
    pages.discord.person(town.moderator).rename(town.guild, town.moderator, evil[:32])
    await expect(page.locator(".embed-title")).to_have_text(evil)
    await expect(page.locator("#members")).to_contain_text(evil[:32])
    await expect(page.locator(".message .text").first).to_have_text(HOSTILE[0])
    hrefs = await page.eval_on_selector_all("a", "links => links.map(link => link.protocol)")
    assert set(hrefs) <= {"http:", "https:"}
    script = "document.querySelectorAll('script:not([src]), [onerror], [onload], [onmouseover], iframe').length"
    assert await page.evaluate(script) == 0
    foreign = await page.evaluate("performance.getEntriesByType('resource').map(each => each.name)")
    assert all(str(name).startswith(pages.discord.url) for name in foreign)
    pages.troubles[:] = [trouble for trouble in pages.troubles if "404" not in trouble]  # emoji that there are not


async def test_an_uploaded_page_cannot_run(pages: Pages) -> None:
    """A web page sent as a file runs nothing and belongs to nobody, where its own address is opened."""
    discord = pages.discord
    file = Upload("evil.html", "text/html", b"<script>alert(1)</script>")
    message = discord.person(discord.town.owner).say(discord.town.channels["general"], "x", files=[file])
    url = message.attachments[0]["url"]
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    page = await pages.enter("Carol")
    await page.goto(url)
    assert await page.evaluate("origin") == "null"
    assert any("sandboxed" in trouble for trouble in pages.troubles)  # Chromium says that it blocked the script
    assert not any("dialog" in trouble for trouble in pages.troubles)
    pages.troubles.clear()


async def test_on_a_small_screen_the_sides_are_drawers(pages: Pages) -> None:
    """At 360 pixels nothing sticks out sideways, and both sides open and close by keyboard."""
    page = await pages.enter("Carol", width=360)
    await page.keyboard.type("/card")
    await expect(page.locator("#composer .option.active")).to_contain_text("/card")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(page.locator(".embed")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await page.evaluate("document.querySelector('.embed').getBoundingClientRect().right") <= 360
    await expect(page.locator("#channels")).to_be_hidden()
    await page.get_by_role("button", name="Channels", exact=True).press("Enter")
    await expect(page.locator("#channels a", has_text="general")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#channels")).to_be_hidden()
    await page.get_by_role("button", name="Members", exact=True).press("Enter")
    await expect(page.locator("#members")).to_contain_text("Somchai")
    await page.locator("#shade").click(position={"x": 20, "y": 400})
    await expect(page.locator("#members")).to_be_hidden()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_text_can_be_read(pages: Pages, *, dark: bool) -> None:
    """Every text has the contrast of WCAG AA against its ground, in the light and in the dark."""
    page = await pages.enter("Carol", dark=dark)
    person, town = pages.discord.person(pages.discord.town.owner), pages.discord.town
    words = "Hello <@{0}>, `code`, <#{1}>, https://example.com\n> quoted\n-# small\n```\ncode\n```"
    general = town.channels["general"]
    person.say(general, words.format(town.members[0].id, general.id))
    for command in ("card", "panel", "secret", "vote"):
        await page.locator("#entry").press_sequentially(f"/{command}")
        await expect(page.locator("#composer .option.active")).to_contain_text(f"/{command}")
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.locator(".message").last).to_contain_text(f"/{command}")
    person.say(town.channels["music"], town.members[0].mention)
    await expect(page.locator(".mentions")).to_be_visible()
    dim = "rgb(29, 30, 35)" if dark else "rgb(255, 255, 255)"
    assert await page.evaluate("getComputedStyle(document.querySelector('.place')).backgroundColor") == dim
    assert await page.evaluate(CONTRASTS) == []
    await page.get_by_label("Be somebody else").click()
    await expect(page.locator(".card").first).to_be_visible()
    assert await page.evaluate(CONTRASTS) == []


async def test_it_comes_back_with_the_server(pages: Pages) -> None:
    """When the server stops, the page says so; when it is back, the page is the same person in the same channel."""
    page = await pages.enter("Carol", "music")
    port = pages.discord.port
    await pages.bot.close()
    await pages.discord.stop()
    await expect(page.locator("#away")).to_contain_text("Waiting for it to come back")
    async with LocalDiscord(port) as again:
        await expect(page.locator("#away")).to_be_hidden()
        await page.locator("#entry").fill("I am back")
        await page.locator("#entry").press("Enter")
        await expect(page.locator(".message")).to_contain_text("I am back")
        said = list(again.town.channels["music"].messages.values())
        assert [(message.author.username, message.content) for message in said] == [("carol", "I am back")]
        await page.goto("about:blank")
    pages.troubles[:] = [trouble for trouble in pages.troubles if "ERR_CONNECTION" not in trouble]


async def test_a_thousand_messages(pages: Pages) -> None:
    """A thousand messages come in without any missing at the end, the page keeps few of them, and history is loaded."""
    page = await pages.enter("Carol")
    general, owner = pages.discord.town.channels["general"], pages.discord.person(pages.discord.town.owner)
    chromium = await page.context.new_cdp_session(page)
    await chromium.send("Performance.enable")
    for number in range(1000):
        owner.say(general, f"Message {number}")
    await expect(page.locator(".message").last).to_contain_text("Message 999")
    measures = (await chromium.send("Performance.getMetrics"))["metrics"]
    assert next(each["value"] for each in measures if each["name"] == "LayoutCount") < 300  # drawn together
    assert await page.locator(".message").count() <= 350
    first = page.locator(".message", has_text="Message 0").first
    for _ in range(60):
        if await page.locator(".start h2").count():
            break
        before = await page.locator(".message").count()
        await page.evaluate("scroller.scrollTop = -scroller.scrollHeight")
        await expect(page.locator(".message").nth(before)).to_be_attached()
    await expect(first).to_be_attached()
    assert await page.locator(".message").count() == 1000
    await page.get_by_role("button", name="Go to the latest messages").click()
    await expect(page.locator(".message").last).to_be_in_viewport()


async def test_who_reads_older_messages_is_not_moved(pages: Pages) -> None:
    """A new message does not move what somebody reads further up."""
    page = await pages.enter("Carol")
    general, owner = pages.discord.town.channels["general"], pages.discord.person(pages.discord.town.owner)
    for number in range(60):
        owner.say(general, f"Message {number}\nin two lines")
    await expect(page.locator(".message").last).to_contain_text("Message 59")
    row = page.locator(".message", has_text="Message 20").first
    await row.evaluate("row => row.scrollIntoView({block: 'center'})")
    place = "row => new Promise(done => requestAnimationFrame(() => done(row.getBoundingClientRect().y)))"
    await row.evaluate(place)
    before = await row.evaluate(place)
    owner.say(general, "The newest")
    await expect(page.locator(".message").last).to_contain_text("The newest")
    assert abs(await row.evaluate(place) - before) <= 2
