"""The tunes of a fresh machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.cogs.music import samples
from reference.cogs.music.library import Library
from reference.cogs.music.samples import TUNES, make_samples
from reference.cogs.music.sound import probe

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("ffmpeg")
def test_a_fresh_machine_has_something_to_play(tmp_path: Path) -> None:
    """A folder that is not there is made with a few tunes, which are found by their names and are real sound."""
    folder = tmp_path / "data" / "music"
    made = make_samples(folder)
    assert sorted(path.stem for path in made) == sorted(TUNES)
    assert Library(folder).find("ode joy") == ["Ode to Joy - Beethoven.wav"]
    duration, _ = probe(made[0])
    assert duration == pytest.approx(0.4 * 32, abs=0.1)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    """Nothing is put into a folder of the operator's."""
    assert make_samples(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_notes_are_what_they_are_called() -> None:
    """A4 is 440 Hz, an octave doubles, and the beats are read."""
    assert [round(frequency, 2) for frequency, _ in samples._notes("A4 A5 C4")] == [440.0, 880.0, 261.63]
    assert [beats for _, beats in samples._notes("A4 A4:2 A4:0.5")] == [1.0, 2.0, 0.5]
