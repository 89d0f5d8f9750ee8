"""How the program ends, for whatever started it."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["ExitCode"]


class ExitCode(IntEnum):
    """What the program's exit code means.

    Attributes:
        OK: it was told to end and did so in order, or the check found nothing that keeps it from running.
        FAILED: it failed too often in a row, or in a way that nobody foresaw.
        SETTINGS: the settings or the command line cannot be used.
        INCOMPLETE: the check found something missing; or the database cannot be brought up to date.
        TOKEN: Discord does not know the token.
        INTENTS: Discord does not grant an intent that the bot needs.
        RUNNING: another process runs on the same folder of data.
        STUCK: the event loop was blocked for so long that the process ended itself.
        UNREACHABLE: the local Discord that was named does not answer.
    """

    OK = 0
    FAILED = 1
    SETTINGS = 2
    INCOMPLETE = 3
    TOKEN = 4
    INTENTS = 5
    RUNNING = 6
    STUCK = 7
    UNREACHABLE = 8
