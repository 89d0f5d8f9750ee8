"""Takes the README's screenshots: plays a short scene with the bot on a local Discord, in headless Chromium.

    python docs/screenshots.py [FOLDER]

The bot runs as its users run it, in a process of its own, with its data in a temporary folder; the people of the scene
are the local Discord's. Chromium has to be on the PATH, and ffmpeg for the music.
"""
# ruff: noqa: INP001, T201  a command in a folder of documents: it speaks, and is imported by nobody

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import os
import re
import shutil
import sys
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from playwright.async_api import async_playwright

from localdiscord import LocalDiscord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from localdiscord import Person
    from localdiscord.model.message import Message

HOME = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SIZE = {"width": 1280, "height": 910}
COLOURS = 256
"""Of a palette; with it a screenshot has tens of kilobytes."""

PATIENCE = 120.0
"""Seconds in which the bot has to be there, and each picture to be ready."""

RATE = 16_000
"""Samples of sound in a second."""


def compose(file: Path, notes: tuple[int, ...], seconds: int = 90) -> None:
    """Write a small tune, since the scene needs music that is nobody's.

    Args:
        file: where to, a WAV file.
        notes: semitones above A, half a second each, again and again.
        seconds: how long it is.
    """
    samples = array.array("h")
    for number in range(seconds * 2):
        pitch = 220 * 2 ** (notes[number % len(notes)] / 12)
        steps = (step / RATE for step in range(RATE // 2))
        samples.extend(int(9000 * math.sin(math.tau * pitch * time) * math.exp(-4 * time)) for time in steps)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(samples.tobytes())


@contextlib.asynccontextmanager
async def bot_on(discord: LocalDiscord, data: Path) -> AsyncIterator[str]:
    """Run the bot on a local Discord; gives the address of its health page."""
    environment = os.environ | {
        "DISCORD_TOKEN": discord.town.application.token,
        "BOT_HEALTH__PORT": "0",
        "PYTHONUTF8": "1",
    }
    local = ("--local", f"127.0.0.1:{discord.port}", "--data", str(data), "--no-browser")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reference", *local), env=environment, cwd=HOME.parent, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield await asyncio.wait_for(_health_page(process), PATIENCE)
    finally:
        process.terminate()
        await process.communicate()


async def _health_page(process: asyncio.subprocess.Process) -> str:
    """Read what the bot says until it tells where its health page is."""
    if process.stdout is not None:
        async for line in process.stdout:
            if found := re.search(r"https?://\S+/health", line.decode()):
                return found[0]
    raise RuntimeError("the bot ended before it told where its health page is")


class Scene:
    """The people, and what they do."""

    def __init__(self, discord: LocalDiscord) -> None:
        self.discord = discord
        self.channels = discord.town.channels
        town = discord.town
        self.alice, self.bob = discord.person(town.owner), discord.person(town.moderator)
        self.carol, self.somchai = (discord.person(user) for user in town.members[:2])

    async def use(self, person: Person, channel: str, command: str, /, **options: Any) -> Message:
        """Let somebody use a command, and return the answer."""
        interaction = person.slash(self.channels[channel], command, **options)
        return await person.reply(interaction, PATIENCE)

    async def set_up(self) -> None:
        """Let the owner choose where newcomers are greeted."""
        await self.discord.until(lambda: self.discord.sessions)
        await self.discord.settled(PATIENCE)
        await self.use(self.alice, "bot", "settings channel", purpose="welcome", channel=self.channels["welcome"])
        await self.use(self.alice, "bot", "settings feature", feature="welcome", enabled=True)
        self.bob.be("dnd")
        self.somchai.be("idle")

    async def welcome(self) -> None:
        """Let somebody come to the town."""
        dana = self.discord.person(self.discord.world.add_user("Dana"))
        dana.join(self.discord.town.guild)
        bot = self.discord.town.application.bot
        card = await self.alice.expect(self.channels["welcome"], lambda message: message.author is bot, PATIENCE)
        self.alice.react(card, "👋")
        self.bob.react(card, "👋")
        self.somchai.say(self.channels["welcome"], "ยินดีต้อนรับ Dana!")
        await self.use(self.somchai, "welcome", "stats member")

    async def play(self) -> None:
        """Let the bot play in a voice channel."""
        self.carol.join_voice(self.channels["Lounge"])
        self.bob.join_voice(self.channels["Lounge"], mute=True)
        for tune in ("Evening on the river", "Lantern walk", "Night market"):
            await self.use(self.carol, "music", "play", query=tune)
        bot, guild = self.discord.town.application.bot, self.discord.town.guild
        await self.discord.voice.heard(guild.id, bot.id).until(lambda heard: heard.packets >= 200, PATIENCE)

    async def talk(self) -> None:
        """Let them talk, vote and ask the bot."""
        general = self.channels["general"]
        said = self.alice.say(general, f"Friday is **music evening** in {self.channels['Lounge'].mention} 🎶")
        for person in (self.bob, self.carol, self.somchai):
            person.react(said, "🎉")
        bot = self.discord.town.application.bot
        self.carol.say(general, f"{bot.mention} how do I start a poll?")
        answer = await self.carol.expect(general, lambda message: "scripted" in message.content, PATIENCE)
        self.bob.react(answer, "👍")
        options = "Jazz | Film music | Songs of the eighties"
        poll = await self.use(self.alice, "general", "poll start", question="What shall we hear?", options=options)
        for person, choice in ((self.bob, "Jazz"), (self.carol, "Film music"), (self.somchai, "Film music")):
            button = next(each for each in _buttons(poll) if choice in each)
            interaction = person.click(poll, button)
            await person.answered(interaction, PATIENCE)
        self.carol.say(general, "Somchai, which songs should we hear first?", reply_to=said)


def _buttons(message: Message) -> list[str]:
    return [each["label"] for row in message.components for each in row["components"] if each.get("label")]


class Camera:
    """Headless Chromium, and the folder for the pictures."""

    def __init__(self, browser: Browser, discord: LocalDiscord, folder: Path) -> None:
        self.browser = browser
        self.discord = discord
        self.folder = folder

    async def open(self, url: str, *, dark: bool = False) -> Page:
        """Open a page."""
        context = await self.browser.new_context(
            viewport=SIZE,  # type: ignore[arg-type]  # its stubs want a TypedDict
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-GB",
        )
        page = await context.new_page()
        await page.goto(url)
        return page

    async def enter(self, name: str, channel: str, *, dark: bool = False) -> Page:
        """Open the page for people, as somebody, in a channel."""
        page = await self.open(self.discord.url, dark=dark)
        await page.get_by_role("button", name=name).click()
        await page.locator("#channels a", has_text=channel).click()
        await page.locator(".message").first.wait_for()
        await page.locator(".speaker.playing").wait_for()
        return page

    async def take(self, page: Page, name: str) -> None:
        """Take a picture as soon as all that it shows is loaded."""
        await page.wait_for_function("[...document.images].every(image => image.complete)")
        await page.mouse.move(0, 0)
        file = self.folder / f"{name}.png"
        await page.screenshot(path=file)
        with Image.open(file) as image:
            small = image.convert("RGB").quantize(COLOURS, kmeans=4, dither=Image.Dither.NONE)
        small.save(file, optimize=True)
        print(f"{file}: {file.stat().st_size // 1024} kB")
        await page.context.close()


async def take_all(folder: Path) -> None:
    """Play the scene and take the pictures.

    Args:
        folder: where they go.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise SystemExit("No Chromium is on the PATH.")
    arguments = ["--no-sandbox"] if sys.platform == "linux" else []
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        (data / "music").mkdir()
        compose(data / "music" / "Evening on the river.wav", (3, 7, 10, 15, 10, 7, 2, 5, 10, 14, 10, 5))
        compose(data / "music" / "Lantern walk.wav", (0, 4, 7, 12, 7, 4))
        compose(data / "music" / "Night market.wav", (5, 9, 12, 17, 16, 12, 9))
        async with LocalDiscord() as discord, bot_on(discord, data) as health, async_playwright() as driver:
            browser = await driver.chromium.launch(executable_path=chromium, args=arguments)
            await film(Scene(discord), Camera(browser, discord, folder), health)
            await browser.close()


async def film(scene: Scene, camera: Camera, health: str) -> None:
    """Play the scene before the camera."""
    await scene.set_up()
    await scene.welcome()
    await scene.play()
    await scene.talk()
    await scene.discord.settled(PATIENCE)
    await camera.take(await camera.enter("Carol", "general"), "local-discord")
    await camera.take(await camera.enter("Carol", "music", dark=True), "music")
    await camera.take(await camera.enter("Somchai", "welcome"), "welcome")
    page = await camera.enter("Somchai", "music", dark=True)
    await page.locator("#entry").press_sequentially("/")
    await page.locator("#composer .option.active").wait_for()
    await camera.take(page, "commands")
    await camera.take(await camera.open(health), "health")


if __name__ == "__main__":
    pictures = Path(sys.argv[1]) if len(sys.argv) > 1 else HOME
    pictures.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(pictures))
