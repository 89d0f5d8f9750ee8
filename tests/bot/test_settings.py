"""The settings through the local Discord: the form, the commands, and who may use them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from localdiscord.actions import deletion, roles
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.permissions import Permissions
from reference import bot as bot_module
from reference.bot import build_bot
from reference.guilds import Feature
from reference.utils.localization import Language
from tests.bot.conftest import running

if TYPE_CHECKING:
    from localdiscord import Person
    from localdiscord.model.message import Message
    from reference.config import Settings
    from reference.guilds import GuildConfig
    from tests.bot.conftest import Stage


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot with these areas alone."""
    monkeypatch.setattr(bot_module, "AREAS", ("admin", "moderation", "settings"))
    return settings


async def use(stage: Stage, person: Person, command: str, /, **options: Any) -> str:
    """Have somebody use a command; return what the bot answers."""
    message = await person.reply(person.slash(stage.channels["general"], command, **options))
    return message.content


async def config(stage: Stage) -> GuildConfig:
    """Return what the guild chose."""
    return await stage.bot.guild_config(stage.town.guild.id)


async def open_form(stage: Stage) -> Message:
    """Have the owner open the form."""
    return await stage.owner.reply(stage.owner.slash(stage.channels["general"], "settings form"))


def fields(form: Message) -> dict[str, str]:
    """Return what the form shows, by its labels."""
    return {field["name"]: field["value"] for field in form.embeds[0]["fields"]}


async def drawn_anew(stage: Stage) -> None:
    """Wait until the form was drawn anew, where something changed."""
    drawing = [task for task in asyncio.all_tasks() if task.get_name() == "form of settings"]
    await asyncio.gather(*drawing)


async def test_the_form_is_paged_and_shows_what_holds(stage: Stage) -> None:
    """`/settings` shows a page of menus and buttons, and its menu turns to the others."""
    form = await open_form(stage)
    assert form.embeds[0]["title"] == "Settings of Local Town"
    assert fields(form) == {"Language": "not chosen", "Prefix of text commands": "not chosen"}
    shown = {}
    for page in ("Channels", "Music", "Features", "Filters", "General"):
        await stage.owner.reply(stage.owner.select(form, "settings:page", page))
        shown[page] = fields(form)
    assert shown["Channels"]["Channel of the mod-log"] == "not chosen"
    assert shown["Music"]["Volume"] == "not chosen"
    assert shown["Features"]["Filters"] == "off"
    assert shown["Filters"]["Banned words"] == "off"


async def test_language_and_prefix_are_chosen_in_the_form(stage: Stage) -> None:
    """The language is a menu and the prefix a question; both hold at once, and the form speaks the new language."""
    form = await open_form(stage)
    await stage.owner.reply(stage.owner.select(form, "settings:language", "ไทย"))
    assert (await config(stage)).language is Language.THAI
    assert form.embeds[0]["title"] == "การตั้งค่าของ Local Town"
    await stage.owner.reply(stage.owner.select(form, "settings:language", "auto"))
    assert (await config(stage)).language is None
    asked = stage.owner.click(form, "Prefix…")
    await stage.owner.form(asked)
    await stage.owner.reply(stage.owner.submit(asked, prefix="?"))
    assert fields(form)["Prefix of text commands"] == "`?`"
    said = stage.owner.say(stage.channels["general"], "?ping")
    await stage.owner.expect(stage.channels["general"], lambda message: "Pong" in message.content, after=said.id)
    wrong = stage.owner.click(form, "Prefix…")
    await stage.owner.form(wrong)
    refused = await stage.owner.reply(stage.owner.submit(wrong, prefix="a b"))
    assert refused.content.startswith("A prefix has 1 to 10 visible characters")
    cleared = stage.owner.click(form, "Prefix…")
    await stage.owner.form(cleared)
    await stage.owner.reply(stage.owner.submit(cleared, prefix=""))
    assert (await config(stage)).prefix is None


async def test_channels_are_chosen_in_the_form(stage: Stage) -> None:
    """Each purpose has a menu of channels, in which none can be chosen as well."""
    form = await open_form(stage)
    await stage.owner.reply(stage.owner.select(form, "settings:page", "Channels"))
    log = stage.channels["mod-log"]
    await stage.owner.reply(stage.owner.select(form, "settings:log_channel_id", log))
    assert (await config(stage)).log_channel_id == log.id
    assert fields(form)["Channel of the mod-log"] == log.mention
    await stage.owner.reply(stage.owner.select(form, "settings:log_channel_id"))
    assert (await config(stage)).log_channel_id is None


async def test_music_is_set_in_the_form(stage: Stage) -> None:
    """DJ role, volume, delay and staying for ever; a number out of its limits is refused, and nothing changes."""
    form = await open_form(stage)
    await stage.owner.reply(stage.owner.select(form, "settings:page", "Music"))
    role = next(role for role in stage.town.guild.roles.values() if role.name == "Moderator")
    await stage.owner.reply(stage.owner.select(form, "settings:dj_role_id", role))
    await stage.owner.reply(stage.owner.click(form, "Stay for ever"))
    asked = stage.owner.click(form, "Volume and delay…")
    await stage.owner.form(asked)
    await stage.owner.reply(stage.owner.submit(asked, volume="80 %", delay="60"))
    now = await config(stage)
    assert (now.dj_role_id, now.music_volume, now.auto_disconnect_delay, now.mode_247) == (role.id, 0.8, 60, True)
    assert fields(form)["Stays for ever"] == "on"
    wrong = stage.owner.click(form, "Volume and delay…")
    await stage.owner.form(wrong)
    refused = await stage.owner.reply(stage.owner.submit(wrong, volume="900", delay="1"))
    assert refused.content == "`900` is no whole number from 0 to 200."
    assert (await config(stage)).auto_disconnect_delay == 60
    await stage.owner.reply(stage.owner.click(form, "Leave when alone"))
    await stage.owner.reply(stage.owner.select(form, "settings:dj_role_id"))
    assert not (await config(stage)).mode_247
    assert (await config(stage)).dj_role_id is None


async def test_features_are_switched_in_the_form(stage: Stage) -> None:
    """What is chosen in the menu is on, and everything else is off."""
    form = await open_form(stage)
    await stage.owner.reply(stage.owner.select(form, "settings:page", "Features"))
    await stage.owner.reply(stage.owner.select(form, "settings:features", "ai", "polls"))
    now = await config(stage)
    assert {feature for feature in Feature if now.enabled(feature)} == {Feature.AI, Feature.POLLS}
    assert fields(form)["Music"] == "off"


async def test_filters_are_set_up_in_the_form(stage: Stage) -> None:
    """Filters are switched, changed in a question each, and followed by a time-out, all in the form."""
    form = await open_form(stage)
    owner = stage.owner
    await owner.reply(owner.select(form, "settings:page", "Filters"))
    await owner.reply(owner.click(form, "Switch the filters on"))
    assert (await config(stage)).enabled(Feature.AUTOMOD)
    await owner.reply(owner.select(form, "settings:filters", "words", "spam"))
    assert fields(form)["Banned words"] == "deletes"
    asked = owner.select(form, "settings:filter", "words")
    await owner.form(asked)
    await owner.reply(owner.submit(asked, action="warn", entries="one, two\nthree"))
    assert fields(form)["Banned words"] == "deletes and warns"
    asked = owner.select(form, "settings:filter", "spam")
    await owner.form(asked)
    await owner.reply(owner.submit(asked, action="", messages="9", seconds="5", duplicates="4"))
    asked = owner.click(form, "Time-out after warnings…")
    await owner.form(asked)
    await owner.reply(owner.submit(asked, warnings="2", hours="12", minutes="30"))
    cog: Any = stage.bot.get_cog("AutoMod")
    policy = await cog.acts.policies.of(stage.town.guild.id)
    assert policy.words.entries == ("one", "two", "three")
    assert (policy.spam.messages, policy.spam.seconds, policy.spam.duplicates) == (9, 5, 4)
    assert policy.escalation.model_dump() == {"enabled": True, "warnings": 2, "hours": 12, "minutes": 30}
    for answers, why in (
        ({"action": "hug"}, "The action is one of these: delete, warn, timeout."),
        ({"messages": "1"}, "That cannot be saved: messages: Input should be greater than or equal to 2."),
    ):
        asked = owner.select(form, "settings:filter", "spam")
        await owner.form(asked)
        assert (await owner.reply(owner.submit(asked, answers))).content == why
    asked = owner.click(form, "Time-out after warnings…")
    await owner.form(asked)
    await owner.reply(owner.submit(asked, warnings=""))
    await owner.reply(owner.click(form, "Switch the filters off"))
    assert fields(form)["Time-out after warnings…"] == "No time-out follows warnings."
    assert not (await config(stage)).enabled(Feature.AUTOMOD)


async def test_others_who_touch_the_form_are_refused_kindly(stage: Stage) -> None:
    """A member and a moderator who do not manage the server change nothing, and read why in their language."""
    form = await open_form(stage)
    moderator = await stage.moderator.reply(stage.moderator.select(form, "settings:language", "th"))
    assert moderator.content == "You need the permission manage server for that."
    assert moderator.is_ephemeral
    thai = await stage.thai.reply(stage.thai.click(form, "Reset…"))
    assert "manage server" in thai.content
    assert not thai.content.startswith("You need")
    assert (await config(stage)).language is None
    with pytest.raises(HumanlyImpossibleError):
        stage.member.slash(stage.channels["general"], "settings form")


async def test_the_form_is_kept_up_to_date(stage: Stage) -> None:
    """What is changed by a command, or by the filters' commands, shows in the form that is open."""
    form = await open_form(stage)
    await use(stage, stage.owner, "settings prefix", prefix="$")
    await drawn_anew(stage)
    assert fields(form)["Prefix of text commands"] == "`$`"
    await stage.owner.reply(stage.owner.select(form, "settings:page", "Filters"))
    await use(stage, stage.owner, "automod filter", name="caps", enabled=True)
    await drawn_anew(stage)
    assert fields(form)["Capitals"] == "deletes"


async def test_a_form_that_is_gone_is_forgotten(stage: Stage) -> None:
    """A form whose message was deleted is no error when something changes."""
    form = await open_form(stage)
    deletion.delete(stage.discord.world, form, stage.town.owner)
    await use(stage, stage.owner, "settings prefix", prefix="$")
    await drawn_anew(stage)
    cog: Any = stage.bot.get_cog("Settings")
    assert await cog.panel.keeping.form(stage.town.guild.id) is None


async def test_the_form_outlives_a_restart(stage: Stage) -> None:
    """A form that was sent before a restart answers after it, every page of it, and is kept up to date."""
    form = await open_form(stage)
    await stage.owner.reply(stage.owner.select(form, "settings:page", "Channels"))
    await stage.bot.close()
    bot = build_bot(stage.bot.settings, connector=stage.discord.connector(), guild_ready_timeout=0)
    async with running(bot, stage.discord):
        log = stage.channels["mod-log"]
        await stage.owner.reply(stage.owner.select(form, "settings:log_channel_id", log))
        assert fields(form)["Channel of the mod-log"] == log.mention
        await stage.owner.reply(stage.owner.select(form, "settings:page", "General"))
        asked = stage.owner.click(form, "Prefix…")
        assert (await stage.owner.form(asked))["title"] == "Prefix…"
        await stage.owner.reply(stage.owner.submit(asked, prefix="%"))
        assert fields(form)["Prefix of text commands"] == "`%`"
        assert (await bot.guild_config(stage.town.guild.id)).log_channel_id == log.id


async def test_every_setting_has_a_command(stage: Stage) -> None:
    """What the form does can be done by slash commands, each with a sentence about what holds from then on."""
    log, owner = stage.channels["mod-log"], stage.owner
    role = next(role for role in stage.town.guild.roles.values() if role.name == "Moderator")
    assert await use(stage, owner, "settings prefix", prefix="?") == "Text commands begin with `?` from now on."
    assert await use(stage, owner, "settings prefix") == "Text commands begin with `!` from now on."
    assert await use(stage, owner, "settings channel", purpose="log", channel=log) == (
        f"Channel of the mod-log: {log.mention}"
    )
    assert await use(stage, owner, "settings channel", purpose="ai") == "Channel of the AI: not chosen any more."
    assert await use(stage, owner, "settings dj", role=role) == f"Role that directs the music: <@&{role.id}>"
    assert await use(stage, owner, "settings dj") == "Role that directs the music: not chosen any more."
    assert await use(stage, owner, "settings music", volume=120, stay=True) == "The settings were saved."
    assert await use(stage, owner, "settings feature", feature="polls", enabled=False) == "Polls: switched off."
    assert await use(stage, owner, "settings feature", feature="welcome", enabled=True) == "Welcome cards: switched on."
    assert await use(stage, owner, "settings language", language="th") == "ต่อจากนี้ฉันจะพูดไทยที่นี่"
    assert await use(stage, owner, "settings language", language="auto") == (
        "I answer everybody in their own language from now on."
    )
    now = await config(stage)
    assert (now.log_channel_id, now.music_volume, now.mode_247) == (log.id, 1.2, True)
    assert (now.enabled(Feature.POLLS), now.enabled(Feature.WELCOME)) == (False, True)
    logged = await stage.bot.database.get_audit_logs(guild_id=stage.town.guild.id, action_type="settings.change")
    assert len(logged) == 11


async def test_a_channel_for_newcomers_switches_the_welcome_on(stage: Stage) -> None:
    """Who names the channel gets the feature with it; what somebody switched off stays off."""
    welcome = stage.channels["welcome"]
    await use(stage, stage.owner, "settings channel", purpose="welcome", channel=welcome)
    assert (await config(stage)).enabled(Feature.WELCOME)
    await use(stage, stage.owner, "settings feature", feature="welcome", enabled=False)
    await use(stage, stage.owner, "settings channel", purpose="welcome", channel=stage.channels["general"])
    assert not (await config(stage)).enabled(Feature.WELCOME)


@pytest.mark.parametrize("prefix", ["/", "@x", "a" * 11, "a b", "`", "\u200b", "<x"])
async def test_a_prefix_that_could_not_be_used_is_refused(stage: Stage, prefix: str) -> None:
    """A prefix that Discord takes for itself, that nobody sees, or that is too long, is refused with the rule."""
    assert (await use(stage, stage.owner, "settings prefix", prefix=prefix)).startswith("A prefix has 1 to 10")
    assert (await config(stage)).prefix is None


async def test_a_channel_in_which_the_bot_cannot_write_is_refused(stage: Stage) -> None:
    """A channel is chosen only where the bot could write into it."""
    managed = next(role for role in stage.town.guild.roles.values() if role.managed)
    held = Permissions.VIEW_CHANNEL | Permissions.SEND_MESSAGES
    roles.change(stage.discord.world, stage.town.guild, stage.town.owner, managed, {"permissions": held})
    everyone = stage.town.guild.everyone
    less = everyone.permissions & ~Permissions.EMBED_LINKS
    roles.change(stage.discord.world, stage.town.guild, stage.town.owner, everyone, {"permissions": less})
    await stage.settled()
    log = stage.channels["mod-log"]
    assert await use(stage, stage.owner, "settings channel", purpose="log", channel=log) == (
        f"I cannot write with embeds in {log.mention}. Please give me the permissions there first."
    )


async def test_text_commands_are_for_those_who_manage_the_server(stage: Stage) -> None:
    """`!settings prefix` works for the owner, and is refused to a member."""
    general = stage.channels["general"]
    said = stage.member.say(general, "!settings prefix ?")
    answer = await stage.member.expect(general, lambda message: message.author.bot, after=said.id)
    assert answer.content == "You need the permission manage server for that."
    said = stage.owner.say(general, "!settings prefix ?")
    answer = await stage.owner.expect(general, lambda message: message.author.bot, after=said.id)
    assert answer.content == "Text commands begin with `?` from now on."
