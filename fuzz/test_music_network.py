"""Music from the web, in any configuration: several tracks at once, behind redirects and pages, with any names.

Whatever a track's URL leads to, this machine and its network are not asked, and ffmpeg is handed no URL of them. No
connection is bound to an address that nobody configured, a download stays in its folder whatever it is called, and no
extraction sits in the threads that the whole bot shares. A track of the public web is played.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.drawn_addresses import inner, literals
from harness.parts.network import Network
from harness.parts.site import PUBLIC
from harness.parts.songs import (
    SONG,
    enter_deep_folder,
    files,
    note_bound_addresses,
    outside,
    page,
    replace_ffmpeg,
    song_called,
)
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

Track = tuple[str, str, str | list[str] | None, str, bool]
"""How it is reached, what it is called, where it is (a host, the addresses of a name, None for the public web), the
name of its file, and whether it is streamed."""


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
        filename = f"{name}.wav"
        song = song_called(filename) if filename.isprintable() else SONG
        sites.replies[media.removeprefix(f"http://{HOST}")] = song
    sites.replies[f"/moved-{number}"] = Reply(b"moved", 302, headers={"Location": media})
    sites.replies[f"/page-{number}"] = page(title, media)
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
    return replace_ffmpeg(monkeypatch, tmp_path)


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the addresses that sockets are bound to, but for those of this machine itself."""
    return note_bound_addresses(monkeypatch)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder below others, so that climbing out of it shows."""
    return enter_deep_folder(monkeypatch, tmp_path)


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
    left = outside(written, folder, of=tmp_path)
    assert not left, f"a download left its folder and became {left[0]}"
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
