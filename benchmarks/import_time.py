"""Importing the package in a fresh interpreter, beside the time that it may take."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contest import Bout, Contender, Contest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = 0.150
"""Seconds."""

HEAVY = ("yt_dlp", "PIL", "discord", "aiohttp", "sentry_sdk")
PACKAGE = "reference.utils"
LIGHT = (PACKAGE, *(f"{PACKAGE}.{name}" for name in ("fast_json", "localization", "media.colors", "media.media_rust")))


def _run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)  # noqa: S603
    return done.stdout.strip()


def _importing(*modules: str) -> Callable[[], Awaitable[Bout]]:
    """Make a contender that starts an interpreter and imports modules, none of which may bring a heavy one along."""
    code = "\n".join(f"import {module}" for module in modules)

    async def enter() -> Bout:
        async def prove() -> None:
            if found := _run(f"import sys\n{code}\nprint(*({set(HEAVY)!r} & sys.modules.keys()))"):
                raise ValueError(f"it imports {found} as well")

        return Bout(lambda: _run(code), "", prove, awaits=False)

    return enter


async def _allowed() -> Bout:
    return Bout(lambda: time.sleep(ALLOWED), None, awaits=False)


CONTESTS = [
    Contest(
        "import_time",
        "Importing the package, start of the interpreter included",
        1.0,
        [
            Contender("150 ms", _allowed),
            Contender(PACKAGE, _importing(PACKAGE), is_ours=True),
            Contender("with five modules", _importing(*LIGHT), note="JSON, messages, colours, pictures"),
        ],
    ),
]
