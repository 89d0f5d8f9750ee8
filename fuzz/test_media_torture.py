"""What opens music under torture: no thread, process, connection or file outlives a disturbed call.

yt-dlp and ffmpeg are the real ones; the site is on loopback. A call that was cancelled may leave its thread to come to
its end, and the next call is served meanwhile.
"""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from fuzz.budget import fuzzer
from fuzz.torture import Tormentor, play_on_loop, torture
from harness.parts.site import site_at
from harness.parts.songs import SONG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
HOST = "media.example"
DEADLINE = 20.0
SLOWER = 3
"""By how many times fewer disturbances are tried of what asks yt-dlp, which takes a tenth of a second each."""

WITH_FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

Scenario = Callable[["Subject", Tormentor], Coroutine[Any, Any, None]]


def play(scenario: Scenario, subject: Subject, tormentor: Tormentor) -> None:
    """Play a scenario, and let the threads that it abandoned come to their end before anything is missed."""

    async def patiently(subject: Subject, tormentor: Tormentor) -> None:
        try:
            await scenario(subject, tormentor)
        finally:
            for thread in [each for each in threading.enumerate() if each.name in {"fuzz", "ytdl"}]:
                thread.join(DEADLINE)

    play_on_loop(patiently, subject, tormentor)


async def workers(subject: Subject, tormentor: Tormentor) -> None:
    """Calls in threads are cancelled, or get no thread; all places are free for the next ones."""
    crew = subject.media.workers.Workers("fuzz", limit=2)
    begun: list[int] = []

    async def caller() -> None:
        async with asyncio.TaskGroup() as calls:
            for number in range(4):
                calls.create_task(crew.run(begun.append, number, deadline=DEADLINE))
        assert sorted(begun) == [0, 1, 2, 3], f"of four calls, {sorted(begun)} were made"

    await tormentor.bear(caller(), ExceptionGroup)
    open_gate = threading.Event()
    async with asyncio.timeout(DEADLINE):
        both = [asyncio.ensure_future(crew.run(open_gate.wait, deadline=DEADLINE)) for _ in range(2)]
        while "2 running" not in repr(crew):
            assert "waiting" not in repr(crew) or " 0 waiting" in repr(crew), f"places are lost: {crew!r}"
            await asyncio.sleep(0)
        open_gate.set()
        await asyncio.gather(*both)


async def searched(subject: Subject, tormentor: Tormentor) -> None:
    """A search is cancelled, or its network fails; the next one finds the song."""
    player = subject.media.ytdl_player
    url = f"http://{HOST}/song.wav"

    async def caller() -> None:
        await player.YTDLSource.search_source(url)

    await tormentor.bear(caller(), player.YTDLError)
    assert (await player.search_source(url))["webpage_url"] == url


def opened(*, stream: bool) -> Scenario:
    """Return a scenario in which a song is opened, to be played as it comes or from a file."""

    async def scenario(subject: Subject, tormentor: Tormentor) -> None:
        player = subject.media.ytdl_player

        async def caller() -> None:
            source = await player.YTDLSource.from_url(f"http://{HOST}/song.wav", stream=stream)
            try:
                await asyncio.to_thread(source.read)
            finally:
                source.cleanup()

        await tormentor.bear(caller(), player.YTDLError, OSError, player.discord.ClientException)

    return scenario


SCENARIOS = {"workers": workers, "search": searched, "stream": opened(stream=True), "download": opened(stream=False)}
NEEDS = {"stream": WITH_FFMPEG, "download": WITH_FFMPEG}


def plays(subject: Subject, _folder: Path) -> Iterator[tuple[str, Callable[[Tormentor], None]]]:
    """Yield each scenario's name, and what plays it once."""
    with site_at(lambda _: SONG, HOST):
        for name, scenario in SCENARIOS.items():
            yield name, partial(play, scenario, subject)


@pytest.mark.parametrize("name", [pytest.param(name, marks=NEEDS.get(name, ())) for name in SCENARIOS])
def test_nothing_plays_on(subject: Subject, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """A call that is cancelled or fails anywhere ends with all that it began, and the next one is served."""
    monkeypatch.setenv("YTDL_DOWNLOAD_DIR", str(tmp_path / "songs"))
    with site_at(lambda _: SONG, HOST):
        most = FUZZ.examples // (1 if name == "workers" else SLOWER)
        FUZZ.count(torture(partial(play, SCENARIOS[name], subject), most))
    halves = sorted(file.name for file in tmp_path.rglob("*.part"))
    assert not halves, f"half a song was left behind: {halves[0]}"
