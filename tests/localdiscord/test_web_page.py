"""People on the page, in a real browser: who they are, what they write, what they see of each other."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("playwright.async_api", reason="Playwright is not installed")

from playwright.async_api import FilePayload, expect

from localdiscord.actions import threads
from localdiscord.actions.messages import Draft
from localdiscord.model.channel import ChannelType
from localdiscord.model.files import Upload
from tests.localdiscord.showcase import png

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.localdiscord.conftest import Pages

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]

DROP = """name => {
  const data = new DataTransfer();
  data.items.add(new File(["dropped words"], name, {type: "text/plain"}));
  for (const type of ["dragover", "drop"])
    document.getElementById("log").dispatchEvent(new DragEvent(type, {bubbles: true, dataTransfer: data}));
}"""

PASTE = """base64 => {
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "pasted.png", {type: "image/png"}));
  document.getElementById("entry").dispatchEvent(new ClipboardEvent("paste", {bubbles: true, clipboardData: data}));
}"""


async def write(page: Page, words: str) -> None:
    """Write a message by keyboard."""
    await page.locator("#entry").focus()
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")


async def test_two_people_talk(pages: Pages) -> None:
    """What one person writes the other sees at once, with name and time, and the other way round."""
    alice, carol = await pages.enter("Alice"), await pages.enter("Carol")
    await write(alice, "Good evening, **Carol**")
    message = carol.locator(".message", has_text="Good evening")
    await expect(message.locator(".author")).to_have_text("Alice")
    await expect(message.locator("strong")).to_have_text("Carol")
    await write(carol, "Good evening")
    await write(carol, "How are you?")
    await expect(alice.locator(".message.on")).to_contain_text("How are you?")


async def test_a_channel_out_of_view_shows_that_it_has_news(pages: Pages) -> None:
    """A mention elsewhere shows as a number beside its channel, and is gone when the channel is read."""
    page = await pages.enter("Carol")
    music = pages.discord.town.channels["music"]
    carol = pages.discord.town.members[0]
    pages.discord.person(pages.discord.town.owner).say(music, f"{carol.mention} listen")
    link = page.locator("#channels a", has_text="music")
    await expect(link.locator(".mentions")).to_have_text("1")
    await link.click()
    await expect(page.locator(".message.much")).to_contain_text("@Carol listen")
    await expect(link.locator(".mentions")).to_have_count(0)


async def test_somebody_new_arrives(pages: Pages) -> None:
    """Whoever is not in the town yet comes in by name, and the others see them."""
    other, page = await pages.enter("Alice"), await pages.door()
    await page.get_by_text("Somebody new").click()
    await page.get_by_label("Name").fill("Dana")
    await page.get_by_role("button", name="Join").click()
    await expect(page.locator(".own")).to_contain_text("Dana")
    await expect(other.locator("#members")).to_contain_text("Dana")
    await page.reload()
    await expect(page.locator(".own")).to_contain_text("Dana")
    await page.get_by_label("Be somebody else").click()
    await expect(page.get_by_role("heading", name="Who are you?")).to_be_visible()


async def test_a_message_is_changed_and_deleted(pages: Pages) -> None:
    """The arrow up changes the last message; its menu deletes it, after a question."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await write(page, "Frist")
    await expect(other.locator(".message")).to_contain_text("Frist")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("First")
    await page.keyboard.press("Enter")
    await expect(other.locator(".message")).to_contain_text("First(edited)")
    await expect(page.locator("#entry")).to_be_focused()
    await page.locator(".message .text").click(button="right")
    await page.get_by_role("menuitem", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(other.locator(".message")).to_have_count(0)


async def test_an_answer_shows_what_it_answers(pages: Pages) -> None:
    """A reply names the message that it answers, in plain words, and leads to it."""
    page = await pages.enter("Carol")
    general, town = pages.discord.town.channels["general"], pages.discord.town
    pages.discord.person(town.owner).say(general, f"Where is **{town.moderator.mention}**?")
    message = page.locator(".message").first
    await expect(message).to_contain_text("Where is @Bob?")
    await message.hover()
    await message.get_by_label("Reply").click()
    await write(page, "At home")
    answer = page.locator(".message", has_text="At home")
    await expect(answer.locator(".context")).to_contain_text("Where is @Bob?")
    await answer.locator(".context-words").click()
    await expect(message).to_be_focused()


async def test_reactions_are_given_and_taken_back(pages: Pages) -> None:
    """A reaction comes from the picker by name, counts for others, and a click on it toggles one's own."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await write(page, "What do you think?")
    await page.locator(".message").hover()
    await page.locator(".actions").get_by_label("Add a reaction").click()
    await page.keyboard.type("tada")
    await page.keyboard.press("Enter")
    reaction = other.get_by_role("button", name="🎉, 1")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    await reaction.click()
    await expect(page.get_by_role("button", name="🎉, 2")).to_have_attribute("aria-pressed", "true")
    await other.get_by_role("button", name="🎉, 2").click()
    await expect(page.get_by_role("button", name="🎉, 1")).to_be_visible()


async def test_files_come_by_picker_paste_and_drop(pages: Pages) -> None:
    """A chosen picture, a pasted one and a dropped file are sent with the words, and are shown."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    chosen = FilePayload(name="chosen.png", mimeType="image/png", buffer=png("#2ea36a"))
    await page.locator("#composer input[type=file]").set_input_files(chosen)
    await page.evaluate(PASTE, base64.b64encode(png()).decode())
    await page.evaluate(DROP, "dropped.txt")
    await expect(page.locator(".chip")).to_have_count(3)
    await write(page, "Three files")
    await expect(page.locator(".chip")).to_have_count(0)
    message = other.locator(".message", has_text="Three files")
    await expect(message.locator("img[alt]")).to_have_count(2)
    pictures = message.locator(".picture img")
    await pictures.last.scroll_into_view_if_needed()
    for number in range(2):
        await expect(pictures.nth(number)).to_have_js_property("naturalWidth", 320)
    async with other.expect_download() as download:
        await message.get_by_role("link", name="dropped.txt").click()
    assert (await (await download.value).path()).read_text(encoding="utf-8") == "dropped words"


async def test_sound_and_other_files(pages: Pages) -> None:
    """Sound gets a player, a picture that spoils is veiled, anything else is a file to save."""
    page = await pages.enter("Carol")
    files = [Upload("song.mp3", "audio/mpeg", b"ID3"), Upload("SPOILER_x.png", "image/png", png())]
    files.append(Upload("page.html", "text/html", b"<script>alert(1)</script>"))
    pages.discord.person(pages.discord.town.owner).say(pages.discord.town.channels["general"], "Files", files=files)
    message = page.locator(".message", has_text="Files")
    await expect(message.locator("audio")).to_have_attribute("aria-label", "song.mp3")
    await message.get_by_role("button", name="Show the picture").click()
    await expect(message.locator(".veil.lifted")).to_be_visible()
    await expect(message.get_by_role("link", name="page.html")).to_have_attribute("download", "page.html")
    pages.troubles.clear()  # what is called a song is none, as Chromium says on the console


async def test_who_types_is_shown_until_they_write(pages: Pages) -> None:
    """Others see that somebody types; with the message it is over."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await page.locator("#entry").press_sequentially("H")
    await expect(other.locator("#typing")).to_have_text("Carol is typing…")
    await page.keyboard.press("Enter")
    await expect(other.locator("#typing")).to_have_text("")


async def test_the_switcher_goes_anywhere_by_keyboard(pages: Pages) -> None:
    """Ctrl+K, some letters and Enter lead to a channel, or to direct messages with somebody."""
    other, page = await pages.enter("Bob"), await pages.enter("Carol")  # who types last is in front
    await page.keyboard.press("Control+k")
    await page.keyboard.type("mod")
    await page.keyboard.press("Enter")
    await expect(page.locator("#place-name")).to_have_text("mod-log")
    await page.keyboard.press("Control+k")
    await page.keyboard.type("bob")
    await page.keyboard.press("Enter")
    await expect(page.locator("#place-name")).to_have_text("Bob")
    await write(page, "Between us")
    await other.locator("#channels a", has_text="Carol").click()
    await expect(other.locator(".message")).to_contain_text("Between us")


async def test_mentions_and_emoji_are_completed(pages: Pages) -> None:
    """After @, # and : the first letters suffice; Tab takes what is marked."""
    page = await pages.enter("Carol")
    await page.locator("#entry").press_sequentially("Hello @bo")
    await page.keyboard.press("Tab")
    await page.keyboard.type("in #mus")
    await page.keyboard.press("Tab")
    await page.keyboard.type(":tad")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message .text")).to_have_text("Hello @Bob in #music 🎉")
    await page.locator(".message .text").get_by_text("#music").click()
    await expect(page.locator("#place-name")).to_have_text("music")


async def test_names_typed_in_full_are_mentions(pages: Pages) -> None:
    """A name after @ or # is a mention when it is sent, if it is a whole name of somebody or of a channel."""
    page = await pages.enter("Carol")
    await page.locator("#entry").fill("Ask @bob (or @Alice) in #music, not @bobby or me@alice, please")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message .text .mention")).to_have_text(["@Bob", "@Alice", "#music"])


async def test_pins_threads_and_polls(pages: Pages) -> None:
    """A message is pinned and found again, a thread begins with it, and votes in a poll are counted."""
    page = await pages.enter("Alice")
    await write(page, "Remember this")
    await page.locator(".message .text").click(button="right")
    await page.get_by_role("menuitem", name="Pin").click()
    await expect(page.locator(".message.system")).to_contain_text("Alice pinned a message.")
    await page.get_by_label("Pinned messages").click()
    await page.get_by_role("button", name="Remember this").click()
    await expect(page.locator(".message.pinned")).to_be_focused()
    await page.locator(".message.pinned .text").click(button="right")
    await page.get_by_role("menuitem", name="Begin a thread").click()
    await page.get_by_label("Name of the thread").fill("Details")
    await page.keyboard.press("Enter")
    await expect(page.locator("#place-name")).to_have_text("Details")
    await write(page, "In the thread")
    await expect(page.locator(".message", has_text="In the thread")).to_be_visible()
    await page.locator("#channels a", has_text="general").click()
    await expect(page.locator(".thread-link")).to_have_text("Details")
    await page.get_by_label("Threads").click()
    await expect(page.locator(".panel")).to_contain_text("Details")


async def test_moderators_are_offered_what_others_are_not(pages: Pages) -> None:
    """A moderator puts somebody out by their menu; a member's menu has no such entry."""
    bob, carol = await pages.enter("Bob"), await pages.enter("Carol")
    await carol.locator("#members button", has_text="Somchai").click()
    await expect(carol.get_by_role("menuitem", name="Direct message")).to_be_visible()
    await expect(carol.get_by_role("menuitem", name="Kick")).to_have_count(0)
    await carol.keyboard.press("Escape")
    await bob.locator("#members button", has_text="Somchai").click()
    await bob.get_by_role("menuitem", name="Time out").click()
    await expect(carol.locator("#members")).to_contain_text("in time-out")
    await bob.locator("#members button", has_text="Somchai").click()
    await bob.get_by_role("menuitem", name="Kick").click()
    await bob.get_by_role("button", name="Kick").click()
    await expect(carol.locator("#members")).not_to_contain_text("Somchai")


async def test_voice_channels_show_who_is_in_them(pages: Pages) -> None:
    """A click on a voice channel goes into it, others see it, and the bar at the bottom mutes and leaves."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await page.locator("#channels a", has_text="Lounge").click()
    await expect(other.get_by_label("In Lounge")).to_contain_text("Carol")
    await page.get_by_label("Switch the microphone off").click()
    await expect(page.get_by_label("Switch the microphone on")).to_be_visible()
    await page.get_by_label("Leave the voice channel").click()
    await expect(other.get_by_label("In Lounge")).to_have_count(0)


async def test_presence_and_nickname(pages: Pages) -> None:
    """One's own menu changes the status and the nickname that others see."""
    page, other = await pages.enter("Carol"), await pages.enter("Bob")
    await page.get_by_label("You are Carol").click()
    await page.get_by_role("menuitem", name="Do not disturb").click()
    await expect(other.locator("#members button", has_text="Carol").locator(".status.dnd")).to_be_visible()
    await page.get_by_label("You are Carol").click()
    await page.get_by_role("menuitem", name="Change nickname").click()
    await page.get_by_role("textbox", name="Nickname").fill("Caro")
    await page.keyboard.press("Enter")
    await expect(other.locator("#members")).to_contain_text("Caro")


async def test_messages_are_walked_by_keyboard(pages: Pages) -> None:
    """Shift+Tab leads to the messages, arrows from one to the next, and letters reply, edit and delete."""
    page = await pages.enter("Carol")
    for words in ("One", "Two", "Three"):
        await write(page, words)
        await expect(page.locator(".message").last).to_contain_text(words)
    for key in ("Shift+Tab", "Shift+Tab", "ArrowUp"):
        await page.keyboard.press(key)
    await expect(page.locator(".message", has_text="Two")).to_be_focused()
    await page.keyboard.press("r")
    await expect(page.locator(".reply-bar")).to_have_text("Replying to Carol@ on")
    await page.get_by_role("button", name="@ on").click()
    await write(page, "Answer")
    await expect(page.locator(".message").last).to_contain_text("Answer")
    await page.locator(".message", has_text="Three").focus()
    await page.keyboard.press("e")
    await page.keyboard.press("Control+a")
    await page.keyboard.type("Four")
    await page.keyboard.press("Enter")
    await expect(page.locator(".message", has_text="Four")).to_contain_text("(edited)")
    await page.locator(".message", has_text="One").focus()
    await page.keyboard.press("Delete")
    await expect(page.locator(".message", has_text="One")).to_have_count(0)
    await page.keyboard.press("Control+/")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("Alt+ArrowDown")
    await expect(page.locator("#place-name")).to_have_text("music")


async def test_a_forum_shows_its_posts(pages: Pages) -> None:
    """In a forum stand its posts, and a post is read like a channel."""
    world, town = pages.discord.world, pages.discord.town
    forum = world.add_channel(town.guild, "ideas", ChannelType.FORUM)
    threads.post(world, forum, town.owner, {"name": "A garden"}, Draft("With apple trees"))
    page = await pages.enter("Carol", "ideas")
    await expect(page.locator("#entry")).to_be_disabled()
    await page.locator(".posts a", has_text="A garden").click()
    await expect(page.locator(".message")).to_contain_text("With apple trees")
