"""Music in a voice channel of the local Discord: what is played is really sent, encrypted, frame by frame."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reference.guilds import Feature
from tests.bot.band import Band, settings_with_music

if TYPE_CHECKING:
    from pathlib import Path

    from reference.config import Settings
    from tests.bot.conftest import Stage

pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture
def settings(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot that plays music alone."""
    return settings_with_music(tmp_path, tmp_path_factory.getbasetemp(), monkeypatch)


@pytest.fixture
def band(stage: Stage) -> Band:
    """A stage with a listener."""
    return Band(stage)


async def test_a_track_is_sent_to_its_end(band: Band) -> None:
    """`/play` joins the asker's channel and sends the whole track: about fifty packets for its second."""
    assert await band.use(band.alice, "play", query="first") == "Now playing: **first**"
    await band.heard.until(lambda heard: heard.packets - heard.silence_frames >= 48)
    await band.heard.until(lambda heard: heard.silence_frames >= 5)
    assert band.heard.packets - band.heard.silence_frames <= 52
    assert band.heard.decrypt_failures == 0


async def test_a_pause_sends_nothing(band: Band) -> None:
    """While paused no packet comes; the rest comes after `/resume`, and the position is that of the frames sent."""
    await band.use(band.alice, "play", query="long")
    await band.sent(10)
    before = await band.paused(band.alice)
    packets = band.heard.packets
    position = band.player.position
    assert position == pytest.approx(before * 0.02, abs=0.05)
    assert band.player.is_paused
    await band.use(band.alice, "queue")
    await band.stage.discord.settled()
    assert band.heard.packets == packets
    assert await band.use(band.alice, "resume") == "Playing again."
    await band.sent(10)
    assert band.player.position == pytest.approx(band.sound * 0.02, abs=0.1)


async def test_seeking_volume_and_position(band: Band) -> None:
    """`/seek` goes on from another place, absolute or from here; `/volume` is kept for the server."""
    await band.use(band.alice, "play", query="long")
    await band.sent(5)
    assert await band.use(band.alice, "seek", position="0:30") == "Now at 0:30."
    await band.sent(5)
    assert band.player.position == pytest.approx(30.1, abs=0.5)
    assert await band.use(band.alice, "seek", position="+10") == "Now at 0:40."
    assert await band.use(band.alice, "seek", position="soon") == (
        "soon is no time. Write 1:30, or +15 to go fifteen seconds further."
    )
    assert await band.use(band.alice, "seek", position="5:00") == "The track ends at 1:00."
    assert await band.use(band.alice, "volume", percent=120) == "The volume is 120 %."
    assert band.player.volume == 1.2
    assert await band.use(band.carol, "volume") == "The volume is 120 %."
    assert (await band.stage.bot.guild_config(band.stage.town.guild.id)).music_volume == 1.2


async def test_the_queue_is_arranged(band: Band) -> None:
    """Tracks wait in their order, and are moved, removed, mixed and cleared; positions that are not there are told."""
    await band.use(band.alice, "play", query="long")
    assert await band.use(band.alice, "play", query="first") == "Added to the queue at position 1: **first**"
    assert await band.use(band.alice, "play", query="second") == "Added to the queue at position 2: **second**"
    assert await band.use(band.alice, "move", position=2, target=1) == "**second** is at position 1 now."
    assert band.titles() == ["second", "first"]
    assert await band.use(band.alice, "shuffle") == "2 tracks were mixed."
    assert sorted(band.titles()) == ["first", "second"]
    assert "first" in await band.use(band.alice, "queue")
    absent = "There is no track at position 3. `/queue` shows what waits."
    assert await band.use(band.alice, "remove", position=3) == absent
    assert await band.use(band.alice, "move", position=1, target=3) == absent
    assert (await band.use(band.alice, "remove", position=1)).startswith("Taken out of the queue: ")
    assert await band.use(band.alice, "clear") == "1 track was taken out of the queue."
    assert await band.use(band.alice, "shuffle") == "The queue is empty."
    assert band.titles() == []
    assert await band.use(band.alice, "loop", mode="queue") == "Repeat: the queue."
    assert band.player.queue.loop == "queue"


async def test_skip_previous_and_stop(band: Band) -> None:
    """`/skip` goes on, `/previous` back, `/stop` ends all; where there is nothing, that is said."""
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    await band.sent(5)
    assert await band.use(band.alice, "skip") == "Skipped: **long**"
    await band.sent(5)
    assert band.player.queue.current.title == "first"
    assert await band.use(band.alice, "previous") == "Now playing: **long**"
    assert band.titles() == ["first"]
    assert await band.use(band.alice, "previous") == "There was no track before."
    assert await band.use(band.alice, "stop") == "Stopped, and the queue was emptied."
    for command in ("skip", "nowplaying"):
        assert await band.use(band.alice, command) == "Nothing is playing."
    assert await band.use(band.alice, "resume") == "Nothing is playing."
    assert await band.use(band.alice, "seek", position="1") == "Nothing is playing."
    assert await band.use(band.alice, "queue") == "The queue is empty."


async def test_leaving_keeps_the_queue(band: Band) -> None:
    """`/leave` leaves the channel; `/resume` comes back and goes on where it was."""
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    await band.sent(20)
    assert await band.use(band.alice, "leave") == "I have left. 1 track waits for `/resume`."
    assert band.where() is None
    assert await band.use(band.alice, "leave") == "Nothing is playing."
    position = band.player.position
    assert position >= 0.3
    assert await band.use(band.alice, "resume") == "Playing again."
    await band.sent(5)
    assert band.where() == band.lounge.id
    assert band.player.position >= position


async def test_only_who_listens_may_direct(band: Band) -> None:
    """Somebody in no voice channel, or in another one, is told to come; the music goes on."""
    assert await band.use(band.carol, "play", query="first") == "Join a voice channel first."
    await band.use(band.alice, "play", query="long")
    band.carol.join_voice(band.stage.channels["Studio"])
    elsewhere = f"I am playing in <#{band.lounge.id}>. Join me there."
    for command, options in (("play", {"query": "first"}), ("pause", {}), ("skip", {}), ("clear", {})):
        assert await band.use(band.carol, command, **options) == elsewhere
    await band.sent(5)


async def test_a_role_may_direct_alone(band: Band) -> None:
    """Where a role is named, others may add, skip and remove their own tracks, and no more while they have company."""
    role = next(role for role in band.stage.town.guild.roles.values() if role.name == "Moderator")
    await band.stage.bot.guild_configs.save(band.stage.town.guild.id, dj_role_id=role.id)
    band.carol.join_voice(band.lounge)
    band.bob.join_voice(band.lounge)
    await band.use(band.carol, "play", query="long")
    await band.use(band.carol, "play", query="first")
    await band.use(band.bob, "play", query="second")
    refused = f"Only <@&{role.id}> directs the music here, as long as others listen too."
    assert await band.use(band.carol, "pause") == refused
    assert await band.use(band.carol, "remove", position=2) == refused
    assert await band.use(band.carol, "remove", position=1) == "Taken out of the queue: **first**"
    assert await band.use(band.carol, "skip") == "Skipped: **long**"
    assert await band.use(band.carol, "skip") == refused
    assert await band.use(band.bob, "pause") == "Paused."
    assert await band.use(band.alice, "resume") == "Playing again."
    for person in (band.alice, band.bob):
        person.leave_voice(band.lounge)
    await band.stage.discord.settled()
    assert await band.use(band.carol, "pause") == "Paused."


async def test_a_full_queue_is_told(band: Band, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits of a server and of a person are told."""
    monkeypatch.setattr(band.jukebox, "_limits", band.limits(2, 1))
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    assert await band.use(band.alice, "play", query="first") == (
        "You have 1 track in the queue already, which is the limit."
    )
    for person in (band.bob, band.carol):
        person.join_voice(band.lounge)
    await band.use(band.bob, "play", query="first")
    assert await band.use(band.carol, "play", query="first") == "The queue is full: it takes 2 tracks."


async def test_what_voice_needs_is_told(band: Band, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something is not installed, the answer names it, and no channel is joined."""
    monkeypatch.setattr(band.module("jukebox"), "missing_parts", lambda: ["PyNaCl", "ffmpeg"])
    for command, options in (("play", {"query": "first"}), ("search", {"words": "first"})):
        assert await band.use(band.alice, command, **options) == (
            "Music is not available at the moment, because something is not installed: PyNaCl, ffmpeg. "
            "The operator of the bot can help."
        )
    assert band.where() is None


async def test_a_channel_that_cannot_be_joined_is_told(band: Band, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the voice server does not let the bot in, the answer names the channel, and the queue stays empty."""
    monkeypatch.setattr(band.module("jukebox"), "CONNECT_SECONDS", 0.0)
    answer = await band.use(band.alice, "play", query="first")
    assert answer == f"I cannot get into <#{band.lounge.id}>. Please try again in a moment."
    assert band.player.queue.current is None


async def test_answers_are_in_thai_for_a_thai_server(band: Band) -> None:
    """The guild's language holds for answers and for what tells what is played."""
    await band.stage.bot.guild_configs.save(band.stage.town.guild.id, language="th")
    assert await band.use(band.alice, "play", query="long") == "กำลังเล่น: **long**"
    panel = await band.panel()
    assert panel.embeds[0]["title"] == "กำลังเล่น"


async def test_the_feature_can_be_switched_off(band: Band) -> None:
    """Where music is switched off its commands are refused, and so are its buttons."""
    await band.use(band.alice, "play", query="long")
    panel = await band.panel()
    await band.stage.bot.guild_configs.switch(band.stage.town.guild.id, {Feature.MUSIC: False})
    assert "switched off" in await band.use(band.alice, "pause")
    answer = await band.alice.reply(band.alice.click(panel, "⏭️"))
    assert "switched off" in answer.content
    assert band.player.queue.current.title == "long"


async def test_text_commands_work_alike(band: Band) -> None:
    """`!play` with words plays."""
    said = band.alice.say(band.text, "!play first")
    answer = await band.alice.expect(band.text, lambda message: message.content.startswith("Now"), after=said.id)
    assert answer.content == "Now playing: **first**"


async def test_what_is_not_found_is_told(band: Band) -> None:
    """Offline, words without a file, paths out of the folder and links into this machine find nothing."""
    assert await band.use(band.alice, "play", query="../../bot.db *x*") == r"I found nothing for ../../bot.db \*x\*."
    answer = await band.use(band.alice, "play", query=f"{band.stage.discord.url}/secret.wav")
    assert answer.startswith("That cannot be played: that address is refused")
    assert await band.use(band.alice, "search", words="third") == "I found nothing for third."
    assert band.where() is None


async def test_titles_are_shown_as_text(band: Band, settings: Settings) -> None:
    """Markup and mentions in a title are escaped wherever it is shown."""
    shutil.copy(settings.media / "first.wav", settings.media / "@everyone __loud__ [x](y).wav")
    answer = await band.use(band.alice, "play", query="loud")
    assert answer == "Now playing: **@\u200beveryone  loud  \\[x\\](y)**".replace("  ", " ")


async def test_the_panel_follows_the_music(band: Band) -> None:
    """One message tells what is played, with the position, and is edited when something changes."""
    await band.use(band.alice, "play", query="long")
    panel = await band.panel(lambda text: "long" in text)
    await band.use(band.alice, "pause")
    await band.until(lambda: panel.embeds[0]["title"] == "Paused")
    await band.use(band.alice, "play", query="first")
    await band.until(lambda: "1 song in the queue" in str(panel.embeds[0]["footer"]))
    await band.use(band.alice, "stop")
    await band.until(lambda: "The queue is over" in str(panel.embeds[0]))
    assert not panel.components


async def test_the_panel_comes_to_the_end_of_the_channel(band: Band) -> None:
    """A new track is told by a new message if others were written since, and the old one goes."""
    await band.use(band.alice, "play", query="long")
    await band.use(band.alice, "play", query="first")
    old = await band.panel(lambda text: "**long**" in text)
    band.alice.say(band.text, "what a song")
    await band.use(band.alice, "skip")
    await band.panel(lambda text: "**first**" in text and "**long**" not in text)
    await band.until(lambda: old.id not in band.text.messages)


async def test_the_buttons_direct_the_music(band: Band) -> None:
    """Pause, loop, shuffle, skip and stop work by their buttons; who does not listen is refused."""
    for name in ("long", "first", "second"):
        await band.use(band.alice, "play", query=name)
    await band.sent(2)
    await band.press(band.alice, "⏸️")
    await band.until(lambda: band.player.is_paused)
    await band.panel(lambda text: "Paused" in text)
    await band.press(band.alice, "▶️")
    await band.panel(lambda text: "Now playing" in text)
    await band.press(band.alice, "➡️")
    await band.panel(lambda text: "the track" in text)
    await band.press(band.alice, "🔂")
    await band.panel(lambda text: "the queue" in text)
    await band.press(band.alice, "🔀")
    await band.press(band.alice, "⏭️")
    await band.panel(lambda text: "'**long**'" not in text)
    refused = await band.carol.reply(band.carol.click(await band.panel(), "⏹️"))
    assert refused.content == "Join a voice channel first."
    assert refused.is_ephemeral
    await band.press(band.alice, "⏹️")
    await band.until(lambda: any("The queue is over" in str(each.embeds) for each in band.text.messages.values()))
    assert band.player.queue.current is None


async def test_now_playing_brings_the_buttons(band: Band) -> None:
    """`/nowplaying` answers with the panel, which takes the place of the one before."""
    await band.use(band.alice, "play", query="long")
    old = await band.panel()
    shown = await band.carol.reply(band.carol.slash(band.text, "nowplaying"))
    await band.until(lambda: old.id not in band.text.messages)
    await band.alice.answered(band.alice.click(shown, "⏸️"))
    await band.until(lambda: shown.embeds[0]["title"] == "Paused")


async def test_a_long_queue_has_pages(band: Band) -> None:
    """The queue is shown ten by ten, and buttons turn the pages."""
    await band.fill(band.alice, *(f"song {number}" for number in range(24)))
    shown = await band.alice.reply(band.alice.slash(band.text, "queue"))
    assert "song 10" in str(shown.embeds)
    assert "song 11" not in str(shown.embeds)
    assert shown.embeds[0]["footer"]["text"] == "Page 1 of 3 · 0:23 to play"
    await band.alice.answered(band.alice.click(shown, "▶️"))
    await band.until(lambda: "song 11" in str(shown.embeds))
    await band.alice.answered(band.alice.click(shown, "music:page:3"))
    await band.until(lambda: "song 23" in str(shown.embeds))
    assert "Page 3 of 3" in await band.page(9)


async def test_a_search_offers_a_menu(band: Band) -> None:
    """`/search` shows the results to the asker, who chooses one."""
    shown = await band.alice.reply(band.alice.slash(band.text, "search", words="s"))
    assert shown.content == "I found 2 tracks:"
    assert shown.is_ephemeral
    band.alice.select(shown, "Choose what to play", "second")
    await band.until(lambda: shown.content == "Now playing: **second**")
    assert not shown.components
    await band.sent(5)


async def test_files_are_offered_while_typing(band: Band) -> None:
    """The query of `/play` is completed from the media folder."""
    offered = await band.alice.choices(band.alice.autocomplete(band.text, "play", "query", "sec"))
    assert [choice["value"] for choice in offered] == ["second.wav"]
