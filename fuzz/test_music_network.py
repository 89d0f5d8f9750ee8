"""Music from the web, in any configuration: several tracks at once, behind redirects and pages, with any names.

Whatever a track's URL leads to, this machine and its network are not asked, and ffmpeg is handed no URL of them. No
connection is bound to an address that nobody configured, a download stays in its folder whatever it is called, and no
extraction sits in the threads that the whole bot shares. A track of the public web is played.
"""

from __future__ import annotations

import asyncio
import io
import socket
import subprocess
import sys
import wave
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.drawn_addresses import PUBLIC, inner, literals
from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer
from harness.subject import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
HOST, NAME = "media.example", "drawn.example"
INSIDE = "inner-secret"
"""A word in the URL of whatever must not be asked."""

PATIENCE = 60.0
THREADS = 2
"""Threads that the bot shares."""

PLAYER = "import sys\nwhile sys.stdin and sys.stdin.buffer.read(65536):\n    pass\n"
"""Stands in for ffmpeg: takes what it is given, and plays silence."""

Track = tuple[str, str, str | list[str] | None, str, bool]
"""How it is reached, what it is called, where it is (a host, the addresses of a name, None for the public web), the
name of its file, and whether it is streamed."""


def sound() -> bytes:
    """Make a tenth of a second of sound."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1600))
    return buffer.getvalue()


SONG = Reply(sound(), headers={"Content-Type": "audio/x-wav", "Accept-Ranges": "bytes"})
PAGE = """<html><head><title>{title}</title><meta property="og:title" content="{title}">
<meta property="og:video" content="{media}"></head><body><video src="{media}"></video></body></html>"""


class Sites:
    """All sites; what each path answers is set by the example.

    Attributes:
        replies: by path.
        on_request: called with each request, in the server's thread.
    """

    def __init__(self) -> None:
        """Know no path yet."""
        self.replies: dict[str, Reply] = {}
        self.on_request: Callable[[], None] = lambda: None

    def __call__(self, request: Request) -> Reply:
        """Answer a request."""
        self.on_request()
        return self.replies.get(request.path.partition("?")[0], SONG)


class Shared(ThreadPoolExecutor):
    """The executor that the bot shares, which knows how many of its threads are at work."""

    def __init__(self) -> None:
        """Have a few threads."""
        super().__init__(THREADS, "the bot's")
        self.busy = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Count the work while it is done."""

        def counted() -> Any:
            self.busy += 1
            try:
                return function(*args, **kwargs)
            finally:
                self.busy -= 1

        return super().submit(counted)


def published(sites: Sites, number: int, track: Track) -> str:
    """Put a track on the web; return its URL."""
    how, title, place, name, _ = track
    host = HOST if place is None else f"{number}.{NAME}" if isinstance(place, list) else place
    word = "song" if place is None else INSIDE
    media = f"http://{host}/{word}-{number}/{quote(name, safe='')}.wav"
    if place is None:
        filename = f'attachment; filename="{name}.wav"'
        headers = {"Content-Disposition": filename} if filename.isprintable() else {}
        sites.replies[media.removeprefix(f"http://{HOST}")] = Reply(SONG.body, headers={**SONG.headers, **headers})
    sites.replies[f"/moved-{number}"] = Reply(b"moved", 302, headers={"Location": media})
    page = PAGE.format(title=escape(title), media=escape(media)).encode("utf-8", "replace")
    sites.replies[f"/page-{number}"] = Reply(page, headers={"Content-Type": "text/html; charset=utf-8"})
    return {
        "itself": media,
        "a redirect": f"http://{HOST}/moved-{number}",
        "a page": f"http://{HOST}/page-{number}",
    }[how]


CLIMBING = ("../climbed", *("../" * steps + "climbed" for steps in range(3, 6)), "..\\" * 4 + "climbed")
"""Names that climb, at most to the folder of the test: some lead through the bot's folder for downloads."""

ODD = (
    *("\u0e40\u0e1e\u0e25\u0e07", "", ".", "a/b", "a\\b", "CON", "NUL.wav", "%(id)s", "%s", "x" * 300, "a:b", "-i"),
    *("'\"; ls", "\x00x", "\x1b[2J"),
)
called = st.sampled_from([("A song",), CLIMBING, CLIMBING, ODD]).flatmap(st.sampled_from)
"""What a track or its file may be called."""


def at(places: st.SearchStrategy[Any]) -> st.SearchStrategy[Track]:
    """Draw a track that is at one of these places."""
    ways = st.sampled_from(["itself", "a redirect", "a page"])
    return st.tuples(ways, called, places, called, st.booleans())


inside = at(literals | st.lists(inner.map(str), min_size=1, max_size=2))
tracks = st.one_of(
    *(st.tuples(*kinds).map(list) for kinds in ((inside,), (at(st.none()),), (at(st.none()), inside))),
    st.tuples(at(st.none()), at(st.none())).map(list),
)


@pytest.fixture
def sites() -> Iterator[tuple[Sites, WebServer, WebServer]]:
    """The public sites and what is inside, over all examples."""
    public = Sites()
    with WebServer(public) as outer, WebServer(lambda _: SONG) as secret:
        yield public, outer, secret


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Put a stand-in in the place of ffmpeg; give the list of what it is called with."""
    calls: list[list[str]] = []
    script = tmp_path / "player.py"
    script.write_text(PLAYER, encoding="utf-8")

    class Popen(subprocess.Popen[Any]):
        def __init__(self, args: Any, *others: Any, **options: Any) -> None:
            if not isinstance(args, str) and "ffmpeg" in str(args[0]).lower():
                calls.append([str(argument) for argument in args])
                args = [sys.executable, "-S", "-E", str(script)]
            super().__init__(args, *others, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return calls


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the addresses that sockets are bound to, but for those of this machine itself."""
    addresses: list[str] = []
    bind = socket.socket.bind

    def noting(sock: socket.socket, address: Any) -> None:
        if sock.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            addresses.append(str(address[0]))
        bind(sock, address)

    monkeypatch.setattr(socket.socket, "bind", noting)
    return addresses


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder below others, so that climbing out of it shows."""
    deep = tmp_path / "one" / "two" / "three" / "four"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    return deep


@pytest.fixture
def own_pools(subject: Subject) -> Iterator[None]:
    """End the thread pools that the tree keeps for the life of its process, once all examples are over."""
    _ = subject.media.ytdl_source
    yield
    for module in [module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.")]:
        for value in list(vars(module).values()):
            if isinstance(value, ThreadPoolExecutor):
                value.shutdown()


async def opened(subject: Subject, url: str, *, stream: bool) -> str:
    """Let a subject open a track; say why it could not, nothing where it could."""
    source_class = subject.media.ytdl_source.YTDLSource
    try:
        async with asyncio.timeout(PATIENCE):
            source = await source_class.from_url(url, stream=stream)
    except (AttributeError, NameError, ImportError):
        raise  # the tree lacks something, or is broken
    except Exception as error:  # noqa: BLE001  a refusal may be of any type
        return f"refused with {type(error).__name__}: {error}"
    with suppress(Exception):
        source.cleanup()
    return ""


@pytest.mark.usefixtures("own_pools")
@FUZZ.tries
@given(drawn=tracks)
def test_any_tracks_at_once(
    *,
    subject: Subject,
    sites: tuple[Sites, WebServer, WebServer],
    folder: Path,
    tmp_path: Path,
    played: list[list[str]],
    bound: list[str],
    drawn: list[Track],
) -> None:
    """Tracks of all sorts are opened at once: the public ones are played, and nobody inside is asked."""
    public, outer, secret = sites
    for seen in (played, bound, secret.requests, outer.requests):
        seen.clear()
    public.replies.clear()
    shared, most_busy = Shared(), [0]
    public.on_request = lambda: most_busy.append(shared.busy)
    urls = [published(public, number, track) for number, track in enumerate(drawn)]
    before = files(tmp_path)

    async def main() -> list[str]:
        asyncio.get_running_loop().set_default_executor(shared)
        opening = [opened(subject, url, stream=track[-1]) for url, track in zip(urls, drawn, strict=True)]
        return await asyncio.gather(*opening)

    with Network() as network:
        network.name(HOST, PUBLIC)
        network.route(PUBLIC, 80, to=outer.port)
        network.route_the_rest(80, to=secret.port)
        for number, (_, _, place, _, _) in enumerate(drawn):
            if isinstance(place, list):
                network.name(f"{number}.{NAME}", place)
        outcomes = asyncio.run(main())
    written = files(tmp_path) - before
    for file in written:
        file.unlink()
    judge_requests(secret, played, bound)
    outside = sorted(file.relative_to(tmp_path).as_posix() for file in written if not file.is_relative_to(folder))
    assert not outside, f"a download left its folder and became {outside[0]}"
    assert max(most_busy) < THREADS, f"all {THREADS} threads that the bot shares wait for a site"
    for track, outcome in zip(drawn, outcomes, strict=True):
        is_plain = track[0] != "a page" and track[2] is None and track[3] == "A song"
        assert not (is_plain and outcome), f"a track of the public web was {outcome}"


def judge_requests(secret: WebServer, played: list[list[str]], bound: list[str]) -> None:
    """Check who was asked, what ffmpeg was handed, and what connections were bound to."""
    assert not secret.requests, f"this machine's own network was asked for {secret.requests[0].path}"
    handed = [argument for call in played for argument in call if INSIDE in argument]
    assert not handed, f"a private address was handed to ffmpeg: {handed[0]}"
    assert not bound, f"an outgoing connection was bound to {bound[0]}"


def files(folder: Path) -> set[Path]:
    """Return all files below a folder."""
    return {file for file in folder.rglob("*") if file.is_file()}
