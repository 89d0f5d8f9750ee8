"""Errors end in one place: a kind sentence for what is a person's to mend, an incident for what is ours, never both."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any

import discord
import pytest
from discord import app_commands, ui
from discord.ext import commands

from reference.commands import hybrid_command
from reference.guilds import Feature
from reference.limits import RateLimitType, limited
from reference.refusals import Answer, Refused, answer_to, unwrapped
from reference.utils.monitoring.health_api import health_data
from reference.utils.monitoring.metrics import metrics
from reference.utils.reliability.circuit_breaker import CircuitBreakerOpenError
from reference.views import Handled, Modal, View

if TYPE_CHECKING:
    from localdiscord.driver.person import Person
    from tests.bot.conftest import Stage

Context = commands.Context[Any]
SECRET = "token=abcdefghijklmnop"


class Faults(commands.Cog):
    """Commands that fail in every way."""

    @hybrid_command()
    async def boom(self, _ctx: Context) -> None:
        """Fail as nobody foresaw."""
        raise ZeroDivisionError(f"no number, {SECRET}")

    @hybrid_command()
    async def late(self, ctx: Context) -> None:
        """Fail after an answer."""
        await ctx.send("Here it is.")
        raise ZeroDivisionError("too late")

    @hybrid_command()
    async def deferred(self, ctx: Context) -> None:
        """Fail after a promise."""
        await ctx.defer(ephemeral=True)
        raise Refused("common.not_found", name="it")

    @hybrid_command()
    async def refuse(self, _ctx: Context) -> None:
        """Refuse kindly."""
        raise Refused("common.not_found", name="it")

    @hybrid_command()
    @commands.has_permissions(manage_guild=True)
    async def powerful(self, ctx: Context) -> None:
        """Need a permission."""
        await ctx.send("You have it.")

    @hybrid_command()
    @limited(1, per=3600)
    async def rare(self, ctx: Context) -> None:
        """Be used once."""
        await ctx.send("Used.")

    @hybrid_command()
    async def number(self, ctx: Context, amount: commands.Range[int, 1, 5]) -> None:
        """Take a number."""
        await ctx.send(str(amount))

    @hybrid_command()
    async def who(self, ctx: Context, member: discord.Member) -> None:
        """Take a member."""
        await ctx.send(member.name)

    @hybrid_command()
    @commands.guild_only()
    async def home(self, ctx: Context) -> None:
        """Work in servers only."""
        await ctx.send("Home.")

    @hybrid_command()
    async def button(self, ctx: Context) -> None:
        """Send buttons that fail."""
        await ctx.send("Press.", view=Buttons(ctx.author.id))

    @app_commands.command()
    async def plain(self, _interaction: discord.Interaction) -> None:
        """Fail in a command that is a slash command alone."""
        raise ZeroDivisionError("plain")

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Fail in an event."""
        if message.content == "event":
            raise ZeroDivisionError("in an event")


class Form(Modal, title="A form"):
    """A form that fails."""

    text: ui.TextInput[Form] = ui.TextInput(label="Text")

    async def on_submit(self, _interaction: discord.Interaction, /) -> None:
        """Fail."""
        raise ZeroDivisionError("in a form")


class Dynamic(Handled, ui.DynamicItem[ui.Button[Any]], template=r"dynamic:(\d+)"):
    """A button that is made anew at each press, and fails."""

    def __init__(self, number: int) -> None:
        super().__init__(ui.Button(label="Dynamic", custom_id=f"dynamic:{number}"))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction, _item: ui.Item[Any], match: re.Match[str], /
    ) -> Dynamic:
        """Make it anew."""
        return cls(int(match[1]))

    async def act(self, _interaction: discord.Interaction) -> None:
        """Refuse."""
        raise Refused("common.not_found", name="it")


class Buttons(View):
    """Buttons that fail."""

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id=user_id)
        self.add_item(Dynamic(7))

    @ui.button(label="Boom")
    async def boom(self, _interaction: discord.Interaction, _button: ui.Button[Buttons]) -> None:
        """Fail."""
        raise ZeroDivisionError("in a button")

    @ui.button(label="Form")
    async def form(self, interaction: discord.Interaction, _button: ui.Button[Buttons]) -> None:
        """Open a form."""
        await interaction.response.send_modal(Form())


class Musical(commands.Cog):
    """A cog of a feature that can be switched off."""

    feature = Feature.MUSIC

    @hybrid_command()
    async def tune(self, ctx: Context) -> None:
        """Play."""
        await ctx.send("La.")


@pytest.fixture
async def faulty(stage: Stage) -> Stage:
    """A bot with commands that fail."""
    cog = Faults()
    await stage.bot.add_cog(cog)
    await stage.bot.add_cog(Musical())
    stage.bot.persistent.add(cog, Dynamic)
    await stage.bot.sync_commands(force=True)
    return stage


async def answers(stage: Stage, person: Person, name: str, **options: Any) -> list[str]:
    """Use a slash command, and return all that it was answered with."""
    interaction = person.slash(stage.channels["general"], name, **options)
    await person.reply(interaction)
    await stage.settled()
    original = [interaction.original.content] if interaction.original else []
    return [*original, *(each.content for each in interaction.followups)]


INCIDENT = re.compile(r"Something went wrong\. The error was recorded as ([0-9a-f]{16})\.")


@pytest.mark.parametrize("name", ["boom", "plain"])
async def test_the_unforeseen_gets_an_incident_that_is_kept(
    faulty: Stage, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The person is told an id, once; under it log, database and metrics know the error, without secrets."""
    before = health_data.counters()["errors"]
    with caplog.at_level(logging.ERROR):
        (told,) = await answers(faulty, faulty.member, name)
    match = INCIDENT.fullmatch(told)
    assert match
    incident = await faulty.bot.errors.incidents.get(match[1])
    assert incident is not None
    assert (incident.error_type, incident.place, incident.user_id, incident.guild_id) == (
        "ZeroDivisionError",
        f"/{name}",
        faulty.town.members[0].id,
        faulty.town.guild.id,
    )
    assert incident.traceback
    assert "abcdefghijklmnop" not in f"{incident.message} {incident.traceback}"
    assert match[1] in caplog.text or any(match[1] in str(vars(record)) for record in caplog.records)
    assert health_data.counters()["errors"] == before + 1
    assert b'bot_errors_total{type="ZeroDivisionError"}' in metrics.exposition()


async def test_an_error_after_the_answer_is_told_after_it(faulty: Stage) -> None:
    """A command that answered and then failed says so in a second message, for the person's eyes alone."""
    first, second = await answers(faulty, faulty.member, "late")
    assert first == "Here it is."
    assert INCIDENT.fullmatch(second)


async def test_a_promised_answer_is_the_refusal(faulty: Stage) -> None:
    """A deferred command that is refused is answered by the refusal, and by nothing else."""
    assert await answers(faulty, faulty.member, "deferred") == ["I could not find it."]


async def test_a_refusal_is_in_the_readers_language(faulty: Stage) -> None:
    """A Thai reader is refused in Thai, and there is no incident."""
    (told,) = await answers(faulty, faulty.thai, "refuse")
    assert told == (await faulty.bot.text(None, "common.not_found", name="it")).replace("I could not find it.", told)
    assert not told.startswith("I could")
    assert await faulty.bot.errors.incidents.recent() == []


@pytest.mark.parametrize("prefix", ["/", "!"])
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("powerful", "You need the permission manage server for that."),
        ("rare", "Please wait 3600 seconds."),
        ("refuse", "I could not find it."),
    ],
)
async def test_refusals_are_the_same_for_both_kinds_of_command(
    faulty: Stage, prefix: str, line: str, told: str
) -> None:
    """A missing permission, a limit and a refusal are answered alike after a slash and a text command."""
    general = faulty.channels["general"]
    times = 2 if line == "rare" else 1
    for _ in range(times):
        if prefix == "!":
            faulty.member.say(general, f"!{line}")
            await faulty.settled()
            heard = list(general.messages.values())[-1].content
        else:
            (heard,) = await answers(faulty, faulty.member, line)
    assert heard == told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("number", "The command needs amount."),
        ("number 9", "9 is out of range: 1 to 5 is possible."),
        ("number x", "I did not understand that."),
        ("who nobody", "I could not find nobody."),
        ('who "no', "A quotation mark is missing"),
    ],
)
async def test_wrong_arguments_of_text_commands_are_told(faulty: Stage, line: str, told: str) -> None:
    """An argument that is missing, out of range, no number, not found or badly quoted is told as such."""
    general = faulty.channels["general"]
    faulty.member.say(general, f"!{line}")
    answer = await faulty.member.expect(general, lambda message: message.author == faulty.town.application.bot)
    assert answer.content.startswith(told)


async def test_an_unknown_text_command_is_left_to_other_bots(faulty: Stage) -> None:
    """Another bot may listen to the same prefix: nothing is said."""
    general = faulty.channels["general"]
    faulty.member.say(general, "!nonsense")
    await faulty.settled()
    assert [each.content for each in general.messages.values()] == ["!nonsense"]


async def test_a_command_of_servers_says_so_in_direct_messages(faulty: Stage) -> None:
    """What works in servers only says so elsewhere."""
    error = commands.NoPrivateMessage()
    assert answer_to(error) == Answer("common.guild_only", {})
    assert await faulty.bot.text(None, "common.guild_only") == "This works in servers only."


async def test_a_feature_that_is_off_is_refused(faulty: Stage) -> None:
    """The commands of a feature are refused where a guild switched it off, and work again when it is on."""
    guild_id = faulty.town.guild.id
    assert await answers(faulty, faulty.member, "tune") == ["La."]
    await faulty.bot.guild_configs.switch(guild_id, {Feature.MUSIC: False})
    (told,) = await answers(faulty, faulty.member, "tune")
    assert told.startswith("Music: switched off in this server.")
    general = faulty.channels["general"]
    faulty.member.say(general, "!tune")
    await faulty.member.expect(general, lambda message: "switched off in this server" in message.content)
    await faulty.bot.guild_configs.switch(guild_id, {Feature.MUSIC: None})
    assert await answers(faulty, faulty.member, "tune") == ["La."]


async def test_buttons_forms_and_dynamic_items_end_there_too(faulty: Stage) -> None:
    """A failure in a button, a form or a dynamic item is answered once, for the person's eyes alone."""
    asked = faulty.member.slash(faulty.channels["general"], "button")
    message = await faulty.member.reply(asked)
    told = await faulty.member.reply(faulty.member.click(message, "Boom"))
    assert INCIDENT.fullmatch(told.content)
    assert told.is_ephemeral
    refused = await faulty.member.reply(faulty.member.click(message, "Dynamic"))
    assert refused.content == "I could not find it."
    opened = faulty.member.click(message, "Form")
    await faulty.member.form(opened)
    told = await faulty.member.reply(faulty.member.submit(opened, {"Text": "x"}))
    assert INCIDENT.fullmatch(told.content)
    stranger = await faulty.thai.reply(faulty.thai.click(message, "Boom"))
    assert "เฉพาะผู้ที่ใช้คำสั่ง" in stranger.content


async def test_an_error_in_an_event_is_an_incident_and_answers_nobody(faulty: Stage) -> None:
    """Nobody waits for an answer to an event; the operator finds it all the same."""
    general = faulty.channels["general"]
    faulty.member.say(general, "event")
    await faulty.settled()
    (incident,) = await faulty.bot.errors.incidents.recent()
    assert (incident.place, incident.user_id) == ("on_message", None)
    assert [each.content for each in general.messages.values()] == ["event"]


async def test_a_failure_in_the_background_is_an_incident(faulty: Stage) -> None:
    """What `spawn` does and fails at is reported under its name."""

    async def fail() -> None:
        raise ZeroDivisionError("in the background")

    task = faulty.bot.spawn(fail(), "sweep")
    await asyncio.wait([task])
    await asyncio.gather(*faulty.bot._tasks)
    (found,) = await faulty.bot.errors.incidents.recent()
    assert found.place == "sweep"


async def test_the_end_refuses_kindly(faulty: Stage) -> None:
    """While the bot ends, slash commands and buttons are told that it comes back; text commands hear nothing."""
    message = await faulty.member.reply(faulty.member.slash(faulty.channels["general"], "button"))
    faulty.bot.is_ending = True
    (told,) = await answers(faulty, faulty.member, "refuse")
    assert told == "I am shutting down and will be back soon."
    pressed = await faulty.member.reply(faulty.member.click(message, "Boom"))
    assert pressed.content == told
    before = len(faulty.channels["general"].messages)
    faulty.member.say(faulty.channels["general"], "!refuse")
    await faulty.settled()
    assert len(faulty.channels["general"].messages) == before + 1


class Gone(discord.HTTPException):
    """What Discord says when an interaction can no longer be answered."""

    def __init__(self, code: int = 10062) -> None:
        Exception.__init__(self, "Unknown interaction")
        self.status, self.code, self.text = 404, code, "Unknown interaction"


async def test_an_interaction_that_is_gone_is_no_incident(faulty: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """What came too late is noted, and neither reported nor answered."""
    with caplog.at_level(logging.WARNING):
        assert await faulty.bot.errors.handle(commands.CommandInvokeError(Gone()), None, "/slow") is None
    assert "could not be answered in time" in caplog.text
    assert await faulty.bot.errors.incidents.recent() == []


async def test_a_broken_database_keeps_nobody_from_an_answer(faulty: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person gets an answer even where the incident cannot be kept."""

    async def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(faulty.bot.errors.incidents, "add", fail)
    (told,) = await answers(faulty, faulty.member, "boom")
    assert INCIDENT.fullmatch(told)


@pytest.mark.parametrize(
    ("error", "key"),
    [
        (commands.BotMissingPermissions(["ban_members"]), "common.bot_no_permission"),
        (app_commands.MissingPermissions(["ban_members"]), "common.no_permission"),
        (commands.MissingRole("DJ"), "core.role"),
        (commands.MissingAnyRole([1, "DJ"]), "core.role"),
        (commands.BotMissingRole(1), "core.bot_role"),
        (commands.PrivateMessageOnly(), "core.direct_only"),
        (commands.NotOwner(), "common.owner_only"),
        (commands.MaxConcurrencyReached(1, commands.BucketType.user), "core.busy"),
        (commands.TooManyArguments(), "core.too_many"),
        (commands.DisabledCommand(), "core.disabled"),
        (commands.CheckFailure(), "core.not_allowed"),
        (commands.UserNotFound("x"), "common.not_found"),
        (app_commands.CommandNotFound("x", []), "core.out_of_date"),
        (CircuitBreakerOpenError("ai", 3.0), "limit.busy"),
        (app_commands.CommandOnCooldown(app_commands.Cooldown(1, 5), 2.1), "limit.retry_after"),
    ],
)
def test_each_kind_of_error_has_its_sentence(error: Exception, key: str) -> None:
    """Errors that are a person's to mend have an answer."""
    answer = answer_to(unwrapped(error))
    assert answer is not None
    assert answer.key == key


def test_what_a_person_wrote_cannot_mention_anybody() -> None:
    """A name that was not found is shown short, and neither as markup nor as a mention."""
    answer = answer_to(commands.MemberNotFound("@everyone **x**" + "y" * 200))
    assert answer is not None
    name = answer.values["name"]
    assert "@everyone" not in name
    assert r"\*\*x" in name
    assert len(name) < 120


def test_what_is_ours_has_no_sentence() -> None:
    """An error of the program is not the person's to mend."""
    assert answer_to(ZeroDivisionError()) is None


def test_a_limit_can_be_a_guilds() -> None:
    """A limit may be shared by all of a server."""

    @limited(2, per=5, of=RateLimitType.GUILD)
    def command() -> None:
        """Do nothing."""

    assert vars(command)["__command_limit__"].limit_type is RateLimitType.GUILD
