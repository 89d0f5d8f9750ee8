"""Settings as a file: exported, imported after a look, undone, reset; and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest

from localdiscord.model.files import Upload
from reference import bot as bot_module
from reference.cogs.moderation.policy import Policy
from reference.cogs.settings import document
from reference.cogs.settings.choices import CHANNELS, FIELDS
from reference.cogs.settings.cog import Place, Switch
from reference.guilds import Feature
from reference.utils.database.guild_settings import SETTINGS

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from reference.config import Settings
    from tests.bot.conftest import Stage


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot with these areas alone."""
    monkeypatch.setattr(bot_module, "AREAS", ("moderation", "settings"))
    return settings


def keeping(stage: Stage) -> Any:
    """Return what reads and saves the settings."""
    cog: Any = stage.bot.get_cog("Settings")
    return cog.panel.keeping


async def choose(stage: Stage) -> None:
    """Choose a bit of everything."""
    guild = stage.town.guild.id
    await stage.bot.guild_configs.save(
        guild, language="th", prefix="?", log_channel_id=stage.channels["mod-log"].id, music_volume=0.25
    )
    await stage.bot.guild_configs.switch(guild, {Feature.POLLS: False, Feature.AI: False})
    rule = {"enabled": True, "entries": ["one"], "exempt_channels": [stage.channels["music"].id]}
    await keeping(stage).policies.save(guild, Policy.model_validate({"words": rule}))


async def export(stage: Stage) -> dict[str, Any]:
    """Return what `/settings export` gives."""
    owner = stage.owner
    message = await owner.reply(owner.slash(stage.channels["general"], "settings export"))
    (attachment,) = message.attachments
    stored = stage.discord.world.files.at(attachment["url"])
    assert stored is not None
    body: dict[str, Any] = json.loads(stored.data)
    return body


def upload(body: Any) -> Upload:
    """Return a file of a document."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Upload("settings.json", "application/json", raw)


async def bring(stage: Stage, body: Any) -> Message:
    """Have the owner import a document; return the answer."""
    owner = stage.owner
    return await owner.reply(owner.slash(stage.channels["general"], "settings import", file=upload(body)))


async def test_what_was_exported_is_imported_whole(stage: Stage) -> None:
    """A file brings back everything after a reset: settings, features and filters, after a look and a click."""
    await choose(stage)
    before = await keeping(stage).chosen(stage.town.guild.id)
    body = await export(stage)
    assert (body["schema"], body["version"], body["guild_id"]) == ("guild-settings", 1, str(stage.town.guild.id))
    reset = await stage.owner.reply(stage.owner.slash(stage.channels["general"], "settings reset"))
    await stage.owner.reply(stage.owner.click(reset, "ยืนยัน"))
    emptied = await keeping(stage).chosen(stage.town.guild.id)
    assert not any(emptied.settings.values())
    assert emptied.features == {}
    preview = await bring(stage, body)
    assert preview.embeds[0]["title"] == "7 changes"
    assert "**Prefix of text commands**: not chosen → `?`" in preview.embeds[0]["description"]
    assert await keeping(stage).chosen(stage.town.guild.id) == emptied
    await stage.owner.reply(stage.owner.click(preview, "Do it"))
    assert await keeping(stage).chosen(stage.town.guild.id) == before


async def test_an_import_can_be_left_and_undone(stage: Stage) -> None:
    """Nothing happens after *Cancel*; after *Undo* everything is as before."""
    await choose(stage)
    body = await export(stage)
    body["settings"] = {"prefix": "$"}
    before = await keeping(stage).chosen(stage.town.guild.id)
    preview = await bring(stage, body)
    await stage.owner.reply(stage.owner.click(preview, "ยกเลิก"))
    assert await keeping(stage).chosen(stage.town.guild.id) == before
    assert preview.components == []
    preview = await bring(stage, body)
    await stage.owner.reply(stage.owner.click(preview, "ยืนยัน"))
    assert (await stage.bot.guild_config(stage.town.guild.id)).prefix == "$"
    await stage.owner.reply(stage.owner.click(preview, "Undo"))
    assert await keeping(stage).chosen(stage.town.guild.id) == before


async def test_ids_of_another_guild_are_found_by_name(stage: Stage) -> None:
    """Channels and roles of another guild become those of the same name; what is not here is named and left out."""
    await choose(stage)
    body = await export(stage)
    body["settings"] |= {"language": None, "log_channel_id": "1001", "welcome_channel_id": "1002", "dj_role_id": "1003"}
    body["automod"]["words"]["exempt_channels"] = ["1001", "1004"]
    body["names"] = {"channels": {"1001": "mod-log", "1002": "lobby"}, "roles": {"1003": "Moderator"}}
    body["guild_id"] = "1000"
    preview = await bring(stage, body)
    (left_out,) = preview.embeds[0]["fields"]
    assert left_out["value"] == "`#lobby`, `#1004`"
    await stage.owner.reply(stage.owner.click(preview, "ยืนยัน"))
    now = await stage.bot.guild_config(stage.town.guild.id)
    role = next(role for role in stage.town.guild.roles.values() if role.name == "Moderator")
    log = stage.channels["mod-log"].id
    assert (now.log_channel_id, now.welcome_channel_id, now.dj_role_id) == (log, None, role.id)
    policy = await keeping(stage).policies.of(stage.town.guild.id)
    assert policy.words.exempt_channels == (log,)


GOOD: dict[str, Any] = {"schema": "guild-settings", "version": 1, "guild_id": "5", "settings": {}}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b"\xff\xfe", "The file is no JSON."),
        (b"{", "The file is no JSON."),
        ([], "The file holds no settings of mine."),
        ({"schema": "other"}, "The file holds no settings of mine."),
        ({**GOOD, "version": 2}, "The file is of version 2, and I know up to 1. Nothing was changed."),
        ({**GOOD, "version": "1"}, "- `version`: "),
        ({**GOOD, "colour": "red"}, "- `colour`: unknown"),
        ({**GOOD, "settings": {"colour": 1}}, "- `settings.colour`: unknown"),
        ({**GOOD, "settings": {"prefix": "a b"}}, "- `settings.prefix`: "),
        ({**GOOD, "settings": {"prefix": 5}}, "- `settings.prefix`: "),
        ({**GOOD, "settings": {"log_channel_id": "x"}}, "- `settings.log_channel_id`: "),
        ({**GOOD, "settings": {"music_volume": 3}}, "- `settings.music_volume`: "),
        ({**GOOD, "settings": {"mode_247": 1}}, "- `settings.mode_247`: "),
        ({**GOOD, "features": {"fly": True}}, "- `features.fly`: unknown"),
        ({**GOOD, "features": {"ai": "yes"}}, "- `features.ai`: "),
        ({**GOOD, "automod": {"words": {"entries": "x"}}}, "- `words.entries`: "),
        ({**GOOD, "settings": {f"@everyone{number}": 1 for number in range(20)}}, "- …"),
    ],
)
async def test_a_wrong_file_changes_nothing_and_is_explained(stage: Stage, body: Any, answer: str) -> None:
    """What is wrong with a file is named, place by place, and nothing of it is taken."""
    before = await keeping(stage).chosen(stage.town.guild.id)
    message = await bring(stage, body)
    assert answer in message.content
    assert "@everyone" not in message.content
    assert message.components == []
    assert await keeping(stage).chosen(stage.town.guild.id) == before


async def test_a_file_that_is_too_large_is_not_read(stage: Stage) -> None:
    """A file larger than any export is refused unread."""
    message = await bring(stage, b" " * 300_000)
    assert message.content == "The file is larger than 256 kB, so it is none of mine."


async def test_an_import_is_written_whole_or_not_at_all(stage: Stage) -> None:
    """Where the last part cannot be written, the first one is not either."""
    await choose(stage)
    before = await keeping(stage).chosen(stage.town.guild.id)
    body = await export(stage)
    body["settings"] = {"prefix": "$"}
    body["features"] = {"music": False}
    preview = await bring(stage, body)

    def fail(raw: Any) -> None:
        raw.execute("CREATE TRIGGER full BEFORE INSERT ON automod_policy BEGIN SELECT RAISE(ABORT, 'full'); END")

    await stage.bot.database.write(fail)
    message = await stage.owner.reply(stage.owner.click(preview, "ยืนยัน"))
    assert message.is_ephemeral
    assert await keeping(stage).chosen(stage.town.guild.id) == before


async def test_a_preview_belongs_to_who_asked_for_it(stage: Stage) -> None:
    """By a text command the preview is seen by all, and its buttons are for the one who asked."""
    await choose(stage)
    said = stage.owner.say(stage.channels["general"], "?settings reset")
    preview = await stage.owner.expect(stage.channels["general"], lambda message: bool(message.embeds), after=said.id)
    refused = await stage.moderator.reply(stage.moderator.click(preview, "ยืนยัน"))
    assert refused.is_ephemeral
    assert (await stage.bot.guild_config(stage.town.guild.id)).prefix == "?"


async def test_export_and_reset_are_in_the_form_too(stage: Stage) -> None:
    """The buttons of the form give the file, and the look at what a reset would change."""
    await choose(stage)
    await stage.bot.guild_configs.save(stage.town.guild.id, language=None)
    owner = stage.owner
    form = await owner.reply(owner.slash(stage.channels["general"], "settings form"))
    file = await owner.reply(owner.click(form, "Export"))
    assert file.attachments[0]["filename"] == f"settings-{stage.town.guild.id}.json"
    preview = await owner.reply(owner.click(form, "Reset…"))
    assert preview.embeds[0]["title"] == "6 changes"
    await owner.reply(owner.click(preview, "Do it"))
    assert (await stage.bot.guild_config(stage.town.guild.id)).prefix is None


def test_nothing_that_can_be_chosen_is_missing() -> None:
    """The form, the commands and the file know every setting and every feature that there is."""
    assert set(FIELDS) == set(SETTINGS) - {"ai_enabled"} == set(document.Settings.model_fields)
    assert set(get_args(Switch)) == {feature.value for feature in Feature}
    assert set(get_args(Place)) == set(CHANNELS)
