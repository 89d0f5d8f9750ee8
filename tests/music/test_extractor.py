"""yt-dlp for real, towards a site on this machine that a public name leads to; its troubles, and who is blamed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from yt_dlp.utils import DownloadError  # type: ignore[import-untyped]

from harness.made import MADE
from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer
from reference.cogs.music import extractor as module
from reference.cogs.music.errors import MusicError
from reference.cogs.music.extractor import Extractor, OutageError, track_of
from reference.cogs.music.library import Library
from reference.cogs.music.resolver import Resolver
from reference.cogs.music.track import Kind, Track
from reference.cogs.music.uploads import Uploads
from reference.utils.media.ytdl_player import YTDLError, search_source
from reference.utils.reliability.circuit_breaker import CircuitState
from reference.utils.reliability.error_recovery import RetryConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PUBLIC = "93.184.216.34"
SONG = "http://media.example/tone.wav"
QUICK = RetryConfig(max_retries=1, base_delay=0.0, retryable_exceptions=(OutageError,))


class Site:
    """A site with a song, that may be in trouble."""

    def __init__(self, song: bytes) -> None:
        """Be well."""
        self.song = song
        self.status = 200
        self.requests = 0

    def answer(self, request: Request) -> Reply:
        """Answer a request."""
        self.requests += 1
        if self.status != 200:
            return Reply(b"", status=self.status)
        if request.path.endswith(".wav"):
            return Reply(self.song, headers={"Content-Type": "audio/x-wav"})
        return Reply(b"<html><title>no music</title></html>", headers={"Content-Type": "text/html"})


@pytest.fixture
def site(tone: Path) -> Site:
    """The site."""
    return Site(tone.read_bytes())


@pytest.fixture(autouse=True)
def network(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Network]:
    """Lead a name to the site."""
    monkeypatch.chdir(tmp_path)
    with WebServer(site.answer) as server, Network() as pretended:
        pretended.name("media.example", PUBLIC)
        pretended.route(PUBLIC, 80, to=server.port)
        yield pretended


@pytest.fixture
def extractor() -> Extractor:
    """An extractor that tries again at once."""
    return Extractor(QUICK)


async def test_a_url_is_looked_up_and_opened(extractor: Extractor) -> None:
    """A track is made of what yt-dlp finds, and its sound can be opened at a place."""
    track = await extractor.look_up(SONG, 4)
    assert (track.kind, track.location, track.title, track.requester_id) == (Kind.WEB, SONG, "tone", 4)
    source = await extractor.open(track, 0.5, 1.0)
    frames = list(iter(source.read, b""))
    source.cleanup()
    assert 20 <= len(frames) <= 27


@pytest.mark.parametrize(
    "query", ["http://127.0.0.1/x.wav", "file:///etc/passwd", "http://media.example:22/x", "http://media.example/page"]
)
async def test_what_is_refused_opens_no_breaker(extractor: Extractor, query: str) -> None:
    """A private address, another scheme, a port and a page without music are the asker's matter, not the site's."""
    with pytest.raises(MusicError, match=r"music\.refused"):
        await extractor.look_up(query, 4)
    assert extractor.breaker("media.example").failure_count == 0
    assert extractor.breaker("127.0.0.1").failure_count == 0


async def test_a_site_in_trouble_is_left_alone_for_a_while(extractor: Extractor, site: Site) -> None:
    """After failures in a row a site is not asked any more, and the people are told when to come back; others are."""
    site.status = 503
    with pytest.raises(MusicError, match=r"music\.refused"):
        await extractor.look_up(SONG, 4)
    with pytest.raises(MusicError, match=r"music\.site_down site='media.example' count=60"):
        await extractor.look_up(SONG, 4)
    asked = site.requests
    with pytest.raises(MusicError, match=r"music\.site_down"):
        await extractor.look_up(SONG, 4)
    assert site.requests == asked
    assert extractor.breaker("other.example").state is CircuitState.CLOSED


@pytest.mark.parametrize("status", [403, 503])
async def test_a_refusal_keeps_no_connection_open(site: Site, status: int) -> None:
    """Whoever holds on to the error of a site that refused does not hold its connections open."""
    site.status = status
    count = MADE.count()
    with pytest.raises(YTDLError, match=str(status)) as refused:
        await search_source(SONG)
    assert refused.value.__cause__ is not None
    assert [str(thing) for thing in MADE.opened_since(count) if "ytdl_network" in thing.origin] == []


async def test_a_site_that_recovers_within_the_retry_is_fine(extractor: Extractor) -> None:
    """One failure is tried again, and nobody notices."""
    first = iter([True])

    async def flaky(query: str) -> dict[str, Any]:
        if next(first, False):
            raise OutageError("503")
        return {"title": query}

    assert (await extractor._guarded("look_up", "a", lambda: flaky("a")))["title"] == "a"


async def test_a_site_that_is_silent_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline over all tries is a sentence about the site."""
    extractor = Extractor(RetryConfig(max_retries=0, deadline=0.01, retryable_exceptions=(OutageError,)))

    async def silent(_: str) -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(module, "search_source", silent)
    with pytest.raises(MusicError, match=r"music\.site_silent site='media.example'"):
        await extractor.look_up(SONG, 4)


class Searcher:
    """Stands in for yt-dlp where words are searched for, which needs the internet."""

    def __init__(self, result: Any) -> None:
        """Find this."""
        self.result = result

    def extract_info(self, url: str, *, download: bool) -> Any:
        """Find it."""
        assert not download
        assert url.startswith("ytsearch")
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


RESULTS = {"entries": [{"title": "one", "url": SONG, "duration": 3}, None, {"title": "two", "url": f"{SONG}?2"}]}


async def test_words_are_searched_for(extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each result becomes a track; empty ones are left out."""
    monkeypatch.setattr(module, "make_ytdl", lambda _: Searcher(RESULTS))
    found = await extractor.search("a song", 4, 5)
    assert [(track.title, track.location, track.duration) for track in found] == [
        ("one", SONG, 3.0),
        ("two", f"{SONG}?2", None),
    ]
    monkeypatch.setattr(module, "make_ytdl", lambda _: Searcher(None))
    assert await extractor.search("a song", 4, 5) == []


async def test_a_search_that_fails_is_a_sentence(extractor: Extractor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What yt-dlp says of a failed search is told."""
    monkeypatch.setattr(module, "make_ytdl", lambda _: Searcher(DownloadError("ERROR: no results today")))
    with pytest.raises(MusicError, match="the search failed: no results today"):
        await extractor.search("a song", 4, 5)


async def test_words_without_the_internet_find_nothing(extractor: Extractor) -> None:
    """Where the search cannot be reached, that is what people are told, and not which name did not resolve."""
    for _ in range(2):
        with pytest.raises(MusicError, match=r"music\.search_away query='a song'"):
            await extractor.look_up("a song", 4)
    assert extractor.breaker(module.SEARCH).state is CircuitState.OPEN
    with pytest.raises(MusicError, match=r"music\.search_away"):
        await extractor.search("a song", 4, 5)


def test_a_track_of_little_knowledge() -> None:
    """Where yt-dlp knows next to nothing, the query stands for title and place."""
    assert track_of({}, "words", 4) == Track(Kind.WEB, "words", "words", 4)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), True),
        (ConnectionResetError(), True),
        (ValueError(), False),
        (PermissionError("not public"), False),
    ],
)
async def test_who_is_blamed(error: Exception, expected: bool) -> None:
    """Time-outs and broken connections are the site's; a refusal by our rules never is, whatever hides it."""

    async def fail() -> None:
        raise YTDLError("it failed") from error

    with pytest.raises(YTDLError) as caught:
        await module._judged(fail)
    assert isinstance(caught.value, OutageError) is expected


@pytest.fixture
def resolver(media: Path, extractor: Extractor) -> Resolver:
    """A resolver with a media folder and the web."""
    return Resolver(Library(media), Uploads(media / "uploads"), extractor, searches_web=True)


async def test_words_mean_a_file_before_the_web(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words that the media folder knows are played from there; others are searched for on the web."""
    asked: list[str] = []

    async def search(query: str) -> dict[str, Any]:
        asked.append(query)
        return {"title": "from the web", "webpage_url": SONG}

    monkeypatch.setattr(module, "search_source", search)
    assert (await resolver.resolve("second tone", 4)).kind is Kind.LIBRARY
    assert asked == []
    assert (await resolver.resolve("../first_tone.wav", 4)).title == "from the web"
    assert asked == ["../first_tone.wav"]


async def test_a_path_means_that_file(resolver: Resolver) -> None:
    """The path of a file, as the choices give it, is that file, with its duration and title."""
    track = await resolver.resolve("Bands/The Waves/second tone.wav", 4)
    assert (track.location, track.title) == ("Bands/The Waves/second tone.wav", "second tone")
    assert track.duration == pytest.approx(1.0, abs=0.01)


async def test_a_file_without_sound_is_told(resolver: Resolver, media: Path) -> None:
    """A file that ffprobe cannot read is no track."""
    (media / "broken.wav").write_bytes(b"nothing")
    with pytest.raises(MusicError, match=r"music\.no_sound name='broken'"):
        await resolver.resolve("broken", 4)


async def test_without_the_web_words_may_mean_nothing(media: Path, extractor: Extractor) -> None:
    """Offline, words that the media folder does not know find nothing."""
    resolver = Resolver(Library(media), Uploads(media / "uploads"), extractor, searches_web=False)
    with pytest.raises(MusicError, match=r"music\.not_found query='third'"):
        await resolver.resolve(" third ", 4)
    with pytest.raises(MusicError, match=r"music\.not_found"):
        await resolver.resolve("", 4)
    assert await resolver.search("third", 4) == []


async def test_a_search_shows_files_and_the_web(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files come first; a web in trouble matters only where there is nothing else."""
    monkeypatch.setattr(module, "make_ytdl", lambda _: Searcher(RESULTS))
    found = await resolver.search("tone", 4, 4)
    assert [track.kind for track in found] == [Kind.LIBRARY, Kind.LIBRARY, Kind.WEB, Kind.WEB]
    completed = [await resolver.completed(track) for track in (found[0], found[2])]
    assert [(track.title, track.kind) for track in completed] == [("first tone", Kind.LIBRARY), ("tone", Kind.WEB)]
    monkeypatch.setattr(module, "make_ytdl", lambda _: Searcher(OSError("down")))
    monkeypatch.setattr(module, "search_source", None)

    async def down(*_: Any) -> Any:
        raise MusicError("music.refused", reason="down")

    monkeypatch.setattr(resolver._extractor, "search", down)
    assert len(await resolver.search("tone", 4, 4)) == 2
    with pytest.raises(MusicError, match="down"):
        await resolver.search("nothing", 4, 4)


async def test_each_kind_of_track_is_opened(resolver: Resolver, media: Path) -> None:
    """Files, uploads and the web are opened alike; what is gone is told."""
    (media / "uploads").mkdir()
    (media / "uploads" / "7.wav").write_bytes((media / "first_tone.wav").read_bytes())
    places = [(Kind.LIBRARY, "first_tone.wav"), (Kind.UPLOAD, "7.wav"), (Kind.WEB, SONG)]
    for kind, place in places:
        source = await resolver.open(Track(kind, place, "a", 4), 0.0, 1.0)
        assert source.read()
        source.cleanup()
    for kind, place in ((Kind.LIBRARY, "../x.wav"), (Kind.UPLOAD, "8.wav")):
        with pytest.raises(MusicError, match=r"music\.file_gone title='a'"):
            await resolver.open(Track(kind, place, "a", 4), 0.0, 1.0)
    with pytest.raises(MusicError, match=r"music\.file_gone"):
        await resolver.completed(Track(Kind.LIBRARY, "gone.wav", "a", 4))


async def test_without_ffmpeg_a_file_is_refused(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where ffmpeg is missing, opening and looking tell so and raise nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MusicError, match="ffmpeg was not found"):
        await resolver.open(Track(Kind.LIBRARY, "first_tone.wav", "a", 4), 0.0, 1.0)
    with pytest.raises(MusicError, match=r"music\.no_sound"):
        await resolver.resolve("first_tone.wav", 4)
