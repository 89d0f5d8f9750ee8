"""The bot's areas: a package each, with its commands, its rules, its store and its texts."""

from __future__ import annotations

from pathlib import Path

__all__ = ["AREAS", "FOLDER"]

FOLDER = Path(__file__).parent

AREAS = ("admin", "help", "privacy", "settings", "ai", "links", "moderation", "music", "community")
"""The areas in the order in which they are loaded."""
