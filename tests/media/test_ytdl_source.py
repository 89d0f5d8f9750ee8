"""Music: the facts about options, connections, searching and playing, beyond the regression."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import sys
import threading
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer
from reference.utils.media import ytdl_network, ytdl_player, ytdl_source
from reference.utils.media.media_stream import MediaStream
from reference.utils.media.workers import BusyError
from reference.utils.media.ytdl_player import YTDLError, YTDLSource

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = "93.184.216.34"
ROOT = Path(__file__).resolve().parents[2]
WITH_FFMPEG = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(autouse=True)
def _fresh_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("YTDL_SOURCE_ADDRESS", "YTDL_COOKIES", "YTDL_DOWNLOAD_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def sound(seconds: int = 2) -> bytes:
    """Make a tone."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x20\x00\xe0" * 4000 * seconds)
    return buffer.getvalue()


def folders_of_songs(folder: Path) -> list[Path]:
    """Return where songs are below a folder."""
    return [file.parent for file in folder.rglob("*.wav")]


def answer(request: Request) -> Reply:
    """Be a site with a song, and with a page without one."""
    if request.path.endswith(".wav"):
        return Reply(sound(), headers={"Content-Type": "audio/x-wav"})
    return Reply(b"<html><title>no music here</title></html>", headers={"Content-Type": "text/html"})


@pytest.fixture
def site() -> Iterator[WebServer]:
    """Run the site."""
    with WebServer(answer) as running:
        yield running


@pytest.fixture
def network(site: WebServer) -> Iterator[Network]:
    """Lead a name to the site."""
    with Network() as pretended:
        pretended.name("media.example", PUBLIC)
        pretended.name("six.example", ("2606:2800:220:1::1",))
        pretended.route(PUBLIC, 80, to=site.port)
        yield pretended


def test_importing_needs_neither_yt_dlp_nor_discord_nor_pillow() -> None:
    """The modules of the package are imported without any of the heavy ones, and without a thread."""
    code = (
        "import sys, threading\n"
        "from reference.utils.media import colors, media_rust, ytdl_source, workers, media_stream\n"
        "from reference.utils import fast_json, localization\n"
        "print(sorted({'yt_dlp', 'discord', 'PIL', 'aiohttp'} & sys.modules.keys()), threading.active_count())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[] 1"


def test_names_that_need_discord_are_there_on_demand() -> None:
    """`YTDLSource` and its kin can be imported from the module they belong to; other names are an AttributeError."""
    assert ytdl_source.YTDLSource is YTDLSource
    assert ytdl_source.search_source is ytdl_player.search_source
    assert ytdl_source.YTDLError is YTDLError
    with pytest.raises(AttributeError, match="nothing_of_it"):
        _ = ytdl_source.nothing_of_it


@pytest.mark.parametrize(
    ("configured", "address"), [("", None), ("0.0.0.0", "0.0.0.0"), ("::", "::"), (" 10.1.2.3 ", "10.1.2.3")]
)
def test_an_address_is_bound_only_on_request(
    monkeypatch: pytest.MonkeyPatch, configured: str, address: str | None
) -> None:
    """Without the setting there is no address; with it yt-dlp gets that one, for both attempts."""
    monkeypatch.setenv("YTDL_SOURCE_ADDRESS", configured)
    assert ytdl_source.source_address() == address
    assert ytdl_source.get_ytdl_with_cookies().params.get("source_address") == address
    assert ytdl_source.get_ytdl_fallback_opts().get("source_address") == address


def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is no IP address is a clear error."""
    monkeypatch.setenv("YTDL_SOURCE_ADDRESS", "eth0")
    with pytest.raises(ValueError, match="'eth0', which is no IP address"):
        ytdl_source.get_ytdl_fallback_opts()


def test_cookies_are_those_of_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A cookie file is used where there is one; the second attempt has none."""
    assert "cookiefile" not in ytdl_source.get_ytdl_with_cookies().params
    file = tmp_path / "mine.txt"
    file.write_text("# Netscape HTTP Cookie File\n", encoding="utf-8")
    monkeypatch.setenv("YTDL_COOKIES", str(file))
    assert ytdl_source.get_ytdl_with_cookies().params["cookiefile"] == str(file)
    assert "cookiefile" not in ytdl_source.get_ytdl_fallback_opts()


@pytest.mark.parametrize(("stream", "start"), [(True, 0), (True, 90), (False, 0), (False, 12.5)])
def test_ffmpeg_opens_no_url(stream: bool, start: float) -> None:
    """Ffmpeg may use a pipe, by either name, or a file, and no playlist; it begins where each input allows."""
    options = ytdl_source.get_ffmpeg_options(stream, start)
    assert f"-protocol_whitelist {'pipe,fd' if stream else 'file'} " in options["before_options"]
    assert "hls" not in options["before_options"]
    assert "-vn" in options["options"]
    sought = options["options" if stream else "before_options"]
    assert (f"-ss {start:.3f}" in sought) is bool(start)


@pytest.mark.parametrize("start", [-1, float("nan"), float("inf")])
def test_a_beginning_that_is_no_time_is_refused(start: float) -> None:
    """A start before the beginning, or that is no number, is a ValueError."""
    with pytest.raises(ValueError, match="from 0 on"):
        ytdl_source.get_ffmpeg_options(stream=True, start_time=start)


@pytest.mark.parametrize(
    ("host", "port", "source", "error"),
    [
        ("media.example", 22, None, "port 22"),
        ("127.0.0.1", 80, None, "not public"),
        ("::ffff:10.0.0.1", 443, None, "not public"),
        ("six.example", 80, ("0.0.0.0", 0), "no address of the family"),
        ("media.example", 80, ("::", 0), "no address of the family"),
        ("media.example", 443, None, "refused|10061"),
    ],
)
def test_connections_that_are_refused(
    network: Network, host: str, port: int, source: tuple[str, int] | None, error: str
) -> None:
    """Ports that are none of the web, private addresses, and the other family are refused before any connection."""
    with pytest.raises(OSError, match=error):
        ytdl_network.connect_to_public((host, port), 5, source)
    assert network.connections == ([(PUBLIC, 443)] if "refused" in error else [])


def test_a_connection_is_made_to_what_was_judged(network: Network, site: WebServer) -> None:
    """One look-up is made, and its answer is connected to; `0.0.0.0` on request means IPv4."""
    for source in (None, ("0.0.0.0", 0)):
        with ytdl_network.connect_to_public(("media.example", 80), 5, source) as connection:
            assert connection.family == socket.AF_INET
            assert site.wait_until(lambda: site.connected)
        assert site.wait_until(lambda: not site.connected)
    assert network.lookups == ["media.example"] * 2
    assert network.connections == [(PUBLIC, 80)] * 2


@WITH_FFMPEG
@pytest.mark.usefixtures("network")
@pytest.mark.parametrize("stream", [True, False])
async def test_a_song_is_played(tmp_path: Path, stream: bool) -> None:
    """A song comes out as frames of 20 ms, from where it was asked to begin, and leaves no process or open file."""
    source = await YTDLSource.from_url("http://media.example/tone.wav", stream=stream, start_time=1, volume=1.0)
    frames = list(iter(source.read, b""))
    source.cleanup()
    assert 45 <= len(frames) <= 55
    assert any(frames[10])
    assert (source.title, source.url) == ("tone", "http://media.example/tone.wav")
    assert folders_of_songs(tmp_path) == ([] if stream else [tmp_path / "temp" / "audio"])


@WITH_FFMPEG
@pytest.mark.usefixtures("network")
async def test_a_song_may_be_left_in_the_middle() -> None:
    """Cleaning up while ffmpeg waits for somebody to listen ends it, its feeding thread and the connection."""
    source = await YTDLSource.from_url("http://media.example/tone.wav", stream=True)
    process = source.original._process
    assert source.read()
    source.cleanup()
    assert process.returncode is not None


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("", "nothing to search for"),
        ("  ", "nothing to search for"),
        ("http://127.0.0.1/", "that address is refused: 127.0.0.1 is not a public address"),
        ("ftp://media.example/x", "only http and https"),
        ("http://media.example/page", "cannot be played: .*Unsupported URL"),
    ],
)
async def test_what_cannot_be_played_is_a_sentence(query: str, error: str) -> None:
    """Whatever is wrong with a query, the error is one for the person who gave it."""
    for ask in (YTDLSource.from_url, YTDLSource.search_source):
        with pytest.raises(YTDLError, match=error):
            await ask(query)


@pytest.mark.usefixtures("network")
async def test_what_is_known_about_a_song() -> None:
    """Searching tells title and page, and downloads nothing."""
    info = await ytdl_source.search_source("http://media.example/tone.wav")
    assert (info["title"], info["webpage_url"]) == ("tone", "http://media.example/tone.wav")


class Searcher:
    """Stands in for yt-dlp where words are searched for."""

    def __init__(self, result: Any) -> None:
        """Find this."""
        self.result = result
        self.asked: list[str] = []

    def extract_info(self, url: str, *, download: bool) -> Any:
        """Find it."""
        assert not download
        self.asked.append(url)
        return self.result


@pytest.mark.parametrize("result", [{"entries": [{"title": "first"}, {"title": "second"}]}, {"title": "first"}])
async def test_words_are_searched_for(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    """Words become a search for one result, of which the first is taken."""
    searcher = Searcher(result)
    monkeypatch.setattr(ytdl_source, "get_ytdl_with_cookies", lambda: searcher)
    assert (await ytdl_source.search_source("a song"))["title"] == "first"
    assert searcher.asked == ["ytsearch1:a song"]


@pytest.mark.parametrize("result", [{"entries": []}, None, {}])
async def test_a_search_may_find_nothing(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    """A search without result says so."""
    monkeypatch.setattr(ytdl_source, "get_ytdl_with_cookies", lambda: Searcher(result))
    with pytest.raises(YTDLError, match="nothing was found"):
        await ytdl_source.search_source("a song")


async def test_a_deadline_and_a_crowd_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that takes too long, and too many that do, are told in a sentence each."""

    async def late(*_: Any, **__: Any) -> None:
        raise TimeoutError

    async def busy(*_: Any, **__: Any) -> None:
        raise BusyError("too many requests hang")

    for run, error in ((late, "within 45 seconds"), (busy, "too many requests hang")):
        monkeypatch.setattr(ytdl_player._workers, "run", run)
        with pytest.raises(YTDLError, match=error):
            await ytdl_source.search_source("a song")


@pytest.mark.parametrize("name", ["../x.wav", "/etc/x.wav", "below/x.wav", "..", ""])
def test_a_download_that_would_leave_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A file anywhere but in the folder itself is refused before it is written."""
    with pytest.raises(YTDLError, match="leave its folder"):
        ytdl_player._inside(tmp_path, str(tmp_path / name))
    assert ytdl_player._inside(tmp_path, str(tmp_path / "x.wav")) == tmp_path / "x.wav"


@pytest.mark.usefixtures("network")
async def test_a_download_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file above the limit is not downloaded."""
    monkeypatch.setitem(ytdl_source.ytdl_opts_hq, "max_filesize", 10)
    with pytest.raises(YTDLError, match="larger than allowed"):
        await YTDLSource.from_url("http://media.example/tone.wav", stream=False)
    assert folders_of_songs(tmp_path) == []


class LastBytes(MediaStream):
    """A medium whose last bytes are read, and whose end is not, until the test says so."""

    def __init__(self) -> None:
        self.is_at_end = threading.Event()
        self.ends = threading.Event()
        self._last = b"RIFF"

    def read(self, _size: int = -1, /) -> bytes:
        """Give the last bytes; then wait."""
        last, self._last = self._last, b""
        if not last:
            self.is_at_end.set()
            self.ends.wait(10)
        return last

    def close(self) -> None:
        """Let the end come."""
        self.ends.set()


@WITH_FFMPEG
def test_a_song_that_is_left_at_its_end_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """When ffmpeg is ended while the last bytes wait for it, the thread that feeds it ends without an exception."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    stream = LastBytes()
    audio = ytdl_player._FFmpeg(stream, ytdl_source.get_ffmpeg_options(stream=True))
    assert stream.is_at_end.wait(10)
    audio._process.kill()
    audio._process.wait()
    stream.close()
    audio.cleanup()
    assert not failed, f"the thread ended with {failed[0]}"


@pytest.mark.usefixtures("network")
async def test_without_ffmpeg_the_connection_is_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """If ffmpeg cannot be started the caller is told, and nothing stays open."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exception, match="ffmpeg was not found"):
        await YTDLSource.from_url("http://media.example/tone.wav", stream=True)
