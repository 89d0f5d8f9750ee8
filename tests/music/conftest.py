"""Real media, made by ffmpeg, and something that listens to it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def make_tone(path: Path, seconds: float = 1.0, title: str | None = None) -> Path:
    """Have ffmpeg make a tone; its format follows from the name."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([*command, *(["-metadata", f"title={title}"] if title else []), str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="session")
def ffmpeg() -> None:
    """What needs ffmpeg is skipped where there is none."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory, ffmpeg: None) -> Path:
    """A tone of one second."""
    return make_tone(tmp_path_factory.mktemp("tones") / "tone.wav")


@pytest.fixture(name="make_tone")
def _make_tone(ffmpeg: None) -> Callable[..., Path]:
    """What makes tones."""
    return make_tone


@pytest.fixture(scope="session")
def tone_bytes(tone: Path) -> bytes:
    """What is in the file of that tone."""
    return tone.read_bytes()


@pytest.fixture
def media(tmp_path: Path, tone: Path) -> Path:
    """A media folder with two tones, a text and a hidden file."""
    folder = tmp_path / "media"
    (folder / "Bands" / "The Waves").mkdir(parents=True)
    shutil.copy(tone, folder / "first_tone.wav")
    shutil.copy(tone, folder / "Bands" / "The Waves" / "second tone.wav")
    (folder / "notes.txt").write_text("no music", encoding="utf-8")
    shutil.copy(tone, folder / ".hidden.wav")
    return folder


class Speaker:
    """Takes the frames of a source in a thread, as many as it is allowed to: time passes when the test says so."""

    def __init__(self) -> None:
        """Allow nothing yet."""
        self.connected = True
        self.taken = 0
        self.is_paused = False
        self.breaks = 0
        self.sources: list[Any] = []
        self._allowed = 0
        self._news = threading.Condition()
        self._stop: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def is_connected(self) -> bool:
        """Tell whether sound can be sent."""
        return self.connected

    def play(self, source: Any, *, after: Callable[[Exception | None], object]) -> None:
        """Take the frames of a source."""
        self.sources.append(source)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take, args=(source, after, self._stop), daemon=True)
        self._thread.start()

    def _take(self, source: Any, after: Callable[[Exception | None], object], stop: threading.Event) -> None:
        error: Exception | None = None
        try:
            if self.breaks:
                self.breaks -= 1
                raise OSError("no route to the voice server")  # noqa: TRY301  as a socket would
            while self._may_go_on(stop) and source.read():
                with self._news:
                    self.taken += 1
                    self._news.notify_all()
        except Exception as failure:  # noqa: BLE001  handed over, as discord.py does
            error = failure
        after(error)
        source.cleanup()

    def _may_go_on(self, stop: threading.Event) -> bool:
        with self._news:
            self._news.wait_for(lambda: stop.is_set() or (self._allowed > self.taken and not self.is_paused), 30)
            return not stop.is_set()

    def stop(self) -> None:
        """End the source."""
        if self._stop is not None:
            self._stop.set()
        with self._news:
            self._news.notify_all()

    def pause(self) -> None:
        """Take nothing for now."""
        self.is_paused = True

    def resume(self) -> None:
        """Go on."""
        with self._news:
            self.is_paused = False
            self._news.notify_all()

    async def take(self, frames: int) -> None:
        """Take so many frames more, and wait until they are taken."""
        with self._news:
            self._allowed = self.taken + frames
            self._news.notify_all()
        await asyncio.to_thread(self._wait_for, self._allowed)

    def _wait_for(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.taken >= count, 20), f"{self.taken} of {count} frames came"

    def free(self) -> None:
        """Take whatever comes."""
        with self._news:
            self._allowed = 10**9
            self._news.notify_all()

    def close(self) -> None:
        """End the thread."""
        self.stop()
        if self._thread is not None:
            with suppress(RuntimeError):
                self._thread.join(10)


@pytest.fixture
def speaker() -> Any:
    """Something that listens."""
    made = Speaker()
    yield made
    made.close()
