"""A little music for a media folder that is not there yet, so that a fresh machine without internet has some to play.

The tunes are old enough to belong to everybody. They are computed, not recorded.
"""

from __future__ import annotations

import array
import math
import sys
import wave
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["TUNES", "make_samples"]

RATE = 16_000
"""Samples in a second."""

LOUDEST = 9_000
BEAT_SECONDS = 0.4
FADE_SECONDS = 0.02
"""At both ends of a note, without which it would crack."""

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Half-tones above C."""

TUNES = {
    "Ode to Joy - Beethoven": (
        "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4:1.5 D4:0.5 D4:2 E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 D4:1.5 C4:0.5 C4:2"
    ),
    "Frere Jacques - traditional": (
        "C4 D4 E4 C4 C4 D4 E4 C4 E4 F4 G4:2 E4 F4 G4:2 G4:0.5 A4:0.5 G4:0.5 F4:0.5 E4 C4 "
        "G4:0.5 A4:0.5 G4:0.5 F4:0.5 E4 C4 C4 G3 C4:2 C4 G3 C4:2"
    ),
    "Twinkle Twinkle - traditional": (
        "C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2 G4 G4 F4 F4 E4 E4 D4:2 "
        "G4 G4 F4 F4 E4 E4 D4:2 C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2"
    ),
}
"""By name: the notes with their beats, one where nothing is said."""


def make_samples(folder: Path) -> list[Path]:
    """Make a folder with a few tunes; nothing happens where the folder is there. It takes a moment.

    Raises:
        OSError: it cannot be written.
    """
    if folder.exists():
        return []
    folder.mkdir(parents=True)
    made = []
    for name, notes in TUNES.items():
        path = folder / f"{name}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            for frequency, beats in _notes(notes):
                file.writeframes(_tone(frequency, beats * BEAT_SECONDS))
        made.append(path)
    return made


def _notes(text: str) -> Iterator[tuple[float, float]]:
    """Yield the frequency of each note in hertz, and its beats; A4 is 440 Hz."""
    for note in text.split():
        name, _, beats = note.partition(":")
        half_tones = STEPS[name[0]] + 12 * (int(name[1]) - 4) - STEPS["A"]
        yield 440.0 * 2 ** (half_tones / 12), float(beats or 1)


def _tone(frequency: float, seconds: float) -> bytes:
    """Return a note with a soft overtone, that fades in and out."""
    count = int(RATE * seconds)
    fade = RATE * FADE_SECONDS
    step = 2 * math.pi * frequency / RATE
    sine = math.sin
    samples = array.array("h", bytes(2 * count))
    for place in range(count):
        loudness = LOUDEST * min(1.0, place / fade, (count - place) / fade)
        samples[place] = int(loudness * (sine(step * place) + 0.3 * sine(2 * step * place)))
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
