"""What voice needs on this machine, and what of it is missing."""

from __future__ import annotations

import shutil

__all__ = ["missing_parts"]

PROGRAMS = ("ffmpeg", "ffprobe")


def missing_parts() -> list[str]:
    """Return the names of what has to be installed before music can be played; it imports discord.py.

    PyNaCl encrypts voice, davey encrypts it end to end, libopus encodes it (discord.py brings it along on Windows), and
    ffmpeg reads the media.
    """
    from discord import opus, voice_client  # noqa: PLC0415  heavy

    modules = {"PyNaCl": voice_client.has_nacl, "davey": getattr(voice_client, "has_dave", True)}
    missing = [name for name, is_there in modules.items() if not is_there]
    if not _has_opus(opus):
        missing.append("libopus")
    return [*missing, *(program for program in PROGRAMS if shutil.which(program) is None)]


def _has_opus(opus: object) -> bool:
    """Tell whether libopus is loaded, after an attempt to load it as discord.py does at the first sound."""
    is_loaded, load = getattr(opus, "is_loaded", None), getattr(opus, "_load_default", None)
    return bool((is_loaded and is_loaded()) or (load and load()))
