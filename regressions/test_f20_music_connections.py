"""Connections for music are bound to 0.0.0.0, which chooses no interface and rules IPv6 out.

yt-dlp is told to bind its connections to 0.0.0.0. That is not its default, and it does not bind to all interfaces
either: for an outgoing connection the address means "any", so the operating system chooses the way out as it would
without it. Its only effect is that sites which have IPv6 addresses alone cannot be reached. Nothing breaks on most
machines, so this is information; an operator who wants IPv4 alone, or one interface, should have to ask for it.

What stands beside it matters more. The URL that a stranger gives to the music commands is fetched by yt-dlp and by
ffmpeg, so it must obey the address rules that hold for every other URL: no request to this machine or its network, not
by name, redirect or embedded media either. A download must stay in its folder, whatever a track is called. And a site
that never answers must not take the threads that the rest of the bot needs.
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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

PUBLIC, SLOW, PRIVATE = "93.184.216.34", "93.184.216.35", "10.0.0.5"
PUBLIC_6 = "2606:2800:220:1:248:1893:25c8:1946"
PATIENCE = 30.0
"""Seconds for a whole extraction; it counts as hung after them."""

HUNG, THREADS = 4, 2
PLAYER = "import sys\nwhile sys.stdin and sys.stdin.buffer.read(65536):\n    pass\n"
"""Stands in for ffmpeg: takes what it is given, and plays silence."""


def sound() -> bytes:
    """Make a second of sound."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return buffer.getvalue()


SONG = Reply(sound(), headers={"Content-Type": "audio/x-wav", "Accept-Ranges": "bytes"})
PAGE = """<html><head><title>{title}</title><meta property="og:title" content="{title}">
<meta property="og:video" content="{media}"></head><body><video src="{media}"></video></body></html>"""


def page(title: str, media: str) -> Reply:
    """Answer with a page that has a title and names a medium."""
    return Reply(PAGE.format(title=title, media=media).encode(), headers={"Content-Type": "text/html"})


def answer(request: Request) -> Reply:
    """Be all the sites of these tests."""
    if request.path == "/redirect":
        return Reply(status=302, headers={"Location": f"http://{PRIVATE}/secret.wav"})
    if request.path == "/embed":
        return page("A song", f"http://{PRIVATE}/secret.wav")
    if request.path == "/climbing":
        return page("../../../climbed", "http://media.example/song.wav")
    headers = {"Content-Disposition": 'attachment; filename="../../climbed.wav"'} if "climb" in request.path else {}
    return Reply(SONG.body, headers={**SONG.headers, **headers})


@pytest.fixture
def server() -> Iterator[WebServer]:
    """Run the sites."""
    with WebServer(answer) as running:
        yield running


@pytest.fixture
def network(server: WebServer) -> Iterator[Network]:
    """Lead names and addresses to the sites; the private address has a server too, which nobody may ask."""
    with Network() as pretended:
        pretended.name("media.example", PUBLIC)
        pretended.name("six.example", PUBLIC_6)
        pretended.name("inside.example", PRIVATE)
        for address in (PUBLIC, PUBLIC_6, PRIVATE):
            pretended.route(address, 80, to=server.port)
        yield pretended


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Put a stand-in in the place of ffmpeg; give the list of what it is called with."""
    calls: list[list[str]] = []
    script = tmp_path / "player.py"
    script.write_text(PLAYER, encoding="utf-8")

    class Popen(subprocess.Popen[Any]):
        def __init__(self, args: Any, *others: Any, **options: Any) -> None:
            if not isinstance(args, str) and Path(args[0]).stem.lower() == "ffmpeg":
                calls.append([str(argument) for argument in args])
                args = [sys.executable, str(script)]
            super().__init__(args, *others, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return calls


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder below others, so that climbing out of it shows."""
    deep = tmp_path / "one" / "two" / "three"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    return deep


async def opened(subject: Subject, url: str, *, stream: bool) -> str:
    """Let a subject open a track; return its title, or why it could not."""
    source_class = subject.media.ytdl_source.YTDLSource
    try:
        async with asyncio.timeout(PATIENCE):
            source = await source_class.from_url(url, stream=stream)
    except Exception as error:  # noqa: BLE001  a refusal may be of any type
        return f"refused with {type(error).__name__}: {error}"
    with suppress(Exception):
        source.cleanup()
    return "opened"


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "download"])
@pytest.mark.usefixtures("folder", "played", "network")
async def test_the_operating_system_chooses_the_way_out(
    subject: Subject, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """Unless somebody configured an address, no connection for music is bound to one."""
    bound: list[str] = []
    bind = socket.socket.bind

    def noting(sock: socket.socket, address: Any) -> None:
        if sock.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            bound.append(str(address[0]))
        bind(sock, address)

    monkeypatch.setattr(socket.socket, "bind", noting)
    outcome = await opened(subject, "http://media.example/song.wav", stream=stream)
    assert not bound, f"an outgoing connection was bound to {bound[0]}"
    assert outcome == "opened", f"a song of the public web was {outcome}"


@pytest.mark.usefixtures("folder", "played", "network")
async def test_sites_of_ipv6_alone_can_be_reached(subject: Subject) -> None:
    """A site that has no IPv4 address is played."""
    try:
        socket.socket(socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    outcome = await opened(subject, "http://six.example/song.wav", stream=True)
    assert outcome == "opened", f"a site that has IPv6 addresses alone was {outcome}"


@pytest.mark.parametrize(
    ("what", "url", "stream"),
    [
        ("a literal private address", f"http://{PRIVATE}/secret.wav", True),
        ("a private address in decimal", f"http://{int.from_bytes(socket.inet_aton(PRIVATE))}/secret.wav", True),
        ("a name of a private address", "http://inside.example/secret.wav", True),
        ("a redirect to a private address", "http://media.example/redirect", True),
        ("a redirect of a download to a private address", "http://media.example/redirect", False),
        ("a page with a medium at a private address", "http://media.example/embed", True),
    ],
)
@pytest.mark.usefixtures("folder")
async def test_private_addresses_are_never_asked(
    subject: Subject, network: Network, server: WebServer, played: list[list[str]], what: str, url: str, stream: bool
) -> None:
    """Neither yt-dlp nor ffmpeg is led to the machine's own network, whatever names it."""
    await opened(subject, url, stream=stream)
    asked = [request.path for request in server.requests if "secret" in request.path]
    assert not asked, f"{what} was asked for {asked[0]}"
    assert not network.reached(PRIVATE), f"{what} was connected to"
    handed = [argument for call in played for argument in call if PRIVATE in argument or "inside.example" in argument]
    assert not handed, f"{what} was handed to ffmpeg: {handed[0]}"


@pytest.mark.usefixtures("folder", "played")
async def test_this_machine_is_never_asked(subject: Subject, server: WebServer, played: list[list[str]]) -> None:
    """A server on this very machine gets no request from a URL that a stranger gave."""
    await opened(subject, f"http://127.0.0.1:{server.port}/secret.wav", stream=True)
    assert not server.requests, f"a server on this machine was asked for {server.requests[0].path}"
    handed = [argument for call in played for argument in call if "127.0.0.1" in argument]
    assert not handed, f"a server on this machine was handed to ffmpeg: {handed[0]}"


@pytest.mark.usefixtures("folder", "network")
async def test_files_are_not_played_as_urls(subject: Subject, tmp_path: Path, played: list[list[str]]) -> None:
    """A URL of a local file is handed to nobody."""
    secret = tmp_path / "secret.wav"
    secret.write_bytes(sound())
    outcome = await opened(subject, secret.as_uri(), stream=True)
    handed = [argument for call in played for argument in call if "secret" in argument]
    assert not handed, f"a local file was handed to ffmpeg: {handed[0]}"
    assert outcome != "opened" or not played, "a local file was played from its URL"


def files(folder: Path) -> set[Path]:
    """Return all files below a folder."""
    return {file for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("path", ["climbing", "climb.wav", "..%2F..%2Fclimbed.wav"])
@pytest.mark.usefixtures("played", "network")
async def test_downloads_stay_in_their_folder(subject: Subject, folder: Path, tmp_path: Path, path: str) -> None:
    """Whatever a track, its file or its page is called, nothing is written outside the folder of the bot."""
    before = files(tmp_path)
    await opened(subject, f"http://media.example/{path}", stream=False)
    written = files(tmp_path) - before
    outside = sorted(str(file.relative_to(tmp_path)) for file in written if not file.is_relative_to(folder))
    assert not outside, f"a download left its folder and became {outside[0]}"


@pytest.mark.usefixtures("folder", "played")
async def test_a_site_that_never_answers_costs_the_bot_no_thread(subject: Subject, network: Network) -> None:
    """While many extractions hang, other work of the event loop still gets a thread."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "the bot's"))
    network.name("slow.example", SLOW)
    source_class = subject.media.ytdl_source.YTDLSource
    urls = [f"http://slow.example/{number}.wav" for number in range(HUNG)]
    with WebServer(lambda _: Reply(silent=True)) as slow, ThreadPoolExecutor(1) as own:
        network.route(SLOW, 80, to=slow.port)
        hung = [asyncio.create_task(source_class.from_url(url, stream=True)) for url in urls]
        asked = await loop.run_in_executor(own, slow.wait_until, lambda: slow.held, PATIENCE)
        try:
            async with asyncio.timeout(3):
                answered = await asyncio.to_thread(lambda: True)
        except TimeoutError:
            answered = False
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*hung, return_exceptions=True)
    assert asked, "a site of the public web was never asked"
    assert answered, f"{HUNG} extractions hang, and other work waits in vain for one of the bot's threads"
