"""What guilds chose: read once, seen at once when it changes, told apart from what nobody chose."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from reference.guilds import DEFAULTS, Feature, Guilds
from reference.utils.database.database import Database, UnknownSettingError
from reference.utils.localization import Language

if TYPE_CHECKING:
    from tests.bot.conftest import Stage

GUILD = 41


async def test_nothing_chosen_is_told_apart(database: Database) -> None:
    """A guild that chose nothing has no language and no prefix, and the defaults for the rest."""
    config = await Guilds(database).get(GUILD)
    assert (config.language, config.prefix, config.log_channel_id) == (None, None, None)
    assert (config.music_volume, config.auto_disconnect_delay, config.mode_247) == (0.5, 180, False)
    assert {feature: config.enabled(feature) for feature in Feature} == dict(DEFAULTS)


async def test_direct_messages_have_the_defaults(database: Database) -> None:
    """There is no guild in a direct message: the defaults hold, and nothing is read for it."""
    guilds = Guilds(database)
    assert (await guilds.get(None)).guild_id is None
    assert guilds.cache.stats.misses == 0


async def test_a_choice_is_seen_at_once_and_read_once(database: Database) -> None:
    """What is saved is what is returned; further questions are answered from memory."""
    guilds = Guilds(database)
    await guilds.get(GUILD)
    saved = await guilds.save(GUILD, language="th", prefix="?", log_channel_id=7)
    assert (saved.language, saved.prefix, saved.log_channel_id) == (Language.THAI, "?", 7)
    misses = guilds.cache.stats.misses
    assert await guilds.get(GUILD) is saved
    assert guilds.cache.stats.misses == misses
    assert (await guilds.save(GUILD, language=None)).language is None


async def test_features_are_switched_all_or_none(database: Database) -> None:
    """Switches hold from then on, None goes back to the default, and the AI's is the setting `ai_enabled`."""
    guilds = Guilds(database)
    off = await guilds.switch(GUILD, {Feature.AI: False, Feature.MUSIC: False, Feature.AUTOMOD: True})
    assert not off.enabled(Feature.AI)
    assert not off.enabled(Feature.MUSIC)
    assert off.enabled(Feature.AUTOMOD)
    assert (await database.get_guild_settings(GUILD))["ai_enabled"] is False
    back = await guilds.switch(GUILD, {Feature.AI: None, Feature.MUSIC: None})
    assert back.enabled(Feature.AI)
    assert back.enabled(Feature.MUSIC)
    assert back.features == {Feature.AUTOMOD: True}


async def test_a_refused_choice_changes_nothing(database: Database) -> None:
    """An unknown setting is refused, and what was chosen before holds."""
    guilds = Guilds(database)
    await guilds.save(GUILD, prefix="?")
    with pytest.raises(UnknownSettingError):
        await guilds.save(GUILD, colour="red")
    assert (await guilds.get(GUILD)).prefix == "?"


async def test_an_older_reading_does_not_hide_a_change(database: Database) -> None:
    """A reading that was under way when somebody saved is not kept."""
    guilds = Guilds(database)
    readings = [asyncio.create_task(guilds.get(GUILD)) for _ in range(5)]
    await asyncio.gather(guilds.save(GUILD, prefix="?"), *readings)
    assert (await guilds.get(GUILD)).prefix == "?"


async def test_a_prefix_is_the_guilds_own(stage: Stage) -> None:
    """Text commands begin with the guild's prefix as soon as it is saved, and no longer with the operator's."""
    general, guild = stage.channels["general"], stage.town.guild
    stage.owner.say(general, "!ping")
    await stage.owner.expect(general, lambda message: message.content.startswith("Pong"))
    await stage.bot.guild_configs.save(guild.id, prefix="?")
    stage.owner.say(general, "!ping")
    stage.owner.say(general, "?ping")
    await stage.settled()
    answers = [each for each in general.messages.values() if each.content.startswith("Pong")]
    assert len(answers) == 2


async def test_the_guilds_language_comes_before_the_readers(stage: Stage) -> None:
    """Where a guild chose Thai, an English reader is answered in Thai."""
    await stage.bot.guild_configs.save(stage.town.guild.id, language="th")
    reply = await stage.owner.reply(stage.owner.slash(stage.channels["general"], "ping"))
    assert reply.content.startswith("ปอง")
