"""The page for people in a real browser: headless Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio

from localdiscord import LocalDiscord
from tests.localdiscord.showcase import Showcase, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
"""Where a browser is, if there is one."""


class Pages:
    """The tabs of a test, each with a browser profile of its own; nothing in them may go wrong.

    Attributes:
        discord: the server.
        bot: the bot that shows everything.
        troubles: errors on the consoles, exceptions, dialogs of the browser.
    """

    def __init__(self, browser: Browser, discord: LocalDiscord, bot: Showcase) -> None:
        self.discord = discord
        self.bot = bot
        self.troubles: list[str] = []
        self._browser = browser
        self._contexts: list[BrowserContext] = []

    async def door(self, width: int = 1280, *, dark: bool = False) -> Page:
        """Open the page in a tab, before the door."""
        scheme: Literal["dark", "light"] = "dark" if dark else "light"
        context = await self._browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce", locale="en-GB"
        )
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.message}"))
        await page.goto(self.discord.url)
        await page.locator(".card").first.wait_for()
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(message.text)

    async def enter(self, name: str, channel: str = "general", width: int = 1280, *, dark: bool = False) -> Page:
        """Open the page in a tab, as somebody of the town, in a channel."""
        page = await self.door(width, dark=dark)
        await page.get_by_role("button", name=name).click()
        await page.locator("#entry").wait_for()
        if channel != "general":
            await page.locator("#channels a", has_text=channel).click()
        return page

    async def close(self) -> None:
        """Close all tabs."""
        for context in self._contexts:
            await context.close()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium; where there is none, the test is skipped."""
    playwright = pytest.importorskip("playwright.async_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is on the PATH")
    arguments = ["--no-sandbox"] if sys.platform == "linux" else []  # root has no sandbox
    async with playwright.async_playwright() as driver:
        playwright.expect.set_options(timeout=20_000)  # all cores may be busy with other tests
        chromium = await driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pages(browser: Browser) -> AsyncIterator[Pages]:
    """Tabs on a local Discord with the bot that shows everything; checks at the end that nothing went wrong in them."""
    async with LocalDiscord() as discord, running(discord) as bot:
        tabs = Pages(browser, discord, bot)
        yield tabs
        await tabs.close()
    assert tabs.troubles == []
