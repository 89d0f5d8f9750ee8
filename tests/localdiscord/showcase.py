"""A small discord.py bot that shows everything that the page for people has to show."""

from __future__ import annotations

import asyncio
import contextlib
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import discord
from discord import app_commands
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localdiscord import LocalDiscord

__all__ = ["Showcase", "png", "running"]

GREETINGS = ("Alice", "Albert", "Bob")


def png(colour: str = "#4f46c8", size: tuple[int, int] = (320, 180)) -> bytes:
    """Draw a picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


class Form(discord.ui.Modal, title="Tell us"):
    """A form with a short and a long field."""

    subject: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Subject", min_length=3, max_length=20)
    words: discord.ui.TextInput[Form] = discord.ui.TextInput(
        label="Words", style=discord.TextStyle.paragraph, required=False, placeholder="As many as you like"
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Repeat what was written."""
        await interaction.response.send_message(f"{self.subject.value}: {self.words.value or 'nothing'}")


class Choices(discord.ui.Modal, title="Choose"):
    """A form with what is chosen from: a menu, people, and boxes where the library has them."""

    def __init__(self) -> None:
        super().__init__()
        options = [discord.SelectOption(label=name) for name in ("Tea", "Coffee")]
        self.drink: discord.ui.Select[Any] = discord.ui.Select(options=options)
        self.guest: discord.ui.UserSelect[Any] = discord.ui.UserSelect()
        self.file: discord.ui.FileUpload[Any] = discord.ui.FileUpload(required=False)
        labels = {"Drink": self.drink, "Guest": self.guest, "Picture": self.file}
        for name, item in labels.items():
            self.add_item(discord.ui.Label(text=name, component=item, description=f"Your {name.lower()}"))

    async def on_submit(self, interaction: discord.Interaction) -> None:
        """Repeat what was chosen."""
        files = [file.filename for file in self.file.values]
        await interaction.response.send_message(f"{self.drink.values[0]} for {self.guest.values[0]}, {files}")


class Panel(discord.ui.View):
    """Buttons of all styles, and all menus."""

    def __init__(self) -> None:
        super().__init__(timeout=None)
        self.add_item(discord.ui.Button(label="Website", url="https://example.com", row=0))

    @discord.ui.button(label="Count: 0", style=discord.ButtonStyle.primary, custom_id="count", row=0)
    async def count(self, interaction: discord.Interaction, button: discord.ui.Button[Panel]) -> None:
        """Count the clicks on the button itself."""
        button.label = f"Count: {int((button.label or '0').rpartition(' ')[2]) + 1}"
        await interaction.response.edit_message(view=self)

    @discord.ui.button(label="Form", style=discord.ButtonStyle.success, emoji="📝", row=0)
    async def form(self, interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        """Open the form."""
        await interaction.response.send_modal(Form())

    @discord.ui.button(label="Delete", style=discord.ButtonStyle.danger, row=0)
    async def delete(self, interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        """Refuse, to the person alone."""
        await interaction.response.send_message("Not yours to delete.", ephemeral=True)

    @discord.ui.button(label="Closed", style=discord.ButtonStyle.secondary, disabled=True, row=0)
    async def closed(self, interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        """Never happens: the button is disabled."""

    @discord.ui.select(
        placeholder="Choose fruit",
        min_values=1,
        max_values=2,
        options=[
            discord.SelectOption(label="Apple", emoji="🍎", description="Red and round"),
            discord.SelectOption(label="Banana", emoji="🍌"),
            discord.SelectOption(label="Cherry", emoji="🍒"),
        ],
        row=1,
    )
    async def fruit(self, interaction: discord.Interaction, menu: discord.ui.Select[Panel]) -> None:
        """Say what was chosen."""
        await interaction.response.send_message("Chosen: " + ", ".join(menu.values))

    @discord.ui.select(cls=discord.ui.MentionableSelect, placeholder="Choose somebody", row=2)
    async def somebody(self, interaction: discord.Interaction, menu: discord.ui.MentionableSelect[Panel]) -> None:
        """Say who was chosen."""
        await interaction.response.send_message(f"Somebody: {menu.values[0].name}")

    @discord.ui.select(cls=discord.ui.ChannelSelect, placeholder="Choose a channel", row=3)
    async def channel(self, interaction: discord.Interaction, menu: discord.ui.ChannelSelect[Panel]) -> None:
        """Say which channel was chosen."""
        await interaction.response.send_message(f"Channel: {menu.values[0].mention}")


class Thai(app_commands.Translator):
    """Names in Thai for people whose client is Thai."""

    WORDS: ClassVar = {"greet": "ทักทาย", "name": "ชื่อ", "Greet somebody.": "ทักทายใครสักคน"}

    async def translate(self, string: app_commands.locale_str, locale: discord.Locale, _context: Any) -> str | None:
        """Return the Thai word where there is one."""
        return self.WORDS.get(string.message) if locale is discord.Locale.thai else None


class Showcase(discord.Client):
    """The bot.

    Attributes:
        may_answer: set to let `/slow` answer.
        ready: set as soon as the bot is.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(intents=discord.Intents.all(), **options)
        self.tree = app_commands.CommandTree(self)
        self.may_answer = asyncio.Event()
        self.ready = asyncio.Event()
        commands: tuple[Any, ...] = (card, greet, panel, form, choices, secret, slow, silent, vote, layout, weigh, box)
        for command in commands:
            self.tree.add_command(command)
        self.tree.add_command(app_commands.ContextMenu(name="Shout", callback=shout))
        self.tree.add_command(app_commands.ContextMenu(name="Inspect", callback=inspect))

    async def on_ready(self) -> None:
        """Take note."""
        self.ready.set()

    async def setup_hook(self) -> None:
        """Tell Discord the commands."""
        await self.tree.set_translator(Thai())
        await self.tree.sync()


@app_commands.command()
async def card(interaction: discord.Interaction) -> None:
    """Show a card with everything that a card can have."""
    embed = discord.Embed(title="A *card*", description="With **bold**, a [link](https://example.com) and `code`.")
    embed.colour, embed.url = discord.Colour.from_str("#2ea36a"), "https://example.com/card"
    embed.set_author(name="The author", icon_url="attachment://small.png")
    embed.set_thumbnail(url="attachment://small.png").set_image(url="attachment://large.png")
    for name in ("One", "Two", "Three"):
        embed.add_field(name=name, value=f"value of {name.lower()}")
    embed.add_field(name="Wide", value="- a list\n- of two", inline=False)
    embed.set_footer(text="The footer").timestamp = discord.utils.utcnow()
    files = [
        discord.File(io.BytesIO(png("#e0a112", (64, 64))), "small.png"),
        discord.File(io.BytesIO(png()), "large.png"),
    ]
    await interaction.response.send_message(embed=embed, files=files)


@app_commands.command()
@app_commands.describe(name="Whom to greet", times="How often", loud="Whether to shout", mood="In which mood")
@app_commands.choices(
    mood=[app_commands.Choice(name="Merry", value="merry"), app_commands.Choice(name="Sad", value="sad")]
)
async def greet(
    interaction: discord.Interaction,
    name: str,
    times: app_commands.Range[int, 1, 3] = 1,
    loud: bool = False,
    mood: str = "merry",
) -> None:
    """Greet somebody."""
    words = f"Hello {name}! " * times
    await interaction.response.send_message(f"{words.upper() if loud else words}({mood})")


@greet.autocomplete("name")
async def names(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the names that begin with what is typed."""
    fitting = [name for name in GREETINGS if name.lower().startswith(current.lower())]
    return [app_commands.Choice(name=name, value=name) for name in fitting]


@app_commands.command()
async def panel(interaction: discord.Interaction) -> None:
    """Show buttons and menus."""
    await interaction.response.send_message("What would you like?", view=Panel())


@app_commands.command()
async def form(interaction: discord.Interaction) -> None:
    """Open a form."""
    await interaction.response.send_modal(Form())


@app_commands.command()
async def choices(interaction: discord.Interaction) -> None:
    """Open a form to choose in."""
    await interaction.response.send_modal(Choices())


@app_commands.command()
async def secret(interaction: discord.Interaction) -> None:
    """Tell a secret."""
    await interaction.response.send_message("The secret is **42**.", ephemeral=True)


@app_commands.command()
async def slow(interaction: discord.Interaction) -> None:
    """Think for a while."""
    await interaction.response.defer(thinking=True)
    client: Any = interaction.client
    await client.may_answer.wait()
    await interaction.followup.send("Thought about it.")


@app_commands.command()
async def silent(_interaction: discord.Interaction) -> None:
    """Do not answer."""


@app_commands.command()
async def vote(interaction: discord.Interaction) -> None:
    """Ask everybody."""
    poll = discord.Poll(question="Tea or coffee?", duration=timedelta(hours=1))
    poll.add_answer(text="Tea", emoji="🍵").add_answer(text="Coffee", emoji="☕")
    await interaction.response.send_message(poll=poll)


@app_commands.command()
async def layout(interaction: discord.Interaction) -> None:
    """Show the newer components."""
    view = discord.ui.LayoutView()
    text = discord.ui.TextDisplay[Any]("### In a container\nWith **text**.")
    view.add_item(discord.ui.Container(text, discord.ui.Separator(), accent_colour=discord.Colour.red()))
    await interaction.response.send_message(view=view)


@app_commands.command()
async def weigh(interaction: discord.Interaction, file: discord.Attachment) -> None:
    """Look at a file."""
    size = len(await file.read())
    await interaction.response.send_message(f"{file.filename}, {file.content_type}, {size and file.width} pixels wide")


box = app_commands.Group(name="box", description="Boxes.")


@box.command(name="open")
async def box_open(interaction: discord.Interaction, member: discord.Member, where: discord.TextChannel) -> None:
    """Open a box for somebody."""
    await interaction.response.send_message(f"A box for {member.mention} in {where.mention}")


async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
    """Repeat a message loudly."""
    await interaction.response.send_message(message.content.upper())


async def inspect(interaction: discord.Interaction, member: discord.Member) -> None:
    """Tell who somebody is."""
    await interaction.response.send_message(f"This is {member.display_name}.", ephemeral=True)


@contextlib.asynccontextmanager
async def running(server: LocalDiscord) -> AsyncIterator[Showcase]:
    """Run the bot until the body ends."""
    client = Showcase(connector=server.connector(), guild_ready_timeout=0)
    async with client:
        task = asyncio.create_task(client.start(server.town.application.token))
        await asyncio.wait_for(client.ready.wait(), 10)
        yield client
    await task
