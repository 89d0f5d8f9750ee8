"""A name is resolved twice: once for the check, once for the connection.

Whoever sends a URL to the bot also runs the name server that answers for it, and may answer the check with a public
address and the connection, a moment later, with an address of the bot's own network: metadata of the cloud, a database,
the health page. The same door stands open wherever the address that is connected to is not the one that was judged: at
a redirect, at the second address of an answer, at a literal address that no resolver is ever asked about, and in the
spellings and wrappings of an address that the judge reads otherwise than the operating system.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from harness.parts.fetches import BATCH, CALLERS, OWN, fetch
from harness.parts.network import Network
from harness.parts.site import ABSENT, INNER, INSIDE, PUBLIC, leading_on
from harness.parts.webserver import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.subject import Subject

PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.20.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "0.0.0.0",
    "::1",
    "::",
    "fd00::10",
    "fe80::10",
)
WRAPPED = (
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "64:ff9b::7f00:1",
    "64:ff9b::a01:203",
    "2002:7f00:1::1",
    "2002:a01:203::1",
)
SPELLINGS = (
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020\u30020\u30021",
    "stranger@127.0.0.1",
    f"{PUBLIC}@127.0.0.1",
)
LITERALS = tuple(f"[{place}]" if ":" in place else place for place in (*PRIVATE, *WRAPPED)) + SPELLINGS
START = "http://start.example/to"
"""A page that redirects to what follows."""

WAYS = {"own": OWN, "callers": CALLERS, "batch": BATCH}
"""How a URL is fetched: by a word for host names, and for people."""


class World:
    """A public web server, an inner one behind every address that is not public, and a scripted name server."""

    def __init__(self, network: Network, outer: WebServer, inner: WebServer) -> None:
        """Lead the public address to `outer`, and all others to `inner`."""
        self.network, self.inner = network, inner
        network.route(PUBLIC, 80, to=outer.port)
        for address in (*PRIVATE, *WRAPPED):
            network.route(address, 80, to=inner.port)
        network.name("start.example", PUBLIC)

    def turning(self, lookups: int) -> None:
        """Let a name for each way be public for so many look-ups, and lead inward from then on."""
        for way in WAYS:
            self.network.name(f"{way}.example", *[PUBLIC] * lookups, "127.0.0.1")

    async def assert_refused(self, subject: Subject, urls: Mapping[str, str], times: int = 1) -> None:
        """Fetch each URL in all ways, all at once, and check that none led to the inner server.

        Args:
            subject: the subject.
            urls: by what they are. `{way}` in a URL stands for a word that is another one for each way; paths begin
                with `/secret` or, in a redirect, lead there.
            times: how often to fetch each in each way.
        """
        asked = [(f"{what} ({name})", url, way) for what, url in urls.items() for way, name in WAYS.items()]
        marked = {f"/secret?{number}": what for number, (what, _, _) in enumerate(asked)}
        for _ in range(times):
            fetches = (
                fetch(subject, f"{url.format(way=way)}?{number}", WAYS[way])
                for number, (_, url, way) in enumerate(asked)
            )
            contents = await asyncio.gather(*fetches)
            paths = {request.path for request in self.inner.requests}
            led = [what for path, what in marked.items() if path in paths] or paths
            assert not paths, f"{next(iter(led))} led to the inner server, which was asked for its secret"
            assert INSIDE not in "".join(contents), "the inner page was given to the outside"


@pytest.fixture
def world() -> Iterator[World]:
    """The network in which the subject fetches."""
    with WebServer(leading_on) as outer, WebServer(lambda _: INNER) as inner, Network() as network:
        yield World(network, outer, inner)


async def test_a_public_page_arrives(subject: Subject, world: World) -> None:
    """A page at a public address is fetched, under its own name, so that the refusals below mean something."""
    world.network.name("public.example", PUBLIC)
    for url in ("http://public.example/page", f"{START}/public.example/page"):
        for way in WAYS.values():
            contents = await fetch(subject, url, way)
            assert "Served as public.example" in contents, f"a public page was not fetched ({way}): {contents[:80]}"


@pytest.mark.parametrize("lookups", [1, 2, 3])
async def test_a_name_that_turns_inward_leads_nowhere(subject: Subject, world: World, lookups: int) -> None:
    """However many look-ups a name answers honestly, the inner server is not reached when it changes its answer."""
    world.turning(lookups)
    what = f"a name that was public for {lookups} look-ups"
    await world.assert_refused(subject, {what: "http://{way}.example/secret"}, lookups + 1)


@pytest.mark.parametrize("lookups", [1, 2, 3])
async def test_a_redirect_to_a_name_that_turns_inward_leads_nowhere(
    subject: Subject, world: World, lookups: int
) -> None:
    """The name that a redirect leads to is held to the same rule as the first one."""
    world.turning(lookups)
    what = f"a redirect to a name that was public for {lookups} look-ups"
    await world.assert_refused(subject, {what: f"{START}/{{way}}.example/secret"}, lookups + 1)


@pytest.mark.parametrize("address", [*PRIVATE, *WRAPPED])
async def test_every_address_of_an_answer_counts(subject: Subject, world: World, address: str) -> None:
    """An address that is not public is not connected to, whether it is the only, the first or the second answer."""
    urls = {}
    for number, answers in enumerate(([address], [ABSENT, address], [address, ABSENT])):
        world.network.name(f"several{number}.example", answers)
        what = f"a name with the addresses {', '.join(answers)}"
        urls[what] = f"http://several{number}.example/secret"
        urls[f"{what}, in a redirect"] = f"{START}/several{number}.example/secret"
    await world.assert_refused(subject, urls)


@pytest.mark.parametrize("literal", LITERALS)
async def test_a_literal_address_is_judged_in_every_spelling(subject: Subject, world: World, literal: str) -> None:
    """A literal address that is not public is not connected to, in the first URL and in a redirect."""
    what = f"the address {literal}"
    urls = {what: f"http://{literal}/secret", f"{what} in a redirect": f"{START}/{literal}/secret"}
    await world.assert_refused(subject, urls)
