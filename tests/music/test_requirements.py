"""What voice needs, what is shown, and what a file is: the small parts."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from discord import opus

from reference.cogs.music import requirements, sound
from reference.cogs.music.markup import shown
from reference.cogs.music.render import bar, label, page_count, queue_page
from reference.cogs.music.requirements import missing_parts
from reference.cogs.music.sound import NotSoundError, Sound, open_file, probe
from reference.cogs.music.track import Kind, Track
from reference.cogs.music.track_queue import Limits, TrackQueue

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("ffmpeg")
def test_nothing_is_missing_here() -> None:
    """With everything installed there is nothing to name."""
    assert missing_parts() == []


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each part that is not there is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("discord.voice_client.has_nacl", False)
    monkeypatch.setattr("discord.voice_client.has_dave", False)
    monkeypatch.setattr(opus, "is_loaded", lambda: False)
    monkeypatch.setattr(opus, "_load_default", lambda: False)
    assert missing_parts() == ["PyNaCl", "davey", "libopus", "ffmpeg", "ffprobe"]
    assert requirements.PROGRAMS == ("ffmpeg", "ffprobe")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a_b *c* ~d~ `e` |f| \\", r"a\_b \*c\* \~d\~ \`e\` \|f\| \\"),
        ("[x](http://y)", "\\[x\\](http:\u200b//y)"),
        ("# big\n> quote", r"\# big \> quote"),
        ("- item", r"\- item"),
        ("<@123> <t:1:R>", r"\<@123\> \<t:1:R\>"),
        ("@everyone", "@\u200beveryone"),
        ("a\u202eb\x00c", "abc"),
        ("x" * 101, "x" * 99 + "…"),
    ],
)
def test_strangers_text_is_shown_as_text(text: str, expected: str) -> None:
    """Markup, mentions, links, turned text and control characters do nothing."""
    assert shown(text) == expected


def test_a_page_that_is_safe_is_linked() -> None:
    """A title leads to its page over https; any other page is left out."""

    def named(page: str | None) -> str:
        return label(Track(Kind.WEB, "x", "a", 1, None, page))

    assert named("https://media.example/a") == "[a](<https://media.example/a>)"
    for page in (None, "http://media.example/a", "https://media.example/a b", "https://media.example/>x"):
        assert named(page) == "**a**"


def test_the_bar_shows_the_position() -> None:
    """The mark goes from one end to the other, and is left out where the duration is unknown."""
    assert bar(0, 10).index("●") == 0
    assert bar(10, 10).index("●") == len(bar(10, 10)) - 1
    assert "●" not in bar(5, None)


def test_a_page_beyond_the_end_is_the_last() -> None:
    """A queue shows its last page for any later one, and one page where it is empty."""
    queue = TrackQueue().add([Track(Kind.LIBRARY, "x", f"song {number}", 1) for number in range(12)], Limits())
    assert page_count(queue) == 2
    assert "song 11" in str(queue_page(queue, 9, "en").description)
    assert queue_page(TrackQueue(), 1, "en").description == "The queue is empty."


def test_a_file_tells_duration_and_title(tmp_path: Path, make_tone: Any) -> None:
    """Ffprobe reads both where they are."""
    path = make_tone(tmp_path / "a.mp3", 0.5, title="A Title")
    duration, title = probe(path)
    assert duration == pytest.approx(0.5, abs=0.1)
    assert title == "A Title"


@pytest.mark.usefixtures("ffmpeg")
def test_a_picture_is_no_sound(tmp_path: Path) -> None:
    """A film without sound is refused, and so is what ffprobe takes too long for."""
    path = tmp_path / "silent.mp4"
    source = ["-f", "lavfi", "-i", "color=black:size=16x16:duration=0.2"]
    command = ["ffmpeg", "-v", "error", *source, str(path)]
    subprocess.run(command, check=True, timeout=60)
    with pytest.raises(NotSoundError, match="no sound in it"):
        probe(path)


def test_a_duration_that_is_none(monkeypatch: pytest.MonkeyPatch, tone: Path) -> None:
    """What ffprobe cannot tell is unknown."""
    assert sound._seconds("N/A") is None
    monkeypatch.setattr(sound, "PROBE_SECONDS", 0.0)
    with pytest.raises(NotSoundError, match="TimeoutExpired"):
        probe(tone)


def test_a_sound_counts_and_closes(tone: Path) -> None:
    """Frames are counted and told of; the process ends with the sound, once."""
    ticks: list[int] = []
    made = Sound(open_file(tone), start=0.5, every=10, tick=lambda: ticks.append(made.frames))
    pid = made.pid
    assert pid is not None
    while made.read():
        pass
    assert ticks == [10, 20, 30, 40, 50][: len(ticks)]
    assert made.position == pytest.approx(1.5, abs=0.05)
    made.volume = 0.25
    assert made.volume == 0.25
    made.cleanup()
    made.cleanup()
    assert made.is_closed
    assert made.pid is None
