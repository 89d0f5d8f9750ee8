"""A discord.py bot used on the page, in a real browser: commands, buttons, menus, forms, cards."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import FilePayload, expect

from localdiscord.web import using
from tests.localdiscord.showcase import png

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Locator, Page, WebSocketRoute

    from tests.localdiscord.conftest import Pages

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


BOXES = """async () => {
  const {openForm} = await import("/web/forms.js");
  const {store} = await import("/web/store.js");
  const options = (...names) => names.map(name => ({label: name, value: name.toLowerCase(), default: name === "Milk"}));
  const label = (text, component) => ({type: 18, label: text, component});
  const sizes = [{label: "Small", value: "s"}, {label: "Large", value: "l"}];
  const sent = new Promise(done => store.ask = (what, args) => { done(args.values); return Promise.resolve({}); });
  window.read = () => { document.querySelector("dialog [type=submit]").click(); return sent; };
  openForm({interaction: "1", form: {title: "Order", components: [
    label("Size", {type: 21, custom_id: "size", options: sizes}),
    label("Extras", {type: 22, custom_id: "extras", options: options("Milk", "Sugar")}),
    label("Agreed", {type: 23, custom_id: "sure"}),
  ]}});
}"""


async def use(page: Page, command: str) -> None:
    """Choose a command without options by keyboard, and send it."""
    await page.locator("#entry").press_sequentially(f"/{command}")
    await expect(page.locator("#composer .option.active")).to_contain_text(f"/{command}")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")


def last(page: Page) -> Locator:
    """Return the last message."""
    return page.locator(".message").last


async def late_offers(pages: Pages) -> tuple[Page, asyncio.Queue[Callable[[], None]]]:
    """Return a page at Carol's message box, and how what it asks of the commands is let through."""
    page = await pages.door()
    held: asyncio.Queue[Callable[[], None]] = asyncio.Queue()

    def between(tab: WebSocketRoute) -> None:
        server = tab.connect_to_server()

        def asked(message: str | bytes) -> None:
            if json.loads(message)["do"] == "commands":
                held.put_nowait(lambda: server.send(message))
            else:
                server.send(message)

        tab.on_message(asked)

    await page.route_web_socket("**/socket", between)
    await page.reload()
    await page.get_by_role("button", name="Carol").click()
    await expect(page.locator("#entry")).to_have_attribute("placeholder", "Message #general")
    return page, held


async def test_late_offers_are_held_against_what_is_typed_by_then(pages: Pages) -> None:
    """An answer that arrives late shows no suggestions for what had been typed when it was asked for."""
    page, held = await late_offers(pages)
    await page.locator("#entry").press_sequentially("/silent")
    (await asyncio.wait_for(held.get(), 20))()
    await expect(page.locator("#composer .option.active")).to_contain_text("/silent")
    assert held.empty()


async def test_a_quick_hand_does_not_wait_for_the_offers(pages: Pages) -> None:
    """Enter twice, before the commands are there, chooses and sends, as it does when they are."""
    page, held = await late_offers(pages)
    await page.locator("#entry").press_sequentially("/panel")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    (await asyncio.wait_for(held.get(), 20))()
    await expect(page.get_by_role("button", name="Count: 0")).to_be_visible()


async def test_late_offers_hold_no_message_back(pages: Pages) -> None:
    """Who writes something else while the commands are asked for sends it by Enter."""
    page, held = await late_offers(pages)
    await page.locator("#entry").press_sequentially("/")
    await asyncio.wait_for(held.get(), 20)
    await page.locator("#entry").fill("Words")
    await page.keyboard.press("Enter")
    await expect(last(page).locator(".text")).to_have_text("Words")


async def test_a_command_by_keyboard_alone(pages: Pages) -> None:
    """A command is found, its options are completed, chosen and typed, and it is sent, without the mouse."""
    page = await pages.enter("Carol")
    await page.keyboard.type("/gre")
    await expect(page.locator("#composer .option.active")).to_contain_text("/greet")
    await page.keyboard.press("Tab")
    await page.keyboard.type("al")
    await expect(page.locator(".combobox .option")).to_have_text(["Alice", "Albert"])
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("2")
    await page.keyboard.press("Tab")
    await page.keyboard.type("tr")
    await page.keyboard.press("Tab")
    await page.keyboard.type("sad")
    await expect(page.locator(".combobox .option.active")).to_have_text("Sad")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(last(page).locator(".text")).to_have_text("HELLO ALBERT! HELLO ALBERT! (sad)")
    await expect(last(page).locator(".context")).to_contain_text("Carol used /greet")
    await expect(page.locator("#entry")).to_be_focused()


async def test_what_does_not_fit_an_option_is_said_beside_it(pages: Pages) -> None:
    """A missing option, a number out of range and an unknown choice are named, and nothing is sent."""
    page = await pages.enter("Carol")
    await page.keyboard.type("/greet")
    await expect(page.locator("#composer .option.active")).to_contain_text("/greet")
    await page.keyboard.press("Enter")
    note, field = page.locator(".command .form-note"), page.locator(".command input")
    await page.keyboard.press("Enter")
    await expect(note).to_have_text("name is required.")
    await field.nth(0).fill("Zoe")
    for number, problem in (("7", "times is at most 3."), ("x", "times takes a whole number.")):
        await field.nth(1).fill(number)
        await page.keyboard.press("Enter")
        await expect(note).to_have_text(problem)
    await field.nth(1).fill("")
    await field.nth(3).fill("angry")
    await page.get_by_label("Use the command").click()
    await expect(note).to_contain_text("“angry” is not one of the choices")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(page.locator("#entry")).to_be_focused()
    await expect(page.locator(".message")).to_have_count(0)


async def test_options_that_name_people_and_channels(pages: Pages) -> None:
    """A subcommand's options take a person and a channel by their names."""
    page = await pages.enter("Carol")
    await page.keyboard.type("/box")
    await expect(page.locator("#composer .option.active")).to_contain_text("/box open")
    await page.keyboard.press("Enter")
    for words in ("bob", "mus"):
        await page.keyboard.type(words)
        await expect(page.locator(".combobox .option.active")).to_be_visible()
        await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await expect(last(page).locator(".text")).to_have_text("A box for @Bob in #music")


async def test_commands_in_thai(pages: Pages) -> None:
    """Somebody whose client is Thai finds commands and options under their Thai names."""
    page = await pages.enter("Somchai")
    await page.keyboard.type("/ทัก")
    await expect(page.locator("#composer .option.active")).to_contain_text("/ทักทาย")
    await expect(page.locator("#composer .option.active")).to_contain_text("ทักทายใครสักคน")
    await page.keyboard.press("Enter")
    await expect(page.locator(".option-name").first).to_have_text("ชื่อ*")
    await page.keyboard.type("Zoe")
    await page.get_by_label("Use the command").click()
    await expect(last(page).locator(".text")).to_contain_text("Hello Zoe!")


async def test_a_card_is_shown_whole(pages: Pages) -> None:
    """An embed shows author, title, text, fields side by side, pictures, footer and time, in its colour."""
    page = await pages.enter("Carol")
    await use(page, "card")
    card = last(page).locator(".embed")
    await expect(card.locator(".embed-author")).to_have_text("The author")
    await expect(card.locator(".embed-title a")).to_have_attribute("href", "https://example.com/card")
    await expect(card.locator(".embed-field.inline dt")).to_have_text(["One", "Two", "Three"])
    await expect(card.locator("li")).to_have_text(["a list", "of two"])
    await expect(card.locator(".embed-footer")).to_contain_text("The footer")
    boxes = [await card.locator(".embed-field").nth(number).bounding_box() for number in range(2)]
    assert [box["y"] for box in boxes if box] == [boxes[0] and boxes[0]["y"]] * 2
    bar = "card => getComputedStyle(card).borderLeftColor"
    assert await card.evaluate(bar) == "rgb(46, 163, 106)"
    await card.locator(".embed-image img").scroll_into_view_if_needed()
    await expect(card.locator(".embed-image img")).to_have_js_property("naturalWidth", 320)


async def test_buttons_count_and_link(pages: Pages) -> None:
    """A pressed button changes its own message and keeps the focus; links lead out safely, disabled ones nowhere."""
    page = await pages.enter("Carol")
    await use(page, "panel")
    await page.get_by_role("button", name="Count: 0").press("Enter")
    await expect(page.get_by_role("button", name="Count: 1")).to_be_focused()
    await expect(page.get_by_role("button", name="Closed")).to_be_disabled()
    link = page.get_by_role("link", name="Website")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await expect(link).to_have_attribute("href", "https://example.com/")


async def test_a_form_is_filled_in(pages: Pages) -> None:
    """A form refuses what is too short, sends what fits, and closes on Escape without a word."""
    page = await pages.enter("Carol")
    await use(page, "panel")
    await page.get_by_role("button", name="Form").click()
    dialog = page.get_by_role("dialog", name="Tell us")
    await dialog.get_by_label("Subject").press_sequentially("no")
    await page.keyboard.press("Enter")
    await expect(dialog).to_be_visible()
    await page.keyboard.type("ise")
    await dialog.get_by_label("Words").fill("Two\nlines")
    await dialog.get_by_role("button", name="Submit").click()
    await expect(last(page).locator(".text")).to_have_text("noise: Two\nlines")
    await expect(dialog).to_have_count(0)
    await use(page, "form")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.locator(".message")).to_have_count(2)


async def test_a_form_to_choose_in(pages: Pages) -> None:
    """A form takes a choice of a menu, a person and a file."""
    page = await pages.enter("Carol")
    await use(page, "choices")
    dialog = page.get_by_role("dialog", name="Choose")
    await dialog.get_by_label("Drink").click()
    await page.get_by_role("option", name="Coffee").click()
    await dialog.get_by_label("Guest").click()
    await page.get_by_role("option", name="Bob").click()
    picture = FilePayload(name="cup.png", mimeType="image/png", buffer=png(size=(8, 8)))
    await dialog.get_by_label("Picture").set_input_files(picture)
    await dialog.get_by_role("button", name="Submit").click()
    await expect(last(page).locator(".text")).to_have_text("Coffee for bob, ['cup.png']")


async def test_boxes_in_a_form(pages: Pages) -> None:
    """Radio buttons and boxes of a form are shown, and what is ticked is read."""
    page = await pages.enter("Carol")
    await page.evaluate(BOXES)
    await expect(page.get_by_role("dialog").get_by_role("radio")).to_have_count(2)
    await page.get_by_label("Small").check()
    await page.get_by_label("Sugar").check()
    await page.get_by_label("Agreed").check()
    assert await page.evaluate("window.read()") == {"size": "s", "extras": ["milk", "sugar"], "sure": True}


async def test_menus_take_one_or_several(pages: Pages) -> None:
    """A menu for several takes them by keyboard up to its limit; menus of people and channels are searched."""
    page = await pages.enter("Carol")
    await use(page, "panel")
    await page.get_by_role("button", name="Choose fruit").focus()
    await page.keyboard.press("ArrowDown")
    for key in (" ", "ArrowDown", " ", "ArrowDown", " "):
        await page.keyboard.press(key)
    await expect(page.locator(".option.on .option-label")).to_have_text(["Apple", "Banana"])
    await page.get_by_role("button", name="Done").click()
    await expect(last(page).locator(".text")).to_have_text("Chosen: Apple, Banana")
    await page.get_by_role("button", name="Choose somebody").click()
    await page.get_by_role("option", name="Moderator").click()
    await expect(last(page).locator(".text")).to_have_text("Somebody: Moderator")
    await page.get_by_role("button", name="Choose a channel").click()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(last(page).locator(".text")).to_have_text("Channel: #Studio")


async def test_what_one_person_alone_sees(pages: Pages) -> None:
    """An ephemeral answer is marked as such, nobody else sees it, and it can be dismissed."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await use(page, "secret")
    await expect(page.locator(".message.ephemeral")).to_contain_text("Only you can see this")
    pages.discord.person(pages.discord.town.owner).say(pages.discord.town.channels["general"], "Anything new?")
    await expect(other.locator(".message")).to_have_text([re.compile("Anything new")])
    await page.get_by_role("button", name="Dismiss message").click()
    await expect(page.locator(".message.ephemeral")).to_have_count(0)


async def test_a_promised_answer_is_awaited(pages: Pages) -> None:
    """While the bot thinks, the page says so; then the answer stands there."""
    page = await pages.enter("Carol")
    await use(page, "slow")
    await expect(last(page).locator(".thinking")).to_have_text("Reference is thinking…")
    pages.bot.may_answer.set()
    await expect(last(page).locator(".text")).to_contain_text("Thought about it.")


async def test_a_bot_that_does_not_answer(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the bot does not answer in time, a note says so."""
    monkeypatch.setattr(using, "ANSWER_WITHIN", 0.1)
    page = await pages.enter("Carol")
    await use(page, "silent")
    await expect(page.locator(".toast")).to_contain_text("Reference did not answer in time.")


async def test_the_menus_of_messages_and_people_hold_the_bots_entries(pages: Pages) -> None:
    """A bot's commands for messages and people stand in their menus."""
    page = await pages.enter("Carol")
    await page.keyboard.type("quiet words")
    await page.keyboard.press("Enter")
    await page.locator(".message .text").click(button="right")
    await page.get_by_role("menuitem", name="Shout").click()
    await expect(last(page).locator(".text")).to_have_text("QUIET WORDS")
    await page.locator("#members button", has_text="Bob").click()
    await expect(page.get_by_role("menuitem", name="Inspect")).to_be_visible()
    await page.keyboard.press("i")
    await page.keyboard.press("Enter")
    await expect(last(page)).to_contain_text("This is Bob.")


async def test_a_poll_counts_votes(pages: Pages) -> None:
    """Votes in a native poll are counted for all, and one's own can be changed."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await use(page, "vote")
    await page.get_by_role("button", name="Tea").click()
    await other.get_by_role("button", name="Coffee").click()
    await expect(page.locator(".poll-answer").first).to_contain_text("50% · 1")
    await other.get_by_role("button", name="Tea").click()
    await expect(page.locator(".poll-answer").first).to_contain_text("100% · 2")
    await expect(page.locator(".poll")).to_contain_text("2 votes")


async def test_the_newer_components(pages: Pages) -> None:
    """A container with text and a line is shown."""
    page = await pages.enter("Carol")
    await use(page, "layout")
    await expect(last(page).locator(".container .heading")).to_have_text("In a container")
    await expect(last(page).locator(".container hr")).to_be_visible()


async def test_a_command_takes_a_file(pages: Pages) -> None:
    """An option for a file takes one from the disk."""
    page = await pages.enter("Carol")
    await page.keyboard.type("/weigh")
    await expect(page.locator("#composer .option.active")).to_contain_text("/weigh")
    await page.keyboard.press("Enter")
    picture = FilePayload(name="small.png", mimeType="image/png", buffer=png(size=(8, 8)))
    await page.locator(".command input[type=file]").set_input_files(picture)
    await page.get_by_label("Use the command").click()
    await expect(last(page).locator(".text")).to_have_text("small.png, image/png, 8 pixels wide")


async def test_direct_messages_with_the_bot(pages: Pages) -> None:
    """The bot's menu opens direct messages with it, in which its commands work."""
    page = await pages.enter("Carol")
    await page.locator("#members button", has_text="Reference").click()
    await page.get_by_role("menuitem", name="Direct message").click()
    await expect(page.locator("#place-name")).to_have_text("Reference")
    await use(page, "secret")
    await expect(last(page)).to_contain_text("The secret is 42.")
