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
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from harness.parts.network import Network
from harness.parts.songs import (
    SONG,
    enter_deep_folder,
    files,
    note_bound_addresses,
    outside,
    page,
    replace_ffmpeg,
    song_called,
    sound,
)
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.subject import Subject

PUBLIC, SLOW, PRIVATE = "93.184.216.34", "93.184.216.35", "10.0.0.5"
PUBLIC_6 = "2606:2800:220:1:248:1893:25c8:1946"
PATIENCE = 60.0
"""Seconds for a whole extraction, as many as a regression has: on a slow machine none is taken for refused."""

HUNG, THREADS = 4, 2


def answer(request: Request) -> Reply:
    """Be all the sites of these tests."""
    if request.path == "/redirect":
        return Reply(status=302, headers={"Location": f"http://{PRIVATE}/secret.wav"})
    if request.path == "/embed":
        return page("A song", f"http://{PRIVATE}/secret.wav")
    if request.path == "/climbing":
        return page("../../../climbed", "http://media.example/song.wav")
    return song_called("../../climbed.wav") if "climb" in request.path else SONG


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
    return replace_ffmpeg(monkeypatch, tmp_path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder below others, so that climbing out of it shows."""
    return enter_deep_folder(monkeypatch, tmp_path)


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
    bound = note_bound_addresses(monkeypatch)
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


@pytest.mark.parametrize("path", ["climbing", "climb.wav", "..%2F..%2Fclimbed.wav"])
@pytest.mark.usefixtures("played", "network")
async def test_downloads_stay_in_their_folder(subject: Subject, folder: Path, tmp_path: Path, path: str) -> None:
    """Whatever a track, its file or its page is called, nothing is written outside the folder of the bot."""
    before = files(tmp_path)
    await opened(subject, f"http://media.example/{path}", stream=False)
    left = outside(files(tmp_path) - before, folder, of=tmp_path)
    assert not left, f"a download left its folder and became {left[0]}"


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
